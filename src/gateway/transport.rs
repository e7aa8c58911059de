//! The two ways over HTTP: one that sends a body at most once, and one that asks questions.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::{
    Client, ClientBuilder, Response, StatusCode, Url,
    header::{ACCEPT, CONTENT_TYPE},
    redirect, retry,
};
use tokio::time::{self, Instant};

use super::{
    answer::Problem,
    gate::{Gate, TooLate},
    one_shot::{Broken, OneShot, find},
    settings::SettingsError,
    wire::BODY_BYTES_MAX,
};
use crate::{domain::evidence::Doubt, permit::SendBy};

/// What we call ourselves.
pub(super) const USER_AGENT: &str = concat!("payout/", env!("CARGO_PKG_VERSION"));
/// What we send (protocol P10).
pub(super) const JSON: &str = "application/json; charset=utf-8";
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
    /// No byte of it left this process, and none ever will.
    Never(String),
    /// It may have left.
    Maybe(Result<Bytes, Failure>),
}

/// The ways to the gateway of one merchant.
pub(super) struct Transport {
    submits: OneShot,
    questions: Client,
    timeout: Duration,
}

impl Transport {
    /// Sets both ways up.
    pub(super) fn new(submit: &Url, timeout: Duration) -> Result<Self, SettingsError> {
        install_tls();
        Ok(Self {
            submits: OneShot::new(submit, connect_timeout(timeout), timeout)?,
            questions: plain(timeout)
                .pool_max_idle_per_host(IDLE_QUESTION_CONNECTIONS)
                .build()?,
            timeout,
        })
    }

    /// Sends these bytes to the submit address, at most once.
    pub(super) async fn send_once(&self, bytes: Bytes, send_by: SendBy) -> Sent {
        // Also not when its answer could not be waited for: a process that was stopped while it connected would send and
        // hang up in the same moment.
        let gate = Gate::new(send_by.within(self.timeout));
        let now = Instant::now();
        let deadline = now.checked_add(self.timeout).unwrap_or(now);
        let reading = async |response: Response| {
            let http_status = Some(response.status().as_u16());
            let read = time::timeout_at(deadline, read(response)).await;
            read.unwrap_or_else(|_| {
                Err(Failure {
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
            Err(error) => Err(lost(error.is_timeout())),
        }
    }
}

fn connect_timeout(timeout: Duration) -> Duration {
    let half = timeout.checked_div(2).unwrap_or(timeout);
    half.min(CONNECT_TIMEOUT_MAX)
}

/// No redirect, no retry, no proxy: nothing that could repeat a request or send it elsewhere (protocol trap 9).
pub(super) fn plain(timeout: Duration) -> ClientBuilder {
    Client::builder()
        .http1_only()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(connect_timeout(timeout))
        .timeout(timeout)
        .tcp_user_timeout(timeout)
        .user_agent(USER_AGENT)
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
        .header(CONTENT_TYPE, JSON)
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
            Err(error) => return Err(fail(lost(error.is_timeout()).problem)),
        }
    }
}

fn lost(timed_out: bool) -> Failure {
    let (doubt, words) = if timed_out {
        (Doubt::Timeout, "no answer in time")
    } else {
        (Doubt::ConnectionLost, "the connection broke")
    };
    Failure {
        problem: Problem { doubt, words },
        http_status: None,
    }
}

/// Whether the kernel gave up waiting (`tcp_user_timeout`).
fn is_timeout(broken: &Broken) -> bool {
    find::<io::Error>(broken).is_some_and(|io| io.kind() == io::ErrorKind::TimedOut)
}

/// Why nothing was sent, in words that hold no address and no personal data. `None`: the whole time was over.
fn never_sent(broken: Option<&Broken>) -> String {
    match broken {
        None => "nothing could be written in time".into(),
        Some(Broken::Connecting(words)) => words.clone(),
        Some(broken) if find::<TooLate>(broken).is_some() => TooLate.to_string(),
        Some(_) => "the connection broke before anything was sent".into(),
    }
}
