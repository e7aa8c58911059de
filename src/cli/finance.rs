//! Commands for whoever answers for the books.

pub(super) mod fund;
pub(super) mod receipt;
pub(super) mod reconcile;
pub(super) mod report;
