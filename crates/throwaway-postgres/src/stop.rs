//! The ways to end a server process.

use std::{fs, io, str::FromStr, time::Duration};

use anyhow::{Context, Error, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::home::within;

const STOP_WITHIN: Duration = Duration::from_secs(20);

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// Breaks connections and writes a checkpoint.
    Fast,
    /// Stops at once, without a checkpoint. The next start recovers, as after a crash.
    Immediate,
    /// Kills the postmaster with SIGKILL and, on Linux, every process below it, as a power failure would.
    Kill,
}

impl FromStr for StopMode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "fast" => Ok(Self::Fast),
            "immediate" => Ok(Self::Immediate),
            "kill" => Ok(Self::Kill),
            _ => bail!("{text} is not a way to stop; use fast, immediate or kill"),
        }
    }
}

/// Signals a postmaster and waits until it is gone.
pub(crate) fn stop(
    postmaster: Pid,
    how: StopMode,
    mut is_gone: impl FnMut() -> bool,
) -> Result<()> {
    signal(postmaster, how).context("the Postgres server did not stop")?;
    ensure!(
        within(STOP_WITHIN, || is_gone().then_some(())).is_some(),
        "the Postgres server did not stop: it ignored the signal for {STOP_WITHIN:?}"
    );
    Ok(())
}

fn signal(postmaster: Pid, how: StopMode) -> io::Result<()> {
    let signal = match how {
        StopMode::Fast => Signal::INT,
        StopMode::Immediate => Signal::QUIT,
        StopMode::Kill => {
            let children = children_of(postmaster);
            kill_process(postmaster, Signal::KILL)?;
            for child in children {
                // A child that has already ended needs no signal.
                kill_process(child, Signal::KILL).ok();
            }
            return Ok(());
        }
    };
    // A process stopped by SIGSTOP must continue before it can obey.
    kill_process(postmaster, Signal::CONT)?;
    Ok(kill_process(postmaster, signal)?)
}

/// The child processes; none are found outside Linux, where the backends notice themselves that their postmaster is
/// gone.
fn children_of(postmaster: Pid) -> Vec<Pid> {
    let listed = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children"));
    let listed = listed.unwrap_or_default();
    listed.split_whitespace().filter_map(to_pid).collect()
}

/// Reads a process ID.
pub(crate) fn to_pid(text: &str) -> Option<Pid> {
    Pid::from_raw(text.parse().ok().filter(|number| *number > 0)?)
}
