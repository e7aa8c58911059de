//! What a client of one merchant at one gateway is made from.

use std::{str::FromStr, time::Duration};

use reqwest::Url;

/// Which of the two spellings of the protocol the gateway speaks (protocol P15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Every answer is flat and signed.
    Bdpay,
    /// Queries and balances come in an unsigned envelope.
    Toppay,
}

impl Dialect {
    /// The word of the configuration file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bdpay => "bdpay",
            Self::Toppay => "toppay",
        }
    }
}

impl FromStr for Dialect {
    type Err = SettingsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "bdpay" => Ok(Self::Bdpay),
            "toppay" => Ok(Self::Toppay),
            _ => Err(SettingsError::Dialect),
        }
    }
}

/// Why a client cannot be made, and what to change.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Neither spelling of the protocol.
    #[error("the dialect is `bdpay` or `toppay`")]
    Dialect,
    /// No merchant code.
    #[error("the merchant code is empty")]
    MerchantCode,
    /// An address that cannot be called.
    #[error(
        "{0} does not give a web address: begin the base with https:// and a host's name, and the path with /"
    )]
    Address(&'static str),
    /// What stands before an @ makes another host of what looks like ours.
    #[error(
        "base_url holds a user or a password: the gateway asks for neither, take away what stands before the @"
    )]
    Credentials,
    /// Without a key nothing can be believed (protocol P7).
    #[error("there is no platform public key: no answer could be believed")]
    NoPlatformKey,
    /// No call could be made in no time.
    #[error("the timeout is zero")]
    Timeout,
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Http(#[from] reqwest::Error),
    /// There are no roots of trust.
    #[error("TLS could not be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// One merchant at one gateway. Not `Debug`: it holds the private key.
pub struct Settings {
    /// The gateway's merchant code.
    pub merchant_code: String,
    /// The spelling that it speaks.
    pub dialect: Dialect,
    /// Where it is, without a trailing slash.
    pub base_url: String,
    /// Where it sends callbacks; left out of the requests when `None`.
    pub notify_url: Option<String>,
    /// Signs our requests (protocol P6).
    pub private_key: rsa::PrivateKey,
    /// Any of them may have signed what the gateway says (protocol P7).
    pub platform_public_keys: Vec<rsa::PublicKey>,
    /// Path of the submit call.
    pub submit_path: String,
    /// Path of the query call (protocol P14).
    pub query_path: String,
    /// Path of the balance call (protocol P18).
    pub balance_path: String,
    /// Longest time of one call, from the first packet to the last byte of the answer.
    pub timeout: Duration,
}

/// The three addresses that a client calls.
pub(super) struct Addresses {
    pub(super) submit: Url,
    pub(super) query: Url,
    pub(super) balance: Url,
}

impl Settings {
    /// Refuses what could only fail later, then gives the addresses to call.
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
    fn a_dialect_reads_back_and_another_word_is_refused() {
        for dialect in [Dialect::Bdpay, Dialect::Toppay] {
            assert_eq!(dialect.name().parse::<Dialect>().ok(), Some(dialect));
        }
        let error = "BDPAY".parse::<Dialect>().expect_err("a wrong word");
        assert!(error.to_string().contains("toppay"));
    }

    #[test]
    fn an_address_is_only_what_it_looks_like() {
        let key = crate::gateway::keys::generate(1024).expect("a key");
        let mut settings = Settings {
            merchant_code: "S1".into(),
            dialect: Dialect::Bdpay,
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
