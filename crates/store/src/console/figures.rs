//! Figures of the pages about money and about workers that no command shows.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::super::report::period::Period;

/// A merchant's queries: how many are due, and how many workers may make.
#[derive(Clone, Debug)]
pub struct QueryBudget {
    /// The merchant.
    pub merchant_code: String,
    /// How many queries are due now; at most [`super::COUNTED_MAX`] and one.
    pub due: i64,
    /// Since when the one that waits longest is due.
    pub due_since: Option<DateTime<Utc>>,
    /// How many a minute all workers together may make, as the worker that made one last was configured.
    pub per_minute: Option<i64>,
}

/// The queries of every merchant.
pub async fn query_budgets(db: &mut PgConnection) -> Result<Vec<QueryBudget>, sqlx::Error> {
    sqlx::query_as!(
        QueryBudget,
        r#"/* store::console_query_budgets */
        select m.code as merchant_code, d.due as "due!", d.since as due_since, 60 * b.per_second::bigint as per_minute
        from payout.merchants m
        left join payout.query_budget b on b.merchant_code = m.code
        cross join lateral (
            select count(*) as due, min(q.next_query_at) as since
            from (select p.next_query_at from payout.masked p
                  where p.merchant_code = m.code and p.next_query_at <= now()
                  order by p.next_query_at
                  limit $1) q) d
        order by m.code
        limit 100"#,
        super::COUNTED_MAX.saturating_add(1),
    )
    .fetch_all(db)
    .await
}

/// The last answer of a merchant's gateway whose signature was wrong.
#[derive(Clone, Debug)]
pub struct FailedSignature {
    /// The merchant.
    pub merchant_code: String,
    /// `submit` or `query`: what it answered.
    pub source: String,
    /// The payout that it was about.
    pub order_num: String,
    /// When it came.
    pub last_at: DateTime<Utc>,
}

/// The last one of each merchant, among the thousand payouts of which one was noted last. Callbacks with a wrong signature
/// are counted in the metrics, and not stored: anybody can send them.
pub async fn failed_signatures(db: &mut PgConnection) -> Result<Vec<FailedSignature>, sqlx::Error> {
    sqlx::query_as!(
        FailedSignature,
        r#"/* store::console_failed_signatures */
        select m.code as merchant_code, f.source, f.order_num, f.last_at
        from payout.merchants m
        cross join lateral (
            select e.source, e.order_num, e.last_at
            from (select e.source, e.order_num, e.last_at from payout.evidence e
                  where e.merchant_code = m.code and e.doubt = 'bad_signature'
                  order by e.id desc
                  limit 1000) e
            order by e.last_at desc
            limit 1) f
        order by m.code
        limit 100"#,
    )
    .fetch_all(db)
    .await
}

/// Money that was booked as funding.
#[derive(Clone, Debug)]
pub struct TopUp {
    /// When it was booked.
    pub at: DateTime<Utc>,
    /// The merchant.
    pub merchant_code: String,
    /// In rupiah; negative for money taken out.
    pub amount: i64,
    /// The bank's transfer number; or of which balance of the gateway it was a part.
    pub reference: String,
    /// Whether it was booked from the balance that the gateway states, and not by a person.
    pub is_from_gateway: bool,
    /// The login that booked it, or approved that it be booked.
    pub actor: String,
    /// The login that requested it, where it was requested.
    pub requested_by: Option<String>,
}

/// The latest of a period, newest first; at most 200.
pub async fn top_ups(db: &mut PgConnection, period: Period) -> Result<Vec<TopUp>, sqlx::Error> {
    sqlx::query_as!(
        TopUp,
        r#"/* store::console_top_ups */
        select l.at as "at!", l.merchant_code as "merchant_code!", l.available as "amount!", l.reference as "reference!",
               l.funded_by = 'gateway' as "is_from_gateway!", l.actor as "actor!", r.requested_by as "requested_by?"
        from (
            select l.at, m.code as merchant_code, l.available, l.reference, l.funded_by, l.actor
            from payout.merchants m
            cross join lateral (
                select l.at, l.available, l.reference, l.funded_by, l.actor from payout.ledger l
                where l.merchant_code = m.code and l.kind = 'funding' and l.at >= $1 and l.at < $2
                order by l.at desc
                limit 200) l
            order by l.at desc
            limit 200) l
        left join lateral (
            -- A reference is booked once, so the approved request with it is this one.
            select r.requested_by from payout.requests r
            where r.kind = 'fund' and r.subject = l.reference and r.merchant_code = l.merchant_code
              and r.decision = 'approved' and l.funded_by = 'person'
            order by r.id desc
            limit 1) r on true
        order by l.at desc"#,
        period.from,
        period.to,
    )
    .fetch_all(db)
    .await
}
