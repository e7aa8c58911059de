//! A statement of the gateway, and how it compares with our payouts.

pub mod compare;
pub mod compared;
pub mod lines;
pub mod sums;
