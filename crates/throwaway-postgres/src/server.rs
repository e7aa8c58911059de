//! The server process: starts it, waits until it accepts connections, stops it.

use std::{
    hash::{BuildHasher, RandomState},
    net::TcpListener,
    path::Path,
    process::Child,
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::process::Pid;

use crate::{
    Options, StopMode,
    account::Account,
    binaries::{Binaries, not_run},
    folder,
    home::{Home, Log, last_lines, within},
    pid_file::PidFile,
    stop,
};

/// Below the ports that Linux and macOS assign to outgoing connections. Otherwise a client that reconnects while the
/// server restarts could be assigned the server's own port, and keep it.
const FIRST_PORT: u16 = 20_000;
const PORTS: u16 = 12_000;

/// What a server logs before it ends if the same start may succeed a moment later.
const TRANSIENT: &[&str] = &[
    "could not create any TCP/IP sockets",
    "pre-existing shared memory block",
];
const TRIES: u32 = 40;
/// With `TRIES`, ten seconds for a process that took the port of a stopped server.
const PAUSE: Duration = Duration::from_millis(250);

/// How long a start may take, including crash recovery.
const READY_WITHIN: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) home: Home,
    settings: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    /// Kept from the first successful start on.
    port: Option<u16>,
    child: Option<Child>,
}

impl Server {
    pub(crate) fn new(
        binaries: Binaries,
        folder: &Path,
        account: Option<Account>,
        options: Options,
    ) -> Self {
        Self {
            home: Home {
                binaries,
                folder: folder.to_owned(),
                account,
                log: options.log.unwrap_or_else(|| folder.join("server.log")),
            },
            port: options.port,
            settings: options.settings,
            environment: options.environment,
            child: None,
        }
    }

    /// A server in a folder that the caller named, which is created if missing. Needs the programs in `also`.
    pub(crate) fn in_folder(folder: &Path, also: &[&str], options: Options) -> Result<Self> {
        let binaries = Binaries::find(also)?;
        let account = Account::of_server()?;
        folder::claim(folder, account.as_ref())?;
        Ok(Self::new(binaries, folder, account, options))
    }

    /// Zero until the first start.
    pub(crate) fn port(&self) -> u16 {
        self.port.unwrap_or(0)
    }

    pub(crate) fn postmaster(&self) -> Option<Pid> {
        self.child.as_ref().map(Pid::from_child)
    }

    /// Starts the server unless it is running, on its port or on a free one if it has none yet. Returns once it accepts
    /// connections.
    ///
    /// If another process takes the free port first, another port is tried.
    pub(crate) fn start(&mut self) -> Result<()> {
        if !self.has_ended() {
            return Ok(());
        }
        let mut tries = 1_u32;
        loop {
            let port = self.port.unwrap_or_else(free_port);
            let Some(log) = self.start_on(port)? else {
                self.port = Some(port);
                return Ok(());
            };
            let is_transient = TRANSIENT.iter().any(|message| log.contains(message));
            if tries >= TRIES || !is_transient {
                let log = last_lines(&log);
                bail!("the Postgres server ended during its start; its log ends with:\n{log}");
            }
            if self.port.is_some() {
                sleep(PAUSE);
            }
            tries = tries.saturating_add(1);
        }
    }

    /// Starts the server and waits until it is ready. Returns its log if it ended before that.
    fn start_on(&mut self, port: u16) -> Result<Option<String>> {
        let log_file = self.home.log.clone();
        let log = Log::open(&log_file)?;
        let mut command = self.home.start_command(port, &self.settings);
        command.envs(self.environment.iter().cloned());
        command.stdout(log.file()?).stderr(log.file()?);
        self.child = Some(command.spawn().with_context(|| not_run(&command))?);
        let outcome = within(READY_WITHIN, || {
            let is_ready = self.reports_ready();
            (is_ready || self.has_ended()).then(|| (!is_ready).then(|| log.text()))
        });
        if let Some(ended) = outcome {
            return Ok(ended);
        }
        let log = last_lines(&log.text());
        // An error from this would hide why it must be stopped.
        _ = self.stop(StopMode::Immediate);
        bail!(
            "the Postgres server was not ready within {READY_WITHIN:?}; its log ends with:\n{log}"
        )
    }

    /// Whether the server reports that it is ready. A file left by a killed server does not count.
    fn reports_ready(&self) -> bool {
        PidFile::read(&self.home.data())
            .is_some_and(|file| Some(file.pid) == self.postmaster() && file.is_ready)
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
    pub(crate) fn stop(&mut self, how: StopMode) -> Result<()> {
        match self.postmaster() {
            Some(postmaster) if !self.has_ended() => {
                stop::stop(postmaster, how, || self.has_ended())
            }
            _ => Ok(()),
        }
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

/// A random port on which nobody listens now.
fn free_port() -> u16 {
    let random = RandomState::new().hash_one("port");
    let start = u16::try_from(random.checked_rem(u64::from(PORTS)).unwrap_or(0)).unwrap_or(0);
    (start..PORTS)
        .chain(0..start)
        .map(|offset| FIRST_PORT.saturating_add(offset))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap_or(FIRST_PORT)
}
