//! Servers that outlive the program that starts them. Their folder identifies them.

use std::path::Path;

use anyhow::Result;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{Options, StopMode, data, pid_file::PidFile, server::Server, stop};

/// What is escaped in the path of a folder.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'.')
    .remove(b'-')
    .remove(b'_');

/// What [`start`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// The server was already running.
    Running,
    /// The server was started.
    Started {
        /// The version of Postgres whose data was replaced because the installed one cannot read it.
        replaced: Option<String>,
    },
}

/// Starts the server of `folder` unless it is running. Creates the folder and the data if missing.
///
/// Refuses a folder that belongs to another user: under `/tmp` it could be anyone's.
pub fn start(folder: &Path, options: Options) -> Result<Start> {
    let mut server = Server::in_folder(folder, &["psql"], options)?;
    if PidFile::of_running(&server.home.data()).is_some() {
        return Ok(Start::Running);
    }
    let replaced = data::ensure(&server.home)?;
    server.start()?;
    server.leave_running();
    Ok(Start::Started { replaced })
}

/// Stops the server of `folder`. Returns false if it was not running.
pub fn stop(folder: &Path, how: StopMode) -> Result<bool> {
    let data = folder.join("data");
    let Some(found) = PidFile::of_running(&data) else {
        return Ok(false);
    };
    stop::stop(found.pid, how, || {
        PidFile::of_running(&data).is_none_or(|now| now.pid != found.pid)
    })?;
    Ok(true)
}

/// The port of the server of `folder`, if it is running.
pub fn port(folder: &Path) -> Option<u16> {
    PidFile::of_running(&folder.join("data")).map(|file| file.port)
}

/// The URL of the server of `folder` over its Unix socket, if it is running.
pub fn socket_url(folder: &Path, database: &str, user: &str) -> Option<String> {
    port(folder).map(|port| url(folder, port, database, user))
}

fn url(folder: &Path, port: u16, database: &str, user: &str) -> String {
    let folder = folder.to_string_lossy();
    let folder = utf8_percent_encode(&folder, ESCAPED);
    format!("postgres://{user}@localhost:{port}/{database}?host={folder}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_spaces_survives_in_an_address() {
        assert_eq!(
            url(Path::new("/a b/é"), 5432, "payout", "eve"),
            "postgres://eve@localhost:5432/payout?host=/a%20b/%C3%A9"
        );
    }
}
