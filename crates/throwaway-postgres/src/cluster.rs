//! A server that belongs to the process that started it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::{
    Options, StopMode, account::Account, binaries::Binaries, data, folder, server::Server,
    watchdog::Watchdog,
};

/// A running server that stops when this is dropped.
///
/// If the owning process dies without dropping it (SIGKILL, a failing test's exit), a watchdog process stops the
/// server. A temporary folder is removed with the server; a folder that the caller named stays.
#[derive(Debug)]
pub struct Cluster {
    // Fields are dropped in this order: first the server, then its watchdog, then its folder.
    server: Server,
    watchdog: Watchdog,
    temporary: Option<TempDir>,
}

impl Cluster {
    /// Creates a server in a new temporary folder and starts it. Returns once it accepts connections.
    ///
    /// As root, which Postgres refuses, the server runs as `postgres`, or as `nobody` if there is no such user.
    pub fn start(options: Options) -> Result<Self> {
        let binaries = Binaries::find(&[])?;
        let account = Account::of_server()?;
        let temporary = folder::make_temporary(account.as_ref())?;
        let server = Server::new(binaries, temporary.path(), account, options);
        Self::begin(server, Some(temporary), None)
    }

    /// The same in `folder`, which is created if missing and stays at the end.
    ///
    /// With `standby_of`, the server begins as a copy of the one at that port of 127.0.0.1 and streams from it.
    pub fn start_in(folder: &Path, options: Options, standby_of: Option<u16>) -> Result<Self> {
        // Callers that name a folder use the client programs too, and all servers of one test have the same version. Only a
        // standby cannot do without pg_basebackup, which some packages lack.
        let server = match Server::in_folder(folder, &["pg_basebackup", "psql"], options.clone()) {
            Err(_) if standby_of.is_none() => Server::in_folder(folder, &["psql"], options)?,
            found => found?,
        };
        Self::begin(server, None, standby_of)
    }

    fn begin(server: Server, temporary: Option<TempDir>, standby_of: Option<u16>) -> Result<Self> {
        // Complete before anything can fail, so that the fields are dropped in their order.
        let mut cluster = Self {
            watchdog: Watchdog::start(&server.home.folder, temporary.is_some())?,
            server,
            temporary,
        };
        let home = &cluster.server.home;
        match standby_of {
            Some(port) => data::copy_from(home, port)?,
            None => _ = data::ensure(home)?,
        }
        cluster.server.start()?;
        Ok(cluster)
    }

    /// The URL for a connection over TCP.
    pub fn url(&self, database: &str, user: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/{database}", self.port())
    }

    /// The server's data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.server.home.data()
    }

    /// The server's log.
    pub fn log_file(&self) -> &Path {
        &self.server.home.log
    }

    /// The folder of the server's programs.
    pub fn bin_dir(&self) -> &Path {
        self.server.home.binaries.folder()
    }

    /// The TCP port on 127.0.0.1; a restart keeps it.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The process ID of the postmaster while it runs. A restart changes it.
    pub fn pid(&self) -> Option<u32> {
        let postmaster = self.server.postmaster()?;
        postmaster.as_raw_pid().try_into().ok()
    }

    /// Breaks every connection, as a crash does, and starts again. Returns once recovery is complete.
    ///
    /// Also starts a server that something else has killed.
    pub fn restart_immediate(&mut self) -> Result<()> {
        self.stop_server(StopMode::Immediate)?;
        self.start_server()
    }

    /// Stops the server but keeps its data; [`Cluster::start_server`] starts it again. Does nothing if it is not
    /// running.
    pub fn stop_server(&mut self, how: StopMode) -> Result<()> {
        self.server.stop(how)
    }

    /// Starts a stopped server on its previous port.
    pub fn start_server(&mut self) -> Result<()> {
        self.server.start()
    }

    /// Stops the server at once and removes its temporary folder. Dropping does the same but cannot report a failure.
    pub fn stop(mut self) -> Result<()> {
        self.server.stop(StopMode::Immediate)?;
        self.watchdog.dismiss();
        let closed = self.temporary.map_or(Ok(()), TempDir::close);
        closed.context("could not remove the server's folder")
    }
}
