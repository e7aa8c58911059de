//! The data directory: made by `initdb`, or copied from a running server.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{ClusterError, SUPERUSER, account::Account, binaries::Binaries, command};

const INITDB_WITHIN: Duration = Duration::from_mins(2);
const COPIED_WITHIN: Duration = Duration::from_mins(2);

/// Where a server lives and whose it is.
#[derive(Debug)]
pub(crate) struct Home {
    pub(crate) binaries: Binaries,
    pub(crate) folder: PathBuf,
    pub(crate) account: Option<Account>,
    pub(crate) log: PathBuf,
}

impl Home {
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// One of the server's programs, as the server's user, with a clean environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        command::of(
            &self.binaries.path(program),
            &self.folder,
            self.account.as_ref(),
        )
    }
}

/// Makes a data directory unless there is a complete one of this major version of Postgres.
///
/// Returns the version of one that was replaced. The result is left to the operating system to write (`--no-sync`):
/// a throw-away server need not survive a crash of the machine.
pub(crate) fn ensure(home: &Home) -> Result<Option<String>, ClusterError> {
    let found = version_of(&home.data());
    if let Some(version) = &found
        && home.binaries.is_major_version(version)?
    {
        return Ok(None);
    }
    remove(&home.data())?;
    let mut initdb = home.command("initdb");
    initdb
        .args(["--no-sync", "-E", "UTF8", "--locale=C", "-A", "trust"])
        .args(["-U", SUPERUSER, "-D"])
        .arg(home.data());
    command::run(initdb, "initdb", &home.log, INITDB_WITHIN)?;
    Ok(found)
}

/// Makes a data directory that continues as a standby of the server at `port`.
pub(crate) fn copy_from(home: &Home, port: u16) -> Result<(), ClusterError> {
    remove(&home.data())?;
    let source = format!("host=127.0.0.1 port={port} user={SUPERUSER} application_name=standby");
    let mut copy = home.command("pg_basebackup");
    copy.args(["--no-sync", "-c", "fast", "-X", "stream", "-R", "-D"])
        .arg(home.data())
        .args(["-d", &source]);
    command::run(copy, "pg_basebackup", &home.log, COPIED_WITHIN)
}

/// Nothing for half a directory: `initdb` writes this file first, and removes what it cannot finish.
fn version_of(data: &Path) -> Option<String> {
    let text = fs::read_to_string(data.join("PG_VERSION")).ok()?;
    Some(text.trim().to_owned())
}

fn remove(data: &Path) -> Result<(), ClusterError> {
    match fs::remove_dir_all(data) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(ClusterError::Folder {
            doing: "removing an old data directory",
            source,
        }),
        Ok(()) | Err(_) => Ok(()),
    }
}
