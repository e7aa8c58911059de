//! The values that pass between the store, the worker and the gateway: above all, the right to send.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use rustix::time::{ClockId, clock_gettime};

use crate::domain::{
    evidence::SubmitAnswer,
    payout::{Instruction, PayoutKey},
};

/// A signed request, ready to be sent, made before its claim is committed.
#[derive(Clone)]
pub struct SealedRequest {
    /// The very bytes of the HTTP body.
    pub body: Bytes,
    /// SHA-256 of `body`, stored with the attempt before a byte leaves (I2).
    pub request_sha256: [u8; 32],
}

/// The last moment at which a byte of a request may leave, on two clocks.
///
/// `CLOCK_BOOTTIME` also counts suspended time, the wall clock also sees a restored snapshot; whichever
/// passes first ends the right to send (I9).
#[derive(Clone, Copy, Debug)]
pub struct SendBy {
    boot: Duration,
    wall: SystemTime,
}

impl SendBy {
    /// `window` from now. Call it *before* the claim's transaction begins: a pause inside it then counts.
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
        let other = Self::after(window);
        Self {
            boot: self.boot.min(other.boot),
            wall: self.wall.min(other.wall),
        }
    }

    /// Whether sending has become forbidden.
    pub fn is_over(&self) -> bool {
        // The boot clock last: it is one read of memory, while a look at the wall clock can take long under a tool or
        // a hypervisor that bends it, and a process that is stopped in that look wakes with the time of before.
        SystemTime::now() >= self.wall || boot_time() >= self.boot
    }
}

fn boot_time() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(now.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanos)
}

/// The right to send one payout once (I8).
///
/// It cannot be cloned, is made only by the committed claim in `store::claim` (`tests/tidy.rs` checks that)
/// and is consumed by the send.
///
/// ```compile_fail
/// fn twice(permit: payout_worker::permit::SubmitPermit) {
///     let _again = permit.clone();
/// }
/// ```
/// ```compile_fail
/// fn twice(permit: payout_worker::permit::SubmitPermit) {
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
    /// Only for `store::claim`, after its commit returned without a doubt.
    pub(crate) fn of_committed_claim(
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

    /// The payout it allows to send.
    pub fn key(&self) -> &PayoutKey {
        &self.instruction.key
    }

    /// What must be paid, for comparison with the answer's echo.
    pub fn instruction(&self) -> &Instruction {
        &self.instruction
    }

    /// The attempt, which is never reused.
    pub fn attempt(&self) -> i32 {
        self.attempt
    }

    /// The last moment to start sending.
    pub fn send_by(&self) -> SendBy {
        self.send_by
    }

    /// The bytes to send.
    pub fn request(&self) -> &SealedRequest {
        &self.request
    }
}

/// What became of one permit.
#[derive(Debug)]
pub enum Submission {
    /// The body may have left; this is what came back.
    Sent {
        /// What it means.
        answer: SubmitAnswer,
        /// The redacted answer.
        detail: serde_json::Value,
    },
    /// No byte of the body left this process, and none ever will.
    NotSent {
        /// In words, without personal data.
        reason: String,
    },
}
