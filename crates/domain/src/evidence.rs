//! The facts that we received or observed about a payout. They are stored before they change anything (I5).

use std::time::Instant;

use serde_json::Value;

use super::{
    callback::Callback, evidence_words::Mismatch, finding::Finding, money::Rupiah,
    payout::PayoutKey, words,
};
pub use super::{evidence_words::Doubt, gateway_status::GatewayStatus, resolution::Resolution};

words! {
    /// Where a fact came from, as stored in the `source` columns.
    pub enum Source: "a source of evidence" {
        /// The answer to our own submit, or what our transport observed of it.
        Submit = "submit",
        /// An answer to a query.
        Query = "query",
        /// A callback that the gateway sent.
        Callback = "callback",
        /// The worker itself, for an expired lease.
        Worker = "worker",
        /// A person, through an approved request.
        Operator = "operator",
    }
}

/// The answer to one submit, once bytes may have left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitAnswer {
    /// A verified answer that echoes our order: the gateway has it (protocol P12).
    Acknowledged {
        /// The gateway's own order number.
        platform_order_num: Option<String>,
        /// The announced fee, in rupiah. Terminal evidence may correct it (protocol P23).
        fee: Option<Rupiah>,
        /// The stated status. It never settles anything.
        status: GatewayStatus,
    },
    /// A verified `FAIL`: not accepted, though "duplicate order" and "busy" are `FAIL` too (trap 8).
    Declined {
        /// The gateway's message, digits masked, at most 200 characters.
        message: String,
    },
    /// Everything else. The order may be paid, so its status is queried, and it is never resent automatically.
    Doubt(Doubt),
}

/// The answer to one query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryAnswer {
    /// The gateway knows the order number.
    Found(Found),
    /// `NOTEXIST`: the gateway does not know it at the moment (protocol P17), and knows the orders around it (I10).
    NotFound,
    /// `NOTEXIST`, but no paid order shows that the gateway knows those of that time: proves nothing.
    NotVouchedFor,
    /// An answer that says nothing about the order.
    Doubt(Doubt),
}

/// The answer to a query for an order that the gateway knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The gateway's own order number.
    pub platform_order_num: Option<String>,
    /// The stated amount in rupiah, which may be net or gross of the fee (protocol P16b).
    pub amount: Option<Rupiah>,
    /// The stated fee in rupiah; [`Rupiah::MAX`] if it is no amount.
    pub fee: Option<Rupiah>,
    /// The order's status.
    pub status: GatewayStatus,
    /// The gateway's message for the status, digits masked, at most 200 characters.
    pub message: String,
    /// Whether `platSign` verified. An unsigned final answer needs a second one (protocol P17).
    pub signed: bool,
}

/// An uninterpreted fact, with exactly what its interpretation needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The body was never handed to the transport, so no order can exist (I8).
    NotSent {
        /// The attempt whose request did not leave.
        attempt: i32,
        /// The hash of that request. The proof holds for this claim and no other.
        request_sha256: [u8; 32],
    },
    /// The submit was sent, with this answer.
    Submitted {
        /// The attempt that sent it.
        attempt: i32,
        /// The hash of its request. After a failover, another claim may have the same attempt number.
        request_sha256: [u8; 32],
        /// What came back.
        answer: SubmitAnswer,
    },
    /// The lease expired in `submitting`: nobody knows whether the request was sent (I2).
    LeaseExpired {
        /// The attempt that held the lease.
        attempt: i32,
    },
    /// The gateway was queried.
    Queried {
        /// What it answered.
        answer: QueryAnswer,
        /// When the query was sent. An answer that is stored twice, because the first commit was not confirmed, must
        /// not count as two.
        sent_at: Instant,
    },
    /// A callback with a verified signature.
    Callback(Callback),
    /// A person stated it, and the database has the approved request.
    Resolved(Resolution),
}

impl Fact {
    /// Where it came from.
    pub const fn source(&self) -> Source {
        match self {
            Self::NotSent { .. } | Self::Submitted { .. } => Source::Submit,
            Self::LeaseExpired { .. } => Source::Worker,
            Self::Queried { .. } => Source::Query,
            Self::Callback(_) => Source::Callback,
            Self::Resolved(_) => Source::Operator,
        }
    }

    /// The attempt that it belongs to; `None` if it concerns the order and not one request.
    pub const fn attempt(&self) -> Option<i32> {
        match self {
            Self::NotSent { attempt, .. }
            | Self::Submitted { attempt, .. }
            | Self::LeaseExpired { attempt } => Some(*attempt),
            Self::Queried { .. } | Self::Callback(_) | Self::Resolved(_) => None,
        }
    }

    /// The hash of the request that it is about, for the outcome of a submit.
    pub const fn request_sha256(&self) -> Option<&[u8; 32]> {
        match self {
            Self::NotSent { request_sha256, .. } | Self::Submitted { request_sha256, .. } => {
                Some(request_sha256)
            }
            Self::LeaseExpired { .. }
            | Self::Queried { .. }
            | Self::Callback(_)
            | Self::Resolved(_) => None,
        }
    }

    /// What it says regardless of the payout. `decide` adds what depends on the payout: what "not found" proves, and
    /// whether a callback is bound.
    pub fn finding(&self) -> Finding {
        match self {
            Self::NotSent { .. } => Finding::NotSent,
            Self::Submitted { answer, .. } => match answer {
                SubmitAnswer::Acknowledged { status, .. } => Finding::Acknowledged {
                    status: status.code(),
                },
                SubmitAnswer::Declined { .. } => Finding::Declined,
                SubmitAnswer::Doubt(doubt) => Finding::Doubt(*doubt),
            },
            Self::LeaseExpired { .. } => Finding::LeaseExpired,
            Self::Queried { answer, .. } => match answer {
                QueryAnswer::Found(found) => Finding::Found {
                    status: found.status.code(),
                    signed: found.signed,
                },
                QueryAnswer::NotFound | QueryAnswer::NotVouchedFor => Finding::NOT_FOUND_EARLY,
                QueryAnswer::Doubt(doubt) => Finding::Doubt(*doubt),
            },
            Self::Callback(callback) => Finding::Callback {
                status: callback.status().code(),
                mismatch: Some(Mismatch::NotCompared),
            },
            Self::Resolved(resolution) => Finding::Resolved(*resolution),
        }
    }
}

/// One fact about one payout.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The payout.
    pub key: PayoutKey,
    /// What was received or observed.
    pub fact: Fact,
    /// The redacted message, kept for people: never an account number, a name or a signature.
    pub detail: Value,
}

impl Evidence {
    /// Makes an answer prove nothing, and tells people why. Other facts stay as they are.
    pub fn doubt(&mut self, doubt: Doubt, problem: &str) {
        match &mut self.fact {
            Fact::Submitted { answer, .. } => *answer = SubmitAnswer::Doubt(doubt),
            Fact::Queried { answer, .. } => *answer = QueryAnswer::Doubt(doubt),
            Fact::NotSent { .. }
            | Fact::LeaseExpired { .. }
            | Fact::Callback(_)
            | Fact::Resolved(_) => return,
        }
        if let Value::Object(fields) = &mut self.detail {
            fields.insert("problem".into(), problem.into());
        }
    }
}
