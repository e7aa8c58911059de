//! The two HTTP clients: one that sends a body at most once, and one that asks questions.

use std::{error::Error, io, iter::successors, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Client, ClientBuilder, Response, StatusCode, Url,
    header::{ACCEPT, CONTENT_TYPE},
    redirect, retry,
};

use super::{
    answer::Problem,
    once_body::{OnceBody, TooLate},
    wire::BODY_BYTES_MAX,
};
use crate::{domain::evidence::Doubt, ports::SendBy};

/// Longest wait for a connection.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(5);
/// Idle connections that are kept for questions.
const IDLE_QUESTION_CONNECTIONS: usize = 4;

/// Why there is no body to read.
pub(super) struct Failure {
    pub(super) problem: Problem,
    /// Set when an HTTP answer came.
    pub(super) http_status: Option<u16>,
}

/// What became of one body that must not be sent twice.
pub(super) enum Sent {
    /// The bytes never reached the transport, and never will.
    Never(String),
    /// They may have left.
    Maybe(Result<Bytes, Failure>),
}

/// The clients of one merchant.
pub(super) struct Transport {
    submits: Client,
    questions: Client,
}

impl Transport {
    /// Sets both clients up.
    pub(super) fn new(timeout: Duration) -> reqwest::Result<Self> {
        install_tls();
        Ok(Self {
            // A connection that was used before can break in a way that tells nothing about the new
            // request; with a fresh one for each submit that never happens.
            submits: plain(timeout).pool_max_idle_per_host(0).build()?,
            questions: plain(timeout)
                .pool_max_idle_per_host(IDLE_QUESTION_CONNECTIONS)
                .build()?,
        })
    }

    /// Sends these bytes at most once.
    pub(super) async fn send_once(&self, url: Url, bytes: Bytes, send_by: SendBy) -> Sent {
        let (body, handover) = OnceBody::new(bytes, send_by);
        match post(&self.submits, url, reqwest::Body::wrap(body)).await {
            Ok(response) => Sent::Maybe(read(response).await),
            Err(error) if handover.revoke() => Sent::Never(never_sent(&error)),
            Err(error) => Sent::Maybe(Err(lost(&error))),
        }
    }

    /// Asks something that may be asked again.
    pub(super) async fn ask(&self, url: Url, bytes: Bytes) -> Result<Bytes, Failure> {
        match post(&self.questions, url, bytes.into()).await {
            Ok(response) => read(response).await,
            Err(error) if error.is_connect() => Err(Failure {
                problem: Problem {
                    doubt: Doubt::Unreachable,
                    words: "there was no connection",
                },
                http_status: None,
            }),
            Err(error) => Err(lost(&error)),
        }
    }
}

/// No redirect, no retry, no proxy: nothing that could repeat a request or send it elsewhere (protocol trap 9).
pub(super) fn plain(timeout: Duration) -> ClientBuilder {
    let half = timeout.checked_div(2).unwrap_or(timeout);
    Client::builder()
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(half.min(CONNECT_TIMEOUT_MAX))
        .timeout(timeout)
        .tcp_user_timeout(timeout)
        .user_agent(concat!("payout/", env!("CARGO_PKG_VERSION")))
}

/// One process-wide choice. An `Err` says that somebody else made one first, which serves as well.
pub(super) fn install_tls() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
}

async fn post(client: &Client, url: Url, body: reqwest::Body) -> reqwest::Result<Response> {
    let request = client
        .post(url)
        .header(CONTENT_TYPE, "application/json; charset=utf-8")
        .header(ACCEPT, "application/json");
    request.body(body).send().await
}

/// The body of a 200, up to its limit. Of another status the body is not even looked at.
async fn read(mut response: Response) -> Result<Bytes, Failure> {
    let status = response.status();
    let fail = |problem| Failure {
        problem,
        http_status: Some(status.as_u16()),
    };
    if status != StatusCode::OK {
        return Err(fail(Problem {
            doubt: Doubt::HttpStatus,
            words: "not an HTTP 200",
        }));
    }
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len().saturating_add(chunk.len()) > BODY_BYTES_MAX => {
                return Err(fail(Problem::unreadable("longer than 64 KiB")));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body.freeze()),
            Err(error) => return Err(fail(lost(&error).problem)),
        }
    }
}

fn lost(error: &reqwest::Error) -> Failure {
    let (doubt, words) = if error.is_timeout() {
        (Doubt::Timeout, "no answer in time")
    } else {
        (Doubt::ConnectionLost, "the connection broke")
    };
    Failure {
        problem: Problem { doubt, words },
        http_status: None,
    }
}

/// Why nothing was sent, in words that hold no address and no personal data.
fn never_sent(error: &reqwest::Error) -> String {
    let causes = || successors(error.source(), |cause| (*cause).source());
    if causes().any(<dyn Error>::is::<TooLate>) {
        return "the time to send was over".into();
    }
    if error.is_dns() {
        return "the gateway's name was not resolved".into();
    }
    if let Some(tls) = causes().find_map(|cause| tls_error(cause)) {
        return format!("TLS failed: {tls}");
    }
    if error.is_timeout() {
        return "no connection in time".into();
    }
    causes()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .find(|io| io.kind() != io::ErrorKind::Other)
        .map_or_else(
            || "the connection broke before anything was sent".into(),
            |io| io.kind().to_string(),
        )
}

/// An `io::Error` does not give what it wraps as its source, and one can wrap another.
fn tls_error<'a>(mut cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    while let Some(io) = cause.downcast_ref::<io::Error>() {
        cause = io.get_ref()?;
    }
    cause.downcast_ref()
}
