//! Writes and signs requests: every value a string, none of them empty (protocol P1, P6).

use std::collections::BTreeMap;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use payout_domain::{money::Rupiah, payout::Instruction, policy::MAX_AMOUNT_IDR};
use payout_permit::SealedRequest;
use sha2::{Digest, Sha256};

use super::{
    block::SignError,
    dialect::{Request, Value},
    settings::Settings,
    sign,
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
    let source = Source::submit(settings, instruction, now);
    let body = source.write(settings.dialect.rules().submit.request)?;
    Ok(SealedRequest {
        request_sha256: Sha256::digest(&body).into(),
        body,
    })
}

/// How many bytes of a submit are signed.
pub(super) fn signed_bytes(
    settings: &Settings,
    instruction: &Instruction,
    now: DateTime<Utc>,
) -> Result<usize, SealError> {
    let source = Source::submit(settings, instruction, now);
    let fields = source.fields(settings.dialect.rules().submit.request)?;
    Ok(signed_text(&fields).len())
}

/// A query of one order (protocol P14).
pub(super) fn query(
    settings: &Settings,
    order_num: &str,
    now: DateTime<Utc>,
) -> Result<Bytes, SealError> {
    let source = Source {
        settings,
        now,
        order_num,
        instruction: None,
    };
    source.write(settings.dialect.rules().query.request)
}

/// A request for the merchant's balance (protocol P18).
pub(super) fn balance(settings: &Settings, now: DateTime<Utc>) -> Result<Bytes, SealError> {
    let source = Source {
        settings,
        now,
        order_num: "",
        instruction: None,
    };
    source.write(settings.dialect.rules().balance.request)
}

/// The fields of a request, by name.
type Fields = BTreeMap<&'static str, String>;

fn signed_text(fields: &Fields) -> String {
    sign::signed_text(fields.iter().map(|(name, value)| (*name, value.as_str())))
}

/// Where the values of a request come from.
struct Source<'a> {
    settings: &'a Settings,
    now: DateTime<Utc>,
    order_num: &'a str,
    instruction: Option<&'a Instruction>,
}

impl<'a> Source<'a> {
    fn submit(settings: &'a Settings, instruction: &'a Instruction, now: DateTime<Utc>) -> Self {
        Self {
            settings,
            now,
            order_num: &instruction.key.order_num,
            instruction: Some(instruction),
        }
    }

    fn write(&self, request: Request) -> Result<Bytes, SealError> {
        let mut fields = self.fields(request)?;
        let signature = sign::sign(&self.settings.private_key, &signed_text(&fields))?;
        fields.insert(self.settings.dialect.rules().signature, signature);
        let body = serde_json::to_vec(&fields).map_err(|_| SealError::Body)?;
        Ok(body.into())
    }

    /// Signers disagree about empty values, so the only safe text is one without them (protocol P1).
    fn fields(&self, request: Request) -> Result<Fields, SealError> {
        let mut fields = BTreeMap::new();
        for (name, value) in request.iter().copied().flatten() {
            let text = self.text(*value).filter(|text| !text.is_empty());
            if let Some(text) = text {
                fields.insert(*name, text);
            } else if !matches!(value, Value::Description | Value::NotifyUrl) {
                return Err(SealError::Empty(name));
            }
        }
        Ok(fields)
    }

    fn text(&self, value: Value) -> Option<String> {
        Some(match value {
            Value::MerchantCode => self.settings.merchant_code.clone(),
            Value::DateTime => {
                let jakarta = self.now.checked_add_signed(JAKARTA)?;
                jakarta.format("%Y%m%d%H%M%S").to_string()
            }
            Value::OrderNum => self.order_num.to_owned(),
            Value::Money => self.instruction?.amount.idr().to_string(),
            Value::FeeType => self.instruction?.fee_type.code().to_string(),
            Value::BankCode => self.instruction?.bank_code.clone(),
            Value::AccountNumber => self.instruction?.account_number.reveal().to_owned(),
            Value::AccountName => self.instruction?.account_name.reveal().to_owned(),
            Value::Description => self.instruction?.description.clone()?,
            Value::NotifyUrl => self.settings.notify_url.clone()?,
            Value::Fixed(text) => text.to_owned(),
        })
    }
}
