//! Why a payout needs a person. This is not a state: it moves no money.

use super::words;

words! {
    /// The reasons, as stored in the `attention` column.
    pub enum Attention: "a reason for attention" {
        /// The available balance does not cover it; it waits in `queued`.
        InsufficientFunds = "insufficient_funds",
        /// Repeated queries after the quiet horizon were answered "not found" (I10).
        NotFound = "not_found",
        /// The gateway declined it and yet knows the order number. The order may be another system's.
        ForeignOrder = "foreign_order",
        /// Evidence that contradicts what is settled or recorded.
        Contradiction = "contradiction",
        /// The gateway states a different amount.
        AmountMismatch = "amount_mismatch",
        /// The gateway states an impossible fee.
        FeeMismatch = "fee_mismatch",
        /// Paid, with a fee above the reserve for it.
        FeeAboveReserve = "fee_above_reserve",
        /// The gateway reports it as paid after we settled it as failed.
        LateSuccess = "late_success",
        /// Open for longer than any payout should be.
        OpenTooLong = "open_too_long",
        /// Queued, but perhaps sent before a failover, and the gateway cannot be queried. It is not claimed (I11).
        Unproven = "unproven",
    }
}
