//! What still holds a payout back: pauses, a request that names it, and a payout that keeps funds free for itself.

use chrono::{DateTime, Utc};
use payout_domain::payout::PayoutKey;
use sqlx::PgConnection;

/// A pause that covers a payout.
#[derive(Clone, Debug)]
pub struct PausedBy {
    /// `all`, `merchant` or `bank`.
    pub scope: String,
    /// The merchant's or the bank's code.
    pub value: String,
    /// Why.
    pub reason: String,
    /// Who paused it.
    pub actor: String,
    /// When it began.
    pub since: DateTime<Utc>,
    /// It ends at a time of each day.
    pub is_daily: bool,
}

/// The pauses that hold this payout back while it is queued, oldest first. All of them must end before it is sent.
pub async fn pauses_over(
    db: &mut PgConnection,
    key: &PayoutKey,
) -> Result<Vec<PausedBy>, sqlx::Error> {
    sqlx::query_as!(
        PausedBy,
        r#"/* store::pauses_over */
        select z.scope as "scope!", z.value as "value!", z.reason as "reason!", z.actor as "actor!",
               z.since as "since!", z.is_daily as "is_daily!"
        from payout.masked m
        join payout.pauses z on (z.scope, z.value) in (('all', ''), ('merchant', m.merchant_code), ('bank', m.bank_code))
        where m.merchant_code = $1 and m.order_num = $2
        order by z.since, z.scope"#,
        key.merchant_code,
        key.order_num,
    )
    .fetch_all(db)
    .await
}

/// The codes of the banks that are paused now.
pub async fn paused_banks(db: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::paused_banks */
        select z.value as "value!" from payout.pauses z where z.scope = 'bank' group by z.value order by z.value"#,
    )
    .fetch_all(db)
    .await
}

/// The payout that keeps funds of its merchant free for itself.
#[derive(Clone, Debug)]
pub struct Reservation {
    /// Its number.
    pub order_num: String,
    /// How much it needs, in rupiah.
    pub hold: i64,
    /// Until when it keeps funds free.
    pub until: DateTime<Utc>,
}

/// The reservation of this payout's merchant, if there is one. The merchant's other payouts wait behind it.
pub async fn reservation(
    db: &mut PgConnection,
    key: &PayoutKey,
) -> Result<Option<Reservation>, sqlx::Error> {
    sqlx::query_as!(
        Reservation,
        r#"/* store::reservation */
        select r.order_num as "order_num!", r.hold as "hold!", r.until as "until!"
        from payout.reservation($1) r
        where r.order_num is not null"#,
        key.merchant_code,
    )
    .fetch_optional(db)
    .await
}

/// A request by an operator that is not carried out, refused, rejected or expired.
#[derive(Clone, Debug)]
pub struct OpenRequest {
    /// Its number.
    pub request_id: i64,
    /// The act: a name of `payout.act`.
    pub kind: String,
    /// Who requested it.
    pub requested_by: String,
    /// Until when it can be approved and carried out.
    pub expires_at: DateTime<Utc>,
    /// Whether a second person approved it. Then a worker carries it out.
    pub approved: bool,
    /// Whether the current login requested it. Then somebody else must approve it.
    pub yours: bool,
}

/// The open request that names this payout; there is at most one.
pub async fn open_request(
    db: &mut PgConnection,
    key: &PayoutKey,
) -> Result<Option<OpenRequest>, sqlx::Error> {
    sqlx::query_as!(
        OpenRequest,
        r#"/* store::open_request */
        select r.id as request_id, r.kind, r.requested_by, r.expires_at, r.decision is not null as "approved!",
               (r.requested_by_oid = payout.login_oid() or r.requested_by = session_user) as "yours!"
        from payout.request_payouts i
        join payout.requests r on r.id = i.request_id
        where i.merchant_code = $1 and i.order_num = $2 and i.outcome is null
          and (r.decision = 'approved' or (r.decision is null and r.expires_at > now()))
        order by r.id desc
        limit 1"#,
        key.merchant_code,
        key.order_num,
    )
    .fetch_optional(db)
    .await
}

/// An open request that names a payout.
#[derive(Clone, Debug)]
pub struct RequestOver {
    /// The payout.
    pub merchant_code: String,
    /// Its order number.
    pub order_num: String,
    /// The request's number.
    pub request_id: i64,
}

/// The open requests that name any of these payouts.
pub async fn requests_over(
    db: &mut PgConnection,
    keys: &[PayoutKey],
) -> Result<Vec<RequestOver>, sqlx::Error> {
    let merchants: Vec<String> = keys.iter().map(|key| key.merchant_code.clone()).collect();
    let orders: Vec<String> = keys.iter().map(|key| key.order_num.clone()).collect();
    sqlx::query_as!(
        RequestOver,
        r#"/* store::requests_over */
        select w.merchant_code as "merchant_code!", w.order_num as "order_num!", o.id as "request_id!"
        from unnest($1::text[], $2::text[]) w (merchant_code, order_num)
        cross join lateral (
            select r.id
            from payout.request_payouts i
            join payout.requests r on r.id = i.request_id
            where (i.merchant_code, i.order_num) = (w.merchant_code, w.order_num) and i.outcome is null
              and (r.decision = 'approved' or r.decision is null and r.expires_at > now())
            order by r.id desc
            limit 1) o"#,
        &merchants,
        &orders,
    )
    .fetch_all(db)
    .await
}

/// A request that names a payout, and what became of it there.
#[derive(Clone, Debug)]
pub struct RequestAbout {
    /// Its number.
    pub request_id: i64,
    /// The act: a name of `payout.act`.
    pub kind: String,
    /// Who requested it.
    pub requested_by: String,
    /// When it was requested.
    pub requested_at: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// `waiting`, `expired`, `rejected`, `approved` (a worker has it), `done` or `refused`.
    pub status: String,
    /// Who approved or rejected it.
    pub decided_by: Option<String>,
    /// Why it was rejected, or refused for this payout.
    pub why_not: Option<String>,
}

/// The latest requests that name this payout, the newest first.
pub async fn requests_about(
    db: &mut PgConnection,
    key: &PayoutKey,
    limit: i64,
) -> Result<Vec<RequestAbout>, sqlx::Error> {
    sqlx::query_as!(
        RequestAbout,
        r#"/* store::requests_about */
        select r.id as request_id, r.kind, r.requested_by, r.requested_at, r.reason,
               case when r.decision = 'rejected' then 'rejected'
                    when r.decision is null and r.expires_at > now() then 'waiting'
                    when r.decision is null then 'expired'
                    when i.outcome is null then 'approved'
                    else i.outcome end as "status!",
               r.decided_by, case when r.decision = 'rejected' then r.decision_reason else i.detail end as why_not
        from payout.request_payouts i
        join payout.requests r on r.id = i.request_id
        where i.merchant_code = $1 and i.order_num = $2
        order by i.request_id desc
        limit $3"#,
        key.merchant_code,
        key.order_num,
        limit,
    )
    .fetch_all(db)
    .await
}
