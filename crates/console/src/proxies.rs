//! Whose word counts for where a request comes from.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;

/// The proxies in front of the console.
#[derive(Clone, Debug)]
pub(super) enum Proxies {
    /// Browsers connect themselves.
    None,
    /// Whoever connects is one: the origins are HTTPS, we speak plain HTTP, and nobody said where the proxies are.
    Everybody,
    /// Those at these addresses.
    At(Vec<IpAddr>),
}

impl Proxies {
    pub(super) fn new(named: &[IpAddr], is_proxied: bool) -> Self {
        if !named.is_empty() {
            Self::At(named.iter().map(IpAddr::to_canonical).collect())
        } else if is_proxied {
            Self::Everybody
        } else {
            Self::None
        }
    }

    /// Whether a connection from this address is that of a proxy.
    pub(super) fn is_one(&self, peer: IpAddr) -> bool {
        match self {
            Self::None => false,
            Self::Everybody => true,
            Self::At(named) => named.contains(&peer.to_canonical()),
        }
    }

    /// Where a request comes from. A proxy connects for others, and appends the address of each. Elsewhere anybody could write
    /// that header.
    pub(super) fn address(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let forwarded = headers.get_all("x-forwarded-for").iter().next_back();
        let forwarded = forwarded.filter(|_| self.is_one(peer));
        let forwarded = forwarded.and_then(|list| list.to_str().ok()?.rsplit(',').next());
        forwarded.and_then(written).unwrap_or(peer)
    }
}

/// An address as proxies write it: some with the port.
fn written(address: &str) -> Option<IpAddr> {
    let address = address.trim();
    let with_port = || address.parse().map(|with: SocketAddr| with.ip());
    address.parse().or_else(|_| with_port()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_read_as_proxies_write_it() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1"),
            (" 192.0.2.1:4711", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
        ] {
            assert_eq!(written(text), address.parse().ok(), "{text}");
        }
        assert_eq!(written("unknown"), None);
    }

    #[test]
    fn only_a_named_proxy_says_where_a_request_comes_from() {
        let mut headers = HeaderMap::new();
        let forwarded = "203.0.113.9, 192.0.2.1";
        headers.insert("x-forwarded-for", forwarded.parse().unwrap());
        let named = Proxies::new(&[ip("10.0.0.5")], true);
        for (proxies, peer, believed) in [
            (&named, "10.0.0.5", "192.0.2.1"),
            (&named, "::ffff:10.0.0.5", "192.0.2.1"),
            (&named, "10.0.0.6", "10.0.0.6"),
            (&named, "127.0.0.1", "127.0.0.1"),
            (&Proxies::new(&[], true), "10.0.0.6", "192.0.2.1"),
            (&Proxies::new(&[], false), "10.0.0.6", "10.0.0.6"),
        ] {
            assert_eq!(proxies.address(ip(peer), &headers), ip(believed), "{peer}");
        }
    }
}
