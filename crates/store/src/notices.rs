//! Requests that approvers are told of. A worker takes one for twenty seconds, so that the others do not tell it too.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// What approvers are told about a request.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Notice {
    /// The request's number: `payout approve NUMBER`.
    pub request_id: i64,
    /// The act: a name of `payout.act`.
    pub kind: String,
    /// The payouts that it names; none if it is about something else.
    pub order_nums: Vec<String>,
    /// The merchants that it concerns.
    pub merchant_codes: Vec<String>,
    /// Gross: their amounts in rupiah; without payouts, the amount it states, if any.
    pub amount_idr: Option<i64>,
    /// What it is about instead of payouts: a reference, an address.
    pub subject: Option<String>,
    /// Who requested it, and cannot approve it.
    pub requested_by: String,
    /// Why.
    pub reason: String,
    /// The evidence given for it.
    pub evidence: Option<String>,
    /// Which database it waits in.
    pub database: String,
    /// What a second person runs.
    pub command: String,
    /// Until when it can be approved.
    pub expires_at: DateTime<Utc>,
}

/// Takes requests that wait for a second person and that nobody has been told of.
pub async fn take_notices(pool: &PgPool, limit: i64) -> Result<Vec<Notice>, sqlx::Error> {
    sqlx::query_as!(
        Notice,
        r#"/* store::take_notices */
        with waiting as materialized (
            select r.id
            from payout.requests r
            left join payout.notices n on n.request_id = r.id
            where r.decision is null and r.expires_at > now()
              and n.told_at is null and (n.taken_at is null or n.taken_at < now() - interval '20 seconds')
            order by r.id
            limit $1
        ), taken as (
            insert into payout.notices as n (request_id)
            select w.id from waiting w
            on conflict (request_id) do update set taken_at = now(), tries = n.tries + 1
            where n.told_at is null and n.taken_at < now() - interval '20 seconds'
            returning n.request_id
        )
        select r.id as request_id, r.kind, i.order_nums as "order_nums!",
               coalesce(i.merchants, array_remove(array[r.merchant_code], null)) as "merchant_codes!",
               case when cardinality(i.order_nums) = 0 then r.stated else i.amount end as amount_idr, r.subject,
               r.requested_by, r.reason, r.evidence, r.expires_at, current_database()::text as "database!",
               'payout approve ' || r.id as "command!"
        from taken t
        join payout.requests r on r.id = t.request_id
        cross join lateral (
            select coalesce(array_agg(q.order_num order by q.order_num), '{}') as order_nums,
                   sum(p.amount)::bigint as amount, array_agg(distinct q.merchant_code) as merchants
            from payout.request_payouts q
            join payout.payouts p on (p.merchant_code, p.order_num) = (q.merchant_code, q.order_num)
            where q.request_id = r.id
        ) i
        order by r.id"#,
        limit,
    )
    .fetch_all(pool)
    .await
}

/// Records that approvers were told of a request, or why not. Then it is tried again.
pub async fn note_told(
    pool: &PgPool,
    request_id: i64,
    failure: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "/* store::note_told */
        update payout.notices n
        set told_at = case when $2::text is null then now() end, failure = $2
        where n.request_id = $1 and n.told_at is null",
        request_id,
        failure,
    )
    .execute(pool)
    .await?;
    Ok(())
}
