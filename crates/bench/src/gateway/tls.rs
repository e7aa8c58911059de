//! The gateway over TLS, with a certificate that only this run trusts.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context, Result};
use openssl::{
    asn1::{Asn1Integer, Asn1Time},
    bn::BigNum,
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::PKey,
    x509::{
        X509, X509Name,
        extension::{BasicConstraints, SubjectAlternativeName},
    },
};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer},
    version::TLS13,
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::{Settings, Shared, server};

const CERTIFICATE: &str = "gateway.der";
const KEY: &str = "gateway.key.der";

/// The certificate of a run's gateway, as a gateway has one: P-256, for the address that it listens on.
pub(crate) struct Certificate;

impl Certificate {
    /// What workers are to trust, as PEM, in the folder of [`Certificate::write`].
    pub(crate) const TRUSTED: &str = "gateway.pem";

    /// Makes one, and writes it with its key.
    pub(crate) fn write(folder: &Path) -> Result<()> {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
        let key = PKey::from_ec_key(EcKey::generate(&group)?)?;
        let mut name = X509Name::builder()?;
        name.append_entry_by_nid(Nid::COMMONNAME, "gateway of a bench")?;
        let name = name.build();
        let mut certificate = X509::builder()?;
        certificate.set_version(2)?;
        let serial = Asn1Integer::from_bn(BigNum::from_u32(1)?.as_ref())?;
        certificate.set_serial_number(&serial)?;
        certificate.set_subject_name(&name)?;
        certificate.set_issuer_name(&name)?;
        certificate.set_pubkey(&key)?;
        certificate.set_not_before(Asn1Time::days_from_now(0)?.as_ref())?;
        certificate.set_not_after(Asn1Time::days_from_now(2)?.as_ref())?;
        certificate.append_extension(BasicConstraints::new().critical().build()?)?;
        let names = SubjectAlternativeName::new()
            .ip("127.0.0.1")
            .build(&certificate.x509v3_context(None, None))?;
        certificate.append_extension(names)?;
        certificate.sign(&key, MessageDigest::sha256())?;
        let certificate = certificate.build();
        fs::write(folder.join(CERTIFICATE), certificate.to_der()?)?;
        fs::write(folder.join(Self::TRUSTED), certificate.to_pem()?)?;
        fs::write(folder.join(KEY), key.private_key_to_pkcs8()?)?;
        Ok(())
    }
}

/// Where the gateway listens for TLS.
pub(super) struct Listener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener {
    /// None unless the settings want one.
    pub(super) async fn of(settings: &Settings) -> Result<Option<Self>> {
        let Some((address, folder)) = settings.listen_tls.zip(settings.certificate.as_ref()) else {
            return Ok(None);
        };
        let certificate = CertificateDer::from(fs::read(folder.join(CERTIFICATE))?);
        let key = PrivateKeyDer::try_from(fs::read(folder.join(KEY))?)
            .map_err(|why| anyhow::anyhow!("the key of the certificate: {why}"))?;
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .context("the certificate of the gateway")?;
        // Each submit shakes hands from the beginning.
        config.send_tls13_tickets = 0;
        Ok(Some(Self {
            listener: TcpListener::bind(address).await?,
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }))
    }

    /// Serves until the process is ended.
    pub(super) async fn accept(self, shared: Arc<Shared>) -> Result<()> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            stream.set_nodelay(true)?;
            let (acceptor, shared) = (self.acceptor.clone(), Arc::clone(&shared));
            tokio::spawn(async move {
                // A handshake that the worker breaks off is no event of the run.
                if let Ok(stream) = acceptor.accept(stream).await {
                    server::serve(stream, shared).await;
                }
            });
        }
    }
}
