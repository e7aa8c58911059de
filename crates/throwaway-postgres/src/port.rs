//! A port that is free, and stays so while the server is down for a moment.

use std::{
    hash::{BuildHasher, RandomState},
    net::TcpListener,
};

/// Below what Linux and macOS give to outgoing connections: a client that connects again and again while the
/// server restarts could otherwise be given the server's own port, and keep it.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// A random one of those that nobody listens on now.
pub(crate) fn free() -> u16 {
    let random = RandomState::new().hash_one("port");
    let start = u16::try_from(random.checked_rem(u64::from(PORTS)).unwrap_or(0)).unwrap_or(0);
    (start..PORTS)
        .chain(0..start)
        .map(|offset| FIRST_PORT.saturating_add(offset))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap_or(FIRST_PORT)
}
