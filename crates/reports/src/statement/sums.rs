//! What a statement and our payouts come to.

use std::collections::{HashMap, HashSet};

use payout_domain::{money::FeeType, state::State};
use payout_store::find::Status;
use serde::Serialize;

use super::lines::{End, Line};

/// What was paid according to the statement (*there*) and to us (*here*), in rupiah. What came back counts as paid: it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    /// Lines of the statement, however they ended.
    pub lines: usize,
    /// Where they differ from our payouts.
    pub differences: usize,
    /// How many payouts the statement has as paid.
    pub payouts_there: usize,
    /// How many we have as paid: in the days that the statement covers, and those that it names.
    pub payouts_here: usize,
    /// The part of `payouts_here` that was paid on other days.
    pub payouts_other_days: usize,
    /// Their amounts, according to the statement.
    pub gross_there: i64,
    /// Their amounts, according to us.
    pub gross_here: i64,
    /// The part of `gross_here` that was paid on other days, and is in the report of those.
    pub gross_other_days: i64,
    /// `gross_there` less `gross_here`.
    pub gross_difference: i64,
    /// The fees that the statement states; `None` unless it states one for each payout that it has as paid.
    pub fee_there: Option<i64>,
    /// The fees that we know.
    pub fee_here: i64,
    /// `fee_there` less `fee_here`.
    pub fee_difference: Option<i64>,
    /// What beneficiaries received according to the statement; `None` where a fee is not stated, or a payout is not ours, so
    /// that nothing says whether its fee came out of the amount.
    pub net_there: Option<i64>,
    /// What beneficiaries received according to us.
    pub net_here: i64,
    /// `net_there` less `net_here`.
    pub net_difference: Option<i64>,
}

/// Sums up the lines, and our payouts: those that the statement names (`named`), and those paid in the days that it covers
/// (`due`), if somebody said which.
pub fn sums(lines: &[Line], named: &[Status], due: Option<&[Status]>, differences: usize) -> Sums {
    let mut sums = Sums {
        lines: lines.len(),
        differences,
        ..Sums::default()
    };
    sums.add_ours(named, due);
    sums.add_theirs(lines, named);
    let less = |there: Option<i64>, here: i64| there.map(|there| there.saturating_sub(here));
    Sums {
        gross_difference: sums.gross_there.saturating_sub(sums.gross_here),
        fee_difference: less(sums.fee_there, sums.fee_here),
        net_difference: less(sums.net_there, sums.net_here),
        ..sums
    }
}

impl Sums {
    fn add_ours(&mut self, named: &[Status], due: Option<&[Status]>) {
        let on_these_days: HashSet<&str> = due
            .into_iter()
            .flatten()
            .map(|payout| &*payout.order_num)
            .collect();
        let paid = |payout: &&Status| {
            [State::Paid, State::Returned]
                .map(State::name)
                .contains(&&*payout.state)
        };
        let mut seen = HashSet::new();
        for payout in due.into_iter().flatten().chain(named).filter(paid) {
            if !seen.insert(&*payout.order_num) {
                continue;
            }
            let fee = payout.fee.unwrap_or_default();
            self.payouts_here = self.payouts_here.saturating_add(1);
            self.gross_here = self.gross_here.saturating_add(payout.amount);
            self.fee_here = self.fee_here.saturating_add(fee);
            self.net_here = self
                .net_here
                .saturating_add(net(payout, payout.amount, fee));
            if due.is_some() && !on_these_days.contains(&*payout.order_num) {
                self.payouts_other_days = self.payouts_other_days.saturating_add(1);
                self.gross_other_days = self.gross_other_days.saturating_add(payout.amount);
            }
        }
    }

    fn add_theirs(&mut self, lines: &[Line], named: &[Status]) {
        let ours: HashMap<&str, &Status> = named
            .iter()
            .map(|payout| (&*payout.order_num, payout))
            .collect();
        (self.fee_there, self.net_there) = (Some(0), Some(0));
        for line in lines {
            match line.end {
                End::Paid | End::Returned => {}
                End::Open | End::Failed => continue,
            }
            self.payouts_there = self.payouts_there.saturating_add(1);
            self.gross_there = self.gross_there.saturating_add(line.amount);
            let more = |sum: Option<i64>, more: Option<i64>| sum?.checked_add(more?);
            self.fee_there = more(self.fee_there, line.fee);
            let payout = ours.get(&*line.order_num);
            let received = payout.zip(line.fee);
            let received = received.map(|(payout, fee)| net(payout, line.amount, fee));
            self.net_there = more(self.net_there, received);
        }
    }
}

/// What the beneficiary of a payout received of an amount.
fn net(payout: &Status, amount: i64, fee: i64) -> i64 {
    match FeeType::from_code(payout.fee_type) {
        Some(FeeType::OutOfAmount) => amount.saturating_sub(fee),
        Some(FeeType::OnTop) | None => amount,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(order: &str, state: State, fee_type: i16) -> Status {
        Status {
            order_num: order.to_owned(),
            state: state.name().to_owned(),
            amount: 1_000,
            fee_type,
            fee: Some(25),
            ..Status::default()
        }
    }

    fn theirs(order: &str, amount: i64, fee: Option<i64>, end: End) -> Line {
        Line {
            number: 2,
            order_num: order.to_owned(),
            amount,
            fee,
            end,
        }
    }

    #[test]
    fn both_sides_are_summed_by_what_was_paid() {
        let named = [
            ours("A", State::Paid, 0),
            ours("B", State::Returned, 1),
            ours("C", State::Failed, 0),
            ours("E", State::Paid, 1),
        ];
        let lines = [
            theirs("A", 1_000, Some(25), End::Paid),
            theirs("B", 1_000, Some(30), End::Returned),
            theirs("C", 9_000, None, End::Failed),
            theirs("E", 1_000, Some(25), End::Paid),
        ];
        // D is not in the statement, and E was paid on another day.
        let due = [
            named[0].clone(),
            named[1].clone(),
            ours("D", State::Paid, 0),
        ];
        assert_eq!(
            sums(&lines, &named, Some(&due), 2),
            Sums {
                lines: 4,
                differences: 2,
                payouts_there: 3,
                payouts_here: 4,
                payouts_other_days: 1,
                gross_there: 3_000,
                gross_here: 4_000,
                gross_other_days: 1_000,
                gross_difference: -1_000,
                fee_there: Some(80),
                fee_here: 100,
                fee_difference: Some(-20),
                net_there: Some(2_975),
                net_here: 3_950,
                net_difference: Some(-975),
            }
        );
    }

    #[test]
    fn a_sum_that_the_statement_does_not_give_is_not_guessed() {
        let named = [ours("A", State::Paid, 0)];
        let silent = [theirs("A", 1_000, None, End::Paid)];
        let found = sums(&silent, &named, None, 0);
        assert_eq!((found.fee_there, found.net_there), (None, None));
        assert_eq!((found.gross_difference, found.payouts_other_days), (0, 0));
        let foreign = [theirs("X", 1_000, Some(25), End::Paid)];
        let found = sums(&foreign, &[], None, 1);
        assert_eq!((found.fee_there, found.net_there), (Some(25), None));
    }
}
