//! Finds expired leases, and payouts that have been open for too long.

use payout_domain::payout::PayoutKey;
use sqlx::{PgConnection, PgPool};

use super::{is_refusal, refusal_code};

/// Payouts of every merchant that are still in `submitting` after their lease, each with its attempt (I2). At most 100 of
/// each merchant, so those of one merchant hide nobody else's, and none that is locked: its evidence could not be stored.
pub async fn expired_leases(pool: &PgPool) -> Result<Vec<(PayoutKey, i32)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"/* store::expired_leases */
        select m.code as merchant_code, p.order_num, p.attempt
        from payout.merchants m
        cross join lateral (
            select p.order_num, p.attempt
            from payout.payouts p
            where p.merchant_code = m.code and p.state = 'submitting' and p.lease_until < now()
            order by p.lease_until
            limit 100
            for no key update of p skip locked) p"#,
    )
    .fetch_all(pool)
    .await?;
    let key = |merchant_code, order_num| PayoutKey {
        merchant_code,
        order_num,
    };
    Ok(rows
        .into_iter()
        .map(|row| (key(row.merchant_code, row.order_num), row.attempt))
        .collect())
}

/// Raises `open_too_long` for payouts that the gateway has not settled within a day, including those of merchants that
/// no worker serves any more. Returns how many. Nothing else follows: time never makes money final (I3).
///
/// If the database refuses that for one of them, the others get it one by one.
pub async fn raise_open_too_long(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let mut tx = pool.begin().await?;
    match raise_together(&mut tx).await {
        Err(error) if is_refusal(&error) => {
            // Waits for its end: until then its locks look like somebody else's.
            tx.rollback().await?;
            raise_one_by_one(pool).await
        }
        raised => {
            let raised = raised?;
            tx.commit().await?;
            Ok(raised)
        }
    }
}

async fn raise_one_by_one(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let mut raised = 0_u64;
    for key in aged(pool).await? {
        match raise_one(pool, &key).await {
            Err(error) if is_refusal(&error) => {
                let (order_num, code) = (&key.order_num, refusal_code(&error));
                tracing::error!(payout = %key, code, "the database refuses to have the attention of payout {order_num} raised ({code})");
            }
            one => raised = raised.saturating_add(one?),
        }
    }
    Ok(raised)
}

/// Payouts that have been open for too long, in any order, so that no number of them can keep the others waiting.
async fn aged(pool: &PgPool) -> Result<Vec<PayoutKey>, sqlx::Error> {
    sqlx::query_as!(
        PayoutKey,
        r#"/* store::aged */
        select d.merchant_code, d.order_num
        from (select p.merchant_code, p.order_num
              from payout.payouts p
              where p.state in ('submitting', 'pending', 'unknown') and p.attention is null
                and p.state_since < now() - (select x.open_too_long from payout.policy x)
              order by p.state_since
              limit 1000) d
        order by random()
        limit 50"#,
    )
    .fetch_all(pool)
    .await
}

async fn raise_one(pool: &PgPool, key: &PayoutKey) -> Result<u64, sqlx::Error> {
    let raised = sqlx::query!(
        r#"/* store::raise_one */
        with locked as materialized (
            select p.merchant_code, p.order_num, p.attempt, p.state, p.attention
            from payout.payouts p
            where p.merchant_code = $1 and p.order_num = $2
            for no key update of p skip locked
        ), aged as materialized (
            select l.merchant_code, l.order_num, l.attempt
            from locked l
            where l.state in ('submitting', 'pending', 'unknown') and l.attention is null
        ), noted as (
            insert into payout.history (merchant_code, order_num, event, source, attempt, detail)
            select a.merchant_code, a.order_num, 'attention_raised', 'worker', a.attempt,
                   '{"attention": "open_too_long"}'
            from aged a
        )
        update payout.payouts p
        set attention_reasons = p.attention_reasons || '{open_too_long}'
        from aged a
        where (p.merchant_code, p.order_num) = (a.merchant_code, a.order_num)"#,
        key.merchant_code,
        key.order_num,
    )
    .execute(pool)
    .await?;
    Ok(raised.rows_affected())
}

async fn raise_together(db: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let raised = sqlx::query!(
        r#"/* store::raise_open_too_long */
        with aged as materialized (
            select p.merchant_code, p.order_num, p.attempt
            from payout.payouts p
            where p.state in ('submitting', 'pending', 'unknown') and p.attention is null
              and p.state_since < now() - (select x.open_too_long from payout.policy x)
            order by p.state_since
            limit 200
            for no key update of p skip locked
        ), noted as (
            insert into payout.history (merchant_code, order_num, event, source, attempt, detail)
            select a.merchant_code, a.order_num, 'attention_raised', 'worker', a.attempt,
                   '{"attention": "open_too_long"}'
            from aged a
        )
        update payout.payouts p
        set attention_reasons = p.attention_reasons || '{open_too_long}'
        from aged a
        where (p.merchant_code, p.order_num) = (a.merchant_code, a.order_num)"#,
    )
    .execute(db)
    .await?;
    Ok(raised.rows_affected())
}
