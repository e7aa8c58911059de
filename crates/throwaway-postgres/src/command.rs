//! How the server's programs are run: as which user, where, and with which settings.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Signal, kill_process_group};

use crate::{ClusterError, account::Account, data::Home, stop::to_pid};

/// Durable as in production (a worker refuses to claim otherwise), silent about parameters, which name people.
const SETTINGS: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("listen_addresses", "127.0.0.1"),
    ("log_error_verbosity", "terse"),
    ("log_parameter_max_length_on_error", "0"),
    ("max_connections", "200"),
    ("unix_socket_permissions", "0700"),
];

const LOOK_EVERY: Duration = Duration::from_millis(10);
const LOG_LINES: usize = 12;

/// The server in its home, on `port`, with the caller's settings last, where they win.
pub(crate) fn postgres(home: &Home, port: u16, settings: &[(String, String)]) -> Command {
    let mut command = home.command("postgres");
    command.arg("-D").arg(home.data());
    command.arg("-p").arg(port.to_string());
    command.arg("-k").arg(&home.folder);
    for (name, value) in SETTINGS {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    for (name, value) in settings {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    command
}

/// What every program of the server's gets: its user, a folder to be in, no terminal, nothing of this process's
/// Postgres settings.
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
    // macOS refuses to start a server without a locale; the messages are matched, so they are English everywhere.
    command
        .env("LC_ALL", "C")
        .current_dir(folder)
        .stdin(Stdio::null());
    // Out of the terminal's process group: Ctrl-C is the owner's, who stops the server after its own work.
    command.process_group(0);
    if let Some(account) = account {
        // std drops root's supplementary groups when it sets a user.
        command.uid(account.uid).gid(account.gid);
    }
    command
}

/// Runs a program to its end, with its words in `log`.
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
                let words = last_lines(&since(log, output.begins_at));
                return Err(ClusterError::Program { name, words });
            }
            Ok(None) if begun.elapsed() < within => sleep(LOOK_EVERY),
            Ok(None) | Err(_) => break,
        }
    }
    // With whatever it started. One that ended meanwhile needs no signal.
    if let Ok(pid) = to_pid(child.id()) {
        kill_process_group(pid, Signal::KILL).ok();
    }
    child.wait().ok();
    Err(ClusterError::Program {
        name,
        words: format!("it did not end within {within:?}"),
    })
}

/// A log, and where this run's part of it begins.
pub(crate) struct Log {
    pub(crate) file: File,
    pub(crate) begins_at: u64,
}

impl Log {
    /// Opens it for more.
    pub(crate) fn open(path: &Path) -> Result<Self, ClusterError> {
        let failed = |source| ClusterError::Folder {
            doing: "opening the server's log",
            source,
        };
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.map_err(failed)?;
        let begins_at = file.metadata().map_err(failed)?.len();
        Ok(Self { file, begins_at })
    }
}

/// What was logged from `begin` on.
pub(crate) fn since(log: &Path, begin: u64) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let begin = usize::try_from(begin).unwrap_or(0);
    String::from_utf8_lossy(bytes.get(begin..).unwrap_or_default()).into_owned()
}

/// Enough of a log for an error message.
pub(crate) fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let from = lines.len().saturating_sub(LOG_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}
