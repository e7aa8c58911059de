//! Where a server lives, and the commands that its programs are called with.

use std::{path::PathBuf, process::Command};

use crate::{account::Account, binaries::Binaries, command};

/// As durable as in production, without which a worker refuses to claim. No parameters in the log, because they contain
/// personal data.
const SETTINGS: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("listen_addresses", "127.0.0.1"),
    ("log_error_verbosity", "terse"),
    ("log_parameter_max_length_on_error", "0"),
    ("max_connections", "200"),
    ("unix_socket_permissions", "0700"),
];

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

    /// A command for one of the server's programs, as the server's user and with a clean environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        command::of(
            &self.binaries.path(program),
            &self.folder,
            self.account.as_ref(),
        )
    }

    /// The command that starts the server on `port`. The caller's settings come last, so they win.
    pub(crate) fn start_command(&self, port: u16, settings: &[(String, String)]) -> Command {
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data());
        command.arg("-p").arg(port.to_string());
        command.arg("-k").arg(&self.folder);
        for (name, value) in SETTINGS {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        for (name, value) in settings {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command
    }
}
