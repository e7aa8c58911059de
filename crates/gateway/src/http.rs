//! What every HTTP connection to the outside has in common.

use std::{error::Error, io, time::Duration};

use reqwest::{Client, ClientBuilder, redirect, retry};

/// Our `User-Agent`.
pub(crate) const USER_AGENT: &str = concat!("payout/", env!("CARGO_PKG_VERSION"));
/// The `Content-Type` of requests (protocol P1).
pub const JSON: &str = "application/json; charset=utf-8";
/// Longest wait for a connection.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(5);

/// The part of `timeout` that may pass until there is a connection.
pub(crate) fn connect_timeout(timeout: Duration) -> Duration {
    let half = timeout.checked_div(2).unwrap_or(timeout);
    half.min(CONNECT_TIMEOUT_MAX)
}

/// No redirect, no retry, no proxy: nothing that could repeat a request or send it elsewhere (protocol trap 9).
pub fn plain(timeout: Duration) -> ClientBuilder {
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

/// One choice for the whole process. An `Err` says that somebody else chose first, which serves as well.
pub fn install_tls() {
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
}

/// The first cause of this type. An `io::Error` does not give what it wraps as its source, and one can wrap another.
pub(crate) fn cause<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let inner = |error: &'a (dyn Error + 'static)| match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    };
    std::iter::successors(Some(error), |error| inner(*error)).find_map(|error| error.downcast_ref())
}
