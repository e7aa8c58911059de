//! Stops the server of a process that died without stopping it.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};

/// Waits for a line from its owner. If the pipe ends without one, the owner is dead.
///
/// The process ID in `postmaster.pid` may belong to another process by now. It is signalled only if it is known to be
/// this server: by its working directory on Linux, by its command line elsewhere. If neither can be read, the server
/// notices within a minute that its folder is gone, and stops.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
read -r line && exit 0
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null) || pid=
case $pid in '' | *[!0-9]*) ;; *)
    seen=$(readlink "/proc/$pid/cwd" 2>/dev/null || ps -o args= -p "$pid" 2>/dev/null) || seen=
    case $seen in *"$1/data"*)
        kill -QUIT "$pid"
        tries=0
        while [ -e "$1/data/postmaster.pid" ] && [ $tries -lt 100 ]; do
            sleep 0.1
            tries=$((tries + 1))
        done ;;
    esac ;;
esac
[ "$2" = remove ] || exit 0
rm -rf "$1"
# A running initdb still writes a little before it notices that its folder is gone.
[ ! -e "$1" ] || { sleep 2 && rm -rf "$1"; }
"#;

/// The watching process.
#[derive(Debug)]
pub(crate) struct Watchdog(Child);

impl Watchdog {
    /// Starts to watch over the server in `folder`, which goes or stays if the owner dies.
    pub(crate) fn start(folder: &Path, removes_folder: bool) -> Result<Self> {
        Command::new("/bin/sh")
            .args(["-c", SCRIPT, "postgres-watchdog"])
            .arg(folder)
            .arg(if removes_folder { "remove" } else { "keep" })
            .current_dir("/")
            // Rust opens the pipe close-on-exec, so no other child keeps it open after the owner's death.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C goes to the terminal's process group, and must not reach the process that cleans up after it.
            .process_group(0)
            .spawn()
            .map(Self)
            .context("/bin/sh could not be run")
    }

    /// Tells the watchdog that the owner has stopped the server.
    pub(crate) fn dismiss(&mut self) {
        if let Some(mut pipe) = self.0.stdin.take() {
            // A failure is harmless: an undismissed watchdog only removes what is removed anyway.
            _ = pipe.write_all(b"dismissed\n");
        }
        _ = self.0.wait();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // The pipe closes and the script cleans up, even after a start that failed halfway.
        drop(self.0.stdin.take());
        _ = self.0.wait();
    }
}
