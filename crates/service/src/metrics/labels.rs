//! The labels, each with every value that it can have. None is ever an order number, an account or a name.

use std::sync::LazyLock;

use payout_domain::{
    attention::Attention,
    evidence::Doubt,
    snapshot::{Accounts, Age, Step, Violations},
    state::{Event, State},
    stop::StopReason,
};

/// A label of a metric.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Its values.
    pub values: Values,
}

/// The values of a label.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// These words. Anything else is counted as `other`, so that no mistake can create endless series.
    Words(fn() -> &'static [&'static str]),
    /// A code of `payout.banks`, or `other`: the database sees to it. A series begins with a bank's first payout.
    Bank,
    /// A registered merchant. There are few, and all their series are created at once.
    Merchant,
    /// A word from the program's text.
    Program,
}

impl Label {
    /// The value itself, or `other`.
    pub(super) fn bounded<'a>(&self, value: &'a str) -> &'a str {
        match self.values {
            Values::Words(words) if !words().contains(&value) => OTHER,
            Values::Words(_) | Values::Bank | Values::Merchant | Values::Program => value,
        }
    }
}

/// Stands for a value that is not in the list.
pub(super) const OTHER: &str = "other";
/// Stands for a merchant that this instance does not know.
pub(super) const UNKNOWN_MERCHANT: &str = "unknown";

const fn label(name: &'static str, values: Values) -> Label {
    Label { name, values }
}

pub(super) const MERCHANT: Label = label("merchant", Values::Merchant);
pub(super) const BANK: Label = label("bank", Values::Bank);
pub(super) const LOOP: Label = label("loop", Values::Program);
pub(super) const VERSION: Label = label("version", Values::Program);

/// A function with the words of each label, and the label.
macro_rules! labels {
    ($($label:ident $words:ident $name:literal $list:expr;)*) => {$(
        pub(super) fn $words() -> &'static [&'static str] {
            static WORDS: LazyLock<Vec<&'static str>> = LazyLock::new(|| $list.into_iter().collect());
            &WORDS
        }
        pub(super) const $label: Label = label($name, Values::Words($words));
    )*};
}

labels! {
    OPEN_STATE open_states "state"
        State::ALL.into_iter().filter(|state| !state.is_final()).map(State::name);
    STEP steps "step" Step::ALL.map(Step::name);
    AGE ages "age" Age::ALL.map(Age::name);
    SUM sums "sum" ["gross", "fee", "net", "debit", "returned"];
    ATTENTION reasons "reason" Attention::ALL.map(Attention::name);
    ACCOUNT accounts "account" Accounts::default().by_name().map(|(account, _)| account);
    BALANCE_KIND balance_kinds "kind" ["available", "frozen", "pending"];
    CHECK checks "check" Violations::default().by_name().map(|(check, _)| check);
    EVENT events "event" Event::ALL.map(Event::name);
    SUBMIT_RESULT submit_results "result"
        ["acknowledged", "declined", "not_sent"].into_iter().chain(doubts());
    QUERY_RESULT query_results "result" ["found", "not_found"].into_iter().chain(doubts());
    CALLBACK_RESULT callback_results "result"
        ["stored", "bad_signature", "malformed", "unknown_order", "unavailable", "too_large"];
    NOTICE_RESULT notice_results "result" ["told", "failed"];
    REFUSED_ROW refused_rows "row" ["evidence", "change", "claim"];
    READER readers "reader" ["events", "totals"];
    STOP_REASON stop_reasons "reason" StopReason::ALL.map(StopReason::name);
}

fn doubts() -> impl Iterator<Item = &'static str> {
    static DOUBTS: LazyLock<[String; Doubt::ALL.len()]> =
        LazyLock::new(|| Doubt::ALL.map(|doubt| format!("doubt_{}", doubt.name())));
    DOUBTS.iter().map(String::as_str)
}
