//! The gateway's callback: read strictly, verified last (protocol P19).

use std::collections::BTreeMap;

use payout_domain::callback::Callback;
use sha2::{Digest, Sha256};

use super::{VerifyingKey, base64_text, sign};

/// Longest callback that is read, in bytes. Genuine ones have fewer than one thousand.
const BODY_BYTES_MAX: usize = 8 * 1024;
/// Most fields of one callback; the gateway sends twelve.
const FIELDS_MAX: usize = 64;

/// What a callback is worth before anyone looks at its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallbackVerdict {
    /// One of the platform's keys signed it, which proves little (protocol P9, P20).
    Verified(Callback),
    /// `platSign` is missing or does not verify: it changes nothing (protocol P21).
    BadSignature,
    /// Not a form that the gateway would send; the words say why.
    Malformed(&'static str),
}

type Fields = BTreeMap<String, String>;

/// The order that a callback names, before anything is verified: cheap enough to do for strangers.
///
/// `None` when the body is not a readable form with an `orderNum` of 1 to 32 letters, digits, `-` and `_`.
pub fn read_callback_order(body: &[u8]) -> Option<String> {
    read_form(body).ok()?.remove("orderNum")
}

/// A form with unique names of plain text and a well-formed `orderNum`.
fn read_form(body: &[u8]) -> Result<Fields, &'static str> {
    if body.len() > BODY_BYTES_MAX {
        return Err("longer than 8 KiB");
    }
    let mut fields = Fields::new();
    for (name, value) in form_urlencoded::parse(body) {
        // Decoding replaced what is not UTF-8.
        let strange = |c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER;
        if name.contains(strange) || value.contains(strange) {
            return Err("not plain text");
        }
        let repeated = fields.insert(name.into_owned(), value.into_owned());
        if repeated.is_some() || fields.len() > FIELDS_MAX {
            return Err("a repeated field, or too many");
        }
    }
    match fields.get("orderNum") {
        Some(order_num) if is_order_num(order_num) => Ok(fields),
        _ => Err("orderNum is missing or malformed"),
    }
}

fn is_order_num(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=32).contains(&text.len()) && text.bytes().all(allowed)
}

/// Reads and verifies a callback. Blocking CPU: RSA comes last.
pub(super) fn verify(body: &[u8], keys: &[VerifyingKey]) -> CallbackVerdict {
    let mut fields = match read_form(body) {
        Ok(fields) => fields,
        Err(words) => return CallbackVerdict::Malformed(words),
    };
    let Some(signature) = fields.remove("platSign") else {
        return CallbackVerdict::BadSignature;
    };
    // A raw `+` is a space in a form (protocol P19); base64 has no spaces of its own.
    let signature = signature.replace(' ', "+");
    let Some(blocks) = base64_text::decode(&signature) else {
        return CallbackVerdict::BadSignature;
    };
    let pairs = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let text = sign::signed_text(pairs);
    let signer = keys
        .iter()
        .find(|key| sign::verify(*key, &text, &signature));
    let Some(key) = signer else {
        return CallbackVerdict::BadSignature;
    };
    let one_block = sign::fits_one_block(key, &text);
    let digest = digest(&fields, &blocks);
    CallbackVerdict::Verified(Callback::new(fields, one_block, digest))
}

/// Hashes the fields and not the bytes: one form can be spelled in endless ways.
///
/// With the signature, which only the platform can make, nobody who reads the digest can try beneficiaries until one fits.
/// Fields have one valid signature per key, so a repeated callback has the same digest.
fn digest(fields: &Fields, signature: &[u8]) -> Vec<u8> {
    let mut digest = Sha256::new();
    let fields = fields.iter().flat_map(|(name, value)| [name, value]);
    for text in fields {
        // No field holds a control character.
        digest.update(text);
        digest.update([0]);
    }
    digest.update(signature);
    digest.finalize().to_vec()
}
