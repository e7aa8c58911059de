//! Errors, with messages that say what to do.

use std::{error::Error, fmt, io, path::PathBuf, time::Duration};

/// Why a throw-away Postgres could not be created, started or stopped.
#[derive(Debug)]
pub enum ClusterError {
    /// No folder contains the server's programs.
    MissingBinaries {
        /// The programs needed.
        names: Vec<&'static str>,
        /// The folders searched.
        searched: Vec<String>,
    },
    /// The process is root and there is no other user to run the server as.
    NoUser,
    /// A file or folder of the server could not be created, read, written or removed.
    Folder {
        /// What failed, as in `could not open the server's log`.
        failed: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// A program could not be started.
    Spawn {
        /// The program.
        program: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The folder for the server belongs to another user.
    ForeignFolder(PathBuf),
    /// `initdb` or `pg_basebackup` failed.
    Program {
        /// Which of them.
        name: &'static str,
        /// Its error message.
        message: String,
    },
    /// The server ended during its start; the last lines of its log.
    Died(String),
    /// The server did not become ready in time.
    NotReady {
        /// How long it was given.
        within: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// The server did not stop in time, or could not be signalled.
    NotStopped(String),
}

impl ClusterError {
    pub(crate) fn spawn(program: PathBuf, source: io::Error) -> Self {
        Self::Spawn { program, source }
    }
}

impl fmt::Display for ClusterError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingBinaries { names, searched } => write!(
                out,
                "Postgres server binaries not found: no folder contains {} (searched {}). Run `./dev setup`, install \
                 your system's postgresql package, or set PG_BIN to the folder that holds them",
                names.join(" and "),
                searched.join(", "),
            ),
            Self::NoUser => out.write_str(
                "Postgres refuses to run as root, and /etc/passwd has neither postgres nor nobody: run this as \
                 an ordinary user",
            ),
            Self::Folder { failed, source } => write!(out, "{failed}: {source}"),
            Self::Spawn { program, source } => write!(out, "{} could not be run: {source}", program.display()),
            Self::ForeignFolder(folder) => write!(
                out,
                "{} does not belong to the server's user: remove it, then run this again",
                folder.display()
            ),
            Self::Program { name, message } => write!(out, "{name} failed:\n{message}"),
            Self::Died(log) => write!(out, "the Postgres server ended during its start; its log ends with:\n{log}"),
            Self::NotReady { within, log } => {
                write!(out, "the Postgres server was not ready within {within:?}; its log ends with:\n{log}")
            }
            Self::NotStopped(reason) => write!(out, "the Postgres server did not stop: {reason}"),
        }
    }
}

impl Error for ClusterError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Folder { source, .. } | Self::Spawn { source, .. } => Some(source),
            Self::MissingBinaries { .. }
            | Self::NoUser
            | Self::ForeignFolder(_)
            | Self::Program { .. }
            | Self::Died(_)
            | Self::NotReady { .. }
            | Self::NotStopped(_) => None,
        }
    }
}
