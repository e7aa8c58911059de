//! The settings of one merchant's client at one gateway.

use std::time::Duration;

use reqwest::Url;

use super::dialect::Dialect;

/// Why a client cannot be made, and what to change.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// No merchant code.
    #[error("the merchant code is empty")]
    MerchantCode,
    /// An address that no request can be sent to.
    #[error(
        "base_url and {0} together are not a web address: begin base_url with https:// and a host name, and the path with /"
    )]
    Address(&'static str),
    /// What stands before an @ can look like the host that is called.
    #[error(
        "base_url holds a user name or a password, and the gateway needs neither: remove everything up to the @"
    )]
    Credentials,
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
    pub private_key: rsa::PrivateKey,
    /// Any of them may have signed the gateway's messages (protocol P7).
    pub platform_public_keys: Vec<rsa::PublicKey>,
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
        let url = Url::parse(&format!("{}{path}", self.base_url));
        let url = url
            .ok()
            .filter(|url| path.starts_with('/') && matches!(url.scheme(), "http" | "https"))
            // `https://` alone would make a host of the path's first word.
            .filter(|_| Url::parse(&self.base_url).is_ok())
            .ok_or(SettingsError::Address(name))?;
        if url.username().is_empty() && url.password().is_none() {
            Ok(url)
        } else {
            Err(SettingsError::Credentials)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_only_what_it_looks_like() {
        let key = crate::gateway::keys::generate(1024).expect("a key");
        let mut settings = Settings {
            merchant_code: "S1".into(),
            dialect: Dialect::BDPAY,
            base_url: "https://gateway.example".into(),
            notify_url: None,
            platform_public_keys: vec![key.to_public_key()],
            private_key: key,
            submit_path: "/submit".into(),
            query_path: "/query".into(),
            balance_path: "/balance".into(),
            timeout: Duration::from_secs(1),
        };
        assert!(settings.check().is_ok());
        for url in [
            "http://localhost:x@gateway.example",
            "https://me@gateway.example",
        ] {
            settings.base_url = url.into();
            assert!(
                matches!(settings.check(), Err(SettingsError::Credentials)),
                "{url}"
            );
        }
        for url in ["", "gateway.example", "ftp://gateway.example", "https://"] {
            settings.base_url = url.into();
            assert!(
                matches!(settings.check(), Err(SettingsError::Address(_))),
                "{url}"
            );
        }
    }
}
