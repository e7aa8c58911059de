//! A statement compared line by line with our payouts.

use std::collections::{HashMap, HashSet};

use payout_domain::state::State;
use payout_store::find::Status;
use serde::Serialize;

use super::lines::{End, Line};

/// Where a line and a payout differ, or one of them is missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// `missing_here`, `missing_there`, `twice`, `amount`, `status` or `fee`.
    pub kind: &'static str,
    /// The order number.
    pub order_num: String,
    /// The line of the file, if it has one.
    pub line: Option<usize>,
    /// Our state.
    pub here: Option<String>,
    /// Their end.
    pub there: Option<End>,
    /// Our amount in rupiah.
    pub amount_here: Option<i64>,
    /// Their amount in rupiah.
    pub amount_there: Option<i64>,
    /// The fee that we know, in rupiah.
    pub fee_here: Option<i64>,
    /// The fee that they state, in rupiah.
    pub fee_there: Option<i64>,
    /// What to do.
    pub next: &'static str,
}

/// Everything that differs: lines in the order of the file, then payouts settled here (`due`) that the file lacks.
pub fn differences(lines: &[Line], ours: &[Status], due: &[Status]) -> Vec<Difference> {
    let ours: HashMap<&str, &Status> = ours.iter().map(|row| (&*row.order_num, row)).collect();
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for line in lines {
        let here = ours.get(line.order_num.as_str()).copied();
        if !seen.insert(line.order_num.as_str()) {
            let next = "contact the gateway: was it paid twice?";
            found.push(difference("twice", Some(line), here, next));
            continue;
        }
        let Some(payout) = here else {
            let next = "it was not sent from here: who sent it?";
            found.push(difference("missing_here", Some(line), None, next));
            continue;
        };
        if payout.amount != line.amount {
            let next = "contact the gateway; do not pay the rest";
            found.push(difference("amount", Some(line), here, next));
        }
        if let Some(next) = contradiction(&payout.state, line.end) {
            found.push(difference("status", Some(line), here, next));
        }
        if line.fee.is_some() && payout.fee.is_some() && line.fee != payout.fee {
            let next = "payout replay books a corrected fee; if it stays, contact the gateway with both fees";
            found.push(difference("fee", Some(line), here, next));
        }
    }
    for payout in due
        .iter()
        .filter(|payout| !seen.contains(payout.order_num.as_str()))
    {
        let next =
            "check the day before and the day after; then payout replay, and contact the gateway";
        found.push(difference("missing_there", None, Some(payout), next));
    }
    found
}

/// What to do when our state and their end contradict each other.
fn contradiction(state: &str, end: End) -> Option<&'static str> {
    let open = [State::Submitting, State::Pending, State::Unknown].map(State::name);
    let is = |wanted: State| state == wanted.name();
    match end {
        End::Paid if is(State::Paid) || is(State::Returned) => None,
        End::Failed if is(State::Failed) => None,
        End::Returned if is(State::Returned) => None,
        End::Open if open.contains(&state) => None,
        End::Returned if is(State::Paid) => Some("payout resolve ORDER --as returned"),
        End::Open if is(State::Paid) || is(State::Failed) => {
            Some("the statement may be out of date; payout replay")
        }
        End::Paid | End::Failed | End::Returned if open.contains(&state) => {
            Some("payout replay: the answer to a query settles it")
        }
        End::Paid if is(State::Failed) => Some("do not pay it again; payout replay, then resolve"),
        End::Failed if is(State::Paid) => {
            Some("payout replay; contact the gateway about which is true")
        }
        End::Open | End::Paid | End::Failed | End::Returned => {
            Some("it was not sent from here: who sent it?")
        }
    }
}

fn difference(
    kind: &'static str,
    line: Option<&Line>,
    payout: Option<&Status>,
    next: &'static str,
) -> Difference {
    let order = line.map(|line| line.order_num.clone());
    let order = order.or_else(|| payout.map(|payout| payout.order_num.clone()));
    Difference {
        kind,
        order_num: order.unwrap_or_default(),
        line: line.map(|line| line.number),
        here: payout.map(|payout| payout.state.clone()),
        there: line.map(|line| line.end),
        amount_here: payout.map(|payout| payout.amount),
        amount_there: line.map(|line| line.amount),
        fee_here: payout.and_then(|payout| payout.fee),
        fee_there: line.and_then(|line| line.fee),
        next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_and_an_end_agree_or_a_next_step_is_given() {
        for state in State::ALL {
            let agreeing: Vec<_> = [End::Open, End::Paid, End::Failed, End::Returned]
                .into_iter()
                .filter(|end| contradiction(state.name(), *end).is_none())
                .map(End::name)
                .collect();
            let expected: &[&str] = match state {
                State::Submitting | State::Pending | State::Unknown => &["open"],
                State::Paid => &["paid"],
                State::Failed => &["failed"],
                State::Returned => &["paid", "returned"],
                State::Queued | State::Cancelled => &[],
            };
            assert_eq!(agreeing, expected, "{state:?}");
        }
    }
}
