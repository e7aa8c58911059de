//! What people read before they decide: open requests, pauses, and the proof that a resubmit needs.

use chrono::{DateTime, Utc};
use payout_domain::payout::PayoutKey;
use sqlx::PgConnection;

/// A request by an operator, and its status.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Request {
    /// Its number.
    pub request_id: i64,
    /// The act: a name of `payout.act`.
    pub kind: String,
    /// `waiting`, `expired`, `rejected`, `approved` (a worker has it), `done`, `refused` or `partly` done.
    pub status: String,
    /// Who requested it.
    pub requested_by: String,
    /// When it was requested.
    pub requested_at: DateTime<Utc>,
    /// Until when it can be approved and carried out.
    pub expires_at: DateTime<Utc>,
    /// Who approved or rejected it.
    pub decided_by: Option<String>,
    /// How many payouts it names.
    pub payouts: i64,
    /// Gross: their amounts in rupiah; without payouts, the amount it states, if any.
    pub amount: Option<i64>,
    /// What the requester states about a payout, in rupiah: its fee, or how much came back.
    pub stated: Option<i64>,
    /// Their order numbers, separated by spaces.
    pub order_nums: String,
    /// What it is about instead of payouts: a reference, an address.
    pub subject: Option<String>,
    /// Why.
    pub reason: String,
    /// The evidence given for it.
    pub evidence: Option<String>,
    /// When a worker told approvers of it.
    pub told_at: Option<DateTime<Utc>>,
    /// Why it could not, when it last tried.
    pub told_failure: Option<String>,
    /// Whether the current login requested it. Then somebody else must approve it.
    #[serde(skip)]
    pub yours: bool,
}

/// Requests waiting for a second person or for a worker, oldest first. With `all`, the latest requests whatever their status.
pub async fn requests(
    db: &mut PgConnection,
    all: bool,
    merchant: Option<&str>,
    limit: i64,
) -> Result<Vec<Request>, sqlx::Error> {
    let mut found = sqlx::query_as!(
        Request,
        r#"/* store::requests */
        select r.id as request_id, r.kind,
               case when r.decision is null and r.expires_at > now() then 'waiting'
                    when r.decision is null then 'expired'
                    when r.decision = 'rejected' then 'rejected'
                    when i.open > 0 then 'approved'
                    when i.payouts = 0 then 'done'
                    when i.refused = 0 then 'done'
                    when i.refused = i.payouts then 'refused'
                    else 'partly' end as "status!",
               r.requested_by, r.requested_at, r.expires_at, r.decided_by, i.payouts as "payouts!",
               case when i.payouts = 0 then r.stated else i.amount end as amount,
               case when i.payouts > 0 then r.stated end as stated, i.order_nums as "order_nums!",
               r.subject, r.reason, r.evidence, n.told_at as "told_at?", n.failure as "told_failure?",
               (r.requested_by_oid = payout.login_oid() or r.requested_by = session_user) as "yours!"
        from payout.requests r
        left join payout.notices n on n.request_id = r.id
        join lateral (
            select count(*) as payouts, coalesce(sum(s.amount), 0)::bigint as amount,
                   coalesce(string_agg(q.order_num, ' ' order by q.order_num), '') as order_nums,
                   count(*) filter (where q.outcome is null) as open,
                   count(*) filter (where q.outcome = 'refused') as refused,
                   coalesce(bool_or(q.merchant_code = $2), r.merchant_code = $2, false) as of_merchant
            from payout.request_payouts q
            join payout.all_status s on (s.merchant_code, s.order_num) = (q.merchant_code, q.order_num)
            where q.request_id = r.id
        ) i on $2::text is null or i.of_merchant
        where $1 or (r.decision is null and r.expires_at > now())
           or r.id = any (array(select o.request_id from payout.request_payouts o where o.outcome is null)) and r.decision = 'approved'
        order by r.id desc
        limit $3"#,
        all,
        merchant,
        limit,
    )
    .fetch_all(db)
    .await?;
    found.reverse();
    Ok(found)
}

/// Why a request, or one payout of it, was not carried out.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The request.
    pub request_id: i64,
    /// The payout; `None` where a person rejected the request as a whole.
    pub order_num: Option<String>,
    /// Why, as the worker or that person put it.
    pub detail: String,
}

/// Why these requests were not carried out; of each at most 20 payouts.
pub async fn refusals(
    db: &mut PgConnection,
    requests: &[i64],
) -> Result<Vec<Refusal>, sqlx::Error> {
    sqlx::query_as!(
        Refusal,
        r#"/* store::refusals */
        select r.id as "request_id!", null as order_num, r.decision_reason as "detail!"
        from payout.requests r
        where r.id = any ($1) and r.decision = 'rejected' and r.decision_reason is not null
        union all
        select k.id, i.order_num, i.detail
        from payout.requests r
        join unnest($1::bigint[]) k (id) on k.id = r.id and r.decision = 'approved'
        cross join lateral (
            select q.order_num, q.detail from payout.request_payouts q
            where q.request_id = k.id and q.outcome = 'refused' and q.detail is not null
            order by q.order_num
            limit 20) i
        order by 1, 2"#,
        requests,
    )
    .fetch_all(db)
    .await
}

/// A pause of claims.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Pause {
    /// `all`, `merchant` or `bank`.
    pub scope: String,
    /// The merchant's or the bank's code.
    pub value: String,
    /// Why.
    pub reason: String,
    /// Who paused it.
    pub actor: String,
    /// When it began, or was set if it is daily.
    pub since: DateTime<Utc>,
    /// `23:00-04:00` in WIB, if it is in force only between these times of each day.
    pub daily: Option<String>,
    /// Whether it is in force now.
    pub in_force: bool,
    /// How many queued payouts it covers, due or not.
    pub queued: i64,
}

/// Every pause, also a daily one that is not in force now; oldest first.
pub async fn pauses(db: &mut PgConnection) -> Result<Vec<Pause>, sqlx::Error> {
    sqlx::query_as!(
        Pause,
        r#"/* store::pauses */
        select z.scope, z.value, z.reason, z.actor, z.since,
               to_char(z.daily_from, 'HH24:MI') || '-' || to_char(z.daily_to, 'HH24:MI') as daily,
               z.daily_from is null or payout.daily_since(z.daily_from, z.daily_to, now()) is not null as "in_force!",
               (select count(*) from payout.all_status s
                where s.state = 'queued'
                  and (z.scope = 'all' or (z.scope = 'merchant' and s.merchant_code = z.value)
                       or (z.scope = 'bank' and s.bank_code = z.value))) as "queued!"
        from payout.pause_rules z
        order by z.since, z.scope, z.value"#,
    )
    .fetch_all(db)
    .await
}

/// The evidence for and against a resubmit.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Until when "not found" means nothing.
    pub quiet_until: DateTime<Utc>,
    /// How many "not found" answers have come since then.
    pub not_found: i32,
    /// When the first came.
    pub first_at: Option<DateTime<Utc>>,
    /// When the last came.
    pub last_at: Option<DateTime<Utc>>,
    /// Why a resubmit is not allowed; `None` if two people may grant it.
    pub refusal: Option<String>,
}

/// The proof for a resubmit of this payout, by the database's own rules.
pub async fn resubmit_proof(db: &mut PgConnection, key: &PayoutKey) -> Result<Proof, sqlx::Error> {
    sqlx::query_as!(
        Proof,
        r#"/* store::resubmit_proof */
        select quiet_until as "quiet_until!", not_found as "not_found!", first_at, last_at, refusal
        from payout.resubmit_proof($1, $2)"#,
        key.order_num,
        key.merchant_code,
    )
    .fetch_one(db)
    .await
}

/// An answer of the gateway against an end that a person states. Equal ones are counted together.
#[derive(Clone, Debug)]
pub struct Contrary {
    /// `submit`, `query` or `callback`.
    pub source: String,
    /// The kind of evidence, as in `payout.evidence.kind`.
    pub kind: String,
    /// The gateway's number for the status.
    pub status: Option<i16>,
    /// The first field of a callback that does not match the payout.
    pub mismatch: Option<String>,
    /// How many times.
    pub times: i32,
    /// When it last came.
    pub last_at: DateTime<Utc>,
}

/// What the gateway ever answered against the end `paid`, `failed` or `returned`, oldest first.
pub async fn contrary_answers(
    db: &mut PgConnection,
    key: &PayoutKey,
    end: &str,
) -> Result<Vec<Contrary>, sqlx::Error> {
    sqlx::query_as!(
        Contrary,
        r#"/* store::contrary_answers */
        select e.source as "source!", e.kind as "kind!", e.status, e.mismatch, e.times as "times!", e.last_at as "last_at!"
        from payout.contrary_evidence($1, $2, $3) e"#,
        key.order_num,
        end,
        key.merchant_code,
    )
    .fetch_all(db)
    .await
}
