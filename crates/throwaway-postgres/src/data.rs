//! The data directory: created by `initdb`, or copied from a running server.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::{Context, Result};

use crate::{SUPERUSER, home::Home};

/// Creates a data directory unless there is a complete one of this major version of Postgres.
///
/// Returns the version of the one that it replaced, if any. It leaves flushing to the operating system (`--no-sync`),
/// because a throw-away server need not survive a crash of the machine.
pub(crate) fn ensure(home: &Home) -> Result<Option<String>> {
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
    home.run(initdb, "initdb")?;
    Ok(found)
}

/// Creates the data directory of a standby of the server at `port`.
pub(crate) fn copy_from(home: &Home, port: u16) -> Result<()> {
    remove(&home.data())?;
    let source = format!("host=127.0.0.1 port={port} user={SUPERUSER} application_name=standby");
    let mut copy = home.command("pg_basebackup");
    copy.args(["--no-sync", "-c", "fast", "-X", "stream", "-R", "-D"])
        .arg(home.data())
        .args(["-d", &source]);
    home.run(copy, "pg_basebackup")
}

/// The version of a data directory; `None` for an incomplete one. `initdb` writes this file first, and removes what it
/// cannot finish.
fn version_of(data: &Path) -> Option<String> {
    let text = fs::read_to_string(data.join("PG_VERSION")).ok()?;
    Some(text.trim().to_owned())
}

fn remove(data: &Path) -> Result<()> {
    match fs::remove_dir_all(data) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        done => done.context("could not remove an old data directory"),
    }
}
