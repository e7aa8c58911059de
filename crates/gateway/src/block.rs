//! One RSA block, made and checked by OpenSSL, with the `rsa` crate as the reference (protocol P6, P7).
//!
//! OpenSSL makes a block seven times as fast. Both libraries pad in the same way and blind the private operation, and both
//! must make the same bytes: [`sign::check`](super::sign::check) compares them at the start. Built without the feature
//! `openssl`, the `rsa` crate does it all.

#[cfg(all(test, feature = "openssl"))]
mod tests;
#[cfg(feature = "openssl")]
mod with_openssl;

use rsa::{Pkcs1v15Sign, PrivateKey, PublicKey, traits::PublicKeyParts};

use super::keys::{self, KeyError};

/// Why a text could not be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// There is nothing to sign; signers disagree about what that would be.
    #[error("there is nothing to sign")]
    EmptyText,
    /// The key refused: it is too short, or the system gave no random numbers for the blinding.
    #[error("the private key could not sign")]
    Key,
}

/// Makes the blocks of a signature.
pub trait SignBlock {
    /// Length of the modulus, and so of a block, in bytes.
    fn size_bytes(&self) -> usize;
    /// The block that holds `chunk`, which is at least eleven bytes shorter. The same every time.
    fn sign_block(&self, chunk: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Checks the blocks of a signature.
pub trait VerifyBlock {
    /// Length of the modulus, and so of a block, in bytes.
    fn size_bytes(&self) -> usize;
    /// Whether `block` holds `chunk` and nothing else: the padded chunk is compared as a whole.
    fn verify_block(&self, chunk: &[u8], block: &[u8]) -> bool;
}

impl SignBlock for PrivateKey {
    fn size_bytes(&self) -> usize {
        self.size()
    }

    fn sign_block(&self, chunk: &[u8]) -> Result<Vec<u8>, SignError> {
        let block = self.sign(Pkcs1v15Sign::new_unprefixed(), chunk);
        block.map_err(|_| SignError::Key)
    }
}

impl VerifyBlock for PublicKey {
    fn size_bytes(&self) -> usize {
        self.size()
    }

    fn verify_block(&self, chunk: &[u8], block: &[u8]) -> bool {
        let padding = Pkcs1v15Sign::new_unprefixed();
        self.verify(padding, chunk, block).is_ok()
    }
}

/// A private key, prepared for signing. Not `Debug`: it holds the key.
#[derive(Clone)]
pub struct SigningKey {
    reference: PrivateKey,
    #[cfg(feature = "openssl")]
    fast: with_openssl::Private,
}

impl SigningKey {
    /// Prepares a key.
    pub fn new(key: PrivateKey) -> Result<Self, KeyError> {
        Ok(Self {
            #[cfg(feature = "openssl")]
            fast: with_openssl::private(&key)?,
            reference: key,
        })
    }

    /// The key itself, with which the `rsa` crate signs.
    pub fn reference(&self) -> &PrivateKey {
        &self.reference
    }
}

impl SignBlock for SigningKey {
    fn size_bytes(&self) -> usize {
        self.reference.size()
    }

    #[cfg(feature = "openssl")]
    fn sign_block(&self, chunk: &[u8]) -> Result<Vec<u8>, SignError> {
        with_openssl::sign_block(&self.fast, chunk)
    }

    #[cfg(not(feature = "openssl"))]
    fn sign_block(&self, chunk: &[u8]) -> Result<Vec<u8>, SignError> {
        self.reference.sign_block(chunk)
    }
}

/// The fingerprints of these keys, sorted, as a merchant is registered with them.
pub fn fingerprints(keys: &[VerifyingKey]) -> Vec<String> {
    let fingerprints = keys.iter().map(|key| keys::fingerprint(&key.reference));
    let mut fingerprints: Vec<String> = fingerprints.collect();
    fingerprints.sort_unstable();
    fingerprints
}

/// A public key, prepared for verifying.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    reference: PublicKey,
    #[cfg(feature = "openssl")]
    fast: with_openssl::Public,
}

impl VerifyingKey {
    /// Prepares a key.
    pub fn new(key: PublicKey) -> Result<Self, KeyError> {
        Ok(Self {
            #[cfg(feature = "openssl")]
            fast: with_openssl::public(&key)?,
            reference: key,
        })
    }

    /// The key itself, with which the `rsa` crate verifies.
    pub fn reference(&self) -> &PublicKey {
        &self.reference
    }
}

impl VerifyBlock for VerifyingKey {
    fn size_bytes(&self) -> usize {
        self.reference.size()
    }

    #[cfg(feature = "openssl")]
    fn verify_block(&self, chunk: &[u8], block: &[u8]) -> bool {
        with_openssl::verify_block(&self.fast, chunk, block)
    }

    #[cfg(not(feature = "openssl"))]
    fn verify_block(&self, chunk: &[u8], block: &[u8]) -> bool {
        self.reference.verify_block(chunk, block)
    }
}
