//! How the server's programs are run: as which user, where, and with which settings.

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

use super::{account::Account, find::Binaries};

/// Durable as in production (a worker refuses to claim otherwise), silent about parameters, which name people.
const SETTINGS: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("listen_addresses", "127.0.0.1"),
    ("log_error_verbosity", "terse"),
    ("log_parameter_max_length_on_error", "0"),
    ("max_connections", "200"),
    ("unix_socket_permissions", "0700"),
];

/// The server of `folder`, on `port`, with the owner's settings last, where they win.
pub(super) fn postgres(
    binaries: &Binaries,
    folder: &Path,
    account: Option<&Account>,
    port: u16,
    settings: &[(String, String)],
) -> Command {
    let mut command = Command::new(binaries.path("postgres"));
    command.arg("-D").arg(folder.join("data"));
    command.arg("-p").arg(port.to_string());
    command.arg("-k").arg(folder);
    for (name, value) in SETTINGS {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    for (name, value) in settings {
        command.arg("-c").arg(format!("{name}={value}"));
    }
    prepare(&mut command, folder, account);
    command
}

/// What every program of the server's gets: its user, a folder to be in, no terminal, nothing of this process's
/// Postgres settings.
pub(super) fn prepare(command: &mut Command, folder: &Path, account: Option<&Account>) {
    for name in [
        "PGDATA",
        "PGHOST",
        "PGPORT",
        "PGUSER",
        "PGDATABASE",
        "PGOPTIONS",
        "PGSERVICE",
        "PGSYSCONFDIR",
    ] {
        command.env_remove(name);
    }
    // macOS refuses to start a server without a locale; the messages are matched, so they are English everywhere.
    command
        .env("LC_ALL", "C")
        .current_dir(folder)
        .stdin(Stdio::null());
    // Out of the terminal's process group: Ctrl-C is the owner's, who stops the server after its own work.
    command.process_group(0);
    if let Some(account) = account {
        // std drops root's supplementary groups when it sets a user.
        command.uid(account.uid).gid(account.gid);
    }
}
