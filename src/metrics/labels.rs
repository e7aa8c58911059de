//! The labels, each with every value that it can have. No order number, account or name is ever one.

/// What tells the series of a metric apart.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// What it can be.
    pub values: Values,
}

/// What a label can be.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    /// These words. Anything else is counted as `other`, so that nobody's mistake makes series without end.
    Words(&'static [&'static str]),
    /// A registered merchant. Few, and all their series are made at once.
    Merchant,
    /// A word that stands in the program's text.
    Program,
}

impl Label {
    /// The value itself, or `other`.
    pub(super) fn bounded<'a>(&self, value: &'a str) -> &'a str {
        match self.values {
            Values::Words(words) if !words.contains(&value) => OTHER,
            Values::Words(_) | Values::Merchant | Values::Program => value,
        }
    }
}

/// What a value outside of the list is counted as.
pub(super) const OTHER: &str = "other";
/// A merchant that this instance does not know.
pub(super) const UNKNOWN_MERCHANT: &str = "unknown";

const fn words(name: &'static str, words: &'static [&'static str]) -> Label {
    Label {
        name,
        values: Values::Words(words),
    }
}

pub(super) const MERCHANT: Label = Label {
    name: "merchant",
    values: Values::Merchant,
};
pub(super) const LOOP: Label = Label {
    name: "loop",
    values: Values::Program,
};
pub(super) const VERSION: Label = Label {
    name: "version",
    values: Values::Program,
};

pub(super) const OPEN_STATES: &[&str] = &["queued", "submitting", "pending", "unknown"];
pub(super) const OPEN_STATE: Label = words("state", OPEN_STATES);

pub(super) const STEPS: &[&str] = &["enqueued", "paid", "failed", "cancelled", "returned"];
pub(super) const STEP: Label = words("step", STEPS);

pub(super) const REASONS: &[&str] = &[
    "insufficient_funds",
    "not_found",
    "foreign_order",
    "contradiction",
    "amount_mismatch",
    "fee_mismatch",
    "fee_above_reserve",
    "late_success",
    "open_too_long",
    "unproven",
];
pub(super) const ATTENTION: Label = words("reason", REASONS);

pub(super) const ACCOUNT: Label = words(
    "account",
    &["available", "held", "paid_out", "fees", "funding"],
);
pub(super) const BALANCE_KIND: Label = words("kind", &["available", "frozen", "pending"]);

pub(super) const CHECKS: &[&str] = &[
    "sent_without_grant",
    "never_queried",
    "nothing_held",
    "accounts_unbalanced",
    "held_not_covered",
];
pub(super) const CHECK: Label = words("check", CHECKS);

pub(super) const SUBMIT_RESULTS: &[&str] = &[
    "acknowledged",
    "declined",
    "not_sent",
    "doubt_timeout",
    "doubt_connection_lost",
    "doubt_gateway_unsure",
    "doubt_http_status",
    "doubt_bad_signature",
    "doubt_unreadable",
    "doubt_foreign",
    "doubt_unreachable",
];
pub(super) const SUBMIT_RESULT: Label = words("result", SUBMIT_RESULTS);

pub(super) const ASK_RESULTS: &[&str] = &[
    "found",
    "not_found",
    "doubt_timeout",
    "doubt_connection_lost",
    "doubt_gateway_unsure",
    "doubt_http_status",
    "doubt_bad_signature",
    "doubt_unreadable",
    "doubt_foreign",
    "doubt_unreachable",
];
pub(super) const ASK_RESULT: Label = words("result", ASK_RESULTS);

pub(super) const CALLBACK_RESULT: Label = words(
    "result",
    &[
        "stored",
        "bad_signature",
        "malformed",
        "unknown_order",
        "unavailable",
        "too_large",
    ],
);

pub(super) const EVENTS: &[&str] = &[
    "claimed",
    "not_sent",
    "withdrawn",
    "acknowledged",
    "declined",
    "unanswered",
    "refusal_confirmed",
    "found_after_failover",
    "resubmit_granted",
    "reported_paid",
    "reported_failed",
    "resolved_paid",
    "resolved_failed",
    "resolved_returned",
];
pub(super) const EVENT: Label = words("event", EVENTS);

/// Why claims are stopped. `other` is in the list, as its series must be there to be set back to zero.
pub(super) const STOP_REASONS: &[&str] = &[
    "keys",
    "gateway",
    "config",
    "settings",
    "failover",
    "funds",
    "paused",
    "signatures",
    "not_sent",
    "declines",
    "doubts",
    "books",
    "exposure",
    OTHER,
];
pub(super) const STOP_REASON: Label = words("reason", STOP_REASONS);
