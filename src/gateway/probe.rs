//! Looks whether somebody listens at a URL of ours. Sends nothing that could mean anything.

use std::time::Duration;

use super::transport::{install_tls, plain};

/// The HTTP status that a GET gives, or why there is none.
pub async fn status_of(url: &str, timeout: Duration) -> Result<u16, &'static str> {
    install_tls();
    let client = plain(timeout)
        .build()
        .map_err(|_| "no HTTP client can be made")?;
    match client.get(url).send().await {
        Ok(answer) => Ok(answer.status().as_u16()),
        Err(error) if error.is_builder() => Err("it is no URL"),
        Err(error) if error.is_timeout() => Err("no answer in time"),
        Err(_) => Err("no connection"),
    }
}
