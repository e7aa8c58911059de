//! The rules of paying: no clock, no network, no database.

pub mod attention;
pub mod callback;
pub mod decide;
pub mod evidence;
pub mod ledger;
pub mod money;
pub mod payout;
pub mod schedule;
pub mod snapshot;
pub mod state;
