//! `postmaster.pid`, in which the postmaster records its process, its address and the progress of its start.

use std::{fs, path::Path};

use rustix::{
    io::Errno,
    process::{Pid, test_kill_process},
};

use crate::stop::to_pid;

/// The content of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub(crate) pid: Pid,
    pub(crate) port: u16,
    /// Whether clients are served, even if only for reading.
    pub(crate) is_ready: bool,
}

impl PidFile {
    /// Reads the file; `None` if it does not exist or is still being written.
    pub(crate) fn read(data: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(data.join("postmaster.pid")).ok()?)
    }

    /// One line each: process ID, data directory, start time, port, socket folder, address, shared memory, state.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = to_pid(lines.next()?)?;
        let port = lines.nth(2)?.parse().ok()?;
        let state = lines.nth(3).unwrap_or_default();
        Some(Self {
            pid,
            port,
            is_ready: matches!(state.trim(), "ready" | "standby"),
        })
    }

    /// Reads the file if its process is running and is the server of this data directory.
    pub(crate) fn of_running(data: &Path) -> Option<Self> {
        let found = Self::read(data)?;
        let answer = test_kill_process(found.pid);
        let exists = matches!(answer, Ok(()) | Err(Errno::PERM));
        (exists && is_server_of(found.pid, data)).then_some(found)
    }
}

/// Process IDs are reused, so the process's working directory decides, where it can be read (Linux).
fn is_server_of(pid: Pid, data: &Path) -> bool {
    if !Path::new("/proc/self/cwd").exists() {
        return true;
    }
    let folder = fs::read_link(format!("/proc/{pid}/cwd"));
    matches!((folder, data.canonicalize()), (Ok(folder), Ok(data)) if folder == data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_starting_server_is_not_ready_and_a_standby_is() {
        let file = |state: &str| {
            PidFile::parse(&format!(
                "4711\n/x/data\n1700000000\n20001\n/x\n127.0.0.1\n  1 2\n{state}"
            ))
        };
        let expected = PidFile {
            pid: to_pid("4711").unwrap(),
            port: 20_001,
            is_ready: true,
        };
        assert_eq!(file("ready   \n"), Some(expected));
        assert_eq!(file("standby \n"), Some(expected));
        for state in ["", "starting\n"] {
            assert_eq!(
                file(state),
                Some(PidFile {
                    is_ready: false,
                    ..expected
                })
            );
        }
        assert_eq!(PidFile::parse("4711\n/x/data\n"), None);
    }
}
