//! Why a person is needed. Not a state: money does not move by it.

use std::{fmt, str::FromStr};

/// The reasons, as in the `attention` column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attention {
    /// The available balance does not cover it; it waits in `queued`.
    InsufficientFunds,
    /// Repeated answers after the quiet horizon say that the gateway does not know it (I10).
    NotFound,
    /// The gateway declined it and yet knows the number: perhaps another system's order.
    ForeignOrder,
    /// Evidence against what is already settled or known.
    Contradiction,
    /// The gateway states another amount.
    AmountMismatch,
    /// The gateway states a fee that cannot be.
    FeeMismatch,
    /// Paid, with a fee higher than was reserved for it.
    FeeAboveReserve,
    /// The gateway says paid, but we had settled it as failed.
    LateSuccess,
    /// Open for longer than any payout should be.
    OpenTooLong,
    /// Queued, perhaps sent in a part of the history that is gone, and the gateway cannot be asked: set aside (I11).
    Unproven,
}

impl Attention {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::InsufficientFunds,
        Self::NotFound,
        Self::ForeignOrder,
        Self::Contradiction,
        Self::AmountMismatch,
        Self::FeeMismatch,
        Self::FeeAboveReserve,
        Self::LateSuccess,
        Self::OpenTooLong,
        Self::Unproven,
    ];

    /// The stable word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InsufficientFunds => "insufficient_funds",
            Self::NotFound => "not_found",
            Self::ForeignOrder => "foreign_order",
            Self::Contradiction => "contradiction",
            Self::AmountMismatch => "amount_mismatch",
            Self::FeeMismatch => "fee_mismatch",
            Self::FeeAboveReserve => "fee_above_reserve",
            Self::LateSuccess => "late_success",
            Self::OpenTooLong => "open_too_long",
            Self::Unproven => "unproven",
        }
    }
}

impl fmt::Display for Attention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Attention {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.name() == text)
            .ok_or_else(|| format!("\"{text}\" is not a reason for attention"))
    }
}
