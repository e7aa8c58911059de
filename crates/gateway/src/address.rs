//! The one reading of the configuration's URLs: the host that a person reads is the host that is called.
//!
//! URL parsers are forgiving: they drop tabs, turn `\` into `/`, decode and complete host names. Whatever a parser would
//! read differently from a person is refused here, at every door: `payout config check`, `migrate` and `run`.

use reqwest::Url;

/// Why a URL is refused, and what to change. No message repeats the URL, as it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No web address, or none that a parser can read.
    #[error("must be a web address: begin it with https:// and a host name")]
    NotWeb,
    /// `http://` to another machine.
    #[error("must begin with https:// (http:// only for a gateway on this machine)")]
    PlainHttp,
    /// What stands before an @ can look like the host that is called.
    #[error(
        "holds a user name or a password, and none is needed: remove everything from // up to the @"
    )]
    Credentials,
    /// A character that a parser drops or turns into another one.
    #[error(
        "holds a space, a backslash or another character that no URL holds: remove it, and write a host name with other \
         letters in its xn-- form"
    )]
    Characters,
    /// Another spelling of the host that would be called, which is given here.
    #[error("does not name its host plainly: write {0}")]
    Host(String),
    /// A host name that ends with a dot, or none.
    #[error("must name a host, without a dot at its end")]
    NoHost,
    /// Port 0, an empty port, or one with leading zeros.
    #[error(
        "has no usable port: write a number from 1 to 65535 without leading zeros, or leave it out"
    )]
    Port,
    /// Something after the path that would be dropped or end up elsewhere.
    #[error("must end with its path: remove the ? or # and everything after it")]
    Trailing,
    /// A path that a parser rewrites, or one that does not begin with `/`.
    #[error("must have a plain path that begins with /, without . and .. as parts of it")]
    Path,
}

/// Reads the URL of a gateway in a configuration: HTTPS, or plain HTTP to this very machine. It may have a path.
pub fn base_url(text: &str) -> Result<Url, AddressError> {
    let url = read_base(text)?;
    let is_local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    if url.scheme() == "https" || is_local {
        Ok(url)
    } else {
        Err(AddressError::PlainHttp)
    }
}

/// Reads the address of one kind of request: the gateway's URL with a path added.
pub fn request_url(base: &str, path: &str) -> Result<Url, AddressError> {
    read_base(base)?;
    if path.starts_with('/') {
        read(&format!("{base}{path}"))
    } else {
        Err(AddressError::Path)
    }
}

/// Reads the URL to which the gateway sends callbacks.
pub fn notify_url(text: &str) -> Result<Url, AddressError> {
    read(text)
}

fn read_base(text: &str) -> Result<Url, AddressError> {
    let url = read(text)?;
    if url.query().is_some() {
        return Err(AddressError::Trailing);
    }
    Ok(url)
}

/// Reads a web address that says exactly what it means.
fn read(text: &str) -> Result<Url, AddressError> {
    let rest = ["https://", "http://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .ok_or(AddressError::NotWeb)?;
    let is_plain = |b: u8| b.is_ascii_graphic() && !br#"\"<>^`{|}"#.contains(&b);
    if !rest.bytes().all(is_plain) {
        return Err(AddressError::Characters);
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(AddressError::Credentials);
    }
    let (host, port) = split_port(authority);
    if host.is_empty() || host.ends_with('.') {
        return Err(AddressError::NoHost);
    }
    if port.is_some_and(|port| port.is_empty() || port.starts_with('0')) {
        return Err(AddressError::Port);
    }
    let url = Url::parse(text).map_err(|_| AddressError::NotWeb)?;
    let called = url.host_str().ok_or(AddressError::NoHost)?;
    if !called.eq_ignore_ascii_case(host) {
        return Err(AddressError::Host(called.to_owned()));
    }
    if url.fragment().is_some() {
        return Err(AddressError::Trailing);
    }
    let path = path.split('?').next().unwrap_or_default();
    if url.path() == path || (path.is_empty() && url.path() == "/") {
        Ok(url)
    } else {
        Err(AddressError::Path)
    }
}

/// The host, and the port if a colon announces one. An IPv6 address stands in brackets.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    let end_of_host = authority.rfind(']').map_or(0, |at| at.saturating_add(1));
    let (address, rest) = authority.split_at(end_of_host);
    match rest.rsplit_once(':') {
        Some((host, port)) if address.is_empty() => (host, Some(port)),
        Some(("", port)) => (address, Some(port)),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_says_what_it_means_is_read() {
        for text in [
            "https://gateway.example",
            "https://Gateway.Example:443",
            "https://gateway.example:8443/api/v2",
            "https://xn--mnchen-3ya.example",
            "https://203.0.113.7",
            "http://127.0.0.1:9",
            "http://localhost",
            "http://[::1]:80",
        ] {
            let url = base_url(text);
            assert!(url.is_ok(), "{text}: {url:?}");
            assert!(request_url(text, "/gateway/cash?kind=1").is_ok(), "{text}");
        }
        assert!(notify_url("http://payouts.example/callback?key=1").is_ok());
    }

    #[test]
    fn what_a_parser_reads_differently_from_a_person_is_refused() {
        use AddressError as E;
        for (text, expected) in [
            ("", E::NotWeb),
            ("gateway.example", E::NotWeb),
            ("ftp://gateway.example", E::NotWeb),
            ("HTTPS://gateway.example", E::NotWeb),
            ("https:gateway.example", E::NotWeb),
            ("https://", E::NoHost),
            ("https:///gateway.example", E::NoHost),
            ("http://127.0.0.1:80@example.com", E::Credentials),
            ("http://localhost:x@gateway.example", E::Credentials),
            ("https://me@gateway.example", E::Credentials),
            ("https://@gateway.example", E::Credentials),
            ("http://127.0.0.1\\@example.com", E::Characters),
            ("https://gateway.example\\.evil.example", E::Characters),
            ("https://gate\tway.example", E::Characters),
            ("https://gateway.example\n", E::Characters),
            (" https://gateway.example", E::NotWeb),
            ("https://gateway.example ", E::Characters),
            ("https://gateway．example", E::Characters),
            ("https://münchen.example", E::Characters),
            (
                "https://gate%77ay.example",
                E::Host("gateway.example".into()),
            ),
            ("http://127.1", E::Host("127.0.0.1".into())),
            ("http://0x7f000001", E::Host("127.0.0.1".into())),
            ("https://[::FFFF:1]x", E::NotWeb),
            ("https://[fe80::1%25eth0]", E::NotWeb),
            ("https://gateway.example.", E::NoHost),
            ("https://gateway.example.:443", E::NoHost),
            ("https://gateway.example:0", E::Port),
            ("https://gateway.example:", E::Port),
            ("https://gateway.example:0443", E::Port),
            ("https://gateway.example:99999", E::NotWeb),
            ("https://gateway.example?x=1", E::Trailing),
            ("https://gateway.example/#x", E::Trailing),
            ("https://gateway.example#@evil.example", E::Trailing),
            ("https://gateway.example/a/../b", E::Path),
            ("https://gateway.example/%2e%2e/b", E::Path),
            ("http://gateway.example", E::PlainHttp),
            ("http://127.0.0.1.example.com", E::PlainHttp),
            ("http://localhost.example", E::PlainHttp),
        ] {
            assert_eq!(base_url(text).err(), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn a_path_and_a_callbacks_url_are_read_as_strictly() {
        for path in [
            "",
            "gateway",
            "@evil.example/",
            ":81/",
            "/#x",
            "/a/../b",
            "/a b",
        ] {
            assert!(request_url("https://g.example", path).is_err(), "{path:?}");
        }
        for text in [
            "http",
            "httpx://g",
            "http://me:secret@g/x",
            "http://g/\\x",
            "https://g:0/x",
        ] {
            assert!(notify_url(text).is_err(), "{text:?}");
        }
    }
}
