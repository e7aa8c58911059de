//! How long payouts have been open, in money.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// One merchant's payouts that are not final and have been open about equally long.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Ageing {
    /// When it was read.
    pub as_of: DateTime<Utc>,
    /// The merchant.
    pub merchant_code: String,
    /// `0-1h`, `1-6h`, `6-24h`, `1-3d` or `older`, since it could first be sent.
    pub age: String,
    /// How many payouts.
    pub payouts: i64,
    /// Their instructed amounts, in rupiah.
    pub gross: i64,
    /// How many of them may have left: all but the queued ones.
    pub payouts_may_have_left: i64,
    /// The instructed amounts of these, in rupiah.
    pub gross_may_have_left: i64,
}

/// Everything that is open, by age; five rows for each merchant.
pub async fn ageing(
    db: &mut PgConnection,
    merchant: Option<&str>,
) -> Result<Vec<Ageing>, sqlx::Error> {
    sqlx::query_as!(
        Ageing,
        r#"/* store::report_ageing */
        with open as (
            select p.merchant_code, payout.age_class(greatest(p.created_at, p.not_before)) as age, count(*) as payouts,
                   sum(p.amount) as gross, count(*) filter (where p.state <> 'queued') as may_have_left,
                   sum(p.amount) filter (where p.state <> 'queued') as gross_may_have_left
            from payout.masked p
            where p.state in ('queued', 'submitting', 'pending', 'unknown')
            group by 1, 2
        )
        select now() as "as_of!", m.code as merchant_code, a.age as "age!", coalesce(o.payouts, 0) as "payouts!",
               coalesce(o.gross, 0)::bigint as "gross!", coalesce(o.may_have_left, 0) as "payouts_may_have_left!",
               coalesce(o.gross_may_have_left, 0)::bigint as "gross_may_have_left!"
        from payout.merchants m
        cross join unnest(array['0-1h', '1-6h', '6-24h', '1-3d', 'older']) with ordinality a (age, place)
        left join open o on o.merchant_code = m.code and o.age = a.age
        where $1::text is null or m.code = $1
        order by m.code, a.place"#,
        merchant,
    )
    .fetch_all(db)
    .await
}
