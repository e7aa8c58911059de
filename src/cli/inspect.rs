//! Commands that look and change nothing.

pub(super) mod approvals;
mod attention;
pub(super) mod audit;
pub(super) mod balance;
pub(super) mod claims;
mod history;
pub(super) mod list;
pub(super) mod pauses;
pub(super) mod show;
mod situation;
pub(super) mod status;
pub(super) mod stuck;
