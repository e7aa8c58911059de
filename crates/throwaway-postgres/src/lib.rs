//! A throw-away Postgres for the demo and for tests: real server binaries, a temporary folder, gone at the end.
//!
//! Everything here blocks for up to seconds: call it from `spawn_blocking`, or before the runtime starts.
//! Whoever may log in to this machine may connect to it without a password while it runs, so nothing of
//! value belongs in it.

mod account;
#[cfg(test)]
mod cluster_tests;
mod command;
mod error;
mod find;
mod folder;
mod port;
mod server;
mod watchdog;

use std::{path::Path, process::Command, time::Duration};

use tempfile::TempDir;

pub use self::error::ClusterError;
use self::{account::Account, find::Binaries, server::Server, watchdog::Watchdog};

/// The superuser of the cluster.
pub const SUPERUSER: &str = "postgres";

/// What may be wished of a [`Cluster`].
#[derive(Clone, Debug)]
pub struct Options {
    /// Server settings beside, and stronger than, the cluster's own: `("wal_level", "logical")`.
    pub settings: Vec<(String, String)>,
    /// How long a start may take, a crash recovery included.
    pub ready_within: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            settings: Vec::new(),
            ready_within: Duration::from_mins(1),
        }
    }
}

/// A running server that stops, and whose folder goes, when this is dropped.
///
/// When the owning process dies without dropping it (SIGKILL, a failing test's exit), a watchdog process
/// does the same.
#[derive(Debug)]
pub struct Cluster {
    // Fields are dropped in this order: the server ends before its watchdog is dismissed and its folder goes.
    server: Server,
    watchdog: Watchdog,
    folder: TempDir,
}

impl Cluster {
    /// Makes a cluster in a new temporary folder and starts it; returns when it answers.
    ///
    /// As root, which Postgres refuses, the server runs as the user `postgres`, or else as `nobody`.
    pub fn start(options: Options) -> Result<Self, ClusterError> {
        let binaries = Binaries::find()?;
        let (folder, account) = folder::make()?;
        let watchdog = Watchdog::start(folder.path())?;
        init(&binaries, folder.path(), account.as_ref())?;
        let mut server = Server::new(binaries, folder.path(), account, options);
        server.start_on_any_port()?;
        Ok(Self {
            server,
            watchdog,
            folder,
        })
    }

    /// Where a client connects over TCP.
    pub fn url(&self, database: &str, user: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port())
    }

    /// Where a client connects over the unix socket, which only this user and root can reach.
    pub fn socket_url(&self, database: &str, user: &str) -> String {
        let folder = percent_encoded(&self.folder.path().to_string_lossy());
        format!(
            "postgres://{user}@localhost:{}/{database}?host={folder}",
            self.port()
        )
    }

    /// The server's data directory.
    pub fn data_dir(&self) -> &Path {
        self.server.data_dir()
    }

    /// The server's log.
    pub fn log_file(&self) -> &Path {
        self.server.log_file()
    }

    /// The TCP port on 127.0.0.1; it stays the same over a restart.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The process id of the postmaster, as long as it runs. A restart changes it.
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// Breaks every connection as a crash does, and starts again; returns when recovery is over.
    ///
    /// Also starts a server that something else has killed.
    pub fn restart_immediate(&mut self) -> Result<(), ClusterError> {
        self.server.stop()?;
        self.server.start_on_same_port()
    }

    /// Stops the server at once and removes its folder. Dropping does the same, but cannot tell of a failure.
    pub fn stop(mut self) -> Result<(), ClusterError> {
        self.server.stop()?;
        self.watchdog.dismiss();
        self.folder.close().map_err(|source| ClusterError::Folder {
            doing: "removing the server's folder",
            source,
        })
    }
}

/// `initdb`, with the result on disk left to the operating system: the folder does not outlive a crash anyway.
fn init(binaries: &Binaries, folder: &Path, account: Option<&Account>) -> Result<(), ClusterError> {
    let mut initdb = Command::new(binaries.path("initdb"));
    initdb
        .args([
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C",
            "-A",
            "trust",
            "-U",
            SUPERUSER,
            "-D",
        ])
        .arg(folder.join("data"));
    command::prepare(&mut initdb, folder, account);
    let output = initdb
        .output()
        .map_err(|source| ClusterError::spawn(binaries.path("initdb"), source))?;
    if output.status.success() {
        return Ok(());
    }
    Err(ClusterError::Initdb(
        String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    ))
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}
