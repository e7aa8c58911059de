//! What is wrong with a database URL.

/// What is wrong with a database URL that cannot be read, and how to write it.
pub fn why_unreadable_url(url: &str) -> &'static str {
    let hosts = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
    let hosts = hosts.rsplit_once("://").map_or(hosts, |(_, rest)| rest);
    let hosts = hosts.split(['/', '?']).next().unwrap_or(hosts);
    let has_bad_port = || {
        let port = hosts.rsplit_once(':').map(|(_, port)| port);
        port.is_some_and(|port| {
            !port.is_empty() && !port.ends_with(']') && port.parse::<u16>().is_err()
        })
    };
    if hosts.contains(',') {
        "it names several hosts: give one name that always leads to the primary"
    } else if has_bad_port() {
        "the port is not a number from 1 to 65535; and write @ : / ? # and % in a user name or password as %40 %3A %2F %3F \
         %23 %25"
    } else {
        "write it as postgres://USER@HOST:PORT/DATABASE, and @ : / ? # and % in a user name or password as %40 %3A %2F %3F \
         %23 %25"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_url_is_named() {
        for (url, words) in [
            ("postgres://u:p@a:5432,b:5432/pay", "several hosts"),
            ("postgres://a,b/pay", "several hosts"),
            ("postgres://u:p@host:abc/pay", "port is not a number"),
            ("postgres://u:p#q@host:5432/pay", "write it as"),
            ("postgres://u@[::1]:99999/pay", "port is not a number"),
            ("postgres://u@[::1]/pay", "write it as"),
        ] {
            assert!(why_unreadable_url(url).contains(words), "{url}");
        }
    }
}
