//! Reads RSA keys in every encoding in which this gateway issues them (protocol P8).

use rsa::{
    PrivateKey, PublicKey,
    pkcs1::{DecodeRsaPrivateKey, DecodeRsaPublicKey},
    pkcs8::{DecodePrivateKey, DecodePublicKey},
};

use super::wire::decode_base64;

/// Reads a private key: PEM or bare base64, standard or URL-safe, PKCS#8 or PKCS#1.
///
/// The error never quotes the text.
pub fn parse_private_key(text: &str) -> Result<PrivateKey, String> {
    let der = der_of(text)?;
    PrivateKey::from_pkcs8_der(&der)
        .or_else(|_| PrivateKey::from_pkcs1_der(&der))
        .map_err(|_| "not an RSA private key of at least 1024 bits (PKCS#8 or PKCS#1)".to_owned())
}

/// Reads a public key: PEM or bare base64, standard or URL-safe, X.509 or PKCS#1.
pub fn parse_public_key(text: &str) -> Result<PublicKey, String> {
    let der = der_of(text)?;
    PublicKey::from_public_key_der(&der)
        .or_else(|_| PublicKey::from_pkcs1_der(&der))
        .map_err(|_| "not an RSA public key of at least 1024 bits (X.509 or PKCS#1)".to_owned())
}

/// The DER bytes, with or without PEM armour around them.
fn der_of(text: &str) -> Result<Vec<u8>, String> {
    let body: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("-----"))
        .flat_map(str::chars)
        .filter(|c| !c.is_whitespace())
        .collect();
    decode_base64(&body).ok_or_else(|| "the key is neither PEM nor base64".to_owned())
}

#[cfg(test)]
mod tests {
    use base64::{
        Engine,
        engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
    };
    use rsa::{
        pkcs1::EncodeRsaPublicKey,
        pkcs8::{EncodePublicKey, LineEnding},
    };

    use super::*;
    use crate::tests::support::{MERCHANT_KEY, merchant_key};

    #[test]
    fn a_private_key_is_read_from_bare_base64_and_from_pem() {
        let pem =
            format!("-----BEGIN PRIVATE KEY-----\n{MERCHANT_KEY}\n-----END PRIVATE KEY-----\n");
        assert_eq!(parse_private_key(MERCHANT_KEY), parse_private_key(&pem));
        assert!(parse_private_key("rubbish!").is_err());
    }

    #[test]
    fn a_public_key_is_read_in_four_spellings() {
        let key = merchant_key().to_public_key();
        let x509 = key.to_public_key_pem(LineEnding::LF).unwrap();
        let pkcs1 = key.to_pkcs1_pem(LineEnding::CRLF).unwrap();
        let bare = STANDARD.encode(key.to_public_key_der().unwrap().as_bytes());
        let url_safe = URL_SAFE_NO_PAD.encode(key.to_public_key_der().unwrap().as_bytes());
        for text in [x509.as_str(), pkcs1.as_str(), bare.as_str(), &url_safe] {
            assert_eq!(parse_public_key(text).unwrap(), key);
        }
    }
}
