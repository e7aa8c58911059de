//! What we received or observed about a payout. It is stored before it changes anything (I5).

use std::time::Instant;

use serde_json::Value;

pub use super::gateway_status::GatewayStatus;
use super::{
    callback::{Callback, Mismatch},
    finding::Finding,
    money::Rupiah,
    payout::{Instruction, PayoutKey},
    words,
};

words! {
    /// Where a fact came from, as in the `source` columns.
    pub enum Source: "a source of evidence" {
        /// The answer to our own submit, or what our transport saw of it.
        Submit = "submit",
        /// An answer to a query.
        Query = "query",
        /// A callback that the gateway sent.
        Callback = "callback",
        /// The worker itself: a lease that expired.
        Worker = "worker",
        /// A person, by an approved request.
        Operator = "operator",
    }
}

words! {
    /// Why an answer proves nothing. A value of its own, so that `?` cannot turn it into a failure (I7).
    pub enum Doubt: "a doubt" {
        /// No answer in time.
        Timeout = "timeout",
        /// The connection broke after the request may have left.
        ConnectionLost = "connection_lost",
        /// The gateway answered `UNKNOWN`, `ERROR` or a code that we do not know (protocol P12, P13).
        GatewayUnsure = "gateway_unsure",
        /// An HTTP status other than 200, whatever its body says.
        HttpStatus = "http_status",
        /// `platSign` is missing or does not verify (protocol trap 4).
        BadSignature = "bad_signature",
        /// Not the JSON that was expected: truncated, too large, a field missing, a fraction.
        Unreadable = "unreadable",
        /// It names another order, amount or account (protocol trap 11).
        Foreign = "foreign",
        /// The query never reached the gateway (queries only; a submit reports `NotSent`).
        Unreachable = "unreachable",
    }
}

/// What came of one submit, once bytes may have left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubmitAnswer {
    /// A verified answer that echoes our order: the gateway has it (protocol P12).
    Acknowledged {
        /// The gateway's own number of the order.
        platform_order_num: Option<String>,
        /// The fee it announces; terminal evidence may correct it (protocol P23).
        fee: Option<Rupiah>,
        /// How far it says the order is; never settles anything.
        status: GatewayStatus,
    },
    /// A verified `FAIL`: not accepted, though "duplicate order" and "busy" are `FAIL` too (trap 8).
    Declined {
        /// The gateway's message, digits masked, at most 200 characters.
        message: String,
    },
    /// Everything else. The order may be paid: its status is queried, and it is never sent again automatically.
    Doubt(Doubt),
}

/// What came of one query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryAnswer {
    /// The gateway knows the order number.
    Found(Found),
    /// `NOTEXIST`: the gateway does not know it, now (protocol P17).
    NotFound,
    /// Says nothing about the order.
    Doubt(Doubt),
}

/// A positive query answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The gateway's own number of the order.
    pub platform_order_num: Option<String>,
    /// The amount it states; may be net or gross of the fee (protocol P16b).
    pub amount: Option<Rupiah>,
    /// The fee it states.
    pub fee: Option<Rupiah>,
    /// How far the order is.
    pub status: GatewayStatus,
    /// The gateway's message for the status, digits masked, at most 200 characters.
    pub message: String,
    /// Whether a platSign verified; an unsigned final answer needs a second read (protocol P17).
    pub signed: bool,
}

/// What a person states about a payout, with evidence of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resolution {
    /// It was paid.
    Paid {
        /// The fee, where it is known.
        fee: Option<Rupiah>,
    },
    /// It was not paid; two people say so, after the gateway answered in the same step that it does not know it.
    Failed,
    /// It was paid and came back.
    Returned {
        /// How much came back; `None` for all that the beneficiary received.
        amount: Option<Rupiah>,
    },
}

/// A fact, before it is interpreted, with exactly what its interpretation needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The body was never handed to the transport, so no order can exist (I8).
    NotSent {
        /// The attempt whose request did not leave.
        attempt: i32,
        /// The hash of that request: the proof is about this claim and no other.
        request_sha256: [u8; 32],
    },
    /// The submit was sent, and this came of it.
    Submitted {
        /// The attempt that sent it.
        attempt: i32,
        /// The hash of its request. After a failover another claim may have the same attempt.
        request_sha256: [u8; 32],
        /// What came back.
        answer: SubmitAnswer,
    },
    /// Found in `submitting` after the lease expired: nobody knows how far it came (I2).
    LeaseExpired {
        /// The attempt whose lease it was.
        attempt: i32,
    },
    /// The gateway was queried.
    Queried {
        /// What it answered.
        answer: QueryAnswer,
        /// When the query was sent. An answer that is stored twice, because the first commit was not confirmed,
        /// must not count as two.
        sent_at: Instant,
    },
    /// The gateway called back, and its signature verified.
    Callback(Callback),
    /// A person stated it, and the database holds the approved request.
    Resolved(Resolution),
}

impl Fact {
    /// Who said it.
    pub const fn source(&self) -> Source {
        match self {
            Self::NotSent { .. } | Self::Submitted { .. } => Source::Submit,
            Self::LeaseExpired { .. } => Source::Worker,
            Self::Queried { .. } => Source::Query,
            Self::Callback(_) => Source::Callback,
            Self::Resolved(_) => Source::Operator,
        }
    }

    /// The attempt that it belongs to; `None` for what is tied to the order and not to one request.
    pub const fn attempt(&self) -> Option<i32> {
        match self {
            Self::NotSent { attempt, .. }
            | Self::Submitted { attempt, .. }
            | Self::LeaseExpired { attempt } => Some(*attempt),
            Self::Queried { .. } | Self::Callback(_) | Self::Resolved(_) => None,
        }
    }

    /// The hash of the request that it is about, for what a submit came to.
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

    /// What it says by itself. What a "not found" proves, and whether a callback is bound, depends on the payout:
    /// `decide` says so.
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
                QueryAnswer::NotFound => Finding::NOT_FOUND_EARLY,
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

/// One fact about one payout, as the store takes it.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Which payout.
    pub key: PayoutKey,
    /// What was received or observed.
    pub fact: Fact,
    /// The redacted message, kept for people: never an account number, a name or a signature.
    pub detail: Value,
}

/// Fields that name an order; a name in them would be the caller's own choice.
const NUMBERS: [&str; 2] = ["orderNum", "platOrderNum"];

impl Evidence {
    /// Takes the beneficiary's name out of the gateway's words, and what the database cannot store.
    pub fn scrub(&mut self, instruction: &Instruction) {
        scrub_texts(&mut self.detail, instruction);
        match &mut self.fact {
            Fact::Submitted {
                answer: SubmitAnswer::Declined { message },
                ..
            } => *message = instruction.scrub(message),
            Fact::Queried {
                answer: QueryAnswer::Found(found),
                ..
            } => found.message = instruction.scrub(&found.message),
            Fact::NotSent { .. }
            | Fact::Submitted { .. }
            | Fact::LeaseExpired { .. }
            | Fact::Queried { .. }
            | Fact::Callback(_)
            | Fact::Resolved(_) => {}
        }
    }
}

fn scrub_texts(value: &mut Value, instruction: &Instruction) {
    match value {
        Value::String(text) => *text = instruction.scrub(text).replace('\0', " "),
        Value::Array(items) => {
            for item in items {
                scrub_texts(item, instruction);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                if !NUMBERS.contains(&name.as_str()) {
                    scrub_texts(field, instruction);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
