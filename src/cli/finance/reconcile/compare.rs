//! A statement line by line against our payouts.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::statement::{End, Line};
use crate::{
    cli::{
        output::{self, Column, Record},
        words,
    },
    domain::state::State,
    store::find::Status,
};

/// Our payouts by order number.
pub(crate) struct Ours(HashMap<String, Status>);

impl Ours {
    pub(crate) fn of(rows: Vec<Status>) -> Self {
        Self(
            rows.into_iter()
                .map(|row| (row.order_num.clone(), row))
                .collect(),
        )
    }
}

/// Where the two do not say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// `missing_here`, `missing_there`, `twice`, `amount`, `status` or `fee`.
    kind: &'static str,
    order_num: String,
    line: Option<usize>,
    here: Option<String>,
    there: Option<&'static str>,
    amount_here: Option<i64>,
    amount_there: Option<i64>,
    fee_here: Option<i64>,
    fee_there: Option<i64>,
    next: &'static str,
}

impl Record for Difference {
    const COLUMNS: &'static [&'static str] = &[
        "kind",
        "order_num",
        "line",
        "here",
        "there",
        "amount_here",
        "amount_there",
        "fee_here",
        "fee_there",
        "next",
    ];

    fn values(&self) -> Vec<Value> {
        vec![
            json!(self.kind),
            json!(self.order_num),
            json!(self.line),
            json!(self.here),
            json!(self.there),
            json!(self.amount_here),
            json!(self.amount_there),
            json!(self.fee_here),
            json!(self.fee_there),
            json!(self.next),
        ]
    }
}

/// Everything that differs: lines in the file's order, then what was settled here and is not there.
pub(crate) fn differences(lines: &[Line], ours: &Ours, due: &[Status]) -> Vec<Difference> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for line in lines {
        let here = ours.0.get(&line.order_num);
        if !seen.insert(line.order_num.as_str()) {
            let next = "the gateway must say why: was it paid twice?";
            found.push(difference("twice", Some(line), here, next));
            continue;
        }
        let Some(payout) = here else {
            let next = "it was not sent from here: who sent it?";
            found.push(difference("missing_here", Some(line), None, next));
            continue;
        };
        if payout.amount != line.amount {
            let next = "ask the gateway; do not pay the rest";
            found.push(difference("amount", Some(line), here, next));
        }
        if let Some(next) = contradiction(&payout.state, line.end) {
            found.push(difference("status", Some(line), here, next));
        }
        if line.fee.is_some() && payout.fee.is_some() && line.fee != payout.fee {
            found.push(difference("fee", Some(line), here, "ask the gateway"));
        }
    }
    for payout in due
        .iter()
        .filter(|payout| !seen.contains(payout.order_num.as_str()))
    {
        let next = "look at the day before and after; then payout replay, and ask the gateway";
        found.push(difference("missing_there", None, Some(payout), next));
    }
    found
}

/// What to do when our state and their end exclude each other.
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
            Some("the statement may be older; payout replay")
        }
        End::Paid | End::Failed | End::Returned if open.contains(&state) => {
            Some("payout replay: the gateway's own answer settles it")
        }
        End::Paid if is(State::Failed) => Some("do not pay it again; payout replay, then resolve"),
        End::Failed if is(State::Paid) => Some("payout replay; the gateway must say which is true"),
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
        there: line.map(|line| line.end.name()),
        amount_here: payout.map(|payout| payout.amount),
        amount_there: line.map(|line| line.amount),
        fee_here: payout.and_then(|payout| payout.fee),
        fee_there: line.and_then(|line| line.fee),
        next,
    }
}

/// For people.
pub(crate) fn table(found: &[Difference]) -> String {
    let columns = [
        Column::Left("DIFFERENCE"),
        Column::Left("ORDER"),
        Column::Right("LINE"),
        Column::Left("HERE"),
        Column::Left("THERE"),
        Column::Right("AMOUNT HERE"),
        Column::Right("AMOUNT THERE"),
        Column::Left("NEXT"),
    ];
    let none = || "-".to_owned();
    let cells = found.iter().map(|one| {
        let (here, there) = if one.kind == "fee" {
            (one.fee_here, one.fee_there)
        } else {
            (one.amount_here, one.amount_there)
        };
        vec![
            one.kind.to_owned(),
            one.order_num.clone(),
            one.line.map_or_else(none, |line| line.to_string()),
            one.here.clone().unwrap_or_else(none),
            one.there.map_or_else(none, str::to_owned),
            here.map_or_else(none, words::rupiah),
            there.map_or_else(none, words::rupiah),
            one.next.to_owned(),
        ]
    });
    output::table(&columns, cells.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_and_an_end_agree_or_say_what_to_do() {
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
