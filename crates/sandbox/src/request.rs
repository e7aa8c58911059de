//! Parses and checks the merchant's requests.

use axum::http::{HeaderMap, header::CONTENT_TYPE};
use serde_json::Value;

use super::{
    settings::Settings,
    wire::{self, Fields},
};

/// Maximum amount of one order: more than any bank would transfer.
const MONEY_MAX_IDR: i64 = 1_000_000_000_000;

/// A reason to answer `FAIL`, as the gateway would word it.
pub(super) type Refusal = String;

/// Who pays the fee (protocol P22): the digit on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FeeType {
    /// It comes out of the amount.
    FromAmount = 0,
    /// It is charged on top.
    OnTop = 1,
}

impl FeeType {
    /// The digit on the wire.
    pub(super) const fn code(self) -> u8 {
        self as u8
    }
}

/// One well-formed submit. No `Debug`: it holds personal data.
#[derive(Clone)]
pub(super) struct Submit {
    pub(super) order_num: String,
    pub(super) money_idr: i64,
    pub(super) fee_type: FeeType,
    pub(super) bank_code: String,
    pub(super) number: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) notify_url: Option<String>,
}

/// Reads the body as a JSON object without checking who sent it.
pub(super) fn read_object(headers: &HeaderMap, body: &[u8]) -> Result<Fields, Refusal> {
    let json = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("application/json"));
    if !json {
        return Err("Content-Type must be application/json".to_owned());
    }
    serde_json::from_slice(body).map_err(|_| "the body must be a JSON object".to_owned())
}

/// Checks that our merchant signed these fields.
pub(super) fn authenticate(settings: &Settings, fields: &Fields) -> Result<(), Refusal> {
    let is_empty = |(_, value): &(_, &Value)| value.as_str().is_none_or(str::is_empty);
    if let Some((name, _)) = fields.iter().find(is_empty) {
        let name = clip(name);
        return Err(format!("parameter {name} must be a string and not empty"));
    }
    if text(fields, "merchantCode")? != settings.merchant_code {
        return Err("merchant not found".to_owned());
    }
    let signed = wire::signed_text(fields, "sign");
    let signature = text(fields, "sign")?;
    if wire::verify(&settings.merchant_public_key, &signed, signature) {
        Ok(())
    } else {
        Err("sign error".to_owned())
    }
}

/// Parses the fields of a submit (protocol P10), each checked separately.
pub(super) fn read_submit(fields: &Fields) -> Result<Submit, Refusal> {
    check(fields, "dateTime", 14..=14, |c| c.is_ascii_digit())?;
    let fee_type = match text(fields, "feeType")? {
        "0" => FeeType::FromAmount,
        "1" => FeeType::OnTop,
        _ => return Err("parameter feeType must be 0 or 1".to_owned()),
    };
    let optional = |name| text(fields, name).ok().map(str::to_owned);
    let description = optional("description");
    if description
        .as_ref()
        .is_some_and(|text| text.chars().count() > 32)
    {
        return Err("parameter description is too long".to_owned());
    }
    Ok(Submit {
        order_num: read_order_num(fields)?,
        money_idr: read_money(text(fields, "money")?)?,
        fee_type,
        bank_code: check(fields, "bankCode", 1..=10, |c| c.is_ascii_digit())?,
        number: check(fields, "number", 1..=34, |c| c.is_ascii_digit())?,
        name: check(fields, "name", 1..=32, |c| {
            c.is_ascii_alphanumeric() || c == ' '
        })?,
        description,
        notify_url: optional("notifyUrl"),
    })
}

/// Parses the order number of a submit or a query.
pub(super) fn read_order_num(fields: &Fields) -> Result<String, Refusal> {
    check(fields, "orderNum", 1..=32, |c| {
        c.is_ascii_alphanumeric() || c == '-' || c == '_'
    })
}

/// Parses positive whole rupiah in their one canonical spelling.
pub(super) fn read_money(text: &str) -> Result<i64, Refusal> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse()
        .ok()
        .filter(|money_idr| digits && (1..=MONEY_MAX_IDR).contains(money_idr))
        .ok_or_else(|| "parameter money must be a positive integer".to_owned())
}

fn check(
    fields: &Fields,
    name: &str,
    length: std::ops::RangeInclusive<usize>,
    allowed: fn(char) -> bool,
) -> Result<String, Refusal> {
    let value = text(fields, name)?;
    if length.contains(&value.chars().count()) && value.chars().all(allowed) {
        Ok(value.to_owned())
    } else {
        Err(format!("parameter {name} is malformed"))
    }
}

fn text<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Refusal> {
    fields
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("parameter {name} is missing"))
}

/// The first 40 characters of an untrusted text: enough to recognise it.
pub(super) fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::support::{merchant_key, settings, signed_submit};

    #[test]
    fn a_good_submit_is_read_and_authentic() {
        let fields = signed_submit("INV-1", 10_000, 1, None);
        authenticate(&settings(), &fields).unwrap();
        let submit = read_submit(&fields).unwrap();
        assert_eq!(
            (submit.money_idr, submit.fee_type),
            (10_000, FeeType::OnTop)
        );
        assert_eq!(submit.bank_code, "014", "the leading zero is kept");
    }

    #[test]
    fn only_the_canonical_spelling_of_money_is_taken() {
        assert_eq!(read_money("1000000000000"), Ok(MONEY_MAX_IDR));
        for text in [
            "0",
            "-1",
            "+1",
            "01",
            "1.0",
            "1e3",
            "",
            " 1",
            "1000000000001",
            "99999999999999999999",
        ] {
            assert!(read_money(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        for (name, value) in [
            ("bankCode", "BCA"),
            ("number", "12-3"),
            ("name", "Ünal"),
            ("dateTime", "2024"),
            ("feeType", "2"),
        ] {
            let mut fields = signed_submit("INV-1", 10_000, 1, None);
            fields.insert(name.to_owned(), value.into());
            assert!(read_submit(&fields).err().unwrap().contains(name));
            fields.remove(name);
            assert!(read_submit(&fields).err().unwrap().contains(name));
        }
    }

    #[test]
    fn a_changed_field_an_empty_one_and_a_number_are_refused() {
        let good = signed_submit("INV-1", 10_000, 1, None);
        let refusal = |name: &str, value: Value| {
            let mut fields = good.clone();
            fields.insert(name.to_owned(), value);
            authenticate(&settings(), &fields).unwrap_err()
        };
        assert_eq!(refusal("money", "20000".into()), "sign error");
        assert_eq!(refusal("merchantCode", "S9".into()), "merchant not found");
        assert!(refusal("description", "".into()).contains("description"));
        assert!(refusal("money", 10_000.into()).contains("money"));
        let other = wire::sign(&merchant_key(), "other text").unwrap();
        assert_eq!(refusal("sign", other.into()), "sign error");
    }
}
