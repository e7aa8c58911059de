//! The payment gateway: its keys, its signature, its wire format and dialects, and a client that sends at most once.

// Only tests may panic; without `cfg(test)` the lints still apply.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::unwrap_used
    )
)]

pub mod address;
mod answer;
mod balance_answer;
mod base64_text;
pub mod block;
mod callback_form;
pub mod client;
pub mod dialect;
mod gate;
pub mod http;
pub mod keys;
mod once_body;
mod one_shot;
pub mod probe;
mod query_answer;
#[cfg(fuzzing)]
pub mod readers;
mod redact;
mod request;
pub mod settings;
pub mod sign;
mod submit_answer;
pub mod tls;
mod transport;
pub mod wire;
mod zipped;

pub use address::AddressError;
pub use balance_answer::GatewayBalance;
pub use block::{SigningKey, VerifyingKey};
pub use callback_form::{CallbackVerdict, read_callback_order};
pub use client::{Client, QueryReply};
pub use dialect::{Capabilities, Dialect};
pub use request::SealError;
pub use settings::{Settings, SettingsError};
