//! Why a person is needed. Not a state: money does not move by it.

use super::words;

words! {
    /// The reasons, as in the `attention` column.
    pub enum Attention: "a reason for attention" {
        /// The available balance does not cover it; it waits in `queued`.
        InsufficientFunds = "insufficient_funds",
        /// Repeated answers after the quiet horizon say that the gateway does not know it (I10).
        NotFound = "not_found",
        /// The gateway declined it and yet knows the number: perhaps another system's order.
        ForeignOrder = "foreign_order",
        /// Evidence against what is already settled or known.
        Contradiction = "contradiction",
        /// The gateway states another amount.
        AmountMismatch = "amount_mismatch",
        /// The gateway states a fee that cannot be.
        FeeMismatch = "fee_mismatch",
        /// Paid, with a fee higher than was reserved for it.
        FeeAboveReserve = "fee_above_reserve",
        /// The gateway says paid, but we had settled it as failed.
        LateSuccess = "late_success",
        /// Open for longer than any payout should be.
        OpenTooLong = "open_too_long",
        /// Queued, perhaps sent before a failover, and the gateway cannot be queried: set aside (I11).
        Unproven = "unproven",
    }
}
