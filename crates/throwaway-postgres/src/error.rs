//! Why there is no server, in words that say what to do.

use std::{error::Error, fmt, io, path::PathBuf, time::Duration};

/// Why a throw-away Postgres could not be made, started or stopped.
#[derive(Debug)]
pub enum ClusterError {
    /// No folder holds the server's programs.
    MissingBinaries {
        /// What is needed.
        names: Vec<&'static str>,
        /// Where it was looked for.
        looked_in: Vec<String>,
    },
    /// Root must hand the server to another user, and knows none.
    NoUser,
    /// The temporary folder could not be made, written or removed.
    Folder {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A program could not be run at all.
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder for the server is another user's.
    ForeignFolder(PathBuf),
    /// `initdb` or `pg_basebackup` failed.
    Program {
        /// Which of them.
        name: &'static str,
        /// What it said.
        words: String,
    },
    /// The server ended while it started; the last lines of its log.
    Died(String),
    /// The server did not become ready in time.
    NotReady {
        /// The time that it had.
        within: Duration,
        /// The last lines of its log.
        log: String,
    },
    /// The server ignored the request to stop.
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
            Self::MissingBinaries { names, looked_in } => write!(
                out,
                "no Postgres server binaries: {} were not found together in any of {}. Run `./dev setup`, install \
                 your system's postgresql package, or set PG_BIN to the folder that holds them",
                names.join(" and "),
                looked_in.join(", "),
            ),
            Self::NoUser => out.write_str(
                "Postgres refuses to run as root, and /etc/passwd names neither postgres nor nobody: run this as \
                 an ordinary user",
            ),
            Self::Folder { doing, source } => write!(out, "{doing}: {source}"),
            Self::Spawn { program, source } => write!(out, "{} could not be run: {source}", program.display()),
            Self::ForeignFolder(folder) => write!(
                out,
                "{} belongs to another user than the server's: remove it, then run this again",
                folder.display()
            ),
            Self::Program { name, words } => write!(out, "{name} failed:\n{words}"),
            Self::Died(log) => write!(out, "the Postgres server ended while starting; its log ends with:\n{log}"),
            Self::NotReady { within, log } => {
                write!(out, "the Postgres server was not ready within {within:?}; its log ends with:\n{log}")
            }
            Self::NotStopped(words) => write!(out, "the Postgres server did not stop: {words}"),
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
