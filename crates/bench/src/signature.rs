//! The platform's signature, made with OpenSSL (protocol P6, P7).

use anyhow::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use openssl::{
    pkey::{Private, Public},
    rsa::{Padding, Rsa},
};

/// What PKCS#1 v1.5 padding takes of each block, in bytes.
const PADDING_BYTES: usize = 11;

/// A message's fields, in the order in which they are written.
pub(crate) type Fields<'a> = [(&'a str, &'a str)];

/// The values in the byte order of their names, one after the other.
pub(crate) fn signed_text(fields: &Fields<'_>) -> String {
    let mut sorted = fields.to_vec();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    sorted.into_iter().map(|(_, value)| value).collect()
}

/// Base64 of one block per chunk.
pub(crate) fn sign(key: &Rsa<Private>, text: &str) -> Result<String> {
    let size = usize::try_from(key.size())?;
    let mut blocks = Vec::new();
    for chunk in text.as_bytes().chunks(size.saturating_sub(PADDING_BYTES)) {
        let mut block = vec![0; size];
        key.private_encrypt(chunk, &mut block, Padding::PKCS1)?;
        blocks.append(&mut block);
    }
    Ok(STANDARD.encode(blocks))
}

/// Whether the signature is of this text.
pub(crate) fn verify(key: &Rsa<Public>, text: &str, signature: &str) -> Result<bool> {
    let size = usize::try_from(key.size())?;
    let blocks = STANDARD.decode(signature)?;
    let chunks = text.as_bytes().chunks(size.saturating_sub(PADDING_BYTES));
    if chunks.len().saturating_mul(size) != blocks.len() {
        return Ok(false);
    }
    let mut opened = vec![0; size];
    for (chunk, block) in chunks.zip(blocks.chunks(size)) {
        let length = key.public_decrypt(block, &mut opened, Padding::PKCS1)?;
        if opened.get(..length) != Some(chunk) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_verifies_for_its_text_alone() -> Result<()> {
        let key = Rsa::generate(1024)?;
        let public = Rsa::public_key_from_pem(&key.public_key_to_pem()?)?;
        let text = "2500000140".repeat(20);
        let signature = sign(&key, &text)?;
        assert!(verify(&public, &text, &signature)?);
        assert!(!verify(&public, &text.replace('4', "5"), &signature)?);
        assert_eq!(signed_text(&[("b", "2"), ("a", "1")]), "12");
        Ok(())
    }
}
