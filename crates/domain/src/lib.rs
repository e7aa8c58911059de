//! The rules of payouts: no clock, no network, no database.

// Only tests may panic; without `cfg(test)` the lints still apply.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::disallowed_methods,
        clippy::expect_used,
        clippy::unwrap_used
    )
)]

pub mod attention;
mod beneficiary;
pub mod callback;
pub mod decide;
pub mod evidence;
pub mod evidence_words;
pub mod finding;
pub mod gateway_status;
pub mod ledger;
pub mod money;
pub mod payout;
pub mod policy;
pub mod resolution;
pub mod schedule;
pub mod scrub;
pub mod snapshot;
pub mod spelling;
pub mod state;
pub mod stop;
pub mod surplus;
mod words;
