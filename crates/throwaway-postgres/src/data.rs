//! The data directory: created by `initdb`, or copied from a running server.

use std::{fs, io::ErrorKind, path::Path, time::Duration};

use crate::{ClusterError, SUPERUSER, command, home::Home};

const INITDB_WITHIN: Duration = Duration::from_mins(2);
const COPY_WITHIN: Duration = Duration::from_mins(2);

/// Creates a data directory unless there is a complete one of this major version of Postgres.
///
/// Returns the version of the one that it replaced, if any. It leaves flushing to the operating system (`--no-sync`),
/// because a throw-away server need not survive a crash of the machine.
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

/// Creates the data directory of a standby of the server at `port`.
pub(crate) fn copy_from(home: &Home, port: u16) -> Result<(), ClusterError> {
    remove(&home.data())?;
    let source = format!("host=127.0.0.1 port={port} user={SUPERUSER} application_name=standby");
    let mut copy = home.command("pg_basebackup");
    copy.args(["--no-sync", "-c", "fast", "-X", "stream", "-R", "-D"])
        .arg(home.data())
        .args(["-d", &source]);
    command::run(copy, "pg_basebackup", &home.log, COPY_WITHIN)
}

/// The version of a data directory; `None` for an incomplete one. `initdb` writes this file first, and removes what it
/// cannot finish.
fn version_of(data: &Path) -> Option<String> {
    let text = fs::read_to_string(data.join("PG_VERSION")).ok()?;
    Some(text.trim().to_owned())
}

fn remove(data: &Path) -> Result<(), ClusterError> {
    match fs::remove_dir_all(data) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(ClusterError::Folder {
            failed: "could not remove an old data directory",
            source,
        }),
        Ok(()) | Err(_) => Ok(()),
    }
}
