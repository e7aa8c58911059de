//! Opens the key files that the configuration names: into a gateway client, or for registration.

use std::{fs, path::Path, time::Duration};

use payout_config::Merchant;
use payout_gateway::{
    Client, Dialect, Settings, SigningKey, VerifyingKey, block::fingerprints, keys,
    tls::read_certificates,
};
use payout_store::schema::Registration;
use rustls::pki_types::CertificateDer;

use super::Unfit;

/// The client for a merchant's gateway.
pub fn client(merchant: &Merchant, timeout: Duration) -> Result<Client, Unfit> {
    let unfit =
        |error: &dyn std::fmt::Display| Unfit(format!("merchant {}: {error}", merchant.code));
    let file = &merchant.private_key_file;
    let settings = Settings {
        merchant_code: merchant.code.clone(),
        dialect: dialect(merchant)?,
        base_url: merchant.base_url.clone(),
        notify_url: merchant.notify_url.clone(),
        private_key: open(file, |text| {
            keys::parse_private_key(text).and_then(SigningKey::new)
        })?,
        platform_public_keys: platform_keys(merchant)?,
        extra_roots: extra_roots(merchant)?,
        submit_path: merchant.submit_path.clone(),
        query_path: merchant.query_path.clone(),
        balance_path: merchant.balance_path.clone(),
        timeout,
    };
    Client::new(settings).map_err(|error| unfit(&error))
}

/// What `payout migrate` registers of a merchant. Needs no private key.
pub fn registration(merchant: &Merchant) -> Result<Registration, Unfit> {
    let platform_keys = fingerprints(&platform_keys(merchant)?);
    let funding = if merchant.funded_by_gateway {
        "gateway"
    } else {
        "books"
    };
    let capabilities = dialect(merchant)?.capabilities();
    Ok(Registration {
        code: merchant.code.clone(),
        dialect: merchant.dialect.clone(),
        balance_is_signed: capabilities.balance_is_signed,
        not_found_is_proof: capabilities.not_found_is_proof,
        base_url: merchant.base_url.clone(),
        platform_keys,
        min_amount: merchant.min_amount.idr(),
        max_amount: merchant.max_amount.idr(),
        fee_reserve: merchant.fee_reserve.idr(),
        funding: funding.to_owned(),
    })
}

fn extra_roots(merchant: &Merchant) -> Result<Vec<CertificateDer<'static>>, Unfit> {
    let Some(file) = &merchant.ca_file else {
        return Ok(Vec::new());
    };
    let unfit = |error| Unfit(format!("{}: {error}", file.display()));
    read_certificates(file).map_err(unfit)
}

fn dialect(merchant: &Merchant) -> Result<Dialect, Unfit> {
    let dialect = merchant.dialect.parse();
    dialect.map_err(|error| Unfit(format!("merchant {}: {error}", merchant.code)))
}

fn platform_keys(merchant: &Merchant) -> Result<Vec<VerifyingKey>, Unfit> {
    let files = merchant.platform_public_key_files.iter();
    files
        .map(|file| {
            open(file, |text| {
                keys::parse_public_key(text).and_then(VerifyingKey::new)
            })
        })
        .collect()
}

/// Reads a key file; a failure names it.
fn open<K, E: std::fmt::Display>(file: &Path, parse: fn(&str) -> Result<K, E>) -> Result<K, Unfit> {
    let unfit = |error: &dyn std::fmt::Display| Unfit(format!("{}: {error}", file.display()));
    let bytes = fs::read(file).map_err(|error| unfit(&error))?;
    let text = keys::text_of(&bytes).map_err(|error| unfit(&error))?;
    parse(&text).map_err(|error| unfit(&error))
}
