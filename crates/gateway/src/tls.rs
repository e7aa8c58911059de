//! Whom TLS trusts: the machine's root certificates, and those that the configuration adds.

use std::{error::Error, io, path::Path, sync::Arc};

use rustls::{
    CertificateError, ClientConfig,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use super::http::cause;

/// Its issuer is neither among the machine's roots nor in the configuration.
const NOT_TRUSTED: &str = "TLS failed: the certificate is not trusted here; put its issuer's certificate into a file and \
                           name it as ca_file of the merchant";
/// A certificate of somebody else, or of another name of theirs.
const OTHER_NAME: &str = "TLS failed: the certificate is for another host name";
/// Its time is over, or this machine's clock is wrong.
const EXPIRED: &str = "TLS failed: the certificate has expired, or this machine's clock is wrong";

/// Reads the certificates of a PEM file.
///
/// # Errors
/// If the file cannot be read, or holds no certificate.
pub fn read_certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| error.to_string())?;
    if found.is_empty() {
        return Err("it holds no certificate: it must be PEM, with BEGIN CERTIFICATE".to_owned());
    }
    Ok(found)
}

/// What both ways to the gateway use.
pub(super) fn client_config(
    extra_roots: &[CertificateDer<'static>],
) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra_roots.to_vec(), Arc::clone(&provider))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Why a handshake failed, if it was for the certificate. What stands in it is the other side's choice, so it is not
/// repeated.
pub(super) fn why_refused(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let rustls::Error::InvalidCertificate(why) = cause::<rustls::Error>(error)? else {
        return None;
    };
    let is_for_another_name = matches!(
        why,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
    );
    let is_expired = matches!(
        why,
        CertificateError::Expired | CertificateError::ExpiredContext { .. }
    );
    Some(if is_for_another_name {
        OTHER_NAME
    } else if is_expired {
        EXPIRED
    } else {
        NOT_TRUSTED
    })
}

/// Why there was no connection for a query, in words that hold no address.
pub(super) fn why_no_connection(error: &(dyn Error + 'static)) -> &'static str {
    if let Some(why) = why_refused(error) {
        return why;
    }
    match cause::<io::Error>(error) {
        Some(io) if io.kind() == io::ErrorKind::ConnectionRefused => "connection refused",
        Some(io) if io.kind() == io::ErrorKind::TimedOut => "no connection in time",
        _ => "could not connect",
    }
}
