//! Which requests are answered at all, and what every answer says to the browser.

use std::{collections::BTreeSet, net::SocketAddr};

use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY,
        STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    },
};

/// A page loads nothing from elsewhere, runs no script of its own text, and stands in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The origins by which browsers reach the console.
#[derive(Clone, Debug)]
pub(super) struct Origins {
    allowed: BTreeSet<String>,
    /// The same without their scheme, as `Host` has them.
    hosts: BTreeSet<String>,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stranger {
    /// Its `Host` is none of ours: another name leads here, as in DNS rebinding.
    Host,
    /// It would change something, and nothing shows that one of our own pages sent it.
    Site,
}

impl Origins {
    /// The configured ones, or else the listen address and localhost.
    pub(super) fn new(configured: &[String], listen: SocketAddr, is_tls: bool) -> Self {
        let scheme = if is_tls { "https" } else { "http" };
        let port = listen.port();
        let own = [
            format!("{scheme}://{listen}"),
            format!("{scheme}://localhost:{port}"),
            format!("{scheme}://127.0.0.1:{port}"),
        ];
        let allowed: BTreeSet<String> = if configured.is_empty() {
            own.into_iter().collect()
        } else {
            configured.iter().cloned().collect()
        };
        let host = |origin: &String| Some(origin.split_once("://")?.1.to_owned());
        Self {
            hosts: allowed.iter().filter_map(host).collect(),
            allowed,
        }
    }

    /// Whether browsers reach it by HTTPS only, so that a cookie may say `Secure`.
    pub(super) fn are_secure(&self) -> bool {
        self.allowed
            .iter()
            .all(|origin| origin.starts_with("https://"))
    }

    /// Whether browsers may be told that these names will speak HTTPS for a year. `localhost` is everybody's: other programs
    /// of this machine may speak plain HTTP.
    pub(super) fn promise_tls(&self) -> bool {
        let is_local = |host: &String| host.split(':').next() == Some("localhost");
        self.are_secure() && !self.hosts.iter().any(is_local)
    }

    /// Whether this request may be answered.
    pub(super) fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), Stranger> {
        let hosts: Vec<_> = headers.get_all(HOST).iter().collect();
        let is_ours = |host: &&HeaderValue| {
            host.to_str()
                .is_ok_and(|host| self.hosts.contains(&host.to_ascii_lowercase()))
        };
        if hosts.len() != 1 || !hosts.iter().all(is_ours) {
            return Err(Stranger::Host);
        }
        if method == Method::GET || method == Method::HEAD || self.is_sent_by_us(headers) {
            return Ok(());
        }
        Err(Stranger::Site)
    }

    /// Browsers say which site a request comes from, and no page can make them say something else.
    fn is_sent_by_us(&self, headers: &HeaderMap) -> bool {
        let mut sites = headers.get_all(SEC_FETCH_SITE).iter();
        if let Some(site) = sites.next() {
            return site == "same-origin" && sites.next().is_none();
        }
        let mut origins = headers.get_all(ORIGIN).iter();
        let origin = origins.next().and_then(|origin| origin.to_str().ok());
        origin.is_some_and(|origin| self.allowed.contains(origin)) && origins.next().is_none()
    }
}

/// Puts the headers on an answer that every answer has.
pub(super) fn harden(headers: &mut HeaderMap, promises_tls: bool) {
    if promises_tls {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(STRICT_TRANSPORT_SECURITY, year);
    }
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: browsers would send `Origin: null` with our own forms.
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &Method, headers: &[(&'static str, &str)]) -> Result<(), Stranger> {
        let origins = Origins::new(&[], "127.0.0.1:9091".parse().unwrap(), false);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        origins.check(method, &map)
    }

    #[test]
    fn a_year_of_tls_is_promised_for_names_of_ones_own_alone() {
        let promises = |configured: &[&str], is_tls| {
            let configured: Vec<_> = configured.iter().map(|&one| one.to_owned()).collect();
            Origins::new(&configured, "127.0.0.1:9091".parse().unwrap(), is_tls).promise_tls()
        };
        assert!(promises(&["https://payout.example"], true));
        assert!(!promises(&[], false));
        assert!(
            !promises(&[], true),
            "localhost belongs to every program of this machine"
        );
        assert!(!promises(
            &["https://payout.example", "https://localhost:9091"],
            true
        ));
    }

    #[test]
    fn only_our_own_pages_change_something() {
        const OURS: (&str, &str) = ("host", "localhost:9091");
        let post =
            |headers: &[(&'static str, &str)]| check(&Method::POST, &[&[OURS], headers].concat());
        assert_eq!(post(&[("sec-fetch-site", "same-origin")]), Ok(()));
        assert_eq!(post(&[("origin", "http://localhost:9091")]), Ok(()));
        for headers in [
            &[][..],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-site", "cross-site"),
            ],
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "http://localhost:9091"),
            ],
            &[("origin", "null")],
            &[("origin", "http://evil.example")],
            &[("origin", "https://localhost:9091")],
            &[("referer", "http://localhost:9091/")],
        ] {
            assert_eq!(post(headers), Err(Stranger::Site), "{headers:?}");
        }
        assert_eq!(check(&Method::GET, &[OURS]), Ok(()));
    }

    #[test]
    fn only_our_own_names_are_answered() {
        for headers in [
            &[][..],
            &[("host", "evil.example")],
            &[("host", "localhost")],
            &[("host", "localhost:9091"), ("host", "evil.example")],
        ] {
            assert_eq!(
                check(&Method::GET, headers),
                Err(Stranger::Host),
                "{headers:?}"
            );
        }
    }
}
