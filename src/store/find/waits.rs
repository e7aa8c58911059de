//! What still holds a payout back: pauses, a request that names it, and a payout that keeps funds free for itself.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::payout::PayoutKey;

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
