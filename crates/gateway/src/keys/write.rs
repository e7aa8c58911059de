//! Makes keys and writes them in the forms that the gateway's console takes.

use base64::{Engine, engine::general_purpose::STANDARD};
use rand::rngs::SysRng;
use rsa::{
    PrivateKey, PublicKey,
    pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding, der::zeroize::Zeroizing},
};
use sha2::{Digest, Sha256};

use super::KeyError;

/// Makes a new key of 1024, 2048, 3072 or 4096 bits with the exponent 65537. Slow: seconds for 4096 bits.
pub fn generate(bits: usize) -> Result<PrivateKey, KeyError> {
    if ![1024, 2048, 3072, 4096].contains(&bits) {
        return Err(KeyError::GenerateSize(bits));
    }
    PrivateKey::new(&mut SysRng, bits).map_err(failed)
}

/// SHA-256 of the key's `SubjectPublicKeyInfo` in lower-case hex; people compare keys by it.
///
/// Empty only if the key cannot be encoded, which no parsed or generated key is known to do.
pub fn fingerprint(key: &PublicKey) -> String {
    key.to_public_key_der()
        .map(|der| base16ct::lower::encode_string(&Sha256::digest(der.as_bytes())))
        .unwrap_or_default()
}

/// PKCS#8 DER as one line of base64. Wiped from memory when dropped.
pub fn private_key_base64(key: &PrivateKey) -> Result<Zeroizing<String>, KeyError> {
    let der = key.to_pkcs8_der().map_err(failed)?;
    Ok(Zeroizing::new(STANDARD.encode(der.as_bytes())))
}

/// PKCS#8 PEM. Wiped from memory when dropped.
pub fn private_key_pem(key: &PrivateKey) -> Result<Zeroizing<String>, KeyError> {
    key.to_pkcs8_pem(LineEnding::LF).map_err(failed)
}

/// `SubjectPublicKeyInfo` DER as one line of base64.
pub fn public_key_base64(key: &PublicKey) -> Result<String, KeyError> {
    let der = key.to_public_key_der().map_err(failed)?;
    Ok(STANDARD.encode(der.as_bytes()))
}

/// `SubjectPublicKeyInfo` PEM.
pub fn public_key_pem(key: &PublicKey) -> Result<String, KeyError> {
    key.to_public_key_pem(LineEnding::LF).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> KeyError {
    KeyError::Failed(error.to_string())
}
