//! The ways to end a server process.

use std::{fs, io, str::FromStr};

use rustix::process::{Pid, Signal, kill_process};

/// How a server is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopMode {
    /// Breaks connections and writes a checkpoint.
    Fast,
    /// At once and without a checkpoint; the next start recovers, as after a crash.
    Immediate,
    /// SIGKILL of the postmaster and, on Linux, of every process below it, as when the power fails.
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
                "{text} is no way to stop: it is fast, immediate or kill"
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
                // One that has ended meanwhile is what was wanted.
                kill_process(child, Signal::KILL).ok();
            }
            Ok(())
        }
    }
}

/// A stopped process (SIGSTOP) must go on before it can obey.
fn orderly(pid: Pid, signal: Signal) -> io::Result<()> {
    kill_process(pid, Signal::CONT)?;
    Ok(kill_process(pid, signal)?)
}

/// Elsewhere than on Linux nobody is found: the backends then notice by themselves that their postmaster is gone.
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
        .ok_or_else(|| io::Error::other(format!("{number} is not a process id")))
}
