//! The configuration file: one TOML file, all faults reported at once (`deploy/payout.toml`).

// Only tests may panic; without `cfg(test)` the lints still apply.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::unwrap_used
    )
)]

mod check;
pub mod console;
pub mod database_url;
mod section;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use payout_domain::money::Rupiah;

/// The commented file with every key and its default; `deploy/payout.toml` itself.
pub const EXAMPLE: &str = include_str!("../../../deploy/payout.toml");

/// A whole, checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[database]`
    pub database: Database,
    /// `[http] listen`: callbacks; `None` when switched off.
    pub http_listen: Option<SocketAddr>,
    /// `[admin] listen`: health and metrics; `None` when switched off.
    pub admin_listen: Option<SocketAddr>,
    /// `[submit]`
    pub submit: Submit,
    /// `[submit] witness_file`: where the last committed claim is kept outside the database (I11).
    pub witness_file: WitnessFile,
    /// `[poll]`
    pub poll: Poll,
    /// `[callback] settle = "bound"`: a bound callback that reports a success settles the payout without a query.
    pub callbacks_settle: bool,
    /// `[approvals]`
    pub approvals: Approvals,
    /// `[console]`
    pub console: console::Console,
    /// `[[merchant]]`, at least one.
    pub merchants: Vec<Merchant>,
    /// What is allowed but unwise, in words.
    pub warnings: Vec<String>,
}

/// Where the database is.
#[derive(Clone)]
pub struct Database {
    /// A Postgres URL. May hold a password, so it is never printed.
    pub url: String,
    /// Whether a superuser or the schema's owner may run the worker: demo and tests only.
    pub allow_owner: bool,
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("allow_owner", &self.allow_owner)
            .finish_non_exhaustive()
    }
}

/// How payouts are sent.
#[derive(Clone, Copy, Debug)]
pub struct Submit {
    /// Requests in flight, 1 to 1024.
    pub concurrency: usize,
    /// Longest wait for an answer; shorter than the lease.
    pub timeout: Duration,
    /// A payout still `submitting` after this becomes `unknown`.
    pub lease: Duration,
}

impl Submit {
    /// How long after its claim a request may start: the lease less the time allowed for the answer.
    pub fn send_window(&self) -> Duration {
        self.lease.saturating_sub(self.timeout)
    }
}

/// Where the last committed claim is kept outside the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WitnessFile {
    /// In the state directory that systemd or the user's environment names, if any.
    Auto,
    /// In this file.
    At(PathBuf),
    /// Nowhere.
    Off,
}

/// How often the gateway is queried, and what its answers are worth.
#[derive(Clone, Copy, Debug)]
pub struct Poll {
    /// Pause before the first query.
    pub first_after: Duration,
    /// Longest pause between two queries of one payout.
    pub max_interval: Duration,
    /// A "not found" sooner than this after the last send proves nothing (I10).
    pub quiet_horizon: Duration,
    /// A `FAIL` becomes final after two "not found" answers, the first at least this long after it.
    pub decline_confirm: Duration,
    /// One budget per merchant for all queries, whoever makes them.
    pub queries_per_second: u32,
}

/// How approvers are told that a request waits for a second person.
#[derive(Clone, Debug, Default)]
pub struct Approvals {
    /// A program and its arguments; empty if none is run.
    pub notify_command: Vec<String>,
    /// A file that holds the address of a webhook, which is a secret.
    pub notify_url_file: Option<PathBuf>,
}

/// One merchant at one gateway.
#[derive(Clone, Debug)]
pub struct Merchant {
    /// The gateway's merchant code.
    pub code: String,
    /// The name of a [`payout_gateway::Dialect`] (protocol P15).
    pub dialect: String,
    /// Where the gateway is, without a trailing slash.
    pub base_url: String,
    /// The merchant's RSA private key.
    pub private_key_file: PathBuf,
    /// The platform's public keys; any of them may have signed.
    pub platform_public_key_files: Vec<PathBuf>,
    /// Certificates that TLS trusts beside the machine's own roots, as PEM.
    pub ca_file: Option<PathBuf>,
    /// Where the gateway sends callbacks.
    pub notify_url: Option<String>,
    /// Held for the fee until it is known (fee type 1).
    pub fee_reserve: Rupiah,
    /// Smallest amount.
    pub min_amount: Rupiah,
    /// Largest amount.
    pub max_amount: Rupiah,
    /// Whether the gateway's balance funds the books (`"gateway"`), or only `payout.fund` does (`"books"`).
    pub funded_by_gateway: bool,
    /// Path of submits.
    pub submit_path: String,
    /// Path of queries (configurable, because it is inferred: protocol P14).
    pub query_path: String,
    /// Path of balance requests (configurable, because it is inferred: protocol P18).
    pub balance_path: String,
}

/// Everything that is wrong with a configuration, a sentence each. There is at least one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Faults(Vec<String>);

impl Faults {
    /// The sentences.
    pub fn sentences(&self) -> &[String] {
        &self.0
    }
}

/// Reads and checks a file. Paths in it are relative to its folder; `database_url` overrides `[database] url`.
///
/// # Errors
/// All faults of the file at once, each with its line.
pub fn load(file: &Path, database_url: Option<String>) -> Result<Config, Faults> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Faults(vec![format!("{}: cannot be read: {error}", file.display())]))?;
    let folder = file.parent().unwrap_or(Path::new("."));
    parse(&file.display().to_string(), &text, folder, database_url)
}

/// Like [`load`], from a text. Messages name the file `name`.
///
/// # Errors
/// All faults of the text at once, each with its line.
pub fn parse(
    name: &str,
    text: &str,
    folder: &Path,
    database_url: Option<String>,
) -> Result<Config, Faults> {
    check::check(&section::Page::parse(name, text)?, folder, database_url)
}
