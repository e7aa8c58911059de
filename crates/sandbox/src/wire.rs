//! The signed text, and how it is signed and verified (protocol P6, P7).

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use rsa::{Pkcs1v15Sign, PrivateKey, PublicKey, traits::PublicKeyParts};
use serde_json::{Map, Value};

/// A flat JSON object, received or to be sent.
pub(super) type Fields = Map<String, Value>;

/// The fields of an object made by `json!`, without those that are null.
pub(super) fn fields(object: Value) -> Fields {
    let Value::Object(mut fields) = object else {
        return Fields::new();
    };
    fields.retain(|_, value| !value.is_null());
    fields
}

/// How many bytes of each block PKCS#1 v1.5 padding takes.
const PADDING_BYTES: usize = 11;

/// The values in the order of their names, without separators. `except` and nulls are left out.
pub(super) fn signed_text(fields: &Fields, except: &str) -> String {
    let mut names: Vec<&String> = fields.keys().filter(|name| *name != except).collect();
    names.sort_unstable();
    names
        .into_iter()
        .filter_map(|name| fields.get(name))
        .map(value_text)
        .collect()
}

/// The content of a string, or the digits of a number.
fn value_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// Signs each chunk of the text without hashing it, and joins the blocks.
pub(super) fn sign(key: &PrivateKey, text: &str) -> Result<String, rsa::Error> {
    let mut blocks = Vec::new();
    for chunk in text.as_bytes().chunks(chunk_bytes(key)) {
        blocks.extend(key.sign(Pkcs1v15Sign::new_unprefixed(), chunk)?);
    }
    Ok(STANDARD.encode(blocks))
}

/// Checks that `signature` is this key's signature of exactly this text, or says why it is not.
pub(super) fn verify(
    key: &PublicKey,
    text: &str,
    signature: &str,
    strict: bool,
) -> Result<(), String> {
    let blocks = if strict {
        STANDARD.decode(signature).ok()
    } else {
        decode_base64(signature)
    };
    let blocks = blocks.ok_or("it is not base64")?;
    let chunks = text.as_bytes().chunks(chunk_bytes(key));
    if chunks.len().checked_mul(key.size()) != Some(blocks.len()) {
        let (bytes, count, size) = (blocks.len(), chunks.len(), key.size());
        let plural = if count == 1 { "" } else { "s" };
        return Err(format!(
            "it has {bytes} bytes, and this text takes {count} block{plural} of {size} bytes"
        ));
    }
    let verified = chunks.zip(blocks.chunks(key.size())).all(|(chunk, block)| {
        let padding = Pkcs1v15Sign::new_unprefixed();
        key.verify(padding, chunk, block).is_ok()
    });
    let why = || "the merchant's key did not make it of this text".to_owned();
    verified.then_some(()).ok_or_else(why)
}

const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes of base64, standard or URL-safe, padded or not (protocol P6).
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let standard = text.replace('-', "+").replace('_', "/");
    ANY_PADDING.decode(standard).ok()
}

fn chunk_bytes(key: &impl PublicKeyParts) -> usize {
    // At least one, because `chunks(0)` panics. No accepted key is that small.
    key.size().saturating_sub(PADDING_BYTES).max(1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tests::support::merchant_key;

    #[test]
    fn the_text_is_the_values_in_the_order_of_their_names() {
        let fields = json!({"money": "10000", "feeType": "0", "bankCode": "014", "status": 0, "fee": null, "sign": "x"});
        let Value::Object(fields) = fields else {
            panic!("an object")
        };
        assert_eq!(signed_text(&fields, "sign"), "0140100000");
    }

    #[test]
    fn a_signature_of_several_blocks_verifies_and_only_for_its_text() {
        let key = merchant_key();
        let public = key.to_public_key();
        let verify =
            |key, text: &str, signature: &str| super::verify(key, text, signature, true).is_ok();
        for length in [1, 116, 117, 118, 300] {
            let text = "7".repeat(length);
            let signature = sign(&key, &text).unwrap();
            assert!(verify(&public, &text, &signature), "{length}");
            assert!(!verify(&public, &text.replacen('7', "8", 1), &signature));
            assert!(!verify(&public, &format!("{text}7"), &signature));
        }
        assert!(!verify(&public, "7", "not base64"));
        assert!(!verify(&public, "7", ""));
    }

    #[test]
    fn it_is_what_openssl_calls_private_encrypt() {
        // Source: openssl pkeyutl -sign -inkey merchant.key -pkeyopt rsa_padding_mode:pkcs1, over "hello".
        assert_eq!(
            sign(&merchant_key(), "hello").unwrap(),
            crate::tests::support::HELLO_SIGNED
        );
    }
}
