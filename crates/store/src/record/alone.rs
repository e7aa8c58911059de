//! Records one piece of evidence alone, after the database refused it together with others: with as much of what
//! follows from it as the database takes.

use std::time::Instant;

use payout_domain::{
    decide::Rules,
    evidence::{Doubt, Evidence},
};
use serde_json::json;
use sqlx::PgPool;

use super::{
    Database, Waiting, evidence_row,
    outcome::{Lock, Outcome},
    transaction,
};
use crate::{is_number_in_use, is_refusal, is_transient, load, refusal_code, write};

/// Why an answer proves nothing whose number another payout has. The unique index tells, which also waits for another
/// worker that is just storing the number.
const NUMBER_IN_USE: &str = "another payout has the gateway's order number";

pub(super) async fn record_alone(
    database: Database<'_>,
    rules: &Rules,
    evidence: &Evidence,
) -> Result<Outcome, sqlx::Error> {
    let mut recorded = transaction(database, rules, &[evidence], Waiting::Briefly).await;
    if recorded.as_ref().is_err_and(is_number_in_use) {
        let mut doubt = evidence.clone();
        doubt.doubt(Doubt::NumberInUse, NUMBER_IN_USE);
        recorded = transaction(database, rules, &[&doubt], Waiting::Briefly).await;
    }
    match recorded {
        Ok(mut one) => Ok(one.pop().unwrap_or(Outcome::UnknownPayout)),
        Err(error) if is_transient(&error) => Ok(Outcome::Locked(Lock::Shared)),
        Err(error) if is_refusal(&error) => {
            match store_evidence_only(database.pool, evidence).await {
                Ok(true) => Ok(Outcome::Refused(error.to_string())),
                Ok(false) => Ok(Outcome::Locked(Lock::Payout)),
                Err(error) if is_transient(&error) => Ok(Outcome::Locked(Lock::Shared)),
                Err(error) if is_refusal(&error) => Ok(Outcome::Unstorable(refusal_code(&error))),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// Stores evidence without what would follow from it: even if the database refused that, it is still evidence. Returns
/// false if the payout is locked.
async fn store_evidence_only(pool: &PgPool, evidence: &Evidence) -> Result<bool, sqlx::Error> {
    let mut evidence = evidence.clone();
    let mut tx = pool.begin().await?;
    write::wait_briefly_for_locks(&mut tx).await?;
    match load::lock_payouts(&mut tx, &[&evidence.key]).await {
        Ok(locked) => {
            let Some(loaded) = locked.get(&evidence.key) else {
                return Ok(false);
            };
            evidence.scrub(&loaded.payout.instruction);
        }
        // Without the payout nobody can tell which words are personal data.
        Err(error) if is_refusal(&error) => evidence.detail = json!({}),
        Err(error) => return Err(error),
    }
    tx.rollback().await?;
    let mut row = evidence_row(
        &evidence,
        evidence.fact.attempt().unwrap_or(0),
        evidence.fact.finding(),
        Instant::now(),
    );
    row.refused = true;
    let mut db = pool.acquire().await?;
    let rows = [row];
    match write::insert_or_count_evidence(&mut db, &rows).await {
        // What it says matters more than the words in which it came.
        Err(error) if is_refusal(&error) => {
            let [mut row] = rows;
            row.detail = json!({});
            write::insert_or_count_evidence(&mut db, &[row]).await?;
        }
        stored => stored?,
    }
    Ok(true)
}
