//! The numbers that rules on both sides of the database share.
//!
//! `payout.policy` holds the same numbers for SQL; `tests/it/policy.rs` compares the two. What an operator may set
//! is configuration (`[poll]`), not policy.

use std::time::Duration;

/// "Not found" answers after the quiet horizon that make absence worth a person's attention (design I10).
pub const NOT_FOUND_ANSWERS: u32 = 3;

/// "Not found" answers that confirm a refusal (contract, `decline_confirm_seconds`).
pub const REFUSAL_ANSWERS: u32 = 2;

/// How old the gateway's answer may be when a resubmit is sent, or a payout resolved as failed, because of it (I10).
pub const PROOF_FRESH_FOR: Duration = Duration::from_mins(1);

/// An unsigned final answer settles only when a second one, asked for this much later, agrees (protocol P17).
pub const UNSIGNED_SECOND_READ: Duration = Duration::from_secs(30);

/// How long a request waits for its second person.
pub const REQUEST_EXPIRES_AFTER: Duration = Duration::from_mins(10);

/// The quiet horizon where the attempt does not say its own (contract, `quiet_horizon_seconds`).
pub const QUIET_HORIZON_DEFAULT: Duration = Duration::from_mins(30);

/// An open payout of this age needs a person.
pub const OPEN_TOO_LONG: Duration = Duration::from_hours(24);

/// How long smaller payouts may overtake one that the balance does not cover.
pub const OVERTAKE_FOR: Duration = Duration::from_mins(15);

/// A payout that takes longer than this to settle counts as late.
pub const LATE_AFTER: Duration = Duration::from_mins(10);

/// The shortest time after a failover during which each payout is queried before its first claim.
pub const QUERY_FIRST_MIN: Duration = Duration::from_hours(24);

/// Most that one payout may be: 10^12 rupiah (contract, `amount`).
pub const MAX_AMOUNT_IDR: i64 = 1_000_000_000_000;
