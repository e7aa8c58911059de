//! The gateway's signature: RSA blocks over the bare values, without a hash (protocol P6, P7).

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    base64_text,
    block::{SignBlock, SignError, SigningKey, VerifyBlock, VerifyingKey},
    keys::KeyError,
};

/// What PKCS#1 v1.5 padding takes of each block, in bytes.
const PADDING_BYTES: usize = 11;

/// The text that is signed: the values, in the byte order of their names, one after the other.
///
/// Leave `sign` or `platSign` out before. Names must be unique.
pub fn signed_text<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut fields: Vec<_> = fields.into_iter().collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    fields.into_iter().map(|(_, value)| value).collect()
}

/// Signs `text`; the answer is the base64 of one block per chunk. Blocking CPU: a quarter of a millisecond per block of
/// 2048 bits.
///
/// The operation is blinded with random numbers, so its duration reveals nothing about the key; the signature stays
/// deterministic.
pub fn sign(key: &impl SignBlock, text: &str) -> Result<String, SignError> {
    if text.is_empty() {
        return Err(SignError::EmptyText);
    }
    let mut blocks = Vec::new();
    for chunk in text.as_bytes().chunks(chunk_bytes(key.size_bytes())) {
        blocks.append(&mut key.sign_block(chunk)?);
    }
    Ok(STANDARD.encode(blocks))
}

/// Whether `signature` is what the owner of `key` makes of `text`, in any spelling of base64.
///
/// Each block is compared with the padded chunk that it must hold. Nothing is ever unpadded and then
/// compared, which is how lenient verifiers were fooled. An empty text never verifies.
pub fn verify(key: &impl VerifyBlock, text: &str, signature: &str) -> bool {
    let Some(blocks) = base64_text::decode(signature) else {
        return false;
    };
    let size_bytes = key.size_bytes();
    let chunks = text.as_bytes().chunks(chunk_bytes(size_bytes));
    let length = chunks.len().checked_mul(size_bytes);
    // Before any arithmetic: a long forgery must not cost a block operation each.
    if text.is_empty() || length != Some(blocks.len()) {
        return false;
    }
    let mut pairs = chunks.zip(blocks.chunks(size_bytes));
    pairs.all(|(chunk, block)| key.verify_block(chunk, block))
}

/// Signs a text with both libraries and verifies it, so that a damaged key, or a library that differs, shows at the start
/// and not at a payout.
pub fn check(key: &SigningKey) -> Result<(), KeyError> {
    let text = "self check ".repeat(100);
    let signature = sign(key, &text).map_err(|_| KeyError::Inconsistent)?;
    let reference = sign(key.reference(), &text).map_err(|_| KeyError::Inconsistent)?;
    if signature != reference {
        return Err(KeyError::LibrariesDiffer);
    }
    let public = VerifyingKey::new(key.reference().to_public_key())?;
    let verified = verify(&public, &text, &signature);
    verified.then_some(()).ok_or(KeyError::Inconsistent)
}

/// Whether one block holds the whole text. Blocks of two genuine messages can be spliced (protocol P9).
pub fn fits_one_block(key: &impl VerifyBlock, text: &str) -> bool {
    text.len() <= chunk_bytes(key.size_bytes())
}

/// How many bytes of text one block of this key holds.
pub fn text_bytes_per_block(key: &impl SignBlock) -> usize {
    chunk_bytes(key.size_bytes())
}

/// Bytes of text per block. It follows the key, so a 2048-bit key needs no other change.
fn chunk_bytes(size_bytes: usize) -> usize {
    // Never zero, which `chunks` does not take; a key that short cannot sign anyway.
    size_bytes.saturating_sub(PADDING_BYTES).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_joined_in_the_order_of_their_names() {
        let fields = [
            ("number", "3"),
            ("Zeta", "1"),
            ("feeType", "0"),
            ("fee", "2"),
        ];
        assert_eq!(signed_text(fields), "1203");
        assert_eq!(signed_text([]), "");
    }

    #[test]
    fn an_empty_text_is_neither_signed_nor_verified() {
        let key = crate::keys::generate(1024).expect("a key");
        assert_eq!(sign(&key, ""), Err(SignError::EmptyText));
        assert!(!verify(key.as_public_key(), "", ""));
    }

    #[test]
    fn a_signature_verifies_for_its_text_and_key_only() {
        let key = crate::keys::generate(1024).expect("a key");
        let other = crate::keys::generate(1024).expect("a key");
        let text = "14Ünïcode".repeat(30);
        let made = sign(&key, &text).expect("a signature");
        assert!(verify(key.as_public_key(), &text, &made));
        assert!(!verify(other.as_public_key(), &text, &made));
        assert!(!verify(key.as_public_key(), &text.replace('4', "5"), &made));
        assert!(!verify(key.as_public_key(), &text, &format!("{made} ")));
        let url_safe = made.replace('+', "-").replace('/', "_");
        for spelling in [url_safe.trim_end_matches('='), &url_safe] {
            assert!(verify(key.as_public_key(), &text, spelling));
        }
        assert!(!fits_one_block(key.as_public_key(), &text));
        assert!(fits_one_block(key.as_public_key(), &"a".repeat(117)));
        assert!(!fits_one_block(key.as_public_key(), &"a".repeat(118)));
    }
}
