//! All SQL. One named function per statement; each guard stands in the WHERE.
//!
//! Not behind a trait: the guarantees live in the database's constraints, and a fake would not have them.

pub mod act;
pub mod balances;
pub mod callbacks;
pub mod claim;
pub mod decisions;
pub mod doctor;
pub mod expired_leases;
pub mod failover;
pub mod find;
pub mod fitness;
pub mod funding;
mod load;
pub mod operator;
pub mod queries;
pub mod record;
pub mod report;
pub mod requests;
pub mod schema;
pub mod snapshot;
pub mod wake;
mod write;

use std::{borrow::Cow, str::FromStr, time::Duration};

use sqlx::{
    PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

/// Longest wait for a connection. Short, because every caller tries again.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(5);

/// The worker's connections. Separate pools, so that a stuck claim never starves the writing of what is known.
#[derive(Clone, Debug)]
pub struct Store {
    /// For claims and questions.
    pub claims: PgPool,
    /// For evidence, callbacks and everything that reports.
    pub results: PgPool,
}

impl Store {
    /// Opens both pools; waits for the first connection of each.
    pub async fn connect(url: &str) -> Result<Self, sqlx::Error> {
        let claims = connect(url, "payout claims", 4).await?;
        let results = connect(url, "payout results", 8).await?;
        Ok(Self { claims, results })
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.claims.close().await;
        self.results.close().await;
    }
}

/// A pool whose every statement is bounded in time and cannot be led astray by a caller's schema.
pub async fn connect(url: &str, name: &str, connections: u32) -> Result<PgPool, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?
        .application_name(name)
        .options([
            ("search_path", "pg_catalog"),
            ("statement_timeout", "20s"),
            ("lock_timeout", "3s"),
            ("idle_in_transaction_session_timeout", "30s"),
            ("timezone", "UTC"),
        ]);
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_WITHIN)
        .connect_with(options)
        .await
}

/// From here on the database's refusals name times as people in Jakarta do. Needs no table of time zones.
///
/// A statement, as the driver itself asks for UTC when it connects.
pub async fn say_times_in_wib(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("set /* store::say_times_in_wib */ timezone = '<WIB>-07'")
        .execute(db)
        .await?;
    Ok(())
}

/// What the server answered with, where it answered at all.
fn sqlstate(error: &sqlx::Error) -> Option<Cow<'_, str>> {
    error.as_database_error()?.code()
}

/// Whether the same transaction may simply be tried again: deadlock, serialization failure, lock timeout.
fn is_transient(error: &sqlx::Error) -> bool {
    matches!(
        sqlstate(error).as_deref(),
        Some("40P01" | "40001" | "55P03")
    )
}

/// Whether somebody else's lock was in the way.
fn is_locked(error: &sqlx::Error) -> bool {
    sqlstate(error).as_deref() == Some("55P03")
}

/// Whether the database refused what was written, as opposed to not being there.
fn is_refusal(error: &sqlx::Error) -> bool {
    let Some(code) = sqlstate(error) else {
        return matches!(
            error,
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::RowNotFound
        );
    };
    // Data, constraint and our own refusals; everything else (57 shutdown, 53 resources, 08 connection) passes.
    ["22", "23", "42", "PW"]
        .iter()
        .any(|class| code.starts_with(class))
}
