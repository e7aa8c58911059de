//! The closed words of evidence: what kind it is, who says so, why it proves nothing, and what it proves.

use super::words;

words! {
    /// The kind of a piece of evidence, as stored in the `kind` column.
    pub enum Kind: "a kind of evidence" {
        /// The body was never handed to the transport.
        NotSent = "not_sent",
        /// The submit was accepted.
        Acknowledged = "acknowledged",
        /// The submit was refused.
        Declined = "declined",
        /// The answer proves nothing.
        Doubt = "doubt",
        /// The lease expired before an answer was recorded.
        LeaseExpired = "lease_expired",
        /// The gateway knows the order.
        Found = "found",
        /// The gateway does not know the order.
        NotFound = "not_found",
        /// A callback from the gateway.
        Callback = "callback",
        /// A person stated that it was paid.
        ResolvedPaid = "resolved_paid",
        /// Two people stated that it was not paid.
        ResolvedFailed = "resolved_failed",
        /// A person stated that the money came back.
        ResolvedReturned = "resolved_returned",
    }
}

words! {
    /// Why an answer proves nothing. It is a value, so `?` cannot turn it into a failure (I7).
    pub enum Doubt: "a doubt" {
        /// No answer in time.
        Timeout = "timeout",
        /// The connection broke after the request may have left.
        ConnectionLost = "connection_lost",
        /// The gateway answered `UNKNOWN`, `ERROR` or an undocumented code (protocol P12, P13).
        GatewayUnsure = "gateway_unsure",
        /// An HTTP status other than 200, whatever its body says.
        HttpStatus = "http_status",
        /// `platSign` is missing or does not verify (protocol trap 4).
        BadSignature = "bad_signature",
        /// Not the expected JSON: truncated, too large, a missing field, a fraction.
        Unreadable = "unreadable",
        /// It names another order, amount or account (protocol trap 11).
        Foreign = "foreign",
        /// It gives the payout a number of the gateway that another payout of the merchant has.
        NumberInUse = "number_in_use",
        /// The query never reached the gateway (queries only; a submit reports `NotSent`).
        Unreachable = "unreachable",
    }
}

impl Doubt {
    /// Whether an answer came whole, and yet cannot be read or is not believed: the gateway may have changed its format
    /// or its key.
    pub const fn is_unreadable(self) -> bool {
        matches!(self, Self::BadSignature | Self::Unreadable | Self::Foreign)
    }
}

words! {
    /// The first difference between a callback and what we sent, as stored in the `mismatch` column. Fields have the
    /// gateway's names.
    pub enum Mismatch: "a mismatch" {
        /// A field that callbacks do not have.
        UnexpectedField = "unexpected_field",
        /// A field that every callback has is missing.
        MissingField = "missing_field",
        /// The order number.
        OrderNum = "orderNum",
        /// The bank.
        BankCode = "bankCode",
        /// The account number.
        Number = "number",
        /// The account name.
        Name = "name",
        /// The description.
        Description = "description",
        /// The amount, or a spelling of it that shifted fields could produce.
        Money = "money",
        /// Who pays the fee.
        FeeType = "feeType",
        /// A fee that is not a canonical number.
        Fee = "fee",
        /// The gateway's order number, or we have none to compare it with.
        PlatOrderNum = "platOrderNum",
        /// A digit in the status message.
        StatusMsg = "statusMsg",
        /// The signed text is longer than one RSA block.
        SeveralBlocks = "several_blocks",
        /// An undocumented status.
        Status = "status",
        /// Not compared, because the payout could not be read.
        NotCompared = "not_compared",
    }
}

words! {
    /// What "not found" proves, as stored in the `proves` column.
    pub enum Proves: "a proof" {
        /// Nothing: the request may still arrive.
        Nothing = "nothing",
        /// The gateway's refusal, once it is repeated.
        Refusal = "refusal",
        /// That the order never arrived, once it is repeated and a person decides (I10).
        Absence = "absence",
        /// That the gateway contradicts itself: it knew the order before.
        Contradiction = "contradiction",
    }
}
