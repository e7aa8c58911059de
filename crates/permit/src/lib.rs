//! The values that the store, the worker and the gateway exchange: above all, the right to send.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use payout_domain::{
    evidence::SubmitAnswer,
    payout::{Instruction, PayoutKey},
};
use rustix::time::{ClockId, clock_gettime};

/// A signed request, made before its claim is committed.
#[derive(Clone)]
pub struct SealedRequest {
    /// The exact bytes of the HTTP body.
    pub body: Bytes,
    /// SHA-256 of `body`, stored with the attempt before a byte leaves (I2).
    pub request_sha256: [u8; 32],
}

/// The last moment at which a byte of a request may leave, on two clocks.
///
/// `CLOCK_BOOTTIME` also counts time in suspension; the wall clock also notices a restored snapshot. The right to send
/// ends as soon as either passes (I9).
#[derive(Clone, Copy, Debug)]
pub struct SendBy {
    boot: Duration,
    wall: SystemTime,
}

impl SendBy {
    /// `window` from now. Call it *before* the claim's transaction begins, so that a pause inside the transaction
    /// counts.
    pub fn after(window: Duration) -> Self {
        Self {
            boot: boot_time().saturating_add(window),
            wall: SystemTime::now()
                .checked_add(window)
                .unwrap_or(SystemTime::UNIX_EPOCH),
        }
    }

    /// The same moment, or `window` from now if that is earlier.
    #[must_use]
    pub fn within(self, window: Duration) -> Self {
        self.or_earlier(Self::after(window))
    }

    /// The earlier of two moments.
    #[must_use]
    pub fn or_earlier(self, other: Self) -> Self {
        Self {
            boot: self.boot.min(other.boot),
            wall: self.wall.min(other.wall),
        }
    }

    /// Whether the right to send has ended.
    pub fn is_over(&self) -> bool {
        // The boot clock is read last because that is a plain memory read. Reading the wall clock can take long under a
        // tool or hypervisor that intercepts it, and a process that is stopped during that read resumes with an
        // outdated time.
        SystemTime::now() >= self.wall || boot_time() >= self.boot
    }
}

/// Time since this machine started, suspension included.
pub fn boot_time() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(now.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}

/// The right to send one payout once (I8).
///
/// It cannot be cloned, is created only by a committed claim in `store::claim` (`tests/tidy.rs` checks that), and is
/// consumed by the send.
///
/// ```compile_fail
/// fn twice(permit: payout_permit::SubmitPermit) {
///     let _again = permit.clone();
/// }
/// ```
/// ```compile_fail
/// fn twice(permit: payout_permit::SubmitPermit) {
///     drop(permit);
///     drop(permit);
/// }
/// ```
#[derive(Debug)]
pub struct SubmitPermit {
    instruction: Instruction,
    attempt: i32,
    request: SealedRequest,
    send_by: SendBy,
}

impl std::fmt::Debug for SealedRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedRequest({} bytes)", self.body.len())
    }
}

impl SubmitPermit {
    /// Only for `store::claim`, after its commit was confirmed.
    pub fn of_committed_claim(
        instruction: Instruction,
        attempt: i32,
        request: SealedRequest,
        send_by: SendBy,
    ) -> Self {
        Self {
            instruction,
            attempt,
            request,
            send_by,
        }
    }

    /// The payout that may be sent.
    pub fn key(&self) -> &PayoutKey {
        &self.instruction.key
    }

    /// The payment instruction, to compare with what the answer echoes.
    pub fn instruction(&self) -> &Instruction {
        &self.instruction
    }

    /// The number of the attempt, never reused.
    pub fn attempt(&self) -> i32 {
        self.attempt
    }

    /// The last moment at which sending may start.
    pub fn send_by(&self) -> SendBy {
        self.send_by
    }

    /// The bytes to send.
    pub fn request(&self) -> &SealedRequest {
        &self.request
    }
}

/// The result of using one permit.
#[derive(Debug)]
pub enum Submission {
    /// The body may have left.
    Sent {
        /// The meaning of what came back.
        answer: SubmitAnswer,
        /// The redacted answer, for people.
        detail: serde_json::Value,
    },
    /// No byte of the body left this process, and none ever will.
    NotSent {
        /// Why, without personal data.
        reason: String,
    },
}
