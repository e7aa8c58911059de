//! The rules of `decide`, one promise each.
// Why: an overflow or a missing value here fails a test, which is what a test is for.
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used)]

mod any_order;
mod promises;
mod story;
