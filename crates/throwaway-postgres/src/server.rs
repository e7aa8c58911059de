//! The server process itself: starting, waiting until it answers, stopping.

use std::{
    fs::{self, OpenOptions},
    path::{Path, PathBuf},
    process::{Child, Command},
    thread::sleep,
    time::{Duration, Instant},
};

use super::{ClusterError, Options, account::Account, command, find::Binaries, port};

/// What the server's last words are when the same start may succeed a moment later.
const PASSING: &[&str] = &[
    "could not create any TCP/IP sockets",
    "pre-existing shared memory block",
];
const TRIES: u32 = 40;

const LOOK_EVERY: Duration = Duration::from_millis(10);
const STOP_WITHIN: Duration = Duration::from_secs(20);
const LOG_LINES: usize = 12;

#[derive(Debug)]
pub(super) struct Server {
    binaries: Binaries,
    folder: PathBuf,
    data: PathBuf,
    log: PathBuf,
    account: Option<Account>,
    options: Options,
    port: u16,
    child: Option<Child>,
}

/// How a start went wrong, as far as the caller can do something about it.
enum Failure {
    /// Another process holds the port, or the last of a killed server's processes is still ending.
    Passing(ClusterError),
    Other(ClusterError),
}

impl Server {
    pub(super) fn new(
        binaries: Binaries,
        folder: &Path,
        account: Option<Account>,
        options: Options,
    ) -> Self {
        Self {
            binaries,
            folder: folder.to_owned(),
            data: folder.join("data"),
            log: folder.join("server.log"),
            account,
            options,
            port: 0,
            child: None,
        }
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data
    }

    pub(super) fn log_file(&self) -> &Path {
        &self.log
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Another process may take a port between the look and the start, so that is tried again elsewhere.
    pub(super) fn start_on_any_port(&mut self) -> Result<(), ClusterError> {
        self.start_again_while_passing(|_| port::free(), Duration::ZERO)
    }

    /// For those who hold the old address. Whoever took it meanwhile is waited for, for ten seconds.
    pub(super) fn start_on_same_port(&mut self) -> Result<(), ClusterError> {
        self.start_again_while_passing(|port| port, Duration::from_millis(250))
    }

    fn start_again_while_passing(
        &mut self,
        next: impl Fn(u16) -> u16,
        pause: Duration,
    ) -> Result<(), ClusterError> {
        let mut tries = 1;
        loop {
            self.port = next(self.port);
            match self.start() {
                Ok(()) => return Ok(()),
                Err(Failure::Passing(_)) if tries < TRIES => sleep(pause),
                Err(Failure::Passing(error) | Failure::Other(error)) => return Err(error),
            }
            tries = tries.saturating_add(1);
        }
    }

    fn start(&mut self) -> Result<(), Failure> {
        let other = |doing| move |source| Failure::Other(ClusterError::Folder { doing, source });
        let log = OpenOptions::new().create(true).append(true).open(&self.log);
        let log = log.map_err(other("opening the server's log"))?;
        let begins_at = log
            .metadata()
            .map_err(other("looking at the server's log"))?
            .len();
        let also = log.try_clone().map_err(other("opening the server's log"))?;

        let mut command = command::postgres(
            &self.binaries,
            &self.folder,
            self.account.as_ref(),
            self.port,
            &self.options.settings,
        );
        command.stdout(log).stderr(also);
        let program = self.binaries.path("postgres");
        let child = command
            .spawn()
            .map_err(|source| Failure::Other(ClusterError::spawn(program, source)))?;
        self.child = Some(child);
        self.wait_until_ready(begins_at)
    }

    fn wait_until_ready(&mut self, log_begins_at: u64) -> Result<(), Failure> {
        let begun = Instant::now();
        let within = self.options.ready_within;
        while begun.elapsed() < within {
            if self.says_ready() {
                return Ok(());
            }
            if self.has_ended() {
                let log = self.log_since(log_begins_at);
                let passing = PASSING.iter().any(|words| log.contains(words));
                let died = ClusterError::Died(last_lines(&log));
                return Err(if passing {
                    Failure::Passing(died)
                } else {
                    Failure::Other(died)
                });
            }
            sleep(LOOK_EVERY);
        }
        let log = last_lines(&self.log_since(log_begins_at));
        // A failure to stop it would hide why it must be stopped.
        _ = self.stop();
        Err(Failure::Other(ClusterError::NotReady { within, log }))
    }

    /// The postmaster writes its state into the last line of its pid file, the place where `pg_ctl` looks too. The
    /// first line tells whether the file is this process's or one that a killed one left.
    fn says_ready(&self) -> bool {
        let Ok(file) = fs::read_to_string(self.data.join("postmaster.pid")) else {
            return false;
        };
        let mut lines = file.lines();
        let is_ours = lines.next().and_then(|pid| pid.parse().ok()) == self.pid();
        is_ours && lines.nth(6).is_some_and(|state| state.trim() == "ready")
    }

    /// Whether the process is gone; a gone one is forgotten, so that its number is never signalled.
    fn has_ended(&mut self) -> bool {
        let ended = self
            .child
            .as_mut()
            .is_none_or(|child| matches!(child.try_wait(), Ok(Some(_))));
        if ended {
            self.child = None;
        }
        ended
    }

    /// Ends the server as a crash would: at once, without a checkpoint.
    pub(super) fn stop(&mut self) -> Result<(), ClusterError> {
        if self.has_ended() {
            return Ok(());
        }
        if let Some(pid) = self.pid() {
            // std can only send SIGKILL, after which shared memory would stay behind.
            let sent = Command::new("/bin/sh")
                .args(["-c", "kill -QUIT \"$1\"", "sh", &pid.to_string()])
                .output();
            let sent = sent.map_err(|source| ClusterError::spawn("/bin/sh".into(), source))?;
            if !sent.status.success() {
                return Err(ClusterError::NotStopped(
                    String::from_utf8_lossy(&sent.stderr).into_owned(),
                ));
            }
        }
        let begun = Instant::now();
        while !self.has_ended() {
            if begun.elapsed() >= STOP_WITHIN {
                return Err(ClusterError::NotStopped(format!(
                    "it ignored the signal for {STOP_WITHIN:?}"
                )));
            }
            sleep(LOOK_EVERY);
        }
        Ok(())
    }

    fn log_since(&self, begin: u64) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        let begin = usize::try_from(begin).unwrap_or(0);
        String::from_utf8_lossy(bytes.get(begin..).unwrap_or_default()).into_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nobody is left to tell; the watchdog, which is dropped next, tries once more.
        _ = self.stop();
    }
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let from = lines.len().saturating_sub(LOG_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}
