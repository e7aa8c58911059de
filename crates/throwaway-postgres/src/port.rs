//! Picks a free port that stays free while the server is briefly down.

use std::{
    hash::{BuildHasher, RandomState},
    net::TcpListener,
};

/// Below the ports that Linux and macOS assign to outgoing connections. Otherwise a client that reconnects while the
/// server restarts could be assigned the server's own port, and keep it.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// A random port on which nobody listens now.
pub(crate) fn free() -> u16 {
    let random = RandomState::new().hash_one("port");
    let start = u16::try_from(random.checked_rem(u64::from(PORTS)).unwrap_or(0)).unwrap_or(0);
    (start..PORTS)
        .chain(0..start)
        .map(|offset| FIRST_PORT.saturating_add(offset))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap_or(FIRST_PORT)
}
