//! Writes and signs requests: every value a string, none of them empty (protocol P1, P6).

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::{
    dialect::{Request, Value},
    settings::Settings,
    sign::{self, SignError},
};
use crate::{
    domain::{
        money::{MAX_AMOUNT_IDR, Rupiah},
        payout::Instruction,
    },
    permit::SealedRequest,
};

/// Jakarta is seven hours ahead of UTC, all year (protocol P4).
const JAKARTA: TimeDelta = TimeDelta::hours(7);

/// Why a request could not be made. Nothing was sent, and nothing can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The payout belongs to another merchant's client.
    #[error("the payout belongs to another merchant")]
    OtherMerchant,
    /// Not 1 to 10^12 rupiah.
    #[error("the amount is out of range")]
    Amount,
    /// A required value is empty.
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
    let body = write(
        settings,
        settings.dialect.rules().submit.request,
        |value| match value {
            Value::OrderNum => instruction.key.order_num.clone(),
            Value::Money => instruction.amount.idr().to_string(),
            Value::FeeType => instruction.fee_type.code().to_string(),
            Value::BankCode => instruction.bank_code.clone(),
            Value::AccountNumber => instruction.account_number.reveal().to_owned(),
            Value::AccountName => instruction.account_name.reveal().to_owned(),
            Value::Description => instruction.description.clone().unwrap_or_default(),
            Value::NotifyUrl => settings.notify_url.clone().unwrap_or_default(),
            Value::MerchantCode | Value::DateTime | Value::Fixed(_) => common(settings, value, now),
        },
    )?;
    Ok(SealedRequest {
        request_sha256: Sha256::digest(&body).into(),
        body,
    })
}

/// A query of one order (protocol P14).
pub(super) fn query(
    settings: &Settings,
    order_num: &str,
    now: DateTime<Utc>,
) -> Result<Bytes, SealError> {
    let rules = &settings.dialect.rules().query;
    write(settings, rules.request, |value| match value {
        Value::OrderNum => order_num.to_owned(),
        value => common(settings, value, now),
    })
}

/// A request for the merchant's balance (protocol P18).
pub(super) fn balance(settings: &Settings, now: DateTime<Utc>) -> Result<Bytes, SealError> {
    let rules = &settings.dialect.rules().balance;
    write(settings, rules.request, |value| {
        common(settings, value, now)
    })
}

/// A value that no payout changes; empty for the others.
fn common(settings: &Settings, value: Value, now: DateTime<Utc>) -> String {
    match value {
        Value::MerchantCode => settings.merchant_code.clone(),
        Value::DateTime => {
            let jakarta = now.checked_add_signed(JAKARTA).unwrap_or(now);
            jakarta.format("%Y%m%d%H%M%S").to_string()
        }
        Value::Fixed(text) => text.to_owned(),
        Value::OrderNum
        | Value::Money
        | Value::FeeType
        | Value::BankCode
        | Value::AccountNumber
        | Value::AccountName
        | Value::Description
        | Value::NotifyUrl => String::new(),
    }
}

/// Signers disagree about empty values, so the only safe text is one without them (protocol P1).
fn write(
    settings: &Settings,
    request: Request,
    text_of: impl Fn(Value) -> String,
) -> Result<Bytes, SealError> {
    let mut fields = BTreeMap::new();
    for (name, value) in request.iter().copied().flatten() {
        let text = text_of(*value);
        if !text.is_empty() {
            fields.insert(*name, text);
        } else if !matches!(value, Value::Description | Value::NotifyUrl) {
            return Err(SealError::Empty(name));
        }
    }
    let pairs = fields.iter().map(|(name, value)| (*name, value.as_str()));
    let signature = sign::sign(&settings.private_key, &sign::signed_text(pairs))?;
    fields.insert(settings.dialect.rules().signature, signature);
    let body = serde_json::to_vec(&fields).map_err(|_| SealError::Body)?;
    Ok(body.into())
}
