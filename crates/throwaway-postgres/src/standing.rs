//! Servers that outlive the program that starts them. Their folder identifies them.

use std::{
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    ClusterError, Options, StopMode,
    account::Account,
    binaries::Binaries,
    data, folder,
    pid_file::PidFile,
    server::{STOP_WITHIN, Server},
    stop, url,
};

const POLL_INTERVAL: Duration = Duration::from_millis(20);

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
pub fn start(folder: &Path, options: Options) -> Result<Start, ClusterError> {
    let binaries = Binaries::find(&["psql"])?;
    let account = Account::of_server()?;
    folder::claim(folder, account.as_ref())?;
    let mut server = Server::new(binaries, folder, account, options);
    if PidFile::of_running(&server.home.data()).is_some() {
        return Ok(Start::Running);
    }
    let replaced = data::ensure(&server.home)?;
    server.start()?;
    server.leave_running();
    Ok(Start::Started { replaced })
}

/// Stops the server of `folder`. Returns false if it was not running.
pub fn stop(folder: &Path, how: StopMode) -> Result<bool, ClusterError> {
    let data = folder.join("data");
    let Some(found) = PidFile::of_running(&data) else {
        return Ok(false);
    };
    stop::signal(found.pid, how).map_err(|error| ClusterError::NotStopped(error.to_string()))?;
    let begun = Instant::now();
    while PidFile::of_running(&data).is_some_and(|now| now.pid == found.pid) {
        if begun.elapsed() >= STOP_WITHIN {
            return Err(ClusterError::NotStopped(format!(
                "it ignored the signal for {STOP_WITHIN:?}"
            )));
        }
        sleep(POLL_INTERVAL);
    }
    Ok(true)
}

/// The port of the server of `folder`, if it is running.
pub fn port(folder: &Path) -> Option<u16> {
    PidFile::of_running(&folder.join("data")).map(|file| file.port)
}

/// The URL of the server of `folder` over its Unix socket, if it is running.
pub fn socket_url(folder: &Path, database: &str, user: &str) -> Option<String> {
    port(folder).map(|port| url::of_socket(folder, port, database, user))
}
