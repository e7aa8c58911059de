//! What workers say about themselves, and whether payouts are sent now.

use chrono::{DateTime, Utc};
use payout_domain::stop::StopReason;
use sqlx::{PgConnection, PgPool};

/// One merchant of a worker that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneState {
    /// The merchant.
    pub merchant_code: String,
    /// How many requests it may have in flight.
    pub slots: i32,
    /// How many it has.
    pub in_flight: i32,
    /// Why it claims nothing; `None` while it claims.
    pub stopped_by: Option<StopReason>,
    /// What it found, in words; without personal data.
    pub detail: String,
}

/// Says that this worker runs, and whether it claims. Forgets workers that were not seen for a day.
pub async fn beat(
    pool: &PgPool,
    worker: &str,
    is_first: bool,
    lanes: &[LaneState],
) -> Result<(), sqlx::Error> {
    let merchants: Vec<&str> = lanes
        .iter()
        .map(|lane| lane.merchant_code.as_str())
        .collect();
    let slots: Vec<i32> = lanes.iter().map(|lane| lane.slots).collect();
    let in_flight: Vec<i32> = lanes.iter().map(|lane| lane.in_flight).collect();
    let stopped_by: Vec<Option<&str>> = lanes
        .iter()
        .map(|lane| lane.stopped_by.map(StopReason::name))
        .collect();
    let details: Vec<&str> = lanes.iter().map(|lane| lane.detail.as_str()).collect();
    sqlx::query!(
        "/* store::beat */
        with gone as (
            delete from payout.workers w where w.seen_at < now() - interval '1 day' and w.worker <> $1
        ), seen as (
            insert into payout.workers as w (worker, version) values ($1, $2)
            on conflict (worker) do update
            set version = excluded.version, seen_at = now(), ended_at = null,
                since = case when $3 then now() else w.since end
        )
        insert into payout.worker_claims as c (worker, merchant_code, slots, in_flight, stopped_by, detail)
        select $1, l.merchant_code, l.slots, l.in_flight, l.stopped_by, l.detail
        from unnest($4::text[], $5::int[], $6::int[], $7::text[], $8::text[])
            l (merchant_code, slots, in_flight, stopped_by, detail)
        on conflict (worker, merchant_code) do update
        set slots = excluded.slots, in_flight = excluded.in_flight, stopped_by = excluded.stopped_by,
            detail = excluded.detail,
            since = case when not $3 and c.stopped_by is not distinct from excluded.stopped_by then c.since
                         else now() end",
        worker,
        env!("CARGO_PKG_VERSION"),
        is_first,
        &merchants as &[&str],
        &slots,
        &in_flight,
        &stopped_by as &[Option<&str>],
        &details as &[&str],
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Says that this worker has ended.
pub async fn end(pool: &PgPool, worker: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "/* store::end_worker */
        update payout.workers w set ended_at = now() where w.worker = $1",
        worker,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// A row of `payout.claims`: whether payouts of a merchant are sent now.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Claims {
    /// The merchant.
    pub merchant_code: String,
    /// How many workers run for it.
    pub workers: i32,
    /// How many requests they may have in flight together.
    pub slots: i32,
    /// How many they have.
    pub in_flight: i32,
    /// Why nothing is claimed: `failover`, `paused`, `no_worker` or a name of `StopReason`; `None` while payouts are sent.
    pub stopped_by: Option<String>,
    /// Since when; `None` if no worker was ever seen.
    pub since: Option<DateTime<Utc>>,
    /// Who paused it and why, or what the worker found.
    pub detail: Option<String>,
}

/// Whether payouts are sent now, by merchant; of one merchant if it is given.
pub async fn claims(
    db: &mut PgConnection,
    merchant: Option<&str>,
) -> Result<Vec<Claims>, sqlx::Error> {
    sqlx::query_as!(
        Claims,
        r#"/* store::claims */
        select c.merchant_code as "merchant_code!", c.workers as "workers!", c.slots as "slots!",
               c.in_flight as "in_flight!", c.stopped_by, c.since, c.detail
        from payout.claims c
        where $1::text is null or c.merchant_code = $1
        order by c.merchant_code"#,
        merchant,
    )
    .fetch_all(db)
    .await
}

/// Why one worker that runs claims nothing for a merchant: an open circuit breaker, a pause, or what it lacks.
#[derive(Clone, Debug)]
pub struct Stop {
    /// Host name and process ID.
    pub worker: String,
    /// The merchant.
    pub merchant_code: String,
    /// A name of `StopReason`.
    pub stopped_by: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// What the worker found, in words.
    pub detail: String,
}

/// Every worker and merchant for which nothing is claimed, the oldest first.
pub async fn stops(db: &mut PgConnection) -> Result<Vec<Stop>, sqlx::Error> {
    sqlx::query_as!(
        Stop,
        r#"/* store::stops */
        select c.worker, c.merchant_code, c.stopped_by as "stopped_by!", c.since, c.detail
        from payout.worker_claims c
        join payout.workers w on w.worker = c.worker
        where c.stopped_by is not null and payout.is_running(w)
        order by c.since, c.worker, c.merchant_code
        limit 100"#,
    )
    .fetch_all(db)
    .await
}

/// A worker that ran within the last day.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Seen {
    /// Host name and process ID.
    pub worker: String,
    /// The program's version.
    pub version: String,
    /// When it began.
    pub since: DateTime<Utc>,
    /// When it last said that it runs.
    pub seen_at: DateTime<Utc>,
    /// Whether it said so within the last half minute.
    pub is_running: bool,
    /// When it stopped as it was told to; `None` while it runs, or if it was killed.
    pub ended_at: Option<DateTime<Utc>>,
    /// Its merchants.
    pub merchants: Vec<String>,
    /// How many requests it has in flight, and may have.
    pub in_flight: i64,
    /// How many it may have.
    pub slots: i64,
}

/// The workers that ran within the last day: those that run first, then the one seen last.
pub async fn workers(db: &mut PgConnection) -> Result<Vec<Seen>, sqlx::Error> {
    sqlx::query_as!(
        Seen,
        r#"/* store::workers */
        select w.worker, w.version, w.since, w.seen_at, payout.is_running(w) as "is_running!", w.ended_at,
               array_agg(c.merchant_code order by c.merchant_code) as "merchants!",
               sum(c.in_flight) as "in_flight!", sum(c.slots) as "slots!"
        from payout.workers w
        join payout.worker_claims c on c.worker = w.worker
        group by w.worker
        order by 5 desc, w.seen_at desc
        limit 100"#,
    )
    .fetch_all(db)
    .await
}
