//! What the callback endpoint needs before and after it checks a signature.

use serde_json::Value;
use sqlx::PgPool;

/// Maximum callbacks for unknown orders that are kept. Bounded, because anyone can cause them.
const UNMATCHED_MAX: i64 = 10_000;

/// The merchants that have a payout with this order number.
pub async fn merchants_of_order(
    pool: &PgPool,
    order_num: &str,
) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::merchants_of_order */
        select p.merchant_code
        from payout.merchants m
        -- One by one: a join whose plan takes the few merchants for many reads every payout.
        cross join lateral (
            select p.merchant_code
            from payout.payouts p
            where p.merchant_code = m.code and p.order_num = $1
            limit 1) p"#,
        order_num,
    )
    .fetch_all(pool)
    .await
}

/// Keeps a verified callback for an order that we do not have, for people (protocol P21).
pub async fn keep_unmatched(
    pool: &PgPool,
    digest: &[u8],
    order_num: &str,
    detail: &Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"/* store::keep_unmatched */
        insert into payout.unmatched_callbacks as u (digest, order_num, detail)
        select $1, $2, $3
        where (select count(*) from payout.unmatched_callbacks) < $4
        on conflict (digest) do update set times = u.times + 1, last_at = now()"#,
        digest,
        order_num,
        detail,
        UNMATCHED_MAX,
    )
    .execute(pool)
    .await?;
    Ok(())
}
