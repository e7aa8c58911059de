//! Payouts over HTTPS, as in production: only to a gateway whose certificate the machine trusts.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use throwaway_postgres::SUPERUSER;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};
use tokio_rustls::TlsAcceptor;

use crate::support::{database::MERCHANT, site::Site};

/// A self-signed certificate for `localhost`; `None` when there is no openssl to make it.
fn certificate(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let (key, root) = (folder.join("tls.key"), folder.join("tls.pem"));
    let made = Command::new("openssl")
        .args("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split(' '))
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&root)
        .stderr(Stdio::null())
        .status()
        .ok()?;
    assert!(made.success());
    Some((key, root))
}

/// Terminates TLS in front of the sandbox, which does not speak it. Returns the port.
async fn terminate_tls(site: &Site, key: &Path, root: &Path) -> u16 {
    let chain = CertificateDer::pem_file_iter(root).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            chain.collect::<Result<_, _>>().unwrap(),
            PrivateKeyDer::from_pem_file(key).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let behind = site.sandbox.url().replace("http://", "");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, behind) = (acceptor.clone(), behind.clone());
            tokio::spawn(async move {
                // A client that does not trust the certificate disconnects, as one of the tests expects.
                let mut outside = acceptor.accept(stream).await.ok()?;
                let mut inside = TcpStream::connect(behind).await.ok()?;
                copy_bidirectional(&mut outside, &mut inside).await.ok()
            });
        }
    });
    port
}

/// A site whose worker reaches its gateway at `https://localhost`.
async fn site_over_tls() -> Option<(Site, PathBuf)> {
    let site = Site::build().await;
    let Some((key, root)) = certificate(site.folder.path()) else {
        println!("skipped: there is no openssl to make a certificate with");
        return None;
    };
    let port = terminate_tls(&site, &key, &root).await;
    let file = site.folder.path().join("one.toml");
    let text = fs::read_to_string(&file).unwrap();
    let (plain, tls) = (site.sandbox.url(), format!("https://localhost:{port}"));
    fs::write(&file, text.replace(&plain, &tls)).unwrap();
    let moved = [
        "migrate",
        "--accept-gateway",
        MERCHANT,
        "-c",
        file.to_str().unwrap(),
    ];
    site.payout(SUPERUSER, &moved).await.with(0);
    Some((site, root))
}

#[tokio::test(flavor = "multi_thread")]
async fn payouts_are_paid_over_tls() {
    let Some((site, root)) = site_over_tls().await else {
        return;
    };
    let _worker = site.worker_with("one.toml", "one.log", &[("SSL_CERT_FILE", root.as_path())]);
    site.enqueue(0..20).await;
    site.until_settled(20).await;
    site.assert_zeros(20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payouts_are_paid_over_tls_to_a_gateway_whose_issuer_only_the_configuration_trusts() {
    let Some((site, root)) = site_over_tls().await else {
        return;
    };
    let file = site.folder.path().join("one.toml");
    let text = fs::read_to_string(&file).unwrap();
    let trusting = |root: &str| {
        let named = format!("[[merchant]]\nca_file = \"{root}\"\n");
        fs::write(&file, text.replace("[[merchant]]\n", &named)).unwrap();
    };
    trusting(root.to_str().unwrap());
    let _worker = site.worker("one.toml", "one.log");
    site.enqueue(0..5).await;
    site.until_settled(5).await;
    site.assert_zeros(5).await;

    let empty = site.folder.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    trusting("empty.pem");
    let refused = site
        .payout("a_worker", &["run", "-c", file.to_str().unwrap()])
        .await;
    refused
        .with(78)
        .says(&["empty.pem", "it holds no certificate"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_a_gateway_with_an_untrusted_certificate() {
    let Some((site, _)) = site_over_tls().await else {
        return;
    };
    let _worker = site.worker("one.toml", "one.log");
    site.enqueue(0..2).await;
    let log = site.folder.path().join("one.log");
    let deadline = Instant::now() + Duration::from_secs(30);
    while !fs::read_to_string(&log)
        .unwrap()
        .contains("claims stopped: the keys are not proven")
    {
        assert!(
            Instant::now() < deadline,
            "the worker did not log that it claims nothing"
        );
        sleep(Duration::from_millis(50)).await;
    }
    site.until(
        "select count(*) from payout.payouts where state = 'queued'",
        "2",
    )
    .await;
    assert!(site.sandbox.submits().is_empty());
    let why = "the certificate is not trusted here; put its issuer's certificate into a file and name it as ca_file";
    site.until(
        "select detail from payout.claims",
        &format!("balance: unreachable (TLS failed: {why} of the merchant)"),
    )
    .await;
    let file = site.folder.path().join("one.toml");
    let doctor = site
        .payout("a_worker", &["doctor", "-c", file.to_str().unwrap()])
        .await;
    doctor.with(1).says(&[why]);
}
