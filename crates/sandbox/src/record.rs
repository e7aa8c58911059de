//! The record of a submit.

use std::fmt::Write;

use chrono::Utc;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    order::Order,
    reaction::Reply,
    request::{self, Refusal},
    view::{SeenSubmit, mask_name, mask_number},
    wire::Fields,
};

/// The answer as recorded, and the message of a refusal.
pub(super) fn note_of(reply: Reply, outcome: &Result<Order, Refusal>) -> (&'static str, String) {
    let message = outcome.as_ref().err().cloned().unwrap_or_default();
    let answer = match reply {
        Reply::Fail => "FAIL",
        Reply::Unknown => "UNKNOWN",
        Reply::Http500 => "HTTP 500",
        Reply::Redirect => "HTTP 307",
        Reply::Garbage => "garbage",
        Reply::Html => "html",
        Reply::Silence => "no answer",
        Reply::Cut => "closed",
        Reply::Torn => "torn",
        Reply::Honest
        | Reply::Slow
        | Reply::AfterCallback
        | Reply::BadSign
        | Reply::WrongAmount
        | Reply::WrongOrder => {
            if outcome.is_ok() {
                "SUCCESS"
            } else {
                "FAIL"
            }
        }
    };
    (answer, message)
}

/// The record of a submit before anything about it is decided.
pub(super) fn seen(fields: Option<&Fields>, verified: bool, body: &[u8]) -> SeenSubmit {
    let field = |name: &str| {
        fields
            .and_then(|fields| fields.get(name))
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    SeenSubmit {
        at: Utc::now(),
        order_num: request::clip(field("orderNum")),
        amount: request::read_money(field("money")).ok(),
        fee_type: request::clip(field("feeType")),
        bank_code: request::clip(field("bankCode")),
        account_number: mask_number(field("number")),
        account_name: mask_name(field("name")),
        request_sha256: hex(&Sha256::digest(body)),
        verified,
        booked: false,
        answer: "-".to_owned(),
        message: String::new(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}
