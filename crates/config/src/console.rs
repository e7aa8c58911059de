//! `[console]`: where the web console listens, and which origins browsers may reach it by.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4},
    path::{Path, PathBuf},
    time::Duration,
};

use super::section::{Page, Section};

/// Where the console listens unless something else is configured.
pub const LISTEN: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9091));

/// The web console: `payout console`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Console {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its certificate chain and its private key, as PEM; `None` for plain HTTP.
    pub tls_files: Option<(PathBuf, PathBuf)>,
    /// The origins that browsers reach it by; empty for the listen address and localhost.
    pub origins: Vec<String>,
    /// The proxies whose word counts for the address of a browser; empty for whoever connects, behind `https://` origins.
    pub proxies: Vec<IpAddr>,
    /// A session that is not used for this long ends.
    pub idle: Duration,
    /// A session ends after this, however much it is used.
    pub session: Duration,
    /// Most people signed in at a time. Each has one connection to the database.
    pub sessions_max: usize,
    /// Whether people may sign in where the database does not check passwords: demo and tests only.
    pub allow_any_password: bool,
}

impl Default for Console {
    fn default() -> Self {
        Self {
            listen: LISTEN,
            tls_files: None,
            origins: Vec::new(),
            proxies: Vec::new(),
            idle: Duration::from_mins(30),
            session: Duration::from_hours(12),
            sessions_max: 20,
            allow_any_password: false,
        }
    }
}

impl Console {
    /// What somebody should know who runs it like this: a proxy on another host is in front of it, and nobody said which one.
    pub fn warning(&self) -> Option<&'static str> {
        let is_of_proxy = self.tls_files.is_none() && !self.origins.is_empty();
        let believes_anybody =
            is_of_proxy && !self.listen.ip().is_loopback() && self.proxies.is_empty();
        believes_anybody.then_some(
            "[console] believes whoever reaches its port about the address of a browser: name the proxies that may say it, \
             as in proxies = [\"10.0.0.5\"]",
        )
    }

    /// Why people must not sign in at this address, if they must not: their passwords would travel readable.
    ///
    /// # Errors
    /// What is wrong, in a sentence.
    pub fn is_safe(&self) -> Result<(), String> {
        let is_public = |origin: &String| origin.starts_with("https://");
        let is_proxied = !self.origins.is_empty() && self.origins.iter().all(is_public);
        let any_public = self.tls_files.is_some() || self.origins.iter().any(is_public);
        if let Some(plain) = self.origins.iter().find(|origin| !is_public(origin))
            && any_public
        {
            return Err(format!(
                "origins: {plain} stands beside TLS: the cookie of a session would be readable on its way, for everybody. \
                 Leave it out, or run a console of its own for it"
            ));
        }
        if self.listen.ip().is_loopback() || self.tls_files.is_some() || is_proxied {
            return Ok(());
        }
        Err(format!(
            "the console does not listen on {} without TLS: name tls_cert_file and tls_key_file, or let a proxy with TLS \
             stand in front and name its https:// origins",
            self.listen
        ))
    }
}

pub(super) fn console(page: &Page<'_>, folder: &Path) -> Console {
    let mut section = page.section("console");
    let default = Console::default();
    let console = Console {
        listen: listen(page, &mut section),
        tls_files: tls_files(&mut section, folder),
        origins: origins(&mut section),
        proxies: proxies(&mut section),
        idle: section.seconds("idle_seconds", default.idle.as_secs()),
        session: section.seconds("session_seconds", default.session.as_secs()),
        sessions_max: usize::try_from(section.whole("sessions_max", 20, 1..=200)).unwrap_or(20),
        allow_any_password: section.flag("allow_any_password"),
    };
    if let Err(why) = console.is_safe() {
        section.fault(why);
    }
    section.end();
    console
}

fn listen(page: &Page<'_>, section: &mut Section<'_>) -> SocketAddr {
    let Some((line, text)) = section.text("listen") else {
        return LISTEN;
    };
    text.parse().unwrap_or_else(|_| {
        let words = format_args!("[console] listen must be an address and port such as {LISTEN}");
        page.fault(line, words);
        LISTEN
    })
}

fn tls_files(section: &mut Section<'_>, folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut file = |key| {
        let named = section.text(key).filter(|(_, file)| !file.is_empty());
        named.map(|(_, file)| folder.join(file))
    };
    let files = (file("tls_cert_file"), file("tls_key_file"));
    match files {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            section.fault("tls_cert_file and tls_key_file belong together");
            None
        }
    }
}

fn origins(section: &mut Section<'_>) -> Vec<String> {
    let named = section.list("origins");
    for origin in named.iter().filter(|origin| !is_origin(origin)) {
        section.fault(format_args!(
            "origins: \"{origin}\" must be like https://payout.example, without a path and in small letters"
        ));
    }
    named
}

fn proxies(section: &mut Section<'_>) -> Vec<IpAddr> {
    let mut proxies = Vec::new();
    for named in section.list("proxies") {
        match named.parse() {
            Ok(address) if is_of_one_host(address) => proxies.push(address),
            Ok(_) | Err(_) => section.fault(format_args!(
                "proxies: \"{named}\" must be the IP address of one proxy, such as 10.0.0.5, without a port or a network"
            )),
        }
    }
    proxies
}

fn is_of_one_host(address: IpAddr) -> bool {
    !address.is_unspecified() && !address.is_multicast()
}

/// `scheme://host` or `scheme://host:port`, as browsers write it.
fn is_origin(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:[]".contains(c);
    let default_port = [("https://", ":443"), ("http://", ":80")]
        .iter()
        .any(|(scheme, port)| text.starts_with(scheme) && text.ends_with(port));
    !default_port && host.is_some_and(|host| !host.is_empty() && host.chars().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_travel_only_where_nobody_reads_them() {
        let console = |listen: &str, origins: &[&str]| Console {
            listen: listen.parse().unwrap(),
            origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
            ..Console::default()
        };
        assert!(console("127.0.0.1:9091", &[]).is_safe().is_ok());
        assert!(console("[::1]:9091", &[]).is_safe().is_ok());
        assert!(console("0.0.0.0:9091", &[]).is_safe().is_err());
        assert!(console("10.0.0.1:9091", &["http://a"]).is_safe().is_err());
        assert!(
            console("10.0.0.1:9091", &["https://a", "http://a"])
                .is_safe()
                .is_err()
        );
        assert!(console("10.0.0.1:9091", &["https://a"]).is_safe().is_ok());
        let mixed = ["https://a", "http://localhost:9091"];
        assert!(console("127.0.0.1:9091", &mixed).is_safe().is_err());
        let tls = |origins| Console {
            tls_files: Some(("a".into(), "b".into())),
            ..console("0.0.0.0:9091", origins)
        };
        assert!(tls(&[]).is_safe().is_ok());
        assert!(tls(&["https://a"]).is_safe().is_ok());
        assert!(tls(&["http://a"]).is_safe().is_err());
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for good in [
            "https://payout.example",
            "http://localhost:9091",
            "http://[::1]:9091",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "payout.example",
            "https://payout.example/",
            "https://Payout.example",
            "https://payout.example:443",
            "https://",
            "ftp://payout.example",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
