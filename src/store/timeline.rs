//! The fence after a failover or a restore: commits may be lost, so a payout that was sent may stand as queued (I11).

use std::time::Duration;

use sqlx::{PgPool, postgres::types::PgInterval};

/// Remembers in which history of which database the workers claim, when nobody did before.
pub async fn begin_timeline(pool: &PgPool, quiet_horizon: Duration) -> Result<(), sqlx::Error> {
    let quiet_horizon = PgInterval::try_from(quiet_horizon).map_err(sqlx::Error::Encode)?;
    sqlx::query!(
        r#"/* store::begin_timeline */
        insert into payout.timeline as t (identity, quiet_horizon) values (payout.identity(), $1)
        on conflict (the_only_one) do update set quiet_horizon = excluded.quiet_horizon
        where t.quiet_horizon < excluded.quiet_horizon"#,
        quiet_horizon,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Whether this is still the history that the workers claimed in. When it is not, notes since when, and has every
/// queued payout asked for: one that the gateway knows must not be sent from here.
pub async fn check_timeline(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let same = sqlx::query_scalar!(
        r#"/* store::same_timeline */
        select t.identity = payout.identity() and t.changed_at is null as "same!" from payout.timeline t"#,
    )
    .fetch_optional(pool)
    .await?;
    if same != Some(false) {
        return Ok(same.unwrap_or(true));
    }
    sqlx::query!(
        r#"/* store::note_timeline_change */
        update payout.timeline set changed_at = now() where changed_at is null"#,
    )
    .execute(pool)
    .await?;
    sqlx::query!(
        r#"/* store::ask_for_queued */
        with unasked as materialized (
            select p.merchant_code, p.order_num
            from payout.payouts p
            where p.state = 'queued' and p.next_ask_at is null
            order by p.merchant_code, p.order_num
            limit 1000
            for update of p skip locked
        )
        update payout.payouts p
        set next_ask_at = now()
        from unasked u
        where (p.merchant_code, p.order_num) = (u.merchant_code, u.order_num)"#,
    )
    .execute(pool)
    .await?;
    Ok(false)
}
