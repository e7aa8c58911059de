//! Takes the payouts to query now. Every query, whoever wants it, draws on one budget per merchant.

mod originals;

use std::time::Duration;

use payout_domain::payout::PayoutKey;
use sqlx::{PgConnection, PgPool, postgres::types::PgInterval};

pub use self::originals::{failed_originals, schedule_originals};
use super::{is_refusal, recent::Recent, refusal_code};

/// How often a payout is queried whose next query the database refuses to have planned.
pub const UNPLANNED_EVERY: Duration = Duration::from_mins(1);

/// A query that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueQuery {
    /// The payout to query.
    pub key: PayoutKey,
}

/// The orders that the gateway must know if its "not found" about a payout is to count (I10). All of them are paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Controls {
    /// For a payout that was never sent, or whose refusal is being confirmed: the order that was sent last. Not the one
    /// that was paid last: it may be old, and a gateway that answers from an old copy knows old orders.
    Newest(Option<String>),
    /// For one that may have arrived: an order that was certainly sent before it, and one that was sent once nothing of it
    /// could be on its way any more.
    Around {
        /// The last one before the minute in which it was first sent, so that one serves all payouts of a minute.
        before: Option<String>,
        /// The newest one, if it was sent after the quiet horizon of this payout: whatever arrived of it, arrived before.
        after: Option<String>,
    },
}

/// The control orders of a payout. One that was sent again is none: the gateway may know it since its first time.
pub async fn control_orders(pool: &PgPool, key: &PayoutKey) -> Result<Controls, sqlx::Error> {
    let row = sqlx::query!(
        r#"/* store::control_orders */
        select p.state = 'queued' or (p.state = 'unknown' and p.declined_at is not null) as "newest_is_enough!",
               newest.order_num as "newest?",
               coalesce(earlier_minute.order_num, earlier.order_num) as before,
               case when newest.claimed_at > payout.quiet_until(p) then newest.order_num end as after
        from payout.payouts p
        cross join lateral (
            select min(a.claimed_at) as at from payout.attempts a
            where (a.merchant_code, a.order_num) = (p.merchant_code, p.order_num)) sent
        left join lateral (
            select k.order_num, (select a.claimed_at from payout.attempts a
                                 where (a.merchant_code, a.order_num, a.attempt)
                                       = (k.merchant_code, k.order_num, k.attempt)) as claimed_at
            from payout.payouts k
            where k.merchant_code = p.merchant_code and k.order_num <> p.order_num and k.state = 'paid'
              and k.platform_order_num is not null and k.send_by is not null and k.sends <= 1
            order by k.send_by desc limit 1) newest on true
        left join lateral (
            select k.order_num from payout.payouts k
            where k.merchant_code = p.merchant_code and k.order_num <> p.order_num and k.state = 'paid'
              and k.platform_order_num is not null and k.send_by < date_trunc('minute', sent.at) and k.sends <= 1
            order by k.send_by desc limit 1) earlier_minute on true
        -- In the merchant's first minute.
        left join lateral (
            select k.order_num from payout.payouts k
            where k.merchant_code = p.merchant_code and k.order_num <> p.order_num and k.state = 'paid'
              and k.platform_order_num is not null and k.send_by < sent.at and k.sends <= 1
              and earlier_minute.order_num is null
            order by k.send_by desc limit 1) earlier on true
        where p.merchant_code = $1 and p.order_num = $2"#,
        key.merchant_code,
        key.order_num,
    )
    .fetch_one(pool)
    .await?;
    Ok(if row.newest_is_enough {
        Controls::Newest(row.newest)
    } else {
        Controls::Around {
            before: row.before,
            after: row.after,
        }
    })
}

/// Takes due queries of one merchant, those for replacements included: at most `limit`, and as many as the budget of
/// `per_second` allows. Later looks at what has its end come after all others, because at a high rate they alone are more
/// than the budget. A payout without an answer after `answer_within` is due again, perhaps for another worker.
///
/// The budget is a row that all workers share. It holds the time up to which it is spent, at most a second ahead.
pub async fn take_due(
    pool: &PgPool,
    merchant_code: &str,
    limit: i64,
    per_second: u32,
    answer_within: Duration,
    unplanned: &mut Recent<PayoutKey>,
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
    let taken = match take_due_queries(&mut tx, merchant_code, limit, answer_within).await {
        Err(error) if is_refusal(&error) => {
            tx.rollback().await?;
            let taken =
                take_one_by_one(pool, merchant_code, limit, answer_within, unplanned).await?;
            tx = pool.begin().await?;
            taken
        }
        taken => taken?,
    };
    let spent = i32::try_from(taken.len()).unwrap_or(i32::MAX);
    spend_query_budget(&mut tx, merchant_code, spent, per_second).await?;
    tx.commit().await?;
    Ok(taken)
}

/// Takes due queries each by itself, because the database refuses to have one of them planned. A query changes nothing,
/// so that one is taken all the same, but at most once a minute.
async fn take_one_by_one(
    pool: &PgPool,
    merchant_code: &str,
    limit: i64,
    answer_within: Duration,
    unplanned: &mut Recent<PayoutKey>,
) -> Result<Vec<DueQuery>, sqlx::Error> {
    let mut taken = Vec::new();
    let answer_within = PgInterval::try_from(answer_within).map_err(sqlx::Error::Encode)?;
    for query in due_queries(pool, merchant_code, limit).await? {
        if unplanned.has(&query.key) {
            continue;
        }
        match plan_query(pool, &query.key, &answer_within).await {
            Err(error) if is_refusal(&error) => {
                let (order_num, code) = (&query.key.order_num, refusal_code(&error));
                tracing::error!(payout = %query.key, code, "the database refuses to have the next query of payout {order_num} \
                    planned ({code}); querying it once a minute");
                unplanned.note(query.key.clone());
            }
            planned => planned?,
        }
        taken.push(query);
    }
    Ok(taken)
}

/// The due queries of one merchant: later looks last, and otherwise in any order, so that no number of them can
/// keep the others waiting.
async fn due_queries(
    pool: &PgPool,
    merchant_code: &str,
    limit: i64,
) -> Result<Vec<DueQuery>, sqlx::Error> {
    let keys = sqlx::query_as!(
        PayoutKey,
        r#"/* store::due_queries */
        select d.merchant_code as "merchant_code!", d.order_num as "order_num!"
        from ((select p.merchant_code, p.order_num, false as is_later
               from payout.payouts p
               where p.merchant_code = $1 and p.next_query_at <= now()
                 and p.later_look is not true
               order by p.next_query_at
               limit 1000)
              union all
              (select p.merchant_code, p.order_num, true
               from payout.payouts p
               where p.merchant_code = $1 and p.next_query_at <= now()
                 and p.later_look
               order by p.next_query_at
               limit 1000)) d
        order by d.is_later, random()
        limit $2"#,
        merchant_code,
        limit,
    )
    .fetch_all(pool)
    .await?;
    Ok(keys.into_iter().map(|key| DueQuery { key }).collect())
}

async fn plan_query(
    pool: &PgPool,
    key: &PayoutKey,
    within: &PgInterval,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"/* store::plan_query */
        update payout.payouts p
        set next_query_at = now() + $3::interval
        where p.merchant_code = $1 and p.order_num = $2 and p.next_query_at <= now()"#,
        key.merchant_code,
        key.order_num,
        within,
    )
    .execute(pool)
    .await?;
    Ok(())
}

async fn any_due_query(db: &mut PgConnection, merchant_code: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::any_due_query */
        select coalesce((select p.next_query_at <= now() from payout.payouts p
                         where p.merchant_code = $1 and p.next_query_at is not null
                           and p.later_look is not true
                         order by p.next_query_at limit 1), false)
               or coalesce((select p.next_query_at <= now() from payout.payouts p
                            where p.merchant_code = $1 and p.next_query_at is not null
                              and p.later_look
                            order by p.next_query_at limit 1), false) as "waiting!""#,
        merchant_code,
    )
    .fetch_one(db)
    .await
}

/// Locks the merchant's budget, creating it if needed. Returns how many queries it allows now; `None` if it is locked
/// already, most often by another worker that is taking queries.
///
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
        select greatest(0, floor($2::int * extract(epoch from clock_timestamp() + interval '1 second'
                                                              - greatest(b.spent_until, clock_timestamp()))))::bigint
               as "allowed!"
        from payout.query_budget b
        where b.merchant_code = $1
        for no key update skip locked"#,
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
        with first as materialized (
            select p.merchant_code, p.order_num
            from payout.payouts p
            where p.merchant_code = $1 and p.next_query_at <= now()
              and p.later_look is not true
            order by p.next_query_at
            limit $2
            for no key update of p skip locked
        ), later as materialized (
            select p.merchant_code, p.order_num
            from payout.payouts p
            where p.merchant_code = $1 and p.next_query_at <= now()
              and p.later_look
            order by p.next_query_at
            limit $2 - (select count(*) from first)
            for no key update of p skip locked
        )
        update payout.payouts p
        set next_query_at = now() + $3::interval
        from (select * from first union all select * from later) d
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

/// Nobody spends more than a second ahead, so what is spent further was spent before the clock was put back. It counts as
/// one second, or there would be no queries until the clock has caught up.
async fn spend_query_budget(
    db: &mut PgConnection,
    merchant_code: &str,
    spent: i32,
    per_second: i32,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"/* store::spend_query_budget */
        update payout.query_budget b
        set spent_until = least(greatest(b.spent_until, clock_timestamp()), clock_timestamp() + interval '1 second')
                          + interval '1 second' * $2::int / $3::int,
            per_second = $3
        where b.merchant_code = $1"#,
        merchant_code,
        spent,
        per_second,
    )
    .execute(db)
    .await?;
    Ok(())
}
