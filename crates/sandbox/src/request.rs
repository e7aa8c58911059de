//! Parses and checks the merchant's requests.

use axum::http::{HeaderMap, header::CONTENT_TYPE};
use serde_json::Value;

use super::{
    settings::Settings,
    wire::{self, Fields},
};

/// Maximum amount of one order: more than any bank would transfer.
const MONEY_MAX_IDR: i64 = 1_000_000_000_000;

/// A reason to answer `FAIL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// As the gateway would word it. No personal data.
    pub(super) message: String,
    /// What the signature had to be of. It holds the beneficiary, so only the merchant gets it.
    text_to_sign: Option<String>,
}

impl Refusal {
    /// For the merchant, who can compare the text with the one that it signed.
    pub(super) fn answer(&self) -> String {
        match &self.text_to_sign {
            None => self.message.clone(),
            Some(text) => format!("{}; the text to sign is: {text}", self.message),
        }
    }
}

impl<T: Into<String>> From<T> for Refusal {
    fn from(message: T) -> Self {
        Self {
            message: message.into(),
            text_to_sign: None,
        }
    }
}

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

/// Reads the body as a JSON object without checking who sent it. Whole numbers become texts, as the live gateway takes
/// both; a strict sandbox wants texts (protocol P1, P6).
pub(super) fn read_object(
    settings: &Settings,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Fields, Refusal> {
    let json = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("application/json"));
    if !json {
        return Err("Content-Type must be application/json".into());
    }
    let mut fields: Fields = serde_json::from_slice(body)
        .map_err(|_| Refusal::from("the body must be a JSON object"))?;
    for value in fields.values_mut().filter(|_| !settings.strict) {
        if value.is_i64() || value.is_u64() {
            *value = value.to_string().into();
        }
    }
    Ok(fields)
}

/// Checks that our merchant signed these fields.
pub(super) fn authenticate(settings: &Settings, fields: &Fields) -> Result<(), Refusal> {
    let is_empty = |(_, value): &(_, &Value)| value.as_str().is_none_or(str::is_empty);
    if let Some((name, _)) = fields.iter().find(is_empty) {
        let name = clip(name);
        let what = if settings.strict {
            "a string"
        } else {
            "a string or a whole number"
        };
        return Err(format!("parameter {name} must be {what} and not empty").into());
    }
    if text(fields, "merchantCode")? != settings.merchant_code {
        return Err("merchant not found".into());
    }
    let signed = wire::signed_text(fields, "sign");
    let signature = text(fields, "sign")?;
    let verified = wire::verify(
        &settings.merchant_public_key,
        &signed,
        signature,
        settings.strict,
    );
    verified.map_err(|why| Refusal {
        message: format!("sign error: {why}"),
        text_to_sign: Some(signed),
    })
}

/// Parses the fields of a submit (protocol P10), each checked separately.
pub(super) fn read_submit(fields: &Fields) -> Result<Submit, Refusal> {
    check(fields, "dateTime", 14..=14, |c| c.is_ascii_digit())?;
    let fee_type = match text(fields, "feeType")? {
        "0" => FeeType::FromAmount,
        "1" => FeeType::OnTop,
        _ => return Err("parameter feeType must be 0 or 1".into()),
    };
    let optional = |name| text(fields, name).ok().map(str::to_owned);
    let description = optional("description");
    if description
        .as_ref()
        .is_some_and(|text| text.chars().count() > 32)
    {
        return Err("parameter description is too long".into());
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
        .ok_or_else(|| "parameter money must be a positive integer".into())
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
        Err(format!("parameter {name} is malformed").into())
    }
}

fn text<'a>(fields: &'a Fields, name: &str) -> Result<&'a str, Refusal> {
    fields
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("parameter {name} is missing").into())
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
            let refused = |fields: &Fields| read_submit(fields).err().unwrap().message;
            assert!(refused(&fields).contains(name));
            fields.remove(name);
            assert!(refused(&fields).contains(name));
        }
    }

    #[test]
    fn a_changed_field_an_empty_one_and_a_fraction_are_refused() {
        let good = signed_submit("INV-1", 10_000, 1, None);
        let refusal = |name: &str, value: Value| {
            let mut fields = good.clone();
            fields.insert(name.to_owned(), value);
            authenticate(&settings(), &fields).unwrap_err().message
        };
        let not_ours = "sign error: the merchant's key did not make it of this text";
        assert_eq!(refusal("money", "20000".into()), not_ours);
        assert_eq!(refusal("merchantCode", "S9".into()), "merchant not found");
        assert!(refusal("description", "".into()).contains("description"));
        assert!(refusal("money", 10_000.5.into()).contains("money"));
        let other = wire::sign(&merchant_key(), "other text").unwrap();
        assert_eq!(refusal("sign", other.into()), not_ours);
        assert_eq!(
            refusal("sign", "no!".into()),
            "sign error: it is not base64"
        );
        let short = "sign error: it has 3 bytes, and this text takes 1 block of 128 bytes";
        assert_eq!(refusal("sign", "AAAA".into()), short);
    }

    /// A client of this gateway family that is in production use: numbers, and URL-safe base64 without padding.
    #[test]
    fn what_live_clients_send_is_taken_unless_it_is_strict() {
        let mut fields = signed_submit("INV-1", 10_000, 1, None);
        let sign = fields["sign"].as_str().unwrap();
        let sign = sign.replace('+', "-").replace('/', "_").replace('=', "");
        fields.insert("sign".to_owned(), sign.into());
        for (name, number) in [("money", 10_000), ("feeType", 1)] {
            fields.insert(name.to_owned(), number.into());
        }
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, "application/json".parse().unwrap())]);
        let body = Value::Object(fields).to_string();
        let try_with = |strict| {
            let settings = Settings {
                strict,
                ..settings()
            };
            let fields = read_object(&settings, &headers, body.as_bytes())?;
            authenticate(&settings, &fields)?;
            read_submit(&fields).map(|submit| submit.money_idr)
        };
        assert_eq!(try_with(false), Ok(10_000));
        let words = "parameter feeType must be a string and not empty";
        assert_eq!(try_with(true).unwrap_err().message, words);
    }

    #[test]
    fn only_the_merchant_sees_the_text_that_the_signature_had_to_be_of() {
        let mut fields = signed_submit("INV-1", 10_000, 1, None);
        fields.insert("money".to_owned(), "20000".into());
        let refusal = authenticate(&settings(), &fields).unwrap_err();
        assert!(!refusal.message.contains("Siti"), "{}", refusal.message);
        let sorted = wire::signed_text(&fields, "sign");
        let answer = refusal.answer();
        assert!(
            answer.ends_with(&format!("; the text to sign is: {sorted}")),
            "{answer}"
        );
    }
}
