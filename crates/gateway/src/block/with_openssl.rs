//! The blocks of OpenSSL, which blinds the private operation by itself.

use openssl::{
    pkey,
    rsa::{Padding, Rsa},
};
use rsa::{
    PrivateKey, PublicKey,
    pkcs1::{EncodeRsaPrivateKey, EncodeRsaPublicKey},
};

use super::SignError;
use crate::keys::KeyError;

pub(super) type Private = Rsa<pkey::Private>;
pub(super) type Public = Rsa<pkey::Public>;

pub(super) fn private(key: &PrivateKey) -> Result<Private, KeyError> {
    let der = key.to_pkcs1_der().map_err(refused)?;
    Rsa::private_key_from_der(der.as_bytes()).map_err(refused)
}

pub(super) fn public(key: &PublicKey) -> Result<Public, KeyError> {
    let der = key.to_pkcs1_der().map_err(refused)?;
    Rsa::public_key_from_der_pkcs1(der.as_bytes()).map_err(refused)
}

pub(super) fn sign_block(key: &Private, chunk: &[u8]) -> Result<Vec<u8>, SignError> {
    let mut block = vec![0; size_bytes(key)];
    let length = key.private_encrypt(chunk, &mut block, Padding::PKCS1);
    match length {
        Ok(length) if length == block.len() => Ok(block),
        Ok(_) | Err(_) => Err(SignError::Key),
    }
}

pub(super) fn verify_block(key: &Public, chunk: &[u8], block: &[u8]) -> bool {
    let mut opened = vec![0; size_bytes(key)];
    // Without its own padding check: OpenSSL would return what it found, and lenient parsers were fooled by that.
    let length = key.public_decrypt(block, &mut opened, Padding::NONE);
    length.is_ok_and(|length| length == opened.len()) && opened == padded(chunk, opened.len())
}

/// PKCS#1 v1.5, block type 1: `00 01 FF … FF 00 chunk`, with at least eight `FF`. Empty if the chunk is too long, which
/// equals no block.
fn padded(chunk: &[u8], size_bytes: usize) -> Vec<u8> {
    let filler = size_bytes
        .checked_sub(chunk.len())
        .and_then(|rest| rest.checked_sub(3));
    match filler {
        Some(filler) if filler >= 8 => [&[0, 1], &*vec![0xFF; filler], &[0], chunk].concat(),
        Some(_) | None => Vec::new(),
    }
}

fn size_bytes<T: pkey::HasPublic>(key: &Rsa<T>) -> usize {
    usize::try_from(key.size()).unwrap_or(0)
}

fn refused(error: impl std::fmt::Display) -> KeyError {
    KeyError::Failed(error.to_string())
}
