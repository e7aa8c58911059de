//! The fence after a failover or a restore: commits may be lost, so a payout that was sent may appear as queued (I11).

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{Connection, PgConnection, PgPool, postgres::types::PgInterval};

use super::claim::LastClaim;

/// Maximum payouts whose query one statement schedules.
const AT_ONCE: i64 = 1000;

/// Registers the identity of the database that the workers claim in, unless one is registered. Keeps the longest quiet
/// horizon of all workers.
pub async fn register_identity(pool: &PgPool, quiet_horizon: Duration) -> Result<(), sqlx::Error> {
    let quiet_horizon = PgInterval::try_from(quiet_horizon).map_err(sqlx::Error::Encode)?;
    sqlx::query!(
        r#"/* store::register_identity */
        insert into payout.failover as t (identity, quiet_horizon)
        select payout.identity(), $1::interval
        -- A row that suffices is not touched: another transaction may have it locked.
        where not exists (select from payout.failover f where f.quiet_horizon >= $1)
        on conflict (the_only_one) do update set quiet_horizon = excluded.quiet_horizon
        where t.quiet_horizon < excluded.quiet_horizon"#,
        quiet_horizon,
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Makes event numbers and transaction numbers rise past all that a restore brought in; elsewhere it changes nothing
/// (`payout.continue_seq`).
///
/// After a restore it reads whole tables once, so it has no time limit.
pub async fn continue_seq(pool: &PgPool) -> Result<i64, sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query!(
        r#"/* store::unbound_continue_seq */
        select set_config('statement_timeout', '0', true)"#
    )
    .fetch_one(&mut *tx)
    .await?;
    let base = sqlx::query_scalar!(
        r#"/* store::continue_seq */
        select payout.continue_seq() as "base!""#
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(base)
}

/// What stays the same about this database through failovers and restored snapshots: system, database and table.
pub async fn lineage(pool: &PgPool) -> Result<String, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::lineage */
        select concat_ws('-', split_part(i, '/', 1), split_part(i, '/', 3), split_part(i, '/', 4)) as "lineage!"
        from payout.identity() i"#,
    )
    .fetch_one(pool)
    .await
}

/// Whether this is the database that the workers claim in, including `last`, the last claim that this worker knows to
/// be committed. If it is not, claims stop, and earlier answers to queries prove nothing.
pub async fn check_identity(pool: &PgPool, last: Option<&LastClaim>) -> Result<bool, sqlx::Error> {
    let found = sqlx::query!(
        r#"/* store::same_identity */
        select t.identity = payout.identity() as "same_identity!", t.changed_at is null as "accepted!", t.epoch,
               t.changed_to is not distinct from payout.identity() as "noted!",
               exists (select from payout.attempts a
                       where a.merchant_code = $1 and a.order_num = $2 and a.attempt = $3
                         and a.request_sha256 = decode($4, 'hex')) as "last_is_there!"
        from payout.failover t"#,
        last.map(|last| &last.key.merchant_code),
        last.map(|last| &last.key.order_num),
        last.map(|last| last.attempt),
        last.map(|last| &last.request_sha256),
    )
    .fetch_optional(pool)
    .await?;
    // Before the first worker there is no identity to compare with.
    let Some(found) = found else {
        return Ok(true);
    };
    let missing = last.filter(|last| {
        last.epoch > found.epoch || (last.epoch == found.epoch && !found.last_is_there)
    });
    if let Some(missing) = missing {
        note_lost_claim(pool, missing).await?;
    } else if (found.accepted && !found.same_identity) || (!found.accepted && !found.noted) {
        note_change(pool, "another system, timeline, database or table", None, 0).await?;
    }
    Ok(found.same_identity && found.accepted && missing.is_none())
}

/// Stops every worker's claims until a person accepts this database: a committed claim is gone from it.
pub async fn note_lost_claim(pool: &PgPool, lost: &LastClaim) -> Result<bool, sqlx::Error> {
    let why = format!("the committed claim of payout {} is gone", lost.key);
    note_change(pool, &why, Some(&lost.request_sha256), lost.epoch).await
}

async fn note_change(
    pool: &PgPool,
    why: &str,
    lost: Option<&str>,
    seen_epoch: i32,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::note_failover */
        select payout.note_failover($1, $2, $3) as "first!""#,
        why,
        lost,
        seen_epoch,
    )
    .fetch_one(pool)
    .await
}

/// While commits may be lost, schedules a query for every queued payout that is neither proven unsent nor scheduled
/// already. Returns how many. A payout that the gateway knows must not be sent from here.
pub async fn query_queued(pool: &PgPool) -> Result<u64, sqlx::Error> {
    let planned = sqlx::query!(
        r#"/* store::query_queued */
        with not_queried as materialized (
            select p.merchant_code, p.order_num
            from payout.payouts p
            where (select payout.must_query_first()) and p.state = 'queued' and p.next_query_at is null
              and not payout.is_proven_unsent(p)
            order by p.created_at
            limit $1
            for no key update of p skip locked
        )
        update payout.payouts p
        set next_query_at = now()
        from not_queried u
        where (p.merchant_code, p.order_num) = (u.merchant_code, u.order_num)"#,
        AT_ONCE,
    )
    .execute(pool)
    .await?;
    Ok(planned.rows_affected())
}

/// Whether claims are stopped because commits may be lost, and what people decided about it.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Fence {
    /// Whether this is the database that the workers claim in, and nothing waits for people.
    pub is_open: bool,
    /// When a worker found a change or a lost claim.
    pub changed_at: Option<DateTime<Utc>>,
    /// From when "not found" proves something again.
    pub trusted_after: Option<DateTime<Utc>>,
    /// How many queued payouts keep it from being accepted.
    pub not_queried: i64,
    /// When it was last accepted, or first claimed in.
    pub since: DateTime<Utc>,
    /// Until when each payout is queried before its first claim.
    pub query_first_until: Option<DateTime<Utc>>,
    /// Who accepted it.
    pub accepted_by: Option<String>,
    /// What was found, or why it was accepted.
    pub reason: Option<String>,
}

/// The fence; `None` before the first worker.
pub async fn fence(db: &mut PgConnection) -> Result<Option<Fence>, sqlx::Error> {
    sqlx::query_as!(
        Fence,
        r#"/* store::fence */
        select f.changed_at is null and f.identity = payout.identity() as "is_open!", f.changed_at, f.trusted_after,
               payout.not_queried_yet() as "not_queried!", f.since, f.query_first_until, f.accepted_by, f.reason
        from payout.failover f"#,
    )
    .fetch_optional(db)
    .await
}

/// What a person states when they request that a failover be accepted.
#[derive(Clone, Copy, Debug)]
pub struct Acceptance<'a> {
    /// Why.
    pub reason: &'a str,
    /// Since when nobody can write to the old primary.
    pub old_primary_dead_since: DateTime<Utc>,
    /// How long each payout is queried before its first claim, in seconds.
    pub query_first_for: i64,
    /// Whether what cannot be queried is set aside.
    pub set_aside: bool,
}

/// What became of it.
#[derive(Clone, Debug)]
pub enum Accepted {
    /// It waits for a second person under this number.
    Requested(i64),
    /// The quiet horizon restarted; the words say until when.
    NotYet(String),
}

/// Requests that a failover be accepted; a second person approves it.
pub async fn request_acceptance(
    db: &mut PgConnection,
    acceptance: &Acceptance<'_>,
) -> Result<Accepted, sqlx::Error> {
    // In one transaction, so that the request is the one of this call.
    let mut tx = db.begin().await?;
    let said = sqlx::query_scalar!(
        r#"/* store::accept_failover */
        select payout.accept_failover($1, $2, $3::bigint * interval '1 second', $4) as "said!""#,
        acceptance.reason,
        acceptance.old_primary_dead_since,
        acceptance.query_first_for,
        acceptance.set_aside,
    )
    .fetch_one(&mut *tx)
    .await?;
    let request = sqlx::query_scalar!(
        r#"/* store::acceptance_requested */
        select max(r.id) as id from payout.requests r
        where r.kind = 'accept_failover' and r.subject = 'failover' and r.requested_at = now()
          and r.requested_by_oid = payout.login_oid()"#,
    )
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(request.map_or(Accepted::NotYet(said), Accepted::Requested))
}
