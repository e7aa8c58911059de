//! A connection that is made for one request, used for it, and gone with it (docs/decisions/0007).
//!
//! There is no pool, no retry, no redirect and no background task: once nobody awaits the request, nothing can write it,
//! and below the gate is only the runtime's socket.

use std::{convert::Infallible, error::Error, future::pending, io, sync::Arc, time::Duration};

use bytes::Bytes;
use hyper::{
    Request, Uri,
    client::conn::http1,
    header::{self, ACCEPT, CONTENT_TYPE, HOST},
};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use reqwest::{Response, Url};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{
    address::AddressError,
    gate::{Gated, SendGate, TooLate},
    http::{JSON, USER_AGENT, cause},
    once_body::OnceBody,
    redact::words,
    settings::SettingsError,
    tls::why_refused,
};

const KEEPALIVE: Duration = Duration::from_secs(15);

/// Posts JSON to one address, with a connection for each request.
pub(super) struct OneShot {
    address: Uri,
    /// Everything of a request but its body.
    head: Request<()>,
    sockets: HttpConnector,
    /// For `https://`.
    tls: Option<(TlsConnector, ServerName<'static>)>,
    connect_timeout: Duration,
}

/// Where it broke before there was an answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// No TCP or no TLS: no byte of the request was written.
    #[error("{0}")]
    Connecting(String),
    /// While writing the request or waiting for the answer.
    #[error(transparent)]
    Speaking(hyper::Error),
}

impl OneShot {
    /// `connect_timeout` is for TCP and TLS together; `user_timeout` for how long the kernel tries to deliver.
    pub(super) fn new(
        url: &Url,
        tls: &ClientConfig,
        connect_timeout: Duration,
        user_timeout: Duration,
    ) -> Result<Self, SettingsError> {
        let unusable = || SettingsError::Address("submit_path", AddressError::NotWeb);
        let address: Uri = url.as_str().parse().map_err(|_| unusable())?;
        let host = address.host().ok_or_else(unusable)?;
        let tls = if url.scheme() == "https" {
            let name = host.trim_matches(['[', ']']).to_owned();
            let name = ServerName::try_from(name).map_err(|_| unusable())?;
            Some((TlsConnector::from(Arc::new(tls.clone())), name))
        } else {
            None
        };
        let authority = address.authority().ok_or_else(unusable)?.as_str();
        let path = address.path_and_query().ok_or_else(unusable)?.as_str();
        let head = Request::post(path)
            .header(HOST, authority)
            .header(header::USER_AGENT, USER_AGENT)
            .header(CONTENT_TYPE, JSON)
            .header(ACCEPT, "application/json")
            .body(())
            .map_err(|_| unusable())?;
        let mut sockets = HttpConnector::new();
        sockets.enforce_http(false);
        sockets.set_nodelay(true);
        // As reqwest does for queries: a NAT must not forget the connection before a slow answer comes.
        sockets.set_keepalive(Some(KEEPALIVE));
        sockets.set_keepalive_interval(Some(KEEPALIVE));
        sockets.set_keepalive_retries(Some(3));
        sockets.set_connect_timeout(Some(connect_timeout));
        sockets.set_tcp_user_timeout(Some(user_timeout));
        Ok(Self {
            address,
            head,
            sockets,
            tls,
            connect_timeout,
        })
    }

    /// Sends these bytes once and passes the answer to `read`.
    pub(super) async fn post<T>(
        &self,
        bytes: Bytes,
        gate: SendGate,
        read: impl AsyncFnOnce(Response) -> T,
    ) -> Result<T, Broken> {
        let body = OnceBody::new(bytes, gate.clone());
        let request = self.head.clone().map(|()| body);
        let no_time = |_| Broken::Connecting("no connection in time".to_owned());
        let connecting = timeout(self.connect_timeout, self.connect(gate));
        match connecting.await.map_err(no_time)?? {
            Socket::Plain(socket) => exchange(socket, request, read).await,
            Socket::Tls(socket) => exchange(*socket, request, read).await,
        }
    }

    async fn connect(&self, gate: SendGate) -> Result<Socket, Broken> {
        let socket = self.sockets.clone().call(self.address.clone()).await;
        let socket = socket
            .map_err(|error| Broken::Connecting(no_socket(&error)))?
            .into_inner();
        let socket = Gated { socket, gate };
        Ok(match &self.tls {
            None => Socket::Plain(socket),
            Some((tls, name)) => {
                let shaking_hands = tls.connect(name.clone(), socket).await;
                let socket =
                    shaking_hands.map_err(|error| Broken::Connecting(no_handshake(&error)))?;
                Socket::Tls(Box::new(socket))
            }
        })
    }
}

type Tcp = Gated<tokio::net::TcpStream>;

enum Socket {
    Plain(Tcp),
    Tls(Box<tokio_rustls::client::TlsStream<Tcp>>),
}

/// Sends one request and reads its answer, while the connection is driven beside it.
async fn exchange<S, T>(
    socket: S,
    request: Request<OnceBody>,
    read: impl AsyncFnOnce(Response) -> T,
) -> Result<T, Broken>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(socket))
        .await
        .map_err(Broken::Speaking)?;
    let driving = async {
        // Whoever waits for the answer learns how the connection ended.
        connection.await.ok();
        pending::<Infallible>().await
    };
    let speaking = async {
        let answer = sender
            .send_request(request)
            .await
            .map_err(Broken::Speaking)?;
        Ok(read(answer.map(reqwest::Body::wrap).into()).await)
    };
    tokio::select! {
        answered = speaking => answered,
        never = driving => match never {},
    }
}

/// Why there was no connection, in words that hold no address.
fn no_socket(error: &(dyn Error + 'static)) -> String {
    match cause::<io::Error>(error) {
        Some(io) if io.kind() == io::ErrorKind::TimedOut => "no connection in time".into(),
        // An error of the kernel has a number; one of the resolver has none.
        Some(io) if io.raw_os_error().is_none() => {
            "the gateway's host name could not be resolved".into()
        }
        Some(io) => io.kind().to_string(),
        None => "could not connect".into(),
    }
}

/// Why there was no TLS.
fn no_handshake(error: &io::Error) -> String {
    if cause::<TooLate>(error).is_some() {
        return TooLate.to_string();
    }
    if let Some(why) = why_refused(error) {
        return why.to_owned();
    }
    match cause::<rustls::Error>(error) {
        Some(tls) => words(&format!("TLS failed: {tls}")),
        None => error.kind().to_string(),
    }
}
