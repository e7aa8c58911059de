//! The rules of `decide`, one promise per test.
// An overflow or a missing value should fail the test.
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used)]

mod any_order;
mod declined;
mod later_looks;
mod lost_commits;
mod promises;
mod reaffirmed;
mod scenario;
mod statements;
mod unreadable;
