//! The address under which a worker reaches its database, spelled in one way.

use std::{fmt, fs, net::IpAddr, path::Path, str::FromStr};

use sqlx::postgres::PgConnectOptions;

use super::machine;

/// What an address of this very machine begins with.
const MACHINE: &str = "machine:";
/// The port of a server that states none.
const DEFAULT_PORT: u16 = 5432;

/// The address under which a connection string reaches its database, as every worker spells it (I11).
///
/// `HOST:PORT` in lower case. For loopback `machine:ID:PORT`, and for a socket `machine:ID:FOLDER:PORT`, because these
/// mean another server on every machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(String);

/// Why a text is no address.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// The connection string cannot be read.
    #[error("the database URL cannot be read: {0}")]
    Url(#[from] sqlx::Error),
    /// It names several hosts, so nothing says which of them a connection reaches.
    #[error(
        "{0} names several hosts: a worker connects to one; give a name that always leads to the primary"
    )]
    SeveralHosts(String),
    /// It has no port, or is no host and port.
    #[error(
        "{0} is no address: give HOST:PORT, such as db.example:5432, or a socket's folder and port"
    )]
    Malformed(String),
}

impl Address {
    /// The address of a connection string, with the driver's own defaults.
    ///
    /// # Errors
    /// If it cannot be read, or names several hosts.
    pub fn of_url(url: &str) -> Result<Self, AddressError> {
        let options = PgConnectOptions::from_str(url)?;
        let host = options.get_host();
        match options.get_socket() {
            Some(folder) => Ok(Self::of_socket(folder, options.get_port())),
            None if host.starts_with('/') => {
                Ok(Self::of_socket(Path::new(host), options.get_port()))
            }
            None => Self::of_host(host, options.get_port()),
        }
    }

    fn of_socket(folder: &Path, port: u16) -> Self {
        // /var/run is a link to /run on most systems.
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let machine = machine::id();
        Self(format!("{MACHINE}{machine}:{}:{port}", folder.display()))
    }

    fn of_host(host: &str, port: u16) -> Result<Self, AddressError> {
        if host.contains(',') {
            return Err(AddressError::SeveralHosts(host.to_owned()));
        }
        let name = host.to_ascii_lowercase();
        let name = name.trim_end_matches('.');
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if name == "localhost" {
            return Ok(Self::of_loopback(port));
        }
        Ok(match bare.parse().map(|ip: IpAddr| ip.to_canonical()) {
            // Connecting to 0.0.0.0 reaches this machine as well.
            Ok(ip) if ip.is_loopback() || ip.is_unspecified() => Self::of_loopback(port),
            Ok(IpAddr::V4(ip)) => Self(format!("{ip}:{port}")),
            Ok(IpAddr::V6(ip)) => Self(format!("[{ip}]:{port}")),
            Err(_) if bare.is_empty() || name.contains([' ', '@', '?', '/']) => {
                return Err(AddressError::Malformed(host.to_owned()));
            }
            Err(_) => Self(format!("{name}:{port}")),
        })
    }

    fn of_loopback(port: u16) -> Self {
        Self(format!("{MACHINE}{}:{port}", machine::id()))
    }

    /// Whether it is a socket of this machine.
    pub fn is_socket(&self) -> bool {
        self.0.contains('/')
    }

    /// The port.
    pub fn port(&self) -> u16 {
        let port = self.0.rsplit_once(':').map(|(_, port)| port.parse());
        port.and_then(Result::ok).unwrap_or(DEFAULT_PORT)
    }

    /// What makes this address prove little about which server it leads to: a sentence each.
    pub fn weaknesses(&self) -> Vec<&'static str> {
        let mut found = Vec::new();
        if let Some(local) = self.0.strip_prefix(MACHINE) {
            if local.starts_with(machine::UNIDENTIFIED) {
                found.push("this machine has no ID (/etc/machine-id), so every such machine looks the same");
            } else if in_container() {
                found.push("in a container the machine's ID may be that of the image, the same in every copy");
            }
            return found;
        }
        let host = self.0.rsplit_once(':').map_or("", |(host, _)| host);
        if host.starts_with('[') || host.parse::<IpAddr>().is_ok() {
            found.push("an IP address can belong to another server in another network, or later");
        } else if !host.contains('.') {
            found.push("a name without a domain can lead to another server on another network");
        }
        found
    }
}

/// The address as a person writes it: one that `payout` printed, or a host and a port.
impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let malformed = || AddressError::Malformed(text.to_owned());
        let text = text.trim();
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && !host.ends_with(':') => {
                (host, port.parse().map_err(|_| malformed())?)
            }
            _ if text.contains(':') || text.is_empty() => return Err(malformed()),
            _ => (text, DEFAULT_PORT),
        };
        if text.starts_with(MACHINE) {
            return Ok(Self(text.to_owned()));
        }
        if host.starts_with('/') {
            return Ok(Self::of_socket(Path::new(host), port));
        }
        Self::of_host(host, port)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether this process runs in a container, as far as one can tell from inside.
fn in_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|mark| Path::new(mark).exists())
        || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(url: &str) -> String {
        Address::of_url(url).unwrap().to_string()
    }

    #[test]
    fn every_spelling_of_one_address_is_the_same_address() {
        for url in [
            "postgres://a@DB.Example:5432/payout",
            "postgres://db.example/payout",
            "postgresql://b:c@db.example./other?sslmode=require",
            "postgres:///payout?host=db.example&port=5432",
        ] {
            assert_eq!(of(url), "db.example:5432", "{url}");
        }
        assert_eq!(
            of("postgres://[2001:DB8:0::1]:5433/p"),
            "[2001:db8::1]:5433"
        );
        assert_eq!(of("postgres://10.0.0.5/p"), "10.0.0.5:5432");
        assert_ne!(of("postgres://db.example:5433/p"), "db.example:5432");
    }

    #[test]
    fn loopback_and_sockets_are_this_machine_and_no_other() {
        let here = format!("machine:{}:5432", machine::id());
        for url in [
            "postgres://127.0.0.1/p",
            "postgres://127.9.9.9:5432/p",
            "postgres://localhost/p",
            "postgres://LOCALHOST./p",
            "postgres://[::1]/p",
            "postgres://[::ffff:127.0.0.1]/p",
            "postgres://0.0.0.0/p",
        ] {
            assert_eq!(of(url), here, "{url}");
        }
        let socket = of("postgres://%2Fno%2Fsuch%2Ffolder:5433/p");
        assert_eq!(
            socket,
            format!("machine:{}:/no/such/folder:5433", machine::id())
        );
        assert_eq!(of("postgres:///p?host=/no/such/folder&port=5433"), socket);
    }

    #[test]
    fn a_person_can_write_what_a_worker_prints() {
        for address in [
            "db.example:5432",
            "[2001:db8::1]:5433",
            "machine:0123456789abcdef:5432",
            "machine:0123456789abcdef:/run/postgresql:5432",
        ] {
            assert_eq!(address.parse::<Address>().unwrap().to_string(), address);
        }
        assert_eq!(
            "127.0.0.1:5433".parse::<Address>().unwrap(),
            Address::of_url("postgres://localhost:5433/p").unwrap()
        );
        for nonsense in [
            "",
            ":5432",
            "db.example:x",
            "db example:1",
            "a@b:1",
            "postgres://a@b:1",
        ] {
            assert!(nonsense.parse::<Address>().is_err(), "{nonsense}");
        }
    }

    #[test]
    fn a_url_of_several_hosts_is_refused_because_nobody_knows_which_it_reaches() {
        for url in [
            "postgres://a@db1.example,db2.example/p",
            "postgres:///p?host=db1.example,db2.example",
        ] {
            let refused = Address::of_url(url).unwrap_err();
            assert!(
                matches!(refused, AddressError::SeveralHosts(_)),
                "{refused}"
            );
        }
    }

    #[test]
    fn what_proves_little_says_so() {
        let weak = |text: &str| text.parse::<Address>().unwrap().weaknesses().len();
        assert_eq!(weak("db.example:5432"), 0);
        for text in [
            "db:5432",
            "10.0.0.5:5432",
            "[2001:db8::1]:5432",
            "machine:unidentified:5432",
        ] {
            assert_eq!(weak(text), 1, "{text}");
        }
    }
}
