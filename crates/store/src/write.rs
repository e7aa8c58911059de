//! Writes the rows of decisions, each kind in one statement for the whole batch.
//!
//! Rows travel as one JSON parameter, so one row and hundreds of rows use the same statement.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use payout_domain::{
    evidence::Source,
    finding::Columns,
    payout::{Payout, PayoutKey},
};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

/// A row of `payout.evidence`.
#[derive(Serialize)]
pub(super) struct EvidenceRow {
    #[serde(flatten)]
    pub(super) key: PayoutKey,
    pub(super) attempt: i32,
    pub(super) source: &'static str,
    #[serde(flatten)]
    pub(super) finding: Columns,
    /// Whether the database refused what would have followed.
    pub(super) refused: bool,
    /// Lower-case hex; empty if equal findings share one row.
    pub(super) digest: String,
    pub(super) detail: Value,
    /// Lower-case hex of the SHA-256 of the request that this is about, if it is about one.
    pub(super) request_sha256: Option<String>,
    /// How long before the transaction the query was sent, in microseconds; `None` unless this is an answer to a query.
    pub(super) query_sent_ago_us: Option<i64>,
}

/// A row of `payout.history`. It is a move if it has states.
#[derive(Serialize)]
pub(super) struct HistoryRow {
    #[serde(flatten)]
    pub(super) key: PayoutKey,
    pub(super) event: &'static str,
    pub(super) from_state: Option<&'static str>,
    pub(super) to_state: Option<&'static str>,
    pub(super) source: &'static str,
    pub(super) attempt: i32,
    pub(super) detail: Value,
}

/// A row of `payout.ledger`, all in rupiah.
#[derive(Serialize)]
pub(super) struct LedgerRow {
    #[serde(flatten)]
    pub(super) key: PayoutKey,
    pub(super) kind: &'static str,
    pub(super) attempt: i32,
    pub(super) available: i64,
    pub(super) held: i64,
    pub(super) paid_out: i64,
    pub(super) fees: i64,
    /// Whether evidence forces the entry even if the balance does not cover it.
    pub(super) forced: bool,
}

/// The columns of `payout.payouts` that a decision may change, and the state and attempt that it was based on.
#[derive(Serialize)]
pub(super) struct PayoutRow {
    #[serde(flatten)]
    pub(super) key: PayoutKey,
    pub(super) was_state: &'static str,
    pub(super) attempt: i32,
    pub(super) next_attempt: i32,
    pub(super) last_seq: Option<i64>,
    pub(super) state: &'static str,
    pub(super) not_sent: i32,
    pub(super) send_by: Option<DateTime<Utc>>,
    pub(super) held: i64,
    pub(super) fee: Option<i64>,
    pub(super) platform_order_num: Option<String>,
    pub(super) called_back: Option<String>,
    pub(super) failure_reason: Option<String>,
    pub(super) attention_reasons: Vec<&'static str>,
    pub(super) declined_at: Option<DateTime<Utc>>,
    pub(super) proven_ours: bool,
    pub(super) reaffirmed_at: Option<DateTime<Utc>>,
    pub(super) settled_at: Option<DateTime<Utc>>,
    pub(super) queries: u32,
    pub(super) next_query_at: Option<DateTime<Utc>>,
    pub(super) later_look: bool,
    pub(super) due_at: DateTime<Utc>,
}

impl PayoutRow {
    /// The change from `before` to `after`. `last_seq` is the history row of the move, if there is one.
    pub(super) fn of(before: &Payout, after: Payout, last_seq: Option<i64>) -> Self {
        Self {
            key: after.instruction.key,
            was_state: before.state.name(),
            attempt: before.attempt,
            next_attempt: after.attempt,
            send_by: after.send_by,
            last_seq,
            state: after.state.name(),
            not_sent: after.not_sent,
            held: after.held.idr(),
            fee: after.fee.map(payout_domain::money::Rupiah::idr),
            platform_order_num: after.platform_order_num,
            called_back: after.called_back,
            failure_reason: after.failure_reason,
            attention_reasons: after.attention.names(),
            declined_at: after.declined_at,
            proven_ours: after.proven_ours,
            reaffirmed_at: after.reaffirmed_at,
            settled_at: after.settled_at,
            queries: after.queries,
            next_query_at: after.next_query_at,
            later_look: after.later_look,
            due_at: after.due_at,
        }
    }
}

/// Encodes rows as the one parameter of a statement.
pub(super) fn as_json<T: Serialize>(rows: &[T]) -> Result<Value, sqlx::Error> {
    serde_json::to_value(rows).map_err(|error| sqlx::Error::Encode(error.into()))
}

/// Stores evidence. An equal finding is counted on the existing row (I5).
pub(super) async fn insert_or_count_evidence(
    db: &mut PgConnection,
    rows: &[EvidenceRow],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"/* store::insert_or_count_evidence */
        insert into payout.evidence as e (merchant_code, order_num, attempt, source, kind, status, signed, bound, mismatch,
                                          doubt, proves, valid_from, refused, digest, detail, query_sent_at)
        select r.merchant_code, r.order_num, r.attempt, r.source, r.evidence, r.status, r.signed, r.bound, r.mismatch,
               r.doubt, r.proves, r.valid_from, r.refused, decode(r.digest, 'hex'), r.detail,
               now() - interval '1 microsecond' * r.query_sent_ago_us
        from jsonb_to_recordset($1) r (merchant_code text, order_num text, attempt int, source text, evidence text,
                                       status smallint, signed boolean, bound boolean, mismatch text, doubt text,
                                       proves text, valid_from timestamptz, refused boolean, digest text, detail jsonb,
                                       query_sent_ago_us bigint)
        on conflict on constraint equal_evidence_is_counted do update
        -- The same answer, stored again because its commit was not confirmed, is not a second one.
        set (times, last_at) = (select e.times + answer.is_new::int,
                                       case when answer.is_new then clock_timestamp() else e.last_at end
                                from (values (coalesce(excluded.query_sent_at > e.last_at, true))) answer (is_new)),
            detail = excluded.detail, query_sent_at = excluded.query_sent_at"#,
        as_json(rows)?,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Sets the outcome of attempts from their own answer, unless they have one.
pub(super) async fn set_outcome_if_missing(
    db: &mut PgConnection,
    rows: &[EvidenceRow],
) -> Result<(), sqlx::Error> {
    let own: Vec<&EvidenceRow> = rows
        .iter()
        .filter(|row| row.source == Source::Submit.name())
        .collect();
    if own.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"/* store::set_outcome_if_missing */
        update payout.attempts a
        set outcome = r.evidence, outcome_doubt = r.doubt, outcome_at = clock_timestamp()
        from jsonb_to_recordset($1) r (merchant_code text, order_num text, attempt int, evidence text, doubt text,
                                       request_sha256 text)
        -- As in change_if_still.
        cross join lateral (
            select l.ctid as place, l.outcome, l.request_sha256 from payout.attempts l
            where (l.merchant_code, l.order_num, l.attempt) = (r.merchant_code, r.order_num, r.attempt)
            offset 0) l
        where a.ctid = l.place and l.outcome is null and l.request_sha256 = decode(r.request_sha256, 'hex')"#,
        as_json(&own)?,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Appends history. Returns the number (`seq`) of each payout's move.
pub(super) async fn append_history(
    db: &mut PgConnection,
    rows: &[HistoryRow],
) -> Result<HashMap<PayoutKey, i64>, sqlx::Error> {
    if rows.is_empty() {
        return Ok(HashMap::new());
    }
    let appended = sqlx::query!(
        r#"/* store::append_history */
        insert into payout.history (merchant_code, order_num, event, from_state, to_state, source, attempt, detail)
        select r.merchant_code, r.order_num, r.event, r.from_state, r.to_state, r.source, r.attempt, r.detail
        from jsonb_to_recordset($1) r (merchant_code text, order_num text, event text, from_state text, to_state text,
                                       source text, attempt int, detail jsonb)
        returning merchant_code, order_num, to_state, seq"#,
        as_json(rows)?,
    )
    .fetch_all(db)
    .await?;
    let moves = appended.into_iter().filter(|row| row.to_state.is_some());
    Ok(moves
        .map(|row| {
            (
                PayoutKey {
                    merchant_code: row.merchant_code,
                    order_num: row.order_num,
                },
                row.seq,
            )
        })
        .collect())
}

/// Books entries of payouts. A trigger updates the balances, once per merchant (I6).
pub(super) async fn book(db: &mut PgConnection, rows: &[LedgerRow]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        r#"/* store::book */
        insert into payout.ledger (merchant_code, order_num, kind, attempt, available, held, paid_out, fees, forced)
        select r.merchant_code, r.order_num, r.kind, r.attempt, r.available, r.held, r.paid_out, r.fees, r.forced
        from jsonb_to_recordset($1) r (merchant_code text, order_num text, kind text, attempt int, available bigint,
                                       held bigint, paid_out bigint, fees bigint, forced boolean)"#,
        as_json(rows)?,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes decisions, provided that each payout is still in the state and attempt that its decision was based on (I4).
pub(super) async fn change_if_still(
    db: &mut PgConnection,
    rows: &[PayoutRow],
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let changed = sqlx::query!(
        r#"/* store::change_if_still */
        update payout.payouts p
        set state = r.state, state_since = case p.state when r.state then p.state_since else now() end,
            last_seq = coalesce(r.last_seq, p.last_seq), attempt = r.next_attempt,
            not_sent = r.not_sent, send_by = r.send_by, parked = p.parked and r.state = 'queued', held = r.held,
            fee = r.fee, platform_order_num = r.platform_order_num, called_back = r.called_back,
            failure_reason = r.failure_reason,
            attention_reasons = r.attention_reasons, declined_at = r.declined_at, proven_ours = r.proven_ours,
            reaffirmed_at = r.reaffirmed_at, settled_at = r.settled_at, queries = r.queries, next_query_at = r.next_query_at,
            later_look = r.later_look, due_at = r.due_at
        from jsonb_to_recordset($1) r (merchant_code text, order_num text, was_state text, attempt int,
                                       next_attempt int, last_seq bigint, state text, not_sent int,
                                       send_by timestamptz, held bigint, fee bigint, platform_order_num text,
                                       called_back text, failure_reason text, attention_reasons text[], declined_at timestamptz,
                                       proven_ours boolean, reaffirmed_at timestamptz, settled_at timestamptz, queries int,
                                       next_query_at timestamptz, later_look boolean, due_at timestamptz)
        -- One after the other, whatever the planner knows of the table: the rows are locked, so they stay where they are.
        cross join lateral (
            select l.ctid as place, l.state, l.attempt from payout.payouts l
            where (l.merchant_code, l.order_num) = (r.merchant_code, r.order_num)
            offset 0) l
        where p.ctid = l.place and l.state = r.was_state and l.attempt = r.attempt"#,
        as_json(rows)?,
    )
    .execute(db)
    .await?;
    if changed.rows_affected() == u64::try_from(rows.len()).unwrap_or(u64::MAX) {
        Ok(())
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}

/// Limits lock waits in this transaction to 100 ms; beyond that a statement fails with 55P03.
pub(super) async fn wait_briefly_for_locks(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"/* store::wait_briefly_for_locks */
        select set_config('lock_timeout', '100ms', true)"#
    )
    .fetch_one(db)
    .await?;
    Ok(())
}
