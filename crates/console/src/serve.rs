//! Connections of browsers: limited in number, in time and in what they send; with TLS where it is configured.

use std::{io, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use payout_gateway::tls::read_certificates;
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_service::Service;

use super::{Peer, places::Places};

/// Longest time for a TLS handshake, and for the headers of a request.
const BEGIN_WITHIN: Duration = Duration::from_secs(10);
/// Longest life of a connection. A browser opens another one.
const CONNECTION_FOR: Duration = Duration::from_mins(5);
/// Longest time to finish what was begun when a connection or the console ends.
const FINISH_WITHIN: Duration = Duration::from_secs(20);
/// Refused connections that are told why at a time; others just end.
const TOLD_MAX: usize = 16;
/// Longest time to read that.
const TELL_WITHIN: Duration = Duration::from_secs(1);
/// What a connection is told whose address has too many.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 10\r\n\
    Content-Type: text/plain\r\nContent-Length: 75\r\n\r\n\
    Your address has too many connections to the console. Close some and retry.";
/// Most bytes of a request's headers, and how many headers.
const HEADER_BYTES_MAX: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;

/// Reads certificate and key.
pub(super) fn tls(certificate: &Path, key: &Path) -> anyhow::Result<TlsAcceptor> {
    let chain = read_certificates(certificate)
        .map_err(anyhow::Error::msg)
        .with_context(|| format!("tls_cert_file {}", certificate.display()))?;
    let named = || format!("tls_key_file {}", key.display());
    let key = PrivateKeyDer::from_pem_file(key).with_context(named)?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(named)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves `routes` until `stop`, then finishes what was begun.
pub(super) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    routes: Router,
    places: Arc<Places>,
    stop: CancellationToken,
) {
    let told = Arc::new(Semaphore::new(TOLD_MAX));
    let open = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let Ok((stream, address)) = accepted else {
            // Too many open files, for one: other connections end meanwhile.
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Some(place) = places.take(address.ip()).await else {
            let told = Arc::clone(&told).try_acquire_owned();
            // A handshake would cost more than the refusal saves.
            if let (Ok(told), None) = (told, &tls) {
                open.spawn(async move {
                    timeout(TELL_WITHIN, refuse(stream)).await.ok();
                    drop(told);
                });
            }
            continue;
        };
        let (tls, routes, stop) = (tls.clone(), routes.clone(), stop.clone());
        open.spawn(async move {
            let served = match tls {
                None => answer(stream, address, routes, stop).await,
                Some(tls) => match timeout(BEGIN_WITHIN, tls.accept(stream)).await {
                    Ok(Ok(stream)) => answer(stream, address, routes, stop).await,
                    Ok(Err(_)) | Err(_) => Ok(()),
                },
            };
            if let Err(error) = served {
                tracing::debug!(%error, "a browser's connection failed: {error}");
            }
            drop(place);
        });
    }
    open.close();
    timeout(FINISH_WITHIN, open.wait()).await.ok();
}

/// Answers the requests of one connection.
async fn answer<S>(
    stream: S,
    address: SocketAddr,
    routes: Router,
    stop: CancellationToken,
) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(address.ip()));
        routes.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(BEGIN_WITHIN)
        .max_buf_size(HEADER_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = sleep(CONNECTION_FOR) => {}
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    timeout(FINISH_WITHIN, connection).await.unwrap_or(Ok(()))
}

/// Says why nothing is answered. What the browser has sent is read, or the kernel would throw the refusal away with it.
async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(TOO_MANY).await?;
    stream.shutdown().await?;
    let mut sent = [0; 1024];
    while stream.read(&mut sent).await? > 0 {}
    Ok(())
}

/// Binds the address.
pub(super) async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}
