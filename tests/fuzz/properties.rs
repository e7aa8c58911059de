//! Properties of all input from outside, and how to make signed input. The fuzz targets and
//! `tests/it/hostile_input` share it.

use std::path::Path;

use form_urlencoded::Serializer;
use payout_worker::{
    config,
    domain::money::Rupiah,
    gateway::{VerifyingKey, read_callback_order, sign},
};
use rsa::PrivateKey;
use serde_json::{Map, Value};

/// The field with the platform's signature.
const SIGNATURE: &str = "platSign";

/// Whether it is an amount. Only plain digits are: no fraction, sign or exponent becomes money.
pub fn money(text: &str) -> bool {
    let Some(amount) = Rupiah::parse_exact(text) else {
        return false;
    };
    // Its digits, with the point moved as far as the exponent says: as a person would read it.
    let (number, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let mut read: String = [whole, fraction].concat();
    assert!(read.bytes().all(|b| b.is_ascii_digit()), "{text}");
    let point = i64::try_from(whole.len()).unwrap() + power.parse::<i64>().unwrap();
    let point = usize::try_from(point).unwrap_or(0);
    let missing = point.saturating_sub(read.len());
    read.extend(std::iter::repeat_n('0', missing));
    let behind = read.split_off(point);
    assert!(behind.bytes().all(|b| b == b'0'), "{text}");
    let digits = read.trim_start_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    assert_eq!(amount.idr().to_string(), digits, "{text}");
    true
}

/// Whether it is a valid configuration. If not, each of its errors names a line.
pub fn configuration(text: &str) -> bool {
    let Err(faults) = config::parse("page.toml", text, Path::new("."), None) else {
        return true;
    };
    assert!(!faults.sentences().is_empty());
    for sentence in faults.sentences() {
        let place = sentence.strip_prefix("page.toml:").unwrap_or(sentence);
        let line = place.split(':').next().unwrap_or("").trim();
        let names_a_line = line.parse::<usize>().is_ok_and(|line| line > 0);
        assert!(names_a_line, "no line in: {sentence}");
    }
    false
}

/// Whether it verifies. A signature has exactly one value, in any spelling of base64, and both libraries know it.
pub fn signature(key: &VerifyingKey, text: &str, genuine: &str, other: &str) -> bool {
    let verifies = sign::verify(key, text, other);
    assert_eq!(verifies, is_same(other, genuine), "{other}");
    assert_eq!(
        verifies,
        sign::verify(key.reference(), text, other),
        "{other}"
    );
    verifies
}

/// Whether a form names an order, before any verification. The name is short, plain text.
pub fn names_an_order(body: &[u8]) -> bool {
    let Some(order_num) = read_callback_order(body) else {
        return false;
    };
    assert!((1..=32).contains(&order_num.len()) && order_num.is_ascii());
    true
}

/// A form that was believed carries the signature of exactly its fields.
pub fn form_is_signed(body: &[u8], key: &PrivateKey) {
    let fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    let signature = fields.iter().find(|(name, _)| name == SIGNATURE);
    let (_, signature) = signature.expect("it was believed");
    let genuine = signature_of_form(&fields, key).expect("it was believed");
    assert!(
        is_same(&signature.replace(' ', "+"), &genuine),
        "{}",
        shown(body)
    );
}

/// An answer that was believed carries the signature of exactly its values.
pub fn answer_is_signed(body: &[u8], key: &PrivateKey) {
    let fields: Map<String, Value> = serde_json::from_slice(body).expect("it was believed");
    let signature = fields.get(SIGNATURE).and_then(Value::as_str);
    let signature = signature.expect("it was believed");
    let genuine = signature_of(&fields, key).expect("it was believed");
    assert!(is_same(signature, &genuine), "{}", shown(body));
}

/// Whether it is this signature, standard or URL-safe, padded or not.
fn is_same(signature: &str, genuine: &str) -> bool {
    let standard = signature.replace('-', "+").replace('_', "/");
    let bare = genuine.trim_end_matches('=');
    let padding = standard.strip_prefix(bare);
    padding.is_some_and(|padding| genuine.ends_with(padding) && padding.bytes().all(|b| b == b'='))
}

/// The platform's answer with these fields; `None` when they cannot be signed.
pub fn signed_answer(body: &[u8], key: &PrivateKey) -> Option<Vec<u8>> {
    let mut fields: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let signature = signature_of(&fields, key)?;
    fields.insert(SIGNATURE.into(), signature.into());
    Some(Value::Object(fields).to_string().into_bytes())
}

/// The platform's callback with these fields; `None` when they cannot be signed.
pub fn signed_form(body: &[u8], key: &PrivateKey) -> Option<Vec<u8>> {
    let mut fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
    fields.retain(|(name, _)| name != SIGNATURE);
    let signature = signature_of_form(&fields, key)?;
    let mut form = Serializer::new(String::new());
    form.extend_pairs(&fields)
        .append_pair(SIGNATURE, &signature);
    Some(form.finish().into_bytes())
}

/// Turns unsigned input into signed input.
type Signing = fn(&[u8], &PrivateKey) -> Option<Vec<u8>>;

/// The body that a fuzzer's input stands for: its first byte says whether the platform signs the rest.
pub fn body(data: &[u8], key: &PrivateKey, signing: Signing) -> Option<Vec<u8>> {
    let (first, rest) = data.split_first()?;
    if first % 2 == 0 {
        return Some(rest.to_vec());
    }
    signing(rest, key)
}

fn signature_of(fields: &Map<String, Value>, key: &PrivateKey) -> Option<String> {
    // The map is sorted by name.
    let rest = fields.iter().filter(|(name, _)| *name != SIGNATURE);
    let text: String = rest.map(|(_, value)| token(value)).collect();
    sign::sign(key, &text).ok()
}

fn signature_of_form(fields: &[(String, String)], key: &PrivateKey) -> Option<String> {
    let mut rest: Vec<_> = fields
        .iter()
        .filter(|(name, _)| name != SIGNATURE)
        .collect();
    rest.sort();
    let text: String = rest.iter().map(|(_, value)| value.as_str()).collect();
    sign::sign(key, &text).ok()
}

fn token(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // What is nested is not signed.
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn shown(body: &[u8]) -> String {
    String::from_utf8_lossy(body).into_owned()
}
