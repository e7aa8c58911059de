//! What claims take, by the server's own count.

use anyhow::Result;
use sqlx::PgConnection;

use crate::{cases::Case, sql::execute};

/// Settings of a server that counts statements, and no functions.
pub(crate) const SETTINGS: &[(&str, &str)] = &[
    ("shared_preload_libraries", "pg_stat_statements"),
    ("pg_stat_statements.track", "top"),
];

/// Begins to count, if the case wants it.
pub(crate) async fn begin(db: &mut PgConnection, case: &Case) -> Result<()> {
    if case.times_claims() {
        execute(db, "create extension if not exists pg_stat_statements").await?;
        execute(db, "select pg_stat_statements_reset()").await?;
    }
    Ok(())
}

/// How long the server looked for due payouts since then, in microseconds per payout.
pub(crate) async fn us_per_payout(
    db: &mut PgConnection,
    case: &Case,
    payouts: usize,
) -> Result<Option<f64>> {
    if !case.times_claims() {
        return Ok(None);
    }
    let total_ms: f64 = sqlx::query_scalar(
        "select coalesce(sum(total_exec_time), 0) from pg_stat_statements where query like '%store::lock_due%'",
    )
    .fetch_one(db)
    .await?;
    Ok(Some(total_ms * 1_000.0 / payouts as f64))
}
