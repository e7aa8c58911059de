//! The durable payout worker: never paid twice, never lost, never guessed.
//!
//! A payout enters by SQL. These are the modules, from the bottom to the top. All but the last are crates of their own in
//! `crates`:
//!
//! | module | what it does | start reading at |
//! | --- | --- | --- |
//! | [`domain`] | the rules, without a clock, a network or a database | `state`, `decide` |
//! | [`permit`] | the right to send, a value that is spent once | `SubmitPermit` |
//! | [`gateway`] | the gateway's protocol: sign, send once, query, read answers and callbacks | `Client`, `Dialect` |
//! | [`store`] | all SQL but the demo's: claim, record evidence, read | `claim`, `record` |
//! | [`config`] | the configuration file | |
//! | [`reports`] | receipts, spreadsheets, statements of the gateway, days in WIB | `statement` |
//! | [`service`] | the worker as a process: its loops, what comes in over HTTP, the metrics | `Running`, `worker` |
//! | [`console`] | the web console, `payout console` | `Running` |
//! | [`cli`], [`demo`] | the commands, and the demo with a sandbox gateway | `cli` |
//!
//! A module uses only those above it in this table. `ARCHITECTURE.md` has the picture and the invariants I1 to I13
//! that comments cite; `protocol P1` to `P23` are the gateway's rules in `docs/protocol.md`.

// The linter still sees this code without the tests, which may panic.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::unwrap_used
    )
)]

pub mod cli;
pub mod demo;

pub use payout_config as config;
pub use payout_console as console;
pub use payout_domain as domain;
pub use payout_gateway as gateway;
pub use payout_permit as permit;
pub use payout_reports as reports;
pub use payout_service as service;
pub use payout_service::{inbound, metrics, notifier, telemetry, worker};
pub use payout_store as store;
