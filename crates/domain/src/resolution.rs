//! What a person states about a payout.

use super::money::Rupiah;

/// A person's statement about the outcome of a payout, backed by evidence of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    /// It was paid.
    Paid {
        /// The fee in rupiah, if known.
        fee: Option<Rupiah>,
    },
    /// It was not paid. Two people state it, after the gateway answered in the same step that it does not know the
    /// order.
    Failed,
    /// It was paid and came back.
    Returned {
        /// How many rupiah came back; `None` for everything that the beneficiary received.
        amount: Option<Rupiah>,
    },
}
