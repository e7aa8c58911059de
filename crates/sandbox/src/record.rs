//! The record of a submit.

use chrono::Utc;
use sha2::{Digest, Sha256};

use super::{
    fault::Fault,
    order::Order,
    request::{self, Refusal},
    view::{SeenSubmit, mask_name, mask_number},
    wire::Fields,
};

/// The answer as recorded, and the message of a refusal.
pub(super) fn note_of(
    fault: Option<Fault>,
    outcome: &Result<Order, Refusal>,
) -> (&'static str, String) {
    let message = outcome.as_ref().err();
    let message = message.map_or(String::new(), |why| why.message.clone());
    let answer = match fault {
        Some(Fault::Fail | Fault::FailBusyBooks) => "FAIL",
        Some(Fault::Unknown | Fault::UnknownLost) => "UNKNOWN",
        Some(Fault::Http500 | Fault::Http500Books) => "HTTP 500",
        Some(Fault::Redirect) => "HTTP 307",
        Some(Fault::Garbage) => "garbage",
        Some(Fault::Html) => "html",
        Some(Fault::NoAnswerBefore | Fault::NoAnswerAfter | Fault::LateBooking) => "no answer",
        Some(Fault::Down | Fault::CutAfter) => "closed",
        Some(Fault::Truncated) => "torn",
        _ if outcome.is_ok() => "SUCCESS",
        _ => "FAIL",
    };
    (answer, message)
}

/// The record of a submit before anything about it is decided.
pub(super) fn seen(fields: Option<&Fields>, verified: bool, body: &[u8]) -> SeenSubmit {
    let field = |name| {
        fields
            .and_then(|fields| fields.get(name)?.as_str())
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
        request_sha256: base16ct::lower::encode_string(&Sha256::digest(body)),
        verified,
        booked: false,
        answer: "-".to_owned(),
        message: String::new(),
    }
}
