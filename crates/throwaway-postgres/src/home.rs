//! Where a server lives, and how its programs are called.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::{
    account::Account,
    binaries::{Binaries, not_run},
};

/// No parameters in the log, because they contain personal data. Nothing about durability: the server's own default is that
/// of production, and what stands here could not be changed while the server runs.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("log_error_verbosity", "terse"),
    ("log_parameter_max_length_on_error", "0"),
    ("max_connections", "200"),
    ("unix_socket_permissions", "0700"),
];

/// This process's own Postgres settings, which no server may see.
const HIDDEN: [&str; 8] = [
    "PGDATA",
    "PGHOST",
    "PGPORT",
    "PGUSER",
    "PGDATABASE",
    "PGOPTIONS",
    "PGSERVICE",
    "PGSYSCONFDIR",
];

const RUN_WITHIN: Duration = Duration::from_mins(2);
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// How many lines of a log an error message quotes.
const LOG_LINES: usize = 12;

/// The location of a server, and the user that owns it.
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

    /// A command for one of the server's programs: as its user, in its folder, without a terminal and without this
    /// process's own Postgres settings.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.binaries.path(program));
        for name in HIDDEN {
            command.env_remove(name);
        }
        // macOS refuses to start a server without a locale. The messages are matched, so they must be English everywhere.
        command
            .env("LC_ALL", "C")
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        // Outside the terminal's process group: Ctrl-C goes to the owner, which stops the server after its own work.
        command.process_group(0);
        if let Some(account) = &self.account {
            // std drops root's supplementary groups when it sets a user.
            command.uid(account.uid).gid(account.gid);
        }
        command
    }

    /// The command that starts the server on `port`. The caller's settings come last, so they win.
    pub(crate) fn start_command(&self, port: u16, settings: &[(String, String)]) -> Command {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data());
        command.arg("-p").arg(port.to_string());
        command.arg("-k").arg(&self.folder);
        let own = SETTINGS
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let given = settings
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        for setting in own.chain(given) {
            command.arg("-c").arg(setting);
        }
        command
    }

    /// Runs a program to its end, with its messages in the log.
    pub(crate) fn run(&self, mut command: Command, name: &str) -> Result<()> {
        let log = Log::open(&self.log)?;
        command.stdout(Stdio::null()).stderr(log.file()?);
        let mut child = command.spawn().with_context(|| not_run(&command))?;
        match within(RUN_WITHIN, || child.try_wait().transpose()) {
            Some(Ok(status)) if status.success() => return Ok(()),
            Some(Ok(_)) => bail!("{name} failed:\n{}", last_lines(&log.text())),
            Some(Err(_)) | None => {}
        }
        // Its children too. A program that ended meanwhile needs no signal.
        kill_process_group(Pid::from_child(&child), Signal::KILL).ok();
        child.wait().ok();
        bail!("{name} failed:\nit did not finish within {RUN_WITHIN:?}")
    }
}

/// Polls until there is an answer; `None` if there is none within `limit`.
pub(crate) fn within<T>(limit: Duration, mut poll: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        let answer = poll();
        if answer.is_some() || begun.elapsed() >= limit {
            return answer;
        }
        sleep(POLL_INTERVAL);
    }
}

/// The part of a log that one run of a program writes.
pub(crate) struct Log<'a> {
    path: &'a Path,
    file: File,
    begins_at: u64,
}

impl<'a> Log<'a> {
    /// Opens a log for appending.
    pub(crate) fn open(path: &'a Path) -> Result<Self> {
        let open = || {
            let file = OpenOptions::new().create(true).append(true).open(path)?;
            let begins_at = file.metadata()?.len();
            Ok::<_, std::io::Error>(Self {
                path,
                file,
                begins_at,
            })
        };
        open().context("could not open the server's log")
    }

    /// The file, for a program to write to.
    pub(crate) fn file(&self) -> Result<File> {
        self.file
            .try_clone()
            .context("could not open the server's log")
    }

    /// What the program has written.
    pub(crate) fn text(&self) -> String {
        let bytes = fs::read(self.path).unwrap_or_default();
        let begin = usize::try_from(self.begins_at).unwrap_or(0);
        String::from_utf8_lossy(bytes.get(begin..).unwrap_or_default()).into_owned()
    }
}

/// The last lines of a log, for an error message.
pub(crate) fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let from = lines.len().saturating_sub(LOG_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}
