//! The two ways to the gateway: one sends a body at most once, the other may repeat itself.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use payout_domain::evidence::Doubt;
use payout_permit::SendBy;
use reqwest::{
    Client, Response, StatusCode, Url,
    header::{ACCEPT, CONNECTION, CONTENT_TYPE},
};
use rustls::pki_types::CertificateDer;
use tokio::time::{self, Instant};

use super::{
    answer::Problem,
    gate::{SendGate, TooLate},
    http::{JSON, cause, connect_timeout, install_tls, plain},
    one_shot::{Broken, OneShot},
    settings::SettingsError,
    tls::{client_config, why_no_connection},
    wire::BODY_BYTES_MAX,
    zipped::unpack,
};

/// Why there is no body to read.
pub(super) struct NoAnswer {
    pub(super) problem: Problem,
    /// Set when an HTTP answer came.
    pub(super) http_status: Option<u16>,
}

/// What became of a body that must not be sent twice.
pub(super) enum Sent {
    /// No byte of it left this process, and none ever will.
    Never(String),
    /// It may have left.
    Maybe(Result<Bytes, NoAnswer>),
}

/// Both ways to one merchant's gateway.
pub(super) struct Transport {
    submits: OneShot,
    queries: Client,
    timeout: Duration,
}

impl Transport {
    /// Sets up both ways; connects to nobody yet.
    pub(super) fn new(
        submit: &Url,
        extra_roots: &[CertificateDer<'static>],
        timeout: Duration,
    ) -> Result<Self, SettingsError> {
        install_tls();
        let tls = client_config(extra_roots)?;
        Ok(Self {
            submits: OneShot::new(submit, &tls, connect_timeout(timeout), timeout)?,
            // No pool: "not found" need not name an order, so an answer that a proxy or the gateway repeats, or that
            // comes after its time, could be taken for the next query's (protocol P17).
            queries: plain(timeout)
                .tls_backend_preconfigured(tls)
                .pool_max_idle_per_host(0)
                .build()?,
            timeout,
        })
    }

    /// Sends these bytes to the submit address, at most once.
    pub(super) async fn send_once(&self, bytes: Bytes, send_by: SendBy) -> Sent {
        // Nor is it sent when no time is left to wait for its answer: a process that was suspended while it connected
        // would send and hang up in the same moment.
        let gate = SendGate::new(send_by.within(self.timeout));
        let now = Instant::now();
        let deadline = now.checked_add(self.timeout).unwrap_or(now);
        let reading = async |response: Response| {
            let http_status = Some(response.status().as_u16());
            let read = time::timeout_at(deadline, read(response)).await;
            read.unwrap_or_else(|_| {
                Err(NoAnswer {
                    http_status,
                    ..lost(true)
                })
            })
        };
        let posting = self.submits.post(bytes, gate.clone(), reading);
        let broken = match time::timeout_at(deadline, posting).await {
            Ok(Ok(answered)) => return Sent::Maybe(answered),
            Ok(Err(broken)) => Some(broken),
            Err(_) => None,
        };
        if gate.shut() {
            Sent::Never(never_sent(broken.as_ref()))
        } else {
            let timed_out = broken.is_none_or(|broken| is_timeout(&broken));
            Sent::Maybe(Err(lost(timed_out)))
        }
    }

    /// Sends a query, which may be repeated, on a connection that carries nothing else.
    pub(super) async fn query(&self, url: Url, bytes: Bytes) -> Result<Bytes, NoAnswer> {
        match post(&self.queries, url, bytes.into()).await {
            Ok(response) => read(response).await,
            Err(error) if error.is_connect() => Err(NoAnswer {
                problem: Problem::new(Doubt::Unreachable, why_no_connection(&error)),
                http_status: None,
            }),
            Err(error) => Err(lost(error.is_timeout())),
        }
    }
}

async fn post(client: &Client, url: Url, body: reqwest::Body) -> reqwest::Result<Response> {
    let request = client
        .post(url)
        .header(CONTENT_TYPE, JSON)
        .header(ACCEPT, "application/json")
        // Whoever stands between must not use it for another request either.
        .header(CONNECTION, "close");
    request.body(body).send().await
}

/// The body of an HTTP 200 or 201, unpacked, up to [`BODY_BYTES_MAX`]. The body of any other status is ignored.
async fn read(mut response: Response) -> Result<Bytes, NoAnswer> {
    let status = response.status();
    let fail = |problem| NoAnswer {
        problem,
        http_status: Some(status.as_u16()),
    };
    if !matches!(status, StatusCode::OK | StatusCode::CREATED) {
        return Err(fail(Problem::new(
            Doubt::HttpStatus,
            "neither HTTP 200 nor 201",
        )));
    }
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len().saturating_add(chunk.len()) > BODY_BYTES_MAX => {
                return Err(fail(Problem::unreadable("longer than 64 KiB")));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return unpack(response.headers(), body.freeze()).map_err(fail),
            Err(error) => return Err(fail(lost(error.is_timeout()).problem)),
        }
    }
}

fn lost(timed_out: bool) -> NoAnswer {
    let problem = if timed_out {
        Problem::new(Doubt::Timeout, "no answer in time")
    } else {
        Problem::new(Doubt::ConnectionLost, "the connection broke")
    };
    NoAnswer {
        problem,
        http_status: None,
    }
}

/// Whether the kernel gave up waiting (`tcp_user_timeout`).
fn is_timeout(broken: &Broken) -> bool {
    cause::<io::Error>(broken).is_some_and(|io| io.kind() == io::ErrorKind::TimedOut)
}

/// Why nothing was sent, without an address or personal data. `None`: the whole time had passed.
fn never_sent(broken: Option<&Broken>) -> String {
    match broken {
        None => "nothing was written in time".into(),
        Some(Broken::Connecting(words)) => words.clone(),
        Some(broken) if cause::<TooLate>(broken).is_some() => TooLate.to_string(),
        Some(_) => "the connection broke before anything was sent".into(),
    }
}
