//! The sandbox over real HTTP.

mod callbacks;
mod faults;
mod lifecycle;
pub(super) mod support;
