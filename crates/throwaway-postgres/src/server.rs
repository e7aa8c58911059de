//! The server process: starts it, waits until it accepts connections, stops it.

use std::{
    path::Path,
    process::Child,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    ClusterError, Options, StopMode,
    account::Account,
    binaries::Binaries,
    command::{self, Log},
    home::Home,
    pid_file::PidFile,
    port, stop,
};

/// What a server logs before it ends if the same start may succeed a moment later.
const TRANSIENT: &[&str] = &[
    "could not create any TCP/IP sockets",
    "pre-existing shared memory block",
];
const TRIES: u32 = 40;
/// With `TRIES`, ten seconds for a process that took the port of a stopped server.
const PAUSE: Duration = Duration::from_millis(250);

const POLL_INTERVAL: Duration = Duration::from_millis(10);
pub(crate) const STOP_WITHIN: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) home: Home,
    options: Options,
    /// Kept from the first successful start on.
    port: Option<u16>,
    child: Option<Child>,
}

/// Why a start failed, by what the caller can do about it.
enum StartError {
    /// Another process holds the port, or the last processes of a killed server are still ending. Retry.
    Transient(ClusterError),
    Permanent(ClusterError),
}

impl Server {
    pub(crate) fn new(
        binaries: Binaries,
        folder: &Path,
        account: Option<Account>,
        options: Options,
    ) -> Self {
        let log = options.log.clone();
        Self {
            home: Home {
                binaries,
                folder: folder.to_owned(),
                account,
                log: log.unwrap_or_else(|| folder.join("server.log")),
            },
            port: options.port,
            options,
            child: None,
        }
    }

    /// Zero until the first start.
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(0)
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Starts the server unless it is running, on its port or on a free one if it has none yet. Returns once it accepts
    /// connections.
    ///
    /// If another process takes the free port first, another port is tried.
    pub(crate) fn start(&mut self) -> Result<(), ClusterError> {
        if !self.has_ended() {
            return Ok(());
        }
        let mut tries = 1_u32;
        loop {
            let port = self.port.unwrap_or_else(port::free);
            match self.start_on(port) {
                Ok(()) => {
                    self.port = Some(port);
                    return Ok(());
                }
                Err(StartError::Transient(_)) if tries < TRIES => {
                    if self.port.is_some() {
                        sleep(PAUSE);
                    }
                }
                Err(StartError::Transient(error) | StartError::Permanent(error)) => {
                    return Err(error);
                }
            }
            tries = tries.saturating_add(1);
        }
    }

    fn start_on(&mut self, port: u16) -> Result<(), StartError> {
        let log = Log::open(&self.home.log).map_err(StartError::Permanent)?;
        let stderr = log.file.try_clone().map_err(|source| {
            StartError::Permanent(ClusterError::Folder {
                failed: "could not open the server's log",
                source,
            })
        })?;
        let mut command = self.home.start_command(port, &self.options.settings);
        command.stdout(log.file).stderr(stderr);
        let program = self.home.binaries.path("postgres");
        let child = command
            .spawn()
            .map_err(|source| StartError::Permanent(ClusterError::spawn(program, source)))?;
        self.child = Some(child);
        self.wait_until_ready(log.begins_at)
    }

    fn wait_until_ready(&mut self, log_begins_at: u64) -> Result<(), StartError> {
        let begun = Instant::now();
        let within = self.options.ready_within;
        while begun.elapsed() < within {
            if self.reports_ready() {
                return Ok(());
            }
            if self.has_ended() {
                let log = command::since(&self.home.log, log_begins_at);
                let transient = TRANSIENT.iter().any(|message| log.contains(message));
                let died = ClusterError::Died(command::last_lines(&log));
                return Err(if transient {
                    StartError::Transient(died)
                } else {
                    StartError::Permanent(died)
                });
            }
            sleep(POLL_INTERVAL);
        }
        let log = command::last_lines(&command::since(&self.home.log, log_begins_at));
        // An error from this would hide why it must be stopped.
        _ = self.stop(StopMode::Immediate);
        Err(StartError::Permanent(ClusterError::NotReady {
            within,
            log,
        }))
    }

    /// Whether the server reports that it is ready. A file left by a killed server does not count.
    fn reports_ready(&self) -> bool {
        PidFile::read(&self.home.data())
            .is_some_and(|file| Some(file.pid) == self.pid() && file.is_ready)
    }

    /// Whether the process has ended. If so, its ID is forgotten, so that it is never signalled.
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

    /// Stops the server. Does nothing if it is not running.
    pub(crate) fn stop(&mut self, how: StopMode) -> Result<(), ClusterError> {
        if self.has_ended() {
            return Ok(());
        }
        if let Some(pid) = self.pid() {
            stop::signal(pid, how).map_err(|error| ClusterError::NotStopped(error.to_string()))?;
        }
        let begun = Instant::now();
        while !self.has_ended() {
            if begun.elapsed() >= STOP_WITHIN {
                return Err(ClusterError::NotStopped(format!(
                    "it ignored the signal for {STOP_WITHIN:?}"
                )));
            }
            sleep(POLL_INTERVAL);
        }
        Ok(())
    }

    /// Lets the server keep running after this is dropped.
    pub(crate) fn leave_running(mut self) {
        self.child = None;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The error cannot be reported. The watchdog, which is dropped next, tries once more.
        _ = self.stop(StopMode::Immediate);
    }
}
