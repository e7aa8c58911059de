//! The user that the server runs as if this process is root, which Postgres refuses.

use std::fs;

use anyhow::{Context, Result};
use rustix::process::geteuid;

/// In order of preference. `_postgres` is the one on macOS.
const NAMES: &[&str] = &["postgres", "_postgres", "nobody"];

/// A user's numeric IDs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl Account {
    /// The user that a server runs as, if not the user of this process.
    pub(crate) fn of_server() -> Result<Option<Self>> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd").context("could not read /etc/passwd")?;
        let account = Self::among(&users).context(
            "Postgres refuses to run as root, and /etc/passwd has neither postgres nor nobody: run this as \
             an ordinary user",
        )?;
        Ok(Some(account))
    }

    fn among(users: &str) -> Option<Self> {
        NAMES
            .iter()
            .find_map(|name| users.lines().find_map(|line| Self::of_line(line, name)))
    }

    /// `name:password:uid:gid:…`
    fn of_line(line: &str, name: &str) -> Option<Self> {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = number(fields.nth(1)?)?;
        let gid = number(fields.next()?)?;
        (uid != 0).then_some(Self { uid, gid })
    }
}

/// Parses a numeric ID. macOS lists those of `nobody` as -2.
fn number(text: &str) -> Option<u32> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postgres_is_taken_before_nobody_and_root_never() {
        let users = "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\npostgres:x:101:104::/:/bin/sh\n";
        assert_eq!(Account::among(users), Some(Account { uid: 101, gid: 104 }));
        assert_eq!(
            Account::among("nobody:*:-2:-2::/:\n"),
            Some(Account {
                uid: 4_294_967_294,
                gid: 4_294_967_294
            })
        );
        assert_eq!(Account::among("postgres:x:0:0::/:\n"), None);
        assert_eq!(Account::among("postgresql:x:5:5::/:\n"), None);
    }
}
