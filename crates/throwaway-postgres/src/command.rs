//! Runs the server's programs: as which user, where, and with which settings.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Signal, kill_process_group};

use crate::{ClusterError, account::Account, stop::to_pid};

const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How many lines of a log an error message quotes.
const LOG_LINES: usize = 12;

/// A command for one of the server's programs: as its user, in `folder`, without a terminal and without this process's
/// own Postgres settings.
pub(crate) fn of(program: &Path, folder: &Path, account: Option<&Account>) -> Command {
    let mut command = Command::new(program);
    for name in [
        "PGDATA",
        "PGHOST",
        "PGPORT",
        "PGUSER",
        "PGDATABASE",
        "PGOPTIONS",
        "PGSERVICE",
        "PGSYSCONFDIR",
    ] {
        command.env_remove(name);
    }
    // macOS refuses to start a server without a locale. The messages are matched, so they must be English everywhere.
    command
        .env("LC_ALL", "C")
        .current_dir(folder)
        .stdin(Stdio::null());
    // Outside the terminal's process group: Ctrl-C goes to the owner, which stops the server after its own work.
    command.process_group(0);
    if let Some(account) = account {
        // std drops root's supplementary groups when it sets a user.
        command.uid(account.uid).gid(account.gid);
    }
    command
}

/// Runs a program to its end, with its messages in `log`.
pub(crate) fn run(
    mut command: Command,
    name: &'static str,
    log: &Path,
    within: Duration,
) -> Result<(), ClusterError> {
    let output = Log::open(log)?;
    command.stdout(Stdio::null()).stderr(output.file);
    let program = command.get_program().to_owned();
    let mut child = command
        .spawn()
        .map_err(|source| ClusterError::spawn(program.into(), source))?;
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(_)) => {
                let message = last_lines(&since(log, output.begins_at));
                return Err(ClusterError::Program { name, message });
            }
            Ok(None) if begun.elapsed() < within => sleep(POLL_INTERVAL),
            Ok(None) | Err(_) => break,
        }
    }
    // Its children too. A program that ended meanwhile needs no signal.
    if let Ok(pid) = to_pid(child.id()) {
        kill_process_group(pid, Signal::KILL).ok();
    }
    child.wait().ok();
    Err(ClusterError::Program {
        name,
        message: format!("it did not finish within {within:?}"),
    })
}

/// A log, and the offset at which this run's part begins.
pub(crate) struct Log {
    pub(crate) file: File,
    pub(crate) begins_at: u64,
}

impl Log {
    /// Opens a log for appending.
    pub(crate) fn open(path: &Path) -> Result<Self, ClusterError> {
        let failed = |source| ClusterError::Folder {
            failed: "could not open the server's log",
            source,
        };
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(failed)?;
        let begins_at = file.metadata().map_err(failed)?.len();
        Ok(Self { file, begins_at })
    }
}

/// The part of the log from `begin` on.
pub(crate) fn since(log: &Path, begin: u64) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let begin = usize::try_from(begin).unwrap_or(0);
    String::from_utf8_lossy(bytes.get(begin..).unwrap_or_default()).into_owned()
}

/// The last lines of a log, for an error message.
pub(crate) fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let from = lines.len().saturating_sub(LOG_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}
