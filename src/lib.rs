//! The durable payout worker: never paid twice, never lost, never guessed.
//!
//! A payout enters by SQL. These are the modules, from the bottom to the top. The first four are crates of their own in
//! `crates`:
//!
//! | module | what it does | start reading at |
//! | --- | --- | --- |
//! | [`domain`] | the rules, without a clock, a network or a database | `state`, `decide` |
//! | [`permit`] | the right to send, a value that is spent once | `SubmitPermit` |
//! | [`gateway`] | the gateway's protocol: sign, send once, query, read answers and callbacks | `Client`, `Dialect` |
//! | [`store`] | all SQL but the demo's: claim, record evidence, read | `claim`, `record` |
//! | [`backoff`], [`telemetry`], [`spreadsheet`], `wib` | pauses between retries, the log, CSV, days and times; none uses another module | |
//! | [`metrics`] | every metric, from one table | `table` |
//! | [`config`] | the configuration file | |
//! | [`statement`] | a statement of the gateway, compared with our payouts | `compare` |
//! | [`notifier`] | tells approvers of a request: a command, a webhook | `Notifier` |
//! | [`worker`] | the loops: claim and send, poll, carry out requests, reconcile | `submit`, `poll` |
//! | [`inbound`] | what comes in over HTTP: callbacks, health, metrics | `callback` |
//! | [`service`] | puts the parts together and runs them | `Running` |
//! | `receipt` | the receipt of one paid payout, a page | |
//! | [`console`] | the web console, `payout console` | `console` |
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

pub mod backoff;
pub mod cli;
pub mod config;
pub mod console;
pub mod demo;
pub mod inbound;
pub mod metrics;
pub mod notifier;
mod receipt;
pub mod service;
pub mod spreadsheet;
pub mod statement;
pub mod telemetry;
mod wib;
pub mod worker;

pub use payout_domain as domain;
pub use payout_gateway as gateway;
pub use payout_permit as permit;
pub use payout_store as store;
