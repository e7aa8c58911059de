//! Writes a claim to the database.

use std::collections::HashMap;

use base16ct::lower::encode_string;
use payout_domain::{money::Rupiah, payout::PayoutKey};
use payout_permit::SealedRequest;
use serde::Serialize;
use sqlx::{PgConnection, postgres::types::PgInterval};

use super::{Due, Registered, Terms};
use crate::write::as_json;

/// A due payout that the balance covers.
pub(super) struct Covered {
    pub(super) due: Due,
    /// The new attempt.
    pub(super) attempt: i32,
    /// How much is held for it.
    pub(super) hold: Rupiah,
    pub(super) request: SealedRequest,
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    key: &'a PayoutKey,
    attempt: i32,
    hold: i64,
    request_sha256: String,
    gateway: &'a str,
    last_seq: Option<i64>,
}

fn rows<'a>(
    covered: &'a [Covered],
    merchants: &'a [Registered],
    moves: &HashMap<PayoutKey, i64>,
) -> Vec<Row<'a>> {
    let gateway = |due: &Due| {
        merchants
            .get(due.order)
            .map(|merchant| merchant.gateway.as_str())
    };
    covered
        .iter()
        .map(|covered| Row {
            gateway: gateway(&covered.due).unwrap_or_default(),
            key: &covered.due.instruction.key,
            attempt: covered.attempt,
            hold: covered.hold.idr(),
            request_sha256: encode_string(&covered.request.request_sha256),
            last_seq: moves.get(&covered.due.instruction.key).copied(),
        })
        .collect()
}

pub(super) fn interval(time: std::time::Duration) -> Result<PgInterval, sqlx::Error> {
    // Postgres stores microseconds and refuses anything finer.
    let micros =
        std::time::Duration::from_micros(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
    PgInterval::try_from(micros).map_err(sqlx::Error::Encode)
}

/// Records each new attempt, with the hash of the exact bytes to send and of the gateway that this worker is configured
/// with, which the guard compares with the registered one.
pub(super) async fn insert_attempts(
    db: &mut PgConnection,
    covered: &[Covered],
    merchants: &[Registered],
    terms: &Terms,
) -> Result<(), sqlx::Error> {
    if covered.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"/* store::insert_attempts */
        insert into payout.attempts (merchant_code, order_num, attempt, claimed_at, send_by, lease_until, quiet_until,
                                     worker, address, request_sha256, gateway)
        select r.merchant_code, r.order_num, r.attempt, now(), now() + $2::interval, now() + $3::interval,
               now() + $2::interval + $5::interval, $4, $6, decode(r.request_sha256, 'hex'),
               decode(r.gateway, 'hex')
        from jsonb_to_recordset($1) r (merchant_code text, order_num text, attempt int, request_sha256 text, gateway text)"#,
        as_json(&rows(covered, merchants, &HashMap::new()))?,
        interval(terms.send_window)?,
        interval(terms.lease)?,
        terms.worker,
        interval(terms.quiet_horizon)?,
        terms.address.to_string(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Moves the payouts that are still queued at the attempt that was read.
pub(super) async fn submitting_if_still_queued(
    db: &mut PgConnection,
    covered: &[Covered],
    moves: &HashMap<PayoutKey, i64>,
    terms: &Terms,
) -> Result<(), sqlx::Error> {
    if covered.is_empty() {
        return Ok(());
    }
    let updated = sqlx::query!(
        r#"/* store::submitting_if_still_queued */
        update payout.payouts p
        set state = 'submitting', state_since = now(), last_seq = r.last_seq, attempt = r.attempt,
            sends = p.sends + 1, held = r.hold, send_by = now() + $2::interval, lease_until = now() + $3::interval, queries = 0, next_query_at = null
        from jsonb_to_recordset($1) r (merchant_code text, order_num text, attempt int, hold bigint, last_seq bigint)
        -- One after the other, whatever the planner knows of the table: the rows are locked, so they stay where they are.
        cross join lateral (
            select l.ctid as place, l.state, l.attempt from payout.payouts l
            where (l.merchant_code, l.order_num) = (r.merchant_code, r.order_num)
            offset 0) l
        where p.ctid = l.place and l.state = 'queued' and l.attempt = r.attempt - 1"#,
        as_json(&rows(covered, &[], moves))?,
        interval(terms.send_window)?,
        interval(terms.lease)?,
    )
    .execute(db)
    .await?;
    if updated.rows_affected() == u64::try_from(covered.len()).unwrap_or(u64::MAX) {
        Ok(())
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}

/// Takes uncovered payouts out of the claim index and raises their attention.
pub(super) async fn park(
    db: &mut PgConnection,
    uncovered: &[&PayoutKey],
) -> Result<(), sqlx::Error> {
    if uncovered.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"/* store::park */
        update payout.payouts p
        set parked = true, attention_reasons = p.attention_reasons || '{insufficient_funds}'
        from jsonb_to_recordset($1) r (merchant_code text, order_num text)
        -- One after the other, whatever the planner knows of the table: the rows are locked, so they stay where they are.
        cross join lateral (
            select l.ctid as place, l.state from payout.payouts l
            where (l.merchant_code, l.order_num) = (r.merchant_code, r.order_num)
            offset 0) l
        where p.ctid = l.place and l.state = 'queued'"#,
        as_json(uncovered)?,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes payouts whose request could not be signed due again in a minute, so they do not block the others.
pub(super) async fn put_off(
    db: &mut PgConnection,
    unsealed: &[&PayoutKey],
) -> Result<(), sqlx::Error> {
    if unsealed.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"/* store::put_off */
        update payout.payouts p
        set due_at = now() + interval '1 minute'
        from jsonb_to_recordset($1) r (merchant_code text, order_num text)
        -- One after the other, whatever the planner knows of the table: the rows are locked, so they stay where they are.
        cross join lateral (
            select l.ctid as place, l.state from payout.payouts l
            where (l.merchant_code, l.order_num) = (r.merchant_code, r.order_num)
            offset 0) l
        where p.ctid = l.place and l.state = 'queued'"#,
        as_json(unsealed)?,
    )
    .execute(db)
    .await?;
    Ok(())
}
