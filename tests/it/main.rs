//! The promises, tested from outside against a real Postgres. One binary, so that it links once.
// Why: a failing test may panic where running code may not, its helpers are not all used by every file, and a test tells
// one story from beginning to end, however long it is.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::too_many_lines,
    clippy::unchecked_time_subtraction,
    clippy::unwrap_used,
    dead_code
)]

mod against_the_model;
mod alerts;
mod answer_spellings;
mod attacks;
mod attention;
mod backends;
mod bounded;
mod callbacks;
mod canary;
mod clock;
mod console;
mod cut_anywhere;
mod daily_pauses;
mod docs;
mod doctor;
mod failover;
mod fees_and_ledger;
mod finance;
mod forged_callbacks;
mod gateway_numbers;
mod guards;
mod held_locks;
mod hostile_input;
mod interop;
mod keys_first;
mod late_debits;
mod many_merchants;
mod never_pays_twice;
mod notifications;
mod numbers_from_outside;
mod operator;
mod over_tls;
mod plans;
mod policy;
mod poolers;
mod prometheus;
mod protocol_vectors;
mod reconcile;
mod recovery;
mod refused_rows;
mod replacements;
mod replication;
mod runbook;
mod says_why;
mod second_person;
mod small_writes;
mod snapshot;
mod sql_contract;
mod standing_still;
mod state_machine;
mod stops;
mod storyboard;
mod support;
mod typed;
mod unfit_database;
mod unfit_login;
mod unread_log;
mod who_must_agree;
