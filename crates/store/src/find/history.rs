//! One payout in full: its details and everything that was recorded about it.

use chrono::{DateTime, Utc};
use payout_domain::payout::PayoutKey;
use serde_json::Value;
use sqlx::PgConnection;

/// The details that `payout.status` leaves out, with the beneficiary masked.
#[derive(Clone, Debug, Default)]
pub struct Detail {
    /// The bank's name, or its code if the name is unknown.
    pub bank_name: String,
    /// `****5678`
    pub account_number: String,
    /// `S*** R***`
    pub account_name: String,
    /// The failed payout that this one pays again.
    pub replaces: Option<String>,
    /// The login that inserted it.
    pub created_by: String,
    /// Claims committed.
    pub sends: i32,
    /// Committed claims that provably sent nothing.
    pub not_sent: i32,
    /// When the lease expires and `submitting` becomes `unknown`.
    pub lease_until: Option<DateTime<Utc>>,
    /// The amount held for it, in rupiah.
    pub held: i64,
    /// Queries since the last send.
    pub queries: i32,
    /// When its status is queried next; `None` for never.
    pub next_query_at: Option<DateTime<Utc>>,
    /// When a queued payout may be sent.
    pub due_at: DateTime<Utc>,
    /// Since when it could be sent: since it was inserted, or since its `not_before`.
    pub open_since: DateTime<Utc>,
    /// Whether it is waiting for funds.
    pub parked: bool,
    /// When the gateway declined it, if that may become a refusal.
    pub declined_at: Option<DateTime<Utc>>,
    /// The people who stated its end; `None` if the gateway's evidence alone settled it.
    pub stated_by: Option<String>,
    /// The evidence that they gave.
    pub stated_on: Option<String>,
    /// Whether its end rests on their word alone.
    pub rests_on_statement: bool,
    /// When the gateway confirmed what they had stated.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Of a queued replacement: why it may not pay that debt again now.
    pub why_not_again: Option<String>,
}

/// Reads the details of one payout.
pub async fn detail(db: &mut PgConnection, key: &PayoutKey) -> Result<Detail, sqlx::Error> {
    sqlx::query_as!(
        Detail,
        r#"/* store::detail */
        select m.bank_name as "bank_name!", m.account_number as "account_number!", m.account_name as "account_name!",
               m.replaces, m.created_by as "created_by!", m.sends as "sends!", m.not_sent as "not_sent!", m.lease_until,
               m.held as "held!", m.queries as "queries!", m.next_query_at, m.due_at as "due_at!", m.parked as "parked!",
               greatest(m.created_at, m.not_before) as "open_since!",
               m.declined_at, m.rests_on_statement as "rests_on_statement!", s.stated_by, s.stated_on,
               (select h.at from payout.history h
                where (h.merchant_code, h.order_num) = (m.merchant_code, m.order_num)
                  and h.event = 'statement_confirmed' and s.stated_by is not null
                order by h.seq desc limit 1) as confirmed_at,
               case when m.state = 'queued' and m.replaces is not null then
                   (payout.may_pay_again(m.merchant_code, m.replaces, m.created_at)).why_not
               end as why_not_again
        from payout.masked m
        left join lateral (
            select case when h.event like 'resolved%'
                        then concat_ws(' and ', h.detail ->> 'by', nullif(h.detail ->> 'approved_by', h.detail ->> 'by'))
                   end as stated_by,
                   h.detail ->> 'evidence' as stated_on
            from payout.history h
            where (h.merchant_code, h.order_num) = (m.merchant_code, m.order_num) and h.to_state is not null
            order by h.seq desc limit 1
        ) s on true
        where m.merchant_code = $1 and m.order_num = $2"#,
        key.merchant_code,
        key.order_num,
    )
    .fetch_one(db)
    .await
}

/// One row of `payout.history`.
#[derive(Clone, Debug)]
pub struct Happened {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The event, a fact in the past tense.
    pub event: String,
    /// The state it led to, if it was a move.
    pub to_state: Option<String>,
    /// Where it came from: `sql`, `submit`, `query`, `callback`, `worker` or `operator`.
    pub source: String,
    /// The login that wrote it.
    pub actor: String,
    /// Of what a request led to: the login that requested it.
    pub requested_by: Option<String>,
    /// Of the same: the login that approved it.
    pub approved_by: Option<String>,
    /// The attempt it belongs to.
    pub attempt: Option<i32>,
    /// The redacted message.
    pub detail: Value,
}

/// The history of a payout, in order.
pub async fn history(db: &mut PgConnection, key: &PayoutKey) -> Result<Vec<Happened>, sqlx::Error> {
    sqlx::query_as!(
        Happened,
        r#"/* store::history */
        select h.at as "at!", h.event as "event!", h.to_state, h.source as "source!", h.actor as "actor!", h.attempt,
               h.detail as "detail!",
               coalesce(r.requested_by, p.requested_by) as requested_by, coalesce(r.decided_by, p.approved_by) as approved_by
        from payout.history h
        -- Only of an act: what the gateway says may have any name in it.
        cross join lateral (
            select case when h.source = 'operator' then h.detail ->> 'by' end as requested_by,
                   case when h.source = 'operator' then h.detail ->> 'approved_by' end as approved_by) p
        -- A withdrawal that two people agreed on has in its row the second one alone.
        left join lateral (
            select q.requested_by, q.decided_by
            from payout.request_payouts i
            join payout.requests q on q.id = i.request_id
            where h.event = 'withdrawn' and i.merchant_code = h.merchant_code and i.order_num = h.order_num
              and q.kind = 'cancel' and i.outcome = 'done'
            order by q.id desc
            limit 1) r on true
        where h.merchant_code = $1 and h.order_num = $2
        order by h.seq"#,
        key.merchant_code,
        key.order_num,
    )
    .fetch_all(db)
    .await
}

/// One row of `payout.evidence`. Equal findings are counted on one row.
#[derive(Clone, Debug)]
pub struct Received {
    /// When it was first received.
    pub first_at: DateTime<Utc>,
    /// When it was last received.
    pub last_at: DateTime<Utc>,
    /// How many times it was received.
    pub times: i32,
    /// `submit`, `query`, `callback`, `worker` or `operator`.
    pub source: String,
    /// The kind of evidence, as in `payout.evidence.kind`.
    pub kind: String,
    /// The gateway's number for the status.
    pub status: Option<i16>,
    /// Whether an answer to a query was signed.
    pub signed: Option<bool>,
    /// Whether every field of a callback matches the payout.
    pub bound: Option<bool>,
    /// The first field of a callback that does not match.
    pub mismatch: Option<String>,
    /// Why an answer proves nothing.
    pub doubt: Option<String>,
    /// What "not found" proves.
    pub proves: Option<String>,
    /// Whether the database refused the change that it would have led to.
    pub refused: bool,
    /// The latest redacted message.
    pub detail: Value,
}

/// The evidence about a payout, ordered by when it was first received.
pub async fn evidence(
    db: &mut PgConnection,
    key: &PayoutKey,
) -> Result<Vec<Received>, sqlx::Error> {
    sqlx::query_as!(
        Received,
        r#"/* store::evidence */
        select e.first_at, e.last_at, e.times, e.source, e.kind, e.status, e.signed, e.bound, e.mismatch, e.doubt, e.proves,
               e.refused, e.detail
        from payout.evidence e
        where e.merchant_code = $1 and e.order_num = $2
        order by e.first_at, e.id"#,
        key.merchant_code,
        key.order_num,
    )
    .fetch_all(db)
    .await
}

/// One row of `payout.attempts`: one right to send.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Its number, never reused.
    pub attempt: i32,
    /// When the intent to send was committed.
    pub claimed_at: DateTime<Utc>,
    /// The last moment at which sending could begin.
    pub send_by: DateTime<Utc>,
    /// The name of the worker that claimed it.
    pub worker: String,
    /// SHA-256 of the request's body in lower-case hex.
    pub request_sha256: String,
    /// The kind of evidence that its own answer is.
    pub outcome: Option<String>,
    /// Why that answer proves nothing.
    pub outcome_doubt: Option<String>,
    /// When the answer came.
    pub outcome_at: Option<DateTime<Utc>>,
}

/// The attempts of a payout, in order.
pub async fn attempts(db: &mut PgConnection, key: &PayoutKey) -> Result<Vec<Attempt>, sqlx::Error> {
    sqlx::query_as!(
        Attempt,
        r#"/* store::attempts */
        select a.attempt, a.claimed_at, a.send_by, a.worker, encode(a.request_sha256, 'hex') as "request_sha256!", a.outcome,
               a.outcome_doubt, a.outcome_at
        from payout.attempts a
        where a.merchant_code = $1 and a.order_num = $2
        order by a.attempt"#,
        key.merchant_code,
        key.order_num,
    )
    .fetch_all(db)
    .await
}
