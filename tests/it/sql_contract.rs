//! The public SQL does what `docs/sql-contract.md` promises.

mod append_only;
mod cancel_and_fund;
mod copy;
mod enqueue;
mod events;
mod newer_rules;
mod numbers;
mod refusals;
mod replaces;
mod roles;
mod sizes;
mod tricks;
mod two_phase;
mod upper_case;
mod views;
mod without_triggers;
