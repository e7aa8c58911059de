//! Queries of what a replacement would pay again: it is sent only after the gateway has just confirmed each failure
//! (`payout.may_pay_again`).

use payout_domain::payout::PayoutKey;
use sqlx::{PgExecutor, PgPool};

/// Schedules queries of what the due replacements of one merchant would pay again, if none were scheduled for half a
/// minute.
pub async fn schedule_originals(
    db: impl PgExecutor<'_>,
    merchant_code: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select /* store::schedule_originals */ payout.schedule_originals($1)",
        merchant_code,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The failed payouts that this one pays again; none if it replaces nothing.
pub async fn failed_originals(
    pool: &PgPool,
    key: &PayoutKey,
) -> Result<Vec<PayoutKey>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"/* store::failed_originals */
        select o.order_num as "order_num!"
        from payout.payouts p
        cross join lateral payout.originals(p.merchant_code, p.replaces) o
        where p.merchant_code = $1 and p.order_num = $2 and p.replaces is not null and o.state = 'failed'"#,
        key.merchant_code,
        key.order_num,
    )
    .fetch_all(pool)
    .await?;
    let key = |order_num| PayoutKey {
        merchant_code: key.merchant_code.clone(),
        order_num,
    };
    Ok(found.into_iter().map(key).collect())
}
