//! Where the server's time goes: its own counters of statements and functions.

use anyhow::Result;
use sqlx::PgConnection;

use crate::{cases::Case, sql::execute};

/// Settings of a server that counts.
pub(crate) const SETTINGS: &[(&str, &str)] = &[
    ("shared_preload_libraries", "pg_stat_statements"),
    ("pg_stat_statements.track", "top"),
    ("pg_stat_statements.track_planning", "on"),
    ("track_functions", "all"),
];
/// How many lines each list has.
const LINES: i64 = 24;

/// Creates the counters, and sets them to zero.
pub(crate) async fn begin(db: &mut PgConnection) -> Result<()> {
    execute(db, "create extension if not exists pg_stat_statements").await?;
    execute(db, "select pg_stat_statements_reset()").await?;
    execute(db, "select pg_stat_reset()").await
}

/// Prints what took longest, in microseconds per payout of the case.
pub(crate) async fn print(db: &mut PgConnection, case: &Case) -> Result<()> {
    let statements: Vec<(String, i64, f64, Option<f64>)> = sqlx::query_as(
        "select coalesce(substring(query from 'store::[a-z_]+'), left(regexp_replace(query, '\\s+', ' ', 'g'), 48)),
                sum(calls)::bigint, sum(total_exec_time), sum(total_plan_time)
         from pg_stat_statements
         where dbid = (select oid from pg_database where datname = current_database())
         group by 1 order by sum(total_exec_time + total_plan_time) desc limit $1",
    )
    .bind(LINES)
    .fetch_all(&mut *db)
    .await?;
    let functions: Vec<(String, i64, f64, Option<f64>)> = sqlx::query_as(
        "select funcname, sum(calls)::bigint, sum(self_time), null::float8
         from pg_stat_user_functions group by 1 order by 3 desc limit $1",
    )
    .bind(LINES)
    .fetch_all(&mut *db)
    .await?;
    for (what, lines) in [
        ("statement", statements),
        ("function, without callees", functions),
    ] {
        println!(
            "\n{what:50} {:>9} {:>12} {:>12}",
            "calls", "us/payout", "planning"
        );
        for (name, calls, run_ms, planned_ms) in lines {
            let each_us = |ms: f64| format!("{:.1}", ms * 1000.0 / case.payouts as f64);
            let planned_us = planned_ms.map(each_us).unwrap_or_default();
            println!(
                "{name:50} {calls:>9} {:>12} {planned_us:>12}",
                each_us(run_ms)
            );
        }
    }
    Ok(())
}
