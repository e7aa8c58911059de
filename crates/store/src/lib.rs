//! All SQL: one named function per statement, with every guard in its `where` clause.
//!
//! There is no trait in front of it: the guarantees come from the database's constraints, which a fake would not have.

// Only tests may panic; without `cfg(test)` the lints still apply.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::unwrap_used
    )
)]

pub mod act;
pub mod addresses;
pub mod balances;
pub mod books;
pub mod callbacks;
pub mod claim;
pub mod clock;
pub mod console;
pub mod decisions;
pub mod doctor;
pub mod expired_leases;
pub mod failover;
pub mod find;
pub mod fitness;
pub mod funding;
mod load;
pub mod moment;
pub mod notices;
pub mod operator;
pub mod overview;
pub mod queries;
pub mod recent;
pub mod record;
pub mod registration;
pub mod report;
pub mod requests;
pub mod schema;
pub mod snapshot;
pub mod wake;
pub mod workers;
mod write;

use std::{borrow::Cow, str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions, Connection, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::addresses::{Address, AddressError, Reach};

/// Maximum wait for a connection. Short, because every caller retries.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(5);

/// Merchants whose locks were not released that may wait for them at a time, in each pool.
const LOCKED_AT_ONCE: usize = 2;

/// A worker reads a few rows of perhaps millions, by their keys. A plan that was made while a table was empty or small, or
/// with statistics from then, would read all of it, and is kept until somebody analyzes the table.
const BY_INDEX: [(&str, &str); 4] = [
    ("enable_seqscan", "off"),
    // A batch of payouts would be joined with all there are.
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_material", "off"),
];

/// What is claimed and queried next is read in the order of an index, for the same reason.
const IN_ORDER: [(&str, &str); 2] = [("enable_bitmapscan", "off"), ("enable_sort", "off")];

/// A worker runs the same few statements again and again, and planning most of them takes longer than running them. Each is
/// planned once per connection; `tests/it/plans.rs` bounds what such a plan may read.
const PLANNED_ONCE: [(&str, &str); 1] = [("plan_cache_mode", "force_generic_plan")];

/// The worker's connections. The pools are separate, so a stuck claim never keeps evidence from being stored.
#[derive(Clone, Debug)]
pub struct Store {
    /// For claims and due queries; 4 connections.
    pub claims: PgPool,
    /// For evidence, callbacks and reports; 8 connections.
    pub results: PgPool,
    /// Turns of merchants whose locks were not released, at `claims` and at `results`. However many merchants are
    /// locked, the other connections are free.
    claim_turns: Arc<Semaphore>,
    result_turns: Arc<Semaphore>,
    /// What this process expects of the database's clock.
    pub clock: Arc<clock::Clock>,
    /// Whether the database is reached by a registered address. Both pools refuse any other.
    pub reach: Reach,
}

/// Connections of one worker: both pools, the one that looks where they lead, and the one that listens.
pub const CONNECTIONS: i32 = 14;

/// The right of a merchant whose locks were not released to use a connection.
pub type Turn = Option<OwnedSemaphorePermit>;

impl Store {
    /// The connections to this URL. Nothing is connected yet.
    ///
    /// # Errors
    /// If the URL does not say by which address it reaches the database.
    pub fn at(url: &str) -> Result<Self, AddressError> {
        let lazily = |name, options: PgConnectOptions, pool: PgPoolOptions| {
            pool.connect_lazy_with(options.application_name(name))
        };
        let options = options(url)?.options(PLANNED_ONCE).options(BY_INDEX);
        let look = lazily("payout look", options.clone(), bounded(1));
        let reach = Reach::new(Address::of_url(url)?, look);
        let in_order = options.clone().options(IN_ORDER);
        Ok(Self {
            claims: lazily("payout claims", in_order, reach.guard(bounded(4))),
            results: lazily("payout results", options, reach.guard(bounded(8))),
            claim_turns: Arc::new(Semaphore::new(LOCKED_AT_ONCE)),
            result_turns: Arc::new(Semaphore::new(LOCKED_AT_ONCE)),
            clock: Arc::default(),
            reach,
        })
    }

    /// Waits until a merchant whose locks were not released may try a claim again.
    pub async fn claim_turn(&self) -> Turn {
        // The semaphore is never closed.
        Arc::clone(&self.claim_turns).acquire_owned().await.ok()
    }

    /// Waits until a merchant whose locks were not released may try to store evidence again.
    pub async fn result_turn(&self) -> Turn {
        Arc::clone(&self.result_turns).acquire_owned().await.ok()
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.claims.close().await;
        self.results.close().await;
        self.reach.unchecked().close().await;
    }
}

/// Opens a pool, after one connection of its own: a pool repeats what fails, and in the end says only that it had no time.
pub async fn connect(url: &str, name: &str, connections: u32) -> Result<PgPool, sqlx::Error> {
    let options = options(url)?.application_name(name);
    try_once(&options).await?;
    bounded(connections).connect_with(options).await
}

/// Whether the database of this URL can be connected to, and if not, what the server or the system says.
pub async fn reachable(url: &str) -> Result<(), sqlx::Error> {
    try_once(&options(url)?.application_name("payout look")).await
}

async fn try_once(options: &PgConnectOptions) -> Result<(), sqlx::Error> {
    let connected = tokio::time::timeout(ACQUIRE_WITHIN, options.connect()).await;
    let no_answer = |_| sqlx::Error::Io(std::io::ErrorKind::TimedOut.into());
    connected.map_err(no_answer)??.close().await
}

/// Every statement on such a connection is bounded in time and ignores the role's `search_path`.
fn options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    Ok(PgConnectOptions::from_str(url)?.options([
        ("search_path", "pg_catalog"),
        // A table whose rows a policy hides is an error, not an empty table.
        ("row_security", "off"),
        ("statement_timeout", "20s"),
        // Short, because the connection is missing to other merchants meanwhile. Every caller retries.
        ("lock_timeout", "250ms"),
        ("idle_in_transaction_session_timeout", "30s"),
        ("timezone", "UTC"),
        // A statement of a millisecond whose cost is overestimated would be compiled for most of a second.
        ("jit", "off"),
    ]))
}

fn bounded(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_WITHIN)
        // Settings of a role or a database reach new connections only, and so does the end of a read-only time.
        .max_lifetime(Duration::from_mins(5))
}

/// Makes the database's messages on this connection show times in Jakarta (WIB, UTC+7) from now on. The server needs no
/// time zone table.
///
/// A separate statement, because the driver itself sets UTC when it connects.
pub async fn say_times_in_wib(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("set /* store::say_times_in_wib */ timezone = '<WIB>-07'")
        .execute(db)
        .await?;
    Ok(())
}

/// Lets the server end a statement that waits for a lock as soon as its client is gone, as after Ctrl-C: what a person gave
/// up must not happen later. A server that cannot tell, such as one on Windows, refuses the setting and goes on.
pub async fn end_with_the_client(db: &mut PgConnection) {
    let set = sqlx::query!(
        "set /* store::end_with_the_client */ client_connection_check_interval = '500ms'"
    );
    set.execute(db).await.ok();
}

/// The SQLSTATE, if the server answered at all.
fn sqlstate(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}

/// Whether the same transaction can simply be retried: deadlock, serialization failure or lock timeout.
fn is_transient(error: &sqlx::Error) -> bool {
    matches!(
        sqlstate(error).as_deref(),
        Some("40P01" | "40001" | "55P03")
    )
}

/// Whether a lock was not released in time.
pub fn is_locked(error: &sqlx::Error) -> bool {
    sqlstate(error).as_deref() == Some("55P03")
}

/// Whether another payout of the merchant already has the gateway's number for an order.
fn is_number_in_use(error: &sqlx::Error) -> bool {
    let constraint = error.as_database_error().and_then(|e| e.constraint());
    constraint == Some("platform_order_num_is_used_once")
}

/// The classes of SQLSTATE that say something about the server or the session, and nothing about the data: 08 connection,
/// 0A features (a plan that a migration made void), 25 transaction state (read-only), 26 a statement that a pooler lost,
/// 28 login, 3D database, 40 rollback, 53 resources, 55 locks, 57 shutdown and cancel, 58 system, F0 configuration,
/// XX internal errors.
const OF_THE_SERVER: [&str; 13] = [
    "08", "0A", "25", "26", "28", "3D", "40", "53", "55", "57", "58", "F0", "XX",
];

/// Whether the database refused the data, rather than being unavailable. A trigger, a policy or an extension that is not
/// ours may refuse with any code, so every class that is not here counts.
pub fn is_refusal(error: &sqlx::Error) -> bool {
    let Some(code) = sqlstate(error) else {
        return matches!(
            error,
            sqlx::Error::ColumnDecode { .. }
                | sqlx::Error::Decode(_)
                | sqlx::Error::Encode(_)
                | sqlx::Error::RowNotFound
        );
    };
    !OF_THE_SERVER.iter().any(|class| code.starts_with(class))
}

/// Why the database refused data, without any of it: the message and its detail may print a row.
pub fn refusal_code(error: &sqlx::Error) -> String {
    let Some(refusal) = error.as_database_error() else {
        return "unreadable".to_owned();
    };
    let code = refusal.code().unwrap_or_default();
    match refusal.constraint() {
        Some(constraint) => format!("{code} {constraint}"),
        None => code.into_owned(),
    }
}
