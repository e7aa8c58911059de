//! Ends the server of a process that died without doing so.

use std::{
    io::Write,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use crate::ClusterError;

/// Waits for a word from its owner. Silence, which is the end of the pipe, means that the owner is dead.
///
/// The process id in `postmaster.pid` may be another's by now, so it is signalled only when it is known to be
/// this server: by its folder on Linux, by its command line elsewhere. Where neither can be seen, the server
/// notices within a minute that its folder is gone, and ends itself.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
read -r word && exit 0
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
# An initdb that was at work writes a little more before it sees that its folder is gone.
[ ! -e "$1" ] || { sleep 2 && rm -rf "$1"; }
"#;

/// What becomes of the server's folder when the owner died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtTheEnd {
    RemoveFolder,
    KeepFolder,
}

/// The watching process.
#[derive(Debug)]
pub(crate) struct Watchdog(Child);

impl Watchdog {
    /// Watches over the server in `folder` from now on.
    pub(crate) fn start(folder: &Path, at_the_end: AtTheEnd) -> Result<Self, ClusterError> {
        Command::new("/bin/sh")
            .args(["-c", SCRIPT, "postgres-watchdog"])
            .arg(folder)
            .arg(match at_the_end {
                AtTheEnd::RemoveFolder => "remove",
                AtTheEnd::KeepFolder => "keep",
            })
            .current_dir("/")
            // Rust opens the pipe close-on-exec, so that no other child keeps it open after the owner's death.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C goes to the terminal's process group, and must not reach what cleans up after it.
            .process_group(0)
            .spawn()
            .map(Self)
            .map_err(|source| ClusterError::spawn("/bin/sh".into(), source))
    }

    /// Says that the owner has stopped the server itself.
    pub(crate) fn dismiss(&mut self) {
        if let Some(mut pipe) = self.0.stdin.take() {
            // A watchdog that is gone needs no word, and one that hears none only removes what is removed anyway.
            _ = pipe.write_all(b"dismissed\n");
        }
        _ = self.0.wait();
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // The pipe closes and the script cleans up, also where the start failed half-way.
        drop(self.0.stdin.take());
        _ = self.0.wait();
    }
}
