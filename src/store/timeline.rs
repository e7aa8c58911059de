//! The fence after a failover or a restore: commits may be lost, so a payout that was sent may stand as queued (I11).

use std::time::Duration;

use sqlx::{PgPool, postgres::types::PgInterval};

/// Queued payouts whose question is planned in one statement.
const AT_ONCE: i64 = 1000;

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

/// Whether this is the history that the workers claim in. When it is another one, claims stop from now on.
pub async fn check_timeline(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let found = sqlx::query!(
        r#"/* store::same_timeline */
        select t.identity = payout.identity() as "same_identity!", t.changed_at is null as "accepted!"
        from payout.timeline t"#,
    )
    .fetch_optional(pool)
    .await?;
    // Before the first worker there is no history to differ from.
    let Some(found) = found else {
        return Ok(true);
    };
    if !found.same_identity && found.accepted {
        note_timeline_change(pool, "another system, timeline, database or table").await?;
    }
    Ok(found.same_identity && found.accepted)
}

/// Stops every worker's claims until a person accepts what is here; says whether it was the first to do so.
pub async fn note_timeline_change(pool: &PgPool, why: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::note_timeline_change */
        select payout.note_timeline_change($1) as "first!""#,
        why,
    )
    .fetch_one(pool)
    .await
}

/// While commits may be lost, has every queued payout asked for that is not proven unsent and is not planned to be
/// asked; returns how many. One that the gateway knows must not be sent from here.
pub async fn ask_for_queued(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let planned = sqlx::query!(
        r#"/* store::ask_for_queued */
        with unasked as materialized (
            select p.merchant_code, p.order_num
            from payout.payouts p
            where (select payout.must_ask_first()) and p.state = 'queued' and p.next_ask_at is null
              and not payout.is_proven_unsent(p)
            order by p.merchant_code, p.order_num
            limit $1
            for update of p skip locked
        )
        update payout.payouts p
        set next_ask_at = now()
        from unasked u
        where (p.merchant_code, p.order_num) = (u.merchant_code, u.order_num)"#,
        AT_ONCE,
    )
    .execute(pool)
    .await?;
    Ok(planned.rows_affected())
}
