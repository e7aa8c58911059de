//! The durable payout worker: never paid twice, never lost, never guessed.
//!
//! `ARCHITECTURE.md` has the picture and the invariants I1 to I13 that comments cite; `protocol P1` to `P23`
//! are the gateway's rules in `docs/protocol.md`.

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
pub mod demo;
pub mod gateway;
pub mod inbound;
pub mod metrics;
pub mod permit;
pub mod service;
pub mod store;
pub mod telemetry;
pub mod worker;

pub use payout_domain as domain;
