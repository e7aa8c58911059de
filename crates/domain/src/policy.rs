//! The numbers that rules in this program and in the database share.
//!
//! `payout.policy` holds the same numbers for SQL; `tests/it/policy.rs` compares the two. Numbers that an operator may
//! set are configuration (`[poll]`), not policy.

use std::time::Duration;

/// "Not found" answers after the quiet horizon before absence needs a person (I10).
pub const NOT_FOUND_ANSWERS: u32 = 3;

/// Equal answers to queries that cannot be read or verified before they need a person. With the default pauses the eighth
/// comes 20 minutes after the send.
pub const UNREADABLE_ANSWERS: u32 = 8;

/// How long after the last send "not found" can prove absence (I10): gateways forget old orders. A cap, never a proof.
pub const NOT_FOUND_VALID_FOR: Duration = Duration::from_hours(30 * 24);

/// "Not found" answers that confirm a refusal (`deploy/payout.toml`, `decline_confirm_seconds`).
pub const REFUSAL_ANSWERS: u32 = 2;

/// Maximum age of the gateway's answer that lets a payout be resubmitted or resolved as failed (I10).
pub const PROOF_FRESH_FOR: Duration = Duration::from_mins(1);

/// An unsigned final answer settles only if a second one, this much later, agrees (protocol P17).
pub const UNSIGNED_SECOND_READ: Duration = Duration::from_secs(30);

/// How long a request can be approved and carried out.
pub const REQUEST_EXPIRES_AFTER: Duration = Duration::from_mins(10);

/// The quiet horizon of an attempt that does not state its own (`deploy/payout.toml`, `quiet_horizon_seconds`).
pub const QUIET_HORIZON_DEFAULT: Duration = Duration::from_mins(30);

/// Age at which an open payout needs a person.
pub const OPEN_TOO_LONG: Duration = Duration::from_hours(24);

/// How long smaller payouts may overtake one that the balance does not cover.
pub const OVERTAKE_FOR: Duration = Duration::from_mins(15);

/// How long a payout that the balance does not cover then keeps funds free for itself.
pub const RESERVE_FOR: Duration = Duration::from_hours(1);

/// Funding of this long may come again, so it counts when a payout that keeps funds free is compared with what is within
/// reach.
pub const FUNDING_COUNTS_FOR: Duration = Duration::from_hours(24);

/// A payout that takes longer than this to settle counts as late.
pub const LATE_AFTER: Duration = Duration::from_mins(10);

/// Minimum time after a failover during which each payout is queried before its first claim.
pub const QUERY_FIRST_MIN: Duration = Duration::from_hours(24);

/// A fee up to this may be true for any payout, in rupiah: the dearest transfer between Indonesian banks costs less.
pub const PLAUSIBLE_FEE_IDR: i64 = 50_000;

/// So may one up to this part of the amount.
pub const PLAUSIBLE_FEE_PERCENT: i64 = 10;

/// Maximum of what a merchant has, in the books and in each part of the balance that the gateway states: 10^15 rupiah.
pub const MAX_BALANCE_IDR: i64 = 1_000_000_000_000_000;
/// How far the database's clock may be off what a worker's boot clock says, besides the round trip and slow drift.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

/// If no worker has compared the database's clock for longer, nobody knows how much time has really passed.
pub const CLOCK_UNWATCHED_MAX: Duration = Duration::from_mins(1);

/// Maximum amount of one payout: 10^12 rupiah (`docs/sql-contract.md`, `amount`).
pub const MAX_AMOUNT_IDR: i64 = 1_000_000_000_000;
