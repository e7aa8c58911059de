//! What the lines of a report come to.

use chrono::NaiveDate;

use super::period::{Bank, Line};

/// What lines of days or merchants come to, in rupiah: opening + top-ups + returned - debit - more held = closing.
///
/// The gateway's figures are not summed: each is of its own moment, and a surplus here would hide a shortfall there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Total {
    /// The first day.
    pub from_day: NaiveDate,
    /// The last day.
    pub to_day: NaiveDate,
    /// How many merchants the lines are of. What one of them has, another one cannot spend.
    pub merchants: usize,
    /// What was available when the first day began, of all merchants: not a sum over the days.
    pub opening: i64,
    /// How many payouts became paid.
    pub payouts_paid: i64,
    /// How many became failed.
    pub payouts_failed: i64,
    /// How many were returned.
    pub payouts_returned: i64,
    /// The instructed amounts of what became paid.
    pub gross: i64,
    /// What the gateway kept, with corrections of earlier fees.
    pub fee: i64,
    /// The part of `fee` that came out of the amount (fee type 0).
    pub fee_out_of_amount: i64,
    /// The part of `fee` that was charged on top (fee type 1).
    pub fee_on_top: i64,
    /// What beneficiaries received.
    pub net: i64,
    /// What it cost: net + fee.
    pub debit: i64,
    /// Booked as funding, less withdrawals.
    pub top_ups: i64,
    /// What came back from beneficiaries.
    pub returned: i64,
    /// By how much the held balance grew.
    pub held_change: i64,
    /// What was available when the last day ended, of all merchants: not a sum over the days.
    pub closing: i64,
    /// What was held when the last day ended, of all merchants.
    pub held_closing: i64,
}

/// What lines of banks come to, in rupiah. Each column is a sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct BankTotal {
    /// The first day.
    pub from_day: NaiveDate,
    /// The last day.
    pub to_day: NaiveDate,
    /// How many merchants the lines are of.
    pub merchants: usize,
    /// How many payouts became paid.
    pub payouts_paid: i64,
    /// How many became failed.
    pub payouts_failed: i64,
    /// How many were returned.
    pub payouts_returned: i64,
    /// The instructed amounts of what became paid.
    pub gross: i64,
    /// What the gateway kept, with corrections of earlier fees.
    pub fee: i64,
    /// The part of `fee` that came out of the amount (fee type 0).
    pub fee_out_of_amount: i64,
    /// The part of `fee` that was charged on top (fee type 1).
    pub fee_on_top: i64,
    /// What beneficiaries received.
    pub net: i64,
    /// What it cost: net + fee.
    pub debit: i64,
    /// What came back from beneficiaries.
    pub returned: i64,
}

/// What all lines of [`super::period::lines`] come to; `None` without a line.
pub fn of_lines(lines: &[Line]) -> Option<Total> {
    let from_day = lines.iter().map(|line| line.from_day).min()?;
    let to_day = lines.iter().map(|line| line.to_day).max()?;
    let of = |column: fn(&Line) -> i64| sum(lines, column);
    let at_first = |line: &Line| i64::from(line.from_day == from_day);
    let at_last = |line: &Line| i64::from(line.to_day == to_day);
    Some(Total {
        from_day,
        to_day,
        merchants: merchants(lines, |line| &line.merchant_code),
        opening: sum(lines, |line| line.opening.saturating_mul(at_first(line))),
        payouts_paid: of(|line| line.payouts_paid),
        payouts_failed: of(|line| line.payouts_failed),
        payouts_returned: of(|line| line.payouts_returned),
        gross: of(|line| line.gross),
        fee: of(|line| line.fee),
        fee_out_of_amount: of(|line| line.fee_out_of_amount),
        fee_on_top: of(|line| line.fee_on_top),
        net: of(|line| line.net),
        debit: of(|line| line.debit),
        top_ups: of(|line| line.top_ups),
        returned: of(|line| line.returned),
        held_change: of(|line| line.held_change),
        closing: sum(lines, |line| line.closing.saturating_mul(at_last(line))),
        held_closing: sum(lines, |line| {
            line.held_closing.saturating_mul(at_last(line))
        }),
    })
}

/// What all lines of [`super::period::banks`] come to; `None` without a line.
pub fn of_banks(lines: &[Bank]) -> Option<BankTotal> {
    let first = lines.first()?;
    let of = |column: fn(&Bank) -> i64| sum(lines, column);
    Some(BankTotal {
        from_day: first.from_day,
        to_day: first.to_day,
        merchants: merchants(lines, |line| &line.merchant_code),
        payouts_paid: of(|line| line.payouts_paid),
        payouts_failed: of(|line| line.payouts_failed),
        payouts_returned: of(|line| line.payouts_returned),
        gross: of(|line| line.gross),
        fee: of(|line| line.fee),
        fee_out_of_amount: of(|line| line.fee_out_of_amount),
        fee_on_top: of(|line| line.fee_on_top),
        net: of(|line| line.net),
        debit: of(|line| line.debit),
        returned: of(|line| line.returned),
    })
}

fn sum<L>(lines: &[L], column: impl Fn(&L) -> i64) -> i64 {
    lines.iter().map(column).fold(0, i64::saturating_add)
}

fn merchants<L>(lines: &[L], code: impl Fn(&L) -> &String) -> usize {
    let codes: std::collections::BTreeSet<&String> = lines.iter().map(code).collect();
    codes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(merchant: &str, day: u32, opening: i64, debit: i64) -> Line {
        let day = NaiveDate::from_ymd_opt(2026, 10, day).unwrap();
        Line {
            from_day: day,
            to_day: day,
            merchant_code: merchant.to_owned(),
            opening,
            payouts_paid: 1,
            gross: debit - 5,
            fee: 5,
            fee_on_top: 5,
            net: debit - 5,
            debit,
            held_change: 1,
            closing: opening - debit - 1,
            held_closing: i64::from(chrono::Datelike::day(&day)),
            gateway_total: Some(7),
            ..Line::default()
        }
    }

    #[test]
    fn a_balance_is_taken_at_the_ends_and_everything_else_is_summed() {
        let lines = [
            line("A", 1, 1_000, 100),
            line("A", 2, 899, 200),
            line("B", 1, 50_000, 10),
            line("B", 2, 49_989, 20),
        ];
        let total = of_lines(&lines).unwrap();
        assert_eq!(total.opening, 51_000);
        assert_eq!(total.closing, 698 + 49_968);
        assert_eq!(total.held_closing, 4);
        assert_eq!(
            (total.debit, total.payouts_paid, total.merchants),
            (330, 4, 2)
        );
        assert_eq!(
            total.opening + total.top_ups + total.returned - total.debit - total.held_change,
            total.closing
        );
        assert_eq!(
            (total.from_day, total.to_day),
            (lines[0].from_day, lines[1].to_day)
        );
        assert_eq!(of_lines(&[]), None);
        assert_eq!(of_banks(&[]), None);
    }
}
