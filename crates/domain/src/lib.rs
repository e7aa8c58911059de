//! The rules of paying: no clock, no network, no database.

// The linter still sees this code without the tests, which may panic.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::unwrap_used
    )
)]

pub mod attention;
pub mod callback;
pub mod decide;
pub mod evidence;
pub mod finding;
pub mod gateway_status;
pub mod ledger;
pub mod money;
pub mod payout;
pub mod policy;
pub mod schedule;
pub mod snapshot;
pub mod state;
mod words;
