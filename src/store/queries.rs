//! Which payouts to ask for now. Every question, whoever wants it, draws on one budget per merchant.

use std::time::Duration;

use sqlx::{PgPool, postgres::types::PgInterval};

use crate::domain::payout::PayoutKey;

/// A question to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueQuery {
    /// About which payout.
    pub key: PayoutKey,
}

/// A paid order of the merchant that the gateway must know, other than `key`; the newest. `None` while there is none.
pub async fn known_order(pool: &PgPool, key: &PayoutKey) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::known_order */
        select p.order_num
        from payout.payouts p
        where p.merchant_code = $1 and p.order_num <> $2 and p.state = 'paid' and p.platform_order_num is not null
        order by p.created_at desc
        limit 1"#,
        key.merchant_code,
        key.order_num,
    )
    .fetch_optional(pool)
    .await
}

/// Takes due questions of one merchant, at most `limit`, and as many as the budget of `per_second` allows. What is not
/// answered within `answer_within` is asked again, perhaps by another worker.
///
/// The budget is a row that all workers share: a time up to which it is spent, never more than a second ahead.
pub async fn take_due(
    pool: &PgPool,
    merchant_code: &str,
    limit: i64,
    per_second: u32,
    answer_within: Duration,
) -> Result<Vec<DueQuery>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    // A cheap look first: the budget's row is locked only when there is something to ask.
    let waiting = sqlx::query_scalar!(
        r#"/* store::any_due_query */
        select exists (select from payout.payouts p
                       where p.merchant_code = $1 and p.next_query_at <= now()) as "waiting!""#,
        merchant_code,
    )
    .fetch_one(&mut *tx)
    .await?;
    if !waiting {
        return Ok(Vec::new());
    }
    sqlx::query!(
        r#"/* store::insert_query_budget */
        insert into payout.query_budget (merchant_code) values ($1) on conflict do nothing"#,
        merchant_code,
    )
    .execute(&mut *tx)
    .await?;
    let allowed = sqlx::query_scalar!(
        r#"/* store::lock_query_budget */
        select floor(extract(epoch from clock_timestamp() + interval '1 second'
                             - greatest(b.spent_until, clock_timestamp())) * $2::int)::bigint as "allowed!"
        from payout.query_budget b
        where b.merchant_code = $1
        for update"#,
        merchant_code,
        i32::try_from(per_second).unwrap_or(i32::MAX),
    )
    .fetch_one(&mut *tx)
    .await?;
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
        limit.min(allowed),
        answer_within,
    )
    .fetch_all(&mut *tx)
    .await?;
    let spent = i32::try_from(taken.len()).unwrap_or(i32::MAX);
    sqlx::query!(
        r#"/* store::spend_query_budget */
        update payout.query_budget b
        set spent_until = greatest(b.spent_until, clock_timestamp()) + interval '1 second' * $2::int / $3::int
        where b.merchant_code = $1"#,
        merchant_code,
        spent,
        i32::try_from(per_second).unwrap_or(i32::MAX),
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
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
