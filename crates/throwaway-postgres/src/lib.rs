//! A throw-away Postgres for demos, tests and development: the installed server binaries, in a folder of its own.
//!
//! - A [`Cluster`] belongs to the process that starts it and ends with it, however that process ends.
//! - The servers of [`standing`] outlive the program that starts them, as a development database must.
//!
//! The program `throwaway-postgres` offers both to shell scripts and other languages.
//!
//! Every call blocks, for up to seconds: use `spawn_blocking`, or call before the runtime starts.
//! Anyone who can log in to this machine can connect to such a server without a password, so keep nothing of value
//! in it.

// Only tests may panic; without `cfg(test)` the lints still apply.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::unwrap_used
    )
)]

mod account;
mod binaries;
mod cluster;
#[cfg(test)]
mod cluster_tests;
mod data;
mod folder;
mod home;
mod pid_file;
mod server;
pub mod standing;
#[cfg(test)]
mod standing_tests;
mod stop;
mod watchdog;

use std::path::PathBuf;

pub use self::{binaries::Binaries, cluster::Cluster, folder::place, stop::StopMode};

/// The superuser of every server started here.
pub const SUPERUSER: &str = "postgres";

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Server settings, which override the crate's own, as in `("wal_level", "logical")`.
    pub settings: Vec<(String, String)>,
    /// Environment variables of the server, besides this process's own.
    pub environment: Vec<(String, String)>,
    /// The port; by default a free one, which the server keeps.
    pub port: Option<u16>,
    /// The server's log; by default `server.log` in the server's folder.
    pub log: Option<PathBuf>,
}
