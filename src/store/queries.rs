//! Takes the payouts to query now. Every query, whoever wants it, draws on one budget per merchant.

mod originals;

use std::time::Duration;

use sqlx::{PgConnection, PgPool, postgres::types::PgInterval};

pub use self::originals::{failed_originals, schedule_originals};
use crate::domain::payout::PayoutKey;

/// A query that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueQuery {
    /// The payout to query.
    pub key: PayoutKey,
}

/// The merchant's paid order that was sent last, other than `key`: the gateway must therefore know it. `None` while there
/// is none. Not the one that was paid last: it may be old, and a gateway that answers from an old copy knows old orders.
pub async fn known_order(pool: &PgPool, key: &PayoutKey) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::known_order */
        select p.order_num
        from payout.payouts p
        where p.merchant_code = $1 and p.order_num <> $2 and p.state = 'paid' and p.platform_order_num is not null
          and p.send_by is not null
        order by p.send_by desc
        limit 1"#,
        key.merchant_code,
        key.order_num,
    )
    .fetch_optional(pool)
    .await
}

/// Takes due queries of one merchant, those for replacements included: at most `limit`, and as many as the budget of
/// `per_second` allows. A payout without an answer after `answer_within` is due again, perhaps for another worker.
///
/// The budget is a row that all workers share. It holds the time up to which it is spent, at most a second ahead.
pub async fn take_due(
    pool: &PgPool,
    merchant_code: &str,
    limit: i64,
    per_second: u32,
    answer_within: Duration,
) -> Result<Vec<DueQuery>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    // What it schedules is due at once.
    schedule_originals(&mut *tx, merchant_code).await?;
    // A cheap check first: the budget's row is locked only when a query is due. If none is, nothing was scheduled, or
    // what was to be queried is locked, and the next look tries again.
    if !any_due_query(&mut tx, merchant_code).await? {
        return Ok(Vec::new());
    }
    let per_second = i32::try_from(per_second).unwrap_or(i32::MAX);
    let Some(allowed) = lock_query_budget(&mut tx, merchant_code, per_second).await? else {
        tx.commit().await?;
        return Ok(Vec::new());
    };
    let limit = limit.min(allowed);
    let taken = take_due_queries(&mut tx, merchant_code, limit, answer_within).await?;
    let spent = i32::try_from(taken.len()).unwrap_or(i32::MAX);
    spend_query_budget(&mut tx, merchant_code, spent, per_second).await?;
    tx.commit().await?;
    Ok(taken)
}

async fn any_due_query(db: &mut PgConnection, merchant_code: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::any_due_query */
        select coalesce((select p.next_query_at <= now() from payout.payouts p
                         where p.merchant_code = $1 and p.next_query_at is not null
                         order by p.next_query_at limit 1), false) as "waiting!""#,
        merchant_code,
    )
    .fetch_one(db)
    .await
}

/// Locks the merchant's budget, creating it if needed. Returns how many queries it allows now; `None` if it is locked
/// already, most often by another worker that is taking queries.
async fn lock_query_budget(
    db: &mut PgConnection,
    merchant_code: &str,
    per_second: i32,
) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query!(
        r#"/* store::insert_query_budget */
        insert into payout.query_budget (merchant_code) values ($1) on conflict do nothing"#,
        merchant_code,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query_scalar!(
        r#"/* store::lock_query_budget */
        select floor(extract(epoch from clock_timestamp() + interval '1 second'
                             - greatest(b.spent_until, clock_timestamp())) * $2::int)::bigint as "allowed!"
        from payout.query_budget b
        where b.merchant_code = $1
        for update skip locked"#,
        merchant_code,
        per_second,
    )
    .fetch_optional(db)
    .await
}

/// Takes due queries by planning the next one for when this one has gone without an answer.
async fn take_due_queries(
    db: &mut PgConnection,
    merchant_code: &str,
    limit: i64,
    answer_within: Duration,
) -> Result<Vec<DueQuery>, sqlx::Error> {
    let answer_within = PgInterval::try_from(answer_within).map_err(sqlx::Error::Encode)?;
    let taken = sqlx::query!(
        r#"/* store::take_due_queries */
        with due as materialized (
            select p.merchant_code, p.order_num
            from payout.payouts p
            where p.merchant_code = $1 and p.next_query_at <= now()
            order by p.next_query_at
            limit $2
            for update of p skip locked
        )
        update payout.payouts p
        set next_query_at = now() + $3::interval
        from due d
        where (p.merchant_code, p.order_num) = (d.merchant_code, d.order_num)
        returning p.merchant_code, p.order_num"#,
        merchant_code,
        limit,
        answer_within,
    )
    .fetch_all(db)
    .await?;
    let key = |merchant_code, order_num| DueQuery {
        key: PayoutKey {
            merchant_code,
            order_num,
        },
    };
    Ok(taken
        .into_iter()
        .map(|row| key(row.merchant_code, row.order_num))
        .collect())
}

async fn spend_query_budget(
    db: &mut PgConnection,
    merchant_code: &str,
    spent: i32,
    per_second: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"/* store::spend_query_budget */
        update payout.query_budget b
        set spent_until = greatest(b.spent_until, clock_timestamp()) + interval '1 second' * $2::int / $3::int
        where b.merchant_code = $1"#,
        merchant_code,
        spent,
        per_second,
    )
    .execute(db)
    .await?;
    Ok(())
}
