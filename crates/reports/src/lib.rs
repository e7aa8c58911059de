//! What finance takes away, and what it brings: receipts, spreadsheets, and statements of the gateway to compare with our
//! payouts.

// Only tests may panic; without `cfg(test)` the lints still apply.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::unwrap_used
    )
)]

pub mod receipt;
pub mod spreadsheet;
pub mod statement;
pub mod wib;
