//! The settings of a sandbox.

use std::{fmt, str::FromStr, time::Duration};

/// Which of the two dialects of the protocol it speaks (protocol P15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Flat, signed answers to queries.
    Bdpay,
    /// Queries and balances come in an unsigned envelope.
    Toppay,
}

impl FromStr for Dialect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "bdpay" => Ok(Self::Bdpay),
            "toppay" => Ok(Self::Toppay),
            _ => Err("the dialect must be `bdpay` or `toppay`".to_owned()),
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bdpay => "bdpay",
            Self::Toppay => "toppay",
        })
    }
}

/// How fast the sandbox's clock runs.
#[derive(Clone, Debug)]
pub struct Pace {
    /// From accepted (0) to processing (1).
    pub processing_ms: u64,
    /// From processing (1) to the bank (5).
    pub at_bank_ms: u64,
    /// From the bank (5) to the end (2, 3 or 4).
    pub ending_ms: u64,
    /// The callback intervals in thousandths of the gateway's own; 1000 is its real schedule.
    pub callback_scale_permille: u64,
    /// How long one callback waits for its reply.
    pub callback_timeout_ms: u64,
    /// How late a `slow` answer comes. Longer than any sensible client waits.
    pub slow_answer_ms: u64,
    /// How late a `late_booking` order is booked.
    pub late_booking_ms: u64,
    /// How much later than usual the first `late_callback` comes.
    pub late_callback_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            processing_ms: 300,
            at_bank_ms: 500,
            ending_ms: 700,
            callback_scale_permille: 1000,
            callback_timeout_ms: 5_000,
            slow_answer_ms: 40_000,
            late_booking_ms: 20_000,
            late_callback_ms: 30_000,
        }
    }
}

impl Pace {
    /// For tests: paid after some tens of milliseconds, callbacks after 1, 30, 60, 90, 3600 and 7200 ms.
    pub fn quick() -> Self {
        Self {
            processing_ms: 10,
            at_bank_ms: 10,
            ending_ms: 20,
            callback_scale_permille: 1,
            callback_timeout_ms: 2_000,
            slow_answer_ms: 6_000,
            late_booking_ms: 300,
            late_callback_ms: 300,
        }
    }

    /// How long after the end, or after the previous callback, callback number `sent` + 1 is sent.
    ///
    /// `None` after the sixth (protocol P19).
    pub(super) fn callback_delay(&self, sent: usize) -> Option<Duration> {
        const SECONDS: [u64; 6] = [1, 30, 60, 90, 3_600, 7_200];
        SECONDS.get(sent).map(|seconds| {
            Duration::from_millis(seconds.saturating_mul(self.callback_scale_permille))
        })
    }
}

/// Everything that a sandbox needs.
#[derive(Clone)]
pub struct Settings {
    /// The dialect to speak.
    pub dialect: Dialect,
    /// The one merchant that it serves.
    pub merchant_code: String,
    /// Verifies the merchant's requests.
    pub merchant_public_key: rsa::PublicKey,
    /// Signs answers and callbacks.
    pub platform_private_key: rsa::PrivateKey,
    /// The merchant's opening balance, in rupiah.
    pub balance_idr: i64,
    /// The fee for each order, in rupiah; see [`Settings::DEFAULT_FEE_IDR`].
    pub fee_idr: i64,
    /// The speed of its clock.
    pub pace: Pace,
    /// How many of a hundred orders fail, chosen by a hash of the orderNum. One failure in five ends in status 3, the
    /// others in 4.
    pub fail_percent: u8,
    /// Determines which orders those are.
    pub seed: u64,
    /// Takes only what the documents have: texts, and standard base64. Otherwise it takes what the live gateway takes.
    pub strict: bool,
}

impl Settings {
    /// The default fee for an order, in rupiah.
    pub const DEFAULT_FEE_IDR: i64 = 2_500;
}
