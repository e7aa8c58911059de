//! What an up-to-date schema must still have: its grants, its guards, no failover that waits, no forgotten pause.

use chrono::{TimeDelta, Utc};
use payout_domain::stop::{StopReason, meaning, opened_by};
use payout_store::{
    doctor,
    schema::objects::{self, Differences},
    workers,
};
use sqlx::PgPool;

use super::{Check, Subject};
use crate::cli::words;

/// A transaction of this length is nothing special.
const EVENTS_LATE: TimeDelta = TimeDelta::seconds(60);

pub(crate) async fn check(pool: &PgPool) -> Result<Vec<Check>, sqlx::Error> {
    let mut checks = Vec::new();
    checks.extend(made(&objects::differences(pool).await?));
    checks.push(match doctor::failover_since(pool).await? {
        None => Subject("failover").ok("no failover or restore since the last claim"),
        Some(at) => Subject("failover").fail(
            format!(
                "claims stopped at {} WIB: a failover or a restore was detected",
                words::time(at)
            ),
            "once the old primary is certainly dead: payout failover accept --old-primary-dead-since TIME \
             --reason ...; another operator approves it with payout approve",
        ),
    });
    checks.push(clock_jumps(pool).await?);
    checks.push(events(pool).await?);
    let (pauses, since) = doctor::pauses_since(pool).await?;
    checks.push(match since {
        None => Subject("pauses").ok("nothing is paused"),
        Some(since) => Subject("pauses").warn(
            format!(
                "{pauses} in force, the oldest since {} WIB",
                words::time(since)
            ),
            "payout pauses; payout resume",
        ),
    });
    Ok(checks)
}

/// What the migrations made and is gone, and what somebody added that can change what the worker writes.
fn made(differences: &Differences) -> Vec<Check> {
    let lacks = |subject: &'static str, kinds: &[&str], fine: &str, repair: &str| {
        let missing = differences.missing_of(kinds);
        if missing.is_empty() {
            Subject(subject).ok(fine)
        } else {
            Subject(subject).fail(format!("the schema lacks: {}", shortened(&missing)), repair)
        }
    };
    vec![
        lacks(
            "grants",
            &["grant"],
            "the five roles have what the migrations granted",
            "as the schema's owner, grant it again as in migrations/*_roles.sql",
        ),
        lacks(
            "guards",
            &["trigger", "constraint", "function"],
            "every guard of the schema is there and on",
            "stop the workers; restore what is missing (docs/schema.sql), or alter table payout.TABLE enable trigger \
             TRIGGER; find out who changed it and what was written since",
        ),
        lacks(
            "tables",
            &["table", "column", "view", "index"],
            "every table, column and index is there",
            "stop the workers and restore what is missing (docs/schema.sql); a table that is not logged is empty after \
             a crash: alter table payout.TABLE set logged",
        ),
        match differences.foreign.as_slice() {
            [] => Subject("additions").ok("no trigger or rule on our tables but our own"),
            foreign => Subject("additions").warn(
                foreign.join("; "),
                "it can swallow or change what the worker writes: keep it to AFTER triggers that never fail, on tables \
                 of your own if possible",
            ),
        },
    ]
}

/// The first five, and how many more.
fn shortened(missing: &[&str]) -> String {
    const SHOWN: usize = 5;
    let shown = missing.get(..SHOWN).unwrap_or(missing).join("; ");
    match missing.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

/// Whether payouts are sent, by merchant. A pause has a line of its own.
pub(crate) async fn claims(pool: &PgPool) -> Result<Vec<Check>, sqlx::Error> {
    let mut db = pool.acquire().await?;
    let stopped = workers::claims(&mut db, None).await?;
    let checks = stopped.iter().filter_map(|claims| {
        let subject = Subject("claims");
        let code = &claims.merchant_code;
        let stopped_by = match claims.stopped_by.as_deref() {
            None => {
                let workers = match claims.workers {
                    1 => "1 worker sends".to_owned(),
                    count => format!("{count} workers send"),
                };
                return Some(subject.ok(format!("{workers} for {code}")));
            }
            Some("failover" | "paused") => return None,
            Some(stopped_by) => stopped_by,
        };
        let found = format!("nothing is sent for {code}: {}", meaning(stopped_by));
        let repair = opened_by(stopped_by);
        // Before the first worker, and while one proves the keys, nothing is wrong yet.
        let is_beginning = claims.since.is_none() || stopped_by == StopReason::Keys.name();
        Some(if is_beginning {
            subject.warn(found, repair)
        } else {
            subject.fail(found, repair)
        })
    });
    Ok(checks.collect())
}

/// Readers of the history wait for the oldest transaction of the server.
async fn events(pool: &PgPool) -> Result<Check, sqlx::Error> {
    let subject = Subject("events");
    let (since, pid) = doctor::events_hidden_since(pool).await?;
    Ok(match since {
        Some(since) if Utc::now().signed_duration_since(since) > EVENTS_LATE => subject.warn(
            format!(
                "payout.events shows nothing after {} WIB: an old transaction holds it back{}",
                words::time(since),
                pid.map_or(String::new(), |pid| format!(" (process {pid})"))
            ),
            "end that transaction; see PayoutReadersBehind in the runbook",
        ),
        _ => subject.ok("payout.events shows what has happened"),
    })
}

async fn clock_jumps(pool: &PgPool) -> Result<Check, sqlx::Error> {
    let subject = Subject("clock jumps");
    Ok(match doctor::horizons_restarted_until(pool).await? {
        None => subject.ok("no jump restarts the quiet horizons now"),
        Some(until) => subject.warn(
            format!(
                "the server's clock jumped, or no worker watched it: \"not found\" counts again from {} WIB",
                words::time(until)
            ),
            "repair the time service of the database server; see PayoutClockJumps in the runbook",
        ),
    })
}
