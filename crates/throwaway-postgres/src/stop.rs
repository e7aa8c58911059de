//! The ways to end a server process.

use std::{fs, io, str::FromStr};

use rustix::process::{Pid, Signal, kill_process};

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
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "fast" => Ok(Self::Fast),
            "immediate" => Ok(Self::Immediate),
            "kill" => Ok(Self::Kill),
            _ => Err(format!(
                "{text} is not a way to stop; use fast, immediate or kill"
            )),
        }
    }
}

/// Signals a postmaster.
pub(crate) fn signal(postmaster: u32, how: StopMode) -> io::Result<()> {
    let pid = to_pid(postmaster)?;
    match how {
        StopMode::Fast => orderly(pid, Signal::INT),
        StopMode::Immediate => orderly(pid, Signal::QUIT),
        StopMode::Kill => {
            let children = children_of(postmaster);
            kill_process(pid, Signal::KILL)?;
            for child in children {
                // A child that has already ended needs no signal.
                kill_process(child, Signal::KILL).ok();
            }
            Ok(())
        }
    }
}

/// Sends an orderly signal. A process stopped by SIGSTOP must continue before it can obey.
fn orderly(pid: Pid, signal: Signal) -> io::Result<()> {
    kill_process(pid, Signal::CONT)?;
    Ok(kill_process(pid, signal)?)
}

/// The child processes; none are found outside Linux, where the backends notice themselves that their postmaster is
/// gone.
fn children_of(postmaster: u32) -> Vec<Pid> {
    let listed = fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children"));
    let listed = listed.unwrap_or_default();
    listed
        .split_whitespace()
        .filter_map(|pid| to_pid(pid.parse().ok()?).ok())
        .collect()
}

pub(crate) fn to_pid(number: u32) -> io::Result<Pid> {
    i32::try_from(number)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::other(format!("{number} is not a process ID")))
}
