//! Checks that one of our own URLs answers, with a GET that changes nothing.

use std::time::Duration;

use super::{
    http::{install_tls, plain},
    tls::why_no_connection,
};

/// The HTTP status that a GET of `url` returns, or why there is none.
pub async fn status_of(url: &str, timeout: Duration) -> Result<u16, &'static str> {
    install_tls();
    let client = plain(timeout)
        .build()
        .map_err(|_| "the HTTP client could not be set up")?;
    match client.get(url).send().await {
        Ok(answer) => Ok(answer.status().as_u16()),
        Err(error) if error.is_builder() => Err("not a valid URL"),
        Err(error) if error.is_timeout() => Err("no answer in time"),
        Err(error) => Err(why_no_connection(&error)),
    }
}
