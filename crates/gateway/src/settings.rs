//! The settings of one merchant's client at one gateway.

use std::time::Duration;

use reqwest::Url;
use rustls::pki_types::CertificateDer;

use super::{
    SigningKey, VerifyingKey,
    address::{self, AddressError},
    dialect::Dialect,
};

/// Why a client cannot be made, and what to change.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// No merchant code.
    #[error("the merchant code is empty")]
    MerchantCode,
    /// An address that no request can be sent to.
    #[error("base_url and {0} together: the address {1}")]
    Address(&'static str, AddressError),
    /// Without a key no answer can be verified (protocol P7).
    #[error("no platform public key is given, so no answer could be verified")]
    NoPlatformKey,
    /// The timeout is zero.
    #[error("the timeout must be more than zero")]
    Timeout,
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Http(#[from] reqwest::Error),
    /// The machine has no trusted root certificates.
    #[error("TLS could not be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// One merchant at one gateway. Not `Debug`: it holds the private key.
pub struct Settings {
    /// The gateway's merchant code.
    pub merchant_code: String,
    /// The gateway's spelling of the protocol.
    pub dialect: Dialect,
    /// The gateway's URL, without a trailing slash.
    pub base_url: String,
    /// Where the gateway sends callbacks; left out of requests when `None`.
    pub notify_url: Option<String>,
    /// Signs our requests (protocol P6).
    pub private_key: SigningKey,
    /// Any of them may have signed the gateway's messages (protocol P7).
    pub platform_public_keys: Vec<VerifyingKey>,
    /// Trusted for TLS beside the machine's own root certificates.
    pub extra_roots: Vec<CertificateDer<'static>>,
    /// Path of submits (protocol P10).
    pub submit_path: String,
    /// Path of queries (protocol P14).
    pub query_path: String,
    /// Path of balance requests (protocol P18).
    pub balance_path: String,
    /// Longest time of one request, from the first packet to the last byte of the answer.
    pub timeout: Duration,
}

/// The three addresses that a client sends requests to.
pub(super) struct Addresses {
    pub(super) submit: Url,
    pub(super) query: Url,
    pub(super) balance: Url,
}

impl Settings {
    /// Refuses what could only fail later.
    pub(super) fn check(&self) -> Result<Addresses, SettingsError> {
        if self.merchant_code.is_empty() {
            return Err(SettingsError::MerchantCode);
        }
        if self.platform_public_keys.is_empty() {
            return Err(SettingsError::NoPlatformKey);
        }
        if self.timeout.is_zero() {
            return Err(SettingsError::Timeout);
        }
        Ok(Addresses {
            submit: self.address("submit_path", &self.submit_path)?,
            query: self.address("query_path", &self.query_path)?,
            balance: self.address("balance_path", &self.balance_path)?,
        })
    }

    fn address(&self, name: &'static str, path: &str) -> Result<Url, SettingsError> {
        address::request_url(&self.base_url, path)
            .map_err(|error| SettingsError::Address(name, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_only_what_it_looks_like() {
        let key = crate::keys::generate(1024).expect("a key");
        let mut settings = Settings {
            merchant_code: "S1".into(),
            dialect: Dialect::BDPAY,
            base_url: "https://gateway.example".into(),
            notify_url: None,
            platform_public_keys: vec![VerifyingKey::new(key.to_public_key()).expect("a key")],
            private_key: SigningKey::new(key).expect("a key"),
            extra_roots: Vec::new(),
            submit_path: "/submit".into(),
            query_path: "/query".into(),
            balance_path: "/balance".into(),
            timeout: Duration::from_secs(1),
        };
        assert!(settings.check().is_ok());
        settings.base_url = "http://127.0.0.1:80@example.com".into();
        let refused = settings.check().err().map(|error| error.to_string());
        assert!(refused.is_some_and(|words| words.contains("holds a user name")));
        settings.base_url = "https://gateway.example".into();
        settings.query_path = "query".into();
        let refused = settings.check().err().map(|error| error.to_string());
        assert!(
            refused.is_some_and(|words| words.contains("query_path together: the address must"))
        );
    }
}
