//! Commands with which an operator acts on payouts. The database holds the rules.

pub(super) mod address;
pub(super) mod cancel;
pub(super) mod failover;
pub(super) mod pause;
mod proof;
pub(super) mod replay;
pub(super) mod request;
pub(super) mod resubmit;
pub(super) mod reveal;
pub(super) mod second_person;
