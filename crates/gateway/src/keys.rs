//! Reads RSA keys in every form in which gateways hand them out (protocol P8).

mod write;

use base64::{Engine, engine::general_purpose::STANDARD};
use rsa::{
    PrivateKey, PublicKey,
    pkcs1::{ALGORITHM_OID, RsaPrivateKeyRef, RsaPublicKeyRef, UintRef},
    pkcs8::{
        ObjectIdentifier, PrivateKeyInfoRef, SubjectPublicKeyInfoRef,
        der::{Decode, zeroize::Zeroizing},
    },
};

use super::base64_text;

pub use write::{
    fingerprint, generate, private_key_base64, private_key_pem, public_key_base64, public_key_pem,
};

/// Shortest modulus that is accepted, in bits.
pub const KEY_BITS_MIN: usize = 1024;
/// Longest modulus that is accepted, in bits: a longer one would only burn time.
pub const KEY_BITS_MAX: usize = 8192;
/// Smallest public exponent that is accepted. With a tiny one, lenient verifiers were forged against.
pub const PUBLIC_EXPONENT_MIN: u64 = 65_537;

/// Why a key cannot be used, and what to change. Never holds a byte of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing but white space.
    #[error("the file is empty: it must hold the key, as PEM or as one line of base64")]
    Empty,
    /// More than one PEM block.
    #[error("the file holds several PEM blocks: keep only the key")]
    SeveralBlocks,
    /// A PEM header without its footer.
    #[error("the PEM text has no matching END line: copy the whole key")]
    Truncated,
    /// A password protects it.
    #[error("the key is encrypted: decrypt it first, for example with `openssl pkey -in FILE`")]
    Encrypted,
    /// A certificate is not a key.
    #[error(
        "this is a certificate: extract the public key with `openssl x509 -noout -pubkey -in FILE`"
    )]
    Certificate,
    /// Neither text nor DER.
    #[error("the file is neither text nor a DER key: save the key as PEM, in UTF-8")]
    Encoding,
    /// Not base64.
    #[error("the key is not base64: copy it again, without any other characters")]
    Base64,
    /// A public key where a private one belongs.
    #[error("this is a public key, but a private key is needed here")]
    IsPublic,
    /// A private key where a public one belongs.
    #[error("this is a private key: use the public key here, and keep the private key secret")]
    IsPrivate,
    /// EC, Ed25519, RSA-PSS and others.
    #[error("the key is not a plain RSA key: the gateway signs with RSA only")]
    NotRsa,
    /// DER of something else, or damaged.
    #[error(
        "the key is damaged or in an unknown format: use PKCS#8, PKCS#1 or SubjectPublicKeyInfo"
    )]
    Unknown,
    /// Parts of it do not belong together.
    #[error("the numbers in the key do not match: the key is damaged, get a new copy of it")]
    Inconsistent,
    /// Two libraries sign one text differently; one of them is broken.
    #[error(
        "OpenSSL and the rsa crate make different signatures with this key: one of the libraries on this machine is \
         broken; build with --no-default-features to do without OpenSSL"
    )]
    LibrariesDiffer,
    /// The modulus is too short or too long.
    #[error("the key has {0} bits: use one of {KEY_BITS_MIN} to {KEY_BITS_MAX} bits")]
    Size(usize),
    /// The public exponent is out of range.
    #[error("the key's public exponent is too small or too large: make a key with exponent 65537")]
    Exponent,
    /// `generate` makes no keys of this size.
    #[error("no keys of {0} bits can be made: choose 1024, 2048, 3072 or 4096")]
    GenerateSize(usize),
    /// No random numbers, or an internal limit.
    #[error("the key could not be made or written: {0}")]
    Failed(String),
}

/// The text of a key file in any encoding in which editors and consoles save it: UTF-8 or UTF-16, with a byte order mark,
/// in quotes, with `\n` for line ends, or the bare DER, which comes back as base64.
pub fn text_of(file: &[u8]) -> Result<Zeroizing<String>, KeyError> {
    let wide = |units: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units = bytes.chunks_exact(2).map(|pair| units([pair[0], pair[1]]));
        let text: Result<String, _> = char::decode_utf16(units).collect();
        text.map_err(|_| KeyError::Encoding)
    };
    let text = match file {
        [0xFF, 0xFE, rest @ ..] => wide(u16::from_le_bytes, rest)?,
        [0xFE, 0xFF, rest @ ..] => wide(u16::from_be_bytes, rest)?,
        // A DER sequence whose length takes one or two bytes of its own.
        [0x30, 0x81 | 0x82, ..] => STANDARD.encode(file),
        _ => {
            let file = file.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(file);
            let text = str::from_utf8(file).map_err(|_| KeyError::Encoding)?;
            text.to_owned()
        }
    };
    let text = Zeroizing::new(text);
    let bare = text.trim().trim_matches(['"', '\'']);
    Ok(Zeroizing::new(bare.replace("\\r", "").replace("\\n", "\n")))
}

/// Reads a private key: PKCS#8 or PKCS#1, as PEM or bare base64 of the DER; white space is ignored.
pub fn parse_private_key(text: &str) -> Result<PrivateKey, KeyError> {
    let der = der_of(text)?;
    let pkcs1 = match PrivateKeyInfoRef::from_der(&der) {
        Ok(info) => {
            plain_rsa(info.algorithm.oid)?;
            info.private_key.as_bytes()
        }
        Err(_) => &der,
    };
    let Ok(parts) = RsaPrivateKeyRef::from_der(pkcs1) else {
        return Err(if public_parts(&der).is_ok() {
            KeyError::IsPublic
        } else {
            KeyError::Unknown
        });
    };
    check(&parts.modulus, &parts.public_exponent)?;
    PrivateKey::try_from(parts).map_err(|_| KeyError::Inconsistent)
}

/// Reads a public key: `SubjectPublicKeyInfo` or PKCS#1, as PEM or bare base64 of the DER; white space is
/// ignored.
pub fn parse_public_key(text: &str) -> Result<PublicKey, KeyError> {
    let der = der_of(text)?;
    let private =
        PrivateKeyInfoRef::from_der(&der).is_ok() || RsaPrivateKeyRef::from_der(&der).is_ok();
    if private {
        return Err(KeyError::IsPrivate);
    }
    let parts = public_parts(&der)?;
    check(&parts.modulus, &parts.public_exponent)?;
    PublicKey::try_from(parts).map_err(|_| KeyError::Inconsistent)
}

fn public_parts(der: &[u8]) -> Result<RsaPublicKeyRef<'_>, KeyError> {
    let pkcs1 = match SubjectPublicKeyInfoRef::from_der(der) {
        Ok(info) => {
            plain_rsa(info.algorithm.oid)?;
            info.subject_public_key
                .as_bytes()
                .ok_or(KeyError::Unknown)?
        }
        Err(_) => der,
    };
    RsaPublicKeyRef::from_der(pkcs1).map_err(|_| KeyError::Unknown)
}

fn plain_rsa(algorithm: ObjectIdentifier) -> Result<(), KeyError> {
    if algorithm == ALGORITHM_OID {
        Ok(())
    } else {
        Err(KeyError::NotRsa)
    }
}

/// Checks the raw numbers, because the crate's own error does not say which limit was missed.
fn check(modulus: &UintRef<'_>, exponent: &UintRef<'_>) -> Result<(), KeyError> {
    let bits = bit_length(modulus.as_bytes());
    if !(KEY_BITS_MIN..=KEY_BITS_MAX).contains(&bits) {
        return Err(KeyError::Size(bits));
    }
    let bytes = exponent.as_bytes();
    let value = bytes
        .iter()
        .fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    let known =
        bytes.len() <= 8 && (PUBLIC_EXPONENT_MIN..=PublicKey::MAX_PUB_EXPONENT).contains(&value);
    if known {
        Ok(())
    } else {
        Err(KeyError::Exponent)
    }
}

fn bit_length(bytes: &[u8]) -> usize {
    let zeros = bytes.first().map_or(0, |byte| byte.leading_zeros());
    bytes
        .len()
        .saturating_mul(8)
        .saturating_sub(usize::try_from(zeros).unwrap_or(0))
}

/// The DER inside PEM or bare base64. The PEM label is not trusted: exporters mislabel PKCS#1 and PKCS#8.
fn der_of(text: &str) -> Result<Vec<u8>, KeyError> {
    let body = match text.split_once("-----BEGIN ") {
        None => text,
        Some((_, rest)) => pem_body(rest)?,
    };
    let packed: String = body.split_whitespace().collect();
    if packed.is_empty() {
        return Err(KeyError::Empty);
    }
    base64_text::decode(&packed).ok_or(KeyError::Base64)
}

fn pem_body(rest: &str) -> Result<&str, KeyError> {
    if rest.contains("-----BEGIN ") {
        return Err(KeyError::SeveralBlocks);
    }
    let (label, rest) = rest.split_once("-----").ok_or(KeyError::Truncated)?;
    let (body, _) = rest
        .split_once(&format!("-----END {label}-----"))
        .ok_or(KeyError::Truncated)?;
    if label.starts_with("ENCRYPTED") || body.contains("ENCRYPTED") {
        return Err(KeyError::Encrypted);
    }
    if label.ends_with("CERTIFICATE") {
        return Err(KeyError::Certificate);
    }
    if label.ends_with("KEY") {
        Ok(body)
    } else {
        Err(KeyError::Unknown)
    }
}

#[cfg(test)]
mod tests;
