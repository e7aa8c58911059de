//! What we were told about a payout, and by whom. Stored before it changes anything (I5).

use std::time::Duration;

use serde_json::Value;

use super::{
    callback::Callback,
    money::Rupiah,
    payout::{Instruction, PayoutKey},
};

/// Where a fact came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// The answer to our own submit, or what our transport saw of it.
    Submit,
    /// An answer to a question.
    Query,
    /// A notification that the gateway sent.
    Callback,
    /// The worker itself: a lease that ended.
    Worker,
    /// A person, by an approved request.
    Operator,
}

impl Source {
    /// The stable word of the `source` columns.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Query => "query",
            Self::Callback => "callback",
            Self::Worker => "worker",
            Self::Operator => "operator",
        }
    }
}

/// The gateway's word on how far an order is (protocol P16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayStatus {
    /// 0: new.
    New,
    /// 1: in progress.
    Processing,
    /// 5: at the bank; still in progress.
    AtBank,
    /// 2: paid.
    Paid,
    /// 3: cancelled, a failure.
    Cancelled,
    /// 4: failed.
    Failed,
    /// Anything else: still in progress, ask again. Holds at most 16 characters of what was said.
    Other(String),
}

impl GatewayStatus {
    /// Reads the wire value.
    pub fn parse(text: &str) -> Self {
        match text {
            "0" => Self::New,
            "1" => Self::Processing,
            "5" => Self::AtBank,
            "2" => Self::Paid,
            "3" => Self::Cancelled,
            "4" => Self::Failed,
            other => Self::Other(other.chars().take(16).collect()),
        }
    }

    /// A short stable word for findings and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::New => "status_0",
            Self::Processing => "status_1",
            Self::AtBank => "status_5",
            Self::Paid => "status_2",
            Self::Cancelled => "status_3",
            Self::Failed => "status_4",
            Self::Other(_) => "status_other",
        }
    }
}

/// Why an answer proves nothing. A value of its own, so that `?` cannot make a failure of it (I7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Doubt {
    /// No answer in time.
    Timeout,
    /// The connection broke after the request may have left.
    ConnectionLost,
    /// The gateway said `UNKNOWN`, `ERROR` or a code we do not know (protocol P12, P13).
    GatewayUnsure,
    /// An HTTP status other than 200, whatever its body says.
    HttpStatus,
    /// `platSign` is missing or does not verify (protocol trap 4).
    BadSignature,
    /// Not the JSON that was expected: truncated, too large, a field missing, a fraction.
    Unreadable,
    /// It names another order, amount or account (protocol trap 11).
    Foreign,
    /// We never reached the gateway to ask (queries only; a submit reports `NotSent`).
    Unreachable,
}

impl Doubt {
    /// Every doubt, for metrics that must exist before the first one happens.
    pub const ALL: [Self; 8] = [
        Self::Timeout,
        Self::ConnectionLost,
        Self::GatewayUnsure,
        Self::HttpStatus,
        Self::BadSignature,
        Self::Unreadable,
        Self::Foreign,
        Self::Unreachable,
    ];

    /// The stable word for findings, metrics and the runbook.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::ConnectionLost => "connection_lost",
            Self::GatewayUnsure => "gateway_unsure",
            Self::HttpStatus => "http_status",
            Self::BadSignature => "bad_signature",
            Self::Unreadable => "unreadable",
            Self::Foreign => "foreign",
            Self::Unreachable => "unreachable",
        }
    }
}

/// What one submit taught us, once bytes may have left.
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
        /// The gateway's words, digits masked, at most 200 characters.
        message: String,
    },
    /// Everything else. The order may be paid: it is asked for and never sent again.
    Doubt(Doubt),
}

/// What one question taught us.
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
    /// The gateway's words for the status, digits masked, at most 200 characters.
    pub message: String,
    /// Whether a platSign verified; an unsigned final answer needs a second read (protocol P17).
    pub signed: bool,
}

/// What a person states about a payout, with evidence of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// It was paid.
    Paid {
        /// The fee, where it is known.
        fee: Option<Rupiah>,
    },
    /// It was not paid; two people say so, after the gateway said in the same step that it does not know it.
    Failed,
    /// It was paid and came back.
    Returned {
        /// How much came back; `None` for all that the beneficiary received.
        amount: Option<Rupiah>,
    },
}

/// A fact, before it is interpreted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The body was never handed to the transport, so no order can exist (I8).
    NotSent {
        /// The failure in words without personal data: `connection refused`.
        reason: String,
        /// The SHA-256 of the request that did not leave: the proof is about this claim and no other.
        claim: [u8; 32],
    },
    /// The submit was sent and this came of it.
    Submitted(SubmitAnswer),
    /// Found in `submitting` after the lease ended: nobody knows how far it came (I2).
    LeaseExpired,
    /// The gateway was asked.
    Queried(QueryAnswer),
    /// The gateway called, and its signature verified.
    Callback(Callback),
    /// A person stated it, and the database holds the approved request.
    Resolved(Resolution),
}

/// One fact about one payout, as the store takes it.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Which payout.
    pub key: PayoutKey,
    /// The attempt it belongs to; `None` for what is not tied to one (queries, callbacks).
    pub attempt: Option<i32>,
    /// For the answer to a submit: the SHA-256 of its request. After lost commits another claim may have the same attempt.
    pub claim: Option<[u8; 32]>,
    /// Who said it.
    pub source: Source,
    /// What was said.
    pub fact: Fact,
    /// The redacted message, kept for people: never an account number, a name or a signature.
    pub detail: Value,
    /// For an answer: how long before it is stored the question was sent. An answer that is stored twice, because nobody
    /// heard whether the first time was committed, must not count as two.
    pub query_sent_ago: Duration,
}

/// Fields that name an order; a name in them would be the caller's own choice.
const NUMBERS: [&str; 2] = ["orderNum", "platOrderNum"];

impl Evidence {
    /// Takes the beneficiary's name out of what the gateway said in words, and what the database does not take.
    pub fn scrub(&mut self, instruction: &Instruction) {
        scrub_texts(&mut self.detail, instruction);
        match &mut self.fact {
            Fact::Submitted(SubmitAnswer::Declined { message }) => {
                *message = instruction.scrub(message);
            }
            Fact::Queried(QueryAnswer::Found(found)) => {
                found.message = instruction.scrub(&found.message);
            }
            Fact::NotSent { .. }
            | Fact::Submitted(_)
            | Fact::LeaseExpired
            | Fact::Queried(_)
            | Fact::Callback(_)
            | Fact::Resolved(_) => {}
        }
    }

    /// The short stable word under which equal findings are counted.
    pub fn finding(&self) -> String {
        match &self.fact {
            Fact::NotSent { .. } => "not_sent".into(),
            Fact::Submitted(SubmitAnswer::Acknowledged { .. }) => "acknowledged".into(),
            Fact::Submitted(SubmitAnswer::Declined { .. }) => "declined".into(),
            Fact::Submitted(SubmitAnswer::Doubt(doubt))
            | Fact::Queried(QueryAnswer::Doubt(doubt)) => format!("doubt_{}", doubt.name()),
            Fact::LeaseExpired => "lease_expired".into(),
            Fact::Queried(QueryAnswer::Found(found)) if found.signed => found.status.name().into(),
            Fact::Queried(QueryAnswer::Found(found)) => format!("{}_unsigned", found.status.name()),
            Fact::Queried(QueryAnswer::NotFound) => "not_found".into(),
            Fact::Callback(callback) => callback.status().name().into(),
            Fact::Resolved(Resolution::Paid { .. }) => "resolved_paid".into(),
            Fact::Resolved(Resolution::Failed) => "resolved_failed".into(),
            Fact::Resolved(Resolution::Returned { .. }) => "resolved_returned".into(),
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
