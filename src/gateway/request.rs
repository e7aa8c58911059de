//! Builds and signs requests: every value a string, none of them empty (protocol P1, P6).

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::{
    settings::{Dialect, Settings},
    sign::{self, SignError},
};
use crate::{
    domain::{money::Rupiah, payout::Instruction, policy::MAX_AMOUNT_IDR},
    permit::SealedRequest,
};

/// Jakarta is seven hours ahead, all year (protocol P4).
const JAKARTA: TimeDelta = TimeDelta::hours(7);

/// Why a request could not be made. Nothing was sent, nothing can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The payout belongs to another merchant's client.
    #[error("the payout belongs to another merchant")]
    OtherMerchant,
    /// Not 1 to 10^12 rupiah.
    #[error("the amount is out of range")]
    Amount,
    /// A value that must be there is empty.
    #[error("{0} is empty")]
    Empty(&'static str),
    /// The signature could not be made.
    #[error("the request could not be signed: {0}")]
    Signature(#[from] SignError),
    /// The JSON could not be written.
    #[error("the request could not be written")]
    Body,
}

/// A submit (protocol P10), written once: these very bytes are hashed, stored and sent.
pub(super) fn submit(
    settings: &Settings,
    instruction: &Instruction,
    now: DateTime<Utc>,
) -> Result<SealedRequest, SealError> {
    if instruction.key.merchant_code != settings.merchant_code {
        return Err(SealError::OtherMerchant);
    }
    if !(Rupiah::new(1)..=Rupiah::new(MAX_AMOUNT_IDR)).contains(&instruction.amount) {
        return Err(SealError::Amount);
    }
    let mut fields = frame(settings, now);
    let mut set = |name, value: &str| fields.insert(name, value.to_owned());
    set("orderNum", &instruction.key.order_num);
    set("money", &instruction.amount.idr().to_string());
    set("feeType", &instruction.fee_type.code().to_string());
    set("bankCode", &instruction.bank_code);
    set("number", instruction.account_number.reveal());
    set("name", instruction.account_name.reveal());
    if let Some(text) = instruction.description.as_ref().filter(|t| !t.is_empty()) {
        set("description", text);
    }
    if let Some(url) = settings.notify_url.as_ref().filter(|url| !url.is_empty()) {
        set("notifyUrl", url);
    }
    if settings.dialect == Dialect::Toppay {
        set("method", "Transfer");
        set("orderType", "0");
    }
    let body = signed(settings, fields)?;
    Ok(SealedRequest {
        request_sha256: Sha256::digest(&body).into(),
        body,
    })
}

/// A question about one order (protocol P14).
pub(super) fn query(
    settings: &Settings,
    order_num: &str,
    now: DateTime<Utc>,
) -> Result<Bytes, SealError> {
    let mut fields = frame(settings, now);
    fields.insert("orderNum", order_num.to_owned());
    if settings.dialect == Dialect::Toppay {
        fields.insert("queryType", "CASH_QUERY".to_owned());
    }
    signed(settings, fields)
}

/// A question about the money (protocol P18).
pub(super) fn balance(settings: &Settings, now: DateTime<Utc>) -> Result<Bytes, SealError> {
    signed(settings, frame(settings, now))
}

type Fields = BTreeMap<&'static str, String>;

fn frame(settings: &Settings, now: DateTime<Utc>) -> Fields {
    let jakarta = now.checked_add_signed(JAKARTA).unwrap_or(now);
    Fields::from([
        ("merchantCode", settings.merchant_code.clone()),
        ("dateTime", jakarta.format("%Y%m%d%H%M%S").to_string()),
    ])
}

/// Signers disagree about empty values, so the only safe text is one without them (protocol P1).
fn signed(settings: &Settings, mut fields: Fields) -> Result<Bytes, SealError> {
    if let Some((name, _)) = fields.iter().find(|(_, value)| value.is_empty()) {
        return Err(SealError::Empty(name));
    }
    let pairs = fields.iter().map(|(name, value)| (*name, value.as_str()));
    let signature = sign::sign(&settings.private_key, &sign::signed_text(pairs))?;
    fields.insert("sign", signature);
    let body = serde_json::to_vec(&fields).map_err(|_| SealError::Body)?;
    Ok(body.into())
}
