//! What `payout doctor` checks in a database.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// The current login, and the server's version and clock.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The login.
    pub login: String,
    /// The server's version.
    pub version: String,
    /// The roles of the schema that the login has.
    pub roles: Vec<String>,
    /// The server's clock.
    pub now: DateTime<Utc>,
}

/// Reads it. Works without the schema.
pub async fn see(pool: &PgPool) -> Result<Seen, sqlx::Error> {
    sqlx::query_as!(
        Seen,
        r#"/* store::see */
        select session_user::text as "login!", current_setting('server_version') as "version!",
               array(select r.rolname::text from pg_roles r
                     where r.rolname in ('payout_worker', 'payout_operator', 'payout_reader', 'payout_enqueuer')
                       and pg_has_role(session_user, r.oid, 'member')
                     order by 1) as "roles!: Vec<String>",
               clock_timestamp() as "now!""#,
    )
    .fetch_one(pool)
    .await
}

/// Whether a merchant is registered with exactly this gateway and these platform keys; `None` if it is not registered.
pub async fn registered_so(
    pool: &PgPool,
    code: &str,
    dialect: &str,
    base_url: &str,
    platform_keys: &[String],
) -> Result<Option<bool>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::registered_so */
        select (m.dialect, m.base_url, m.platform_keys) = ($2, $3, $4::text[]) as "same!"
        from payout.merchants m where m.code = $1"#,
        code,
        dialect,
        base_url,
        platform_keys,
    )
    .fetch_optional(pool)
    .await
}

/// Whether two clients share one session in turn, as behind a transaction pooler. Such a pooler loses session settings
/// and never delivers a NOTIFY.
pub async fn is_pooled_by_transaction(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let (mut one, mut other) = (pool.acquire().await?, pool.acquire().await?);
    let mut sessions = Vec::new();
    for db in [&mut *one, &mut *other] {
        let pid = sqlx::query_scalar!(r#"select /* store::session */ pg_backend_pid() as "pid!""#)
            .fetch_one(db)
            .await?;
        sessions.push(pid);
    }
    Ok(sessions.first() == sessions.last())
}

/// Since when claims have been stopped by a failover; `None` if there was none.
pub async fn failover_since(pool: &PgPool) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::failover_since */
        select coalesce(f.changed_at, now()) as "changed_at!"
        from payout.failover f
        where f.changed_at is not null or f.identity <> payout.identity()"#,
    )
    .fetch_optional(pool)
    .await
}

/// The number of pauses, and when the oldest began.
pub async fn pauses_since(pool: &PgPool) -> Result<(i64, Option<DateTime<Utc>>), sqlx::Error> {
    let row = sqlx::query!(
        r#"/* store::pauses_since */
        select count(*) as "pauses!", min(z.since) as since from payout.pauses z"#,
    )
    .fetch_one(pool)
    .await?;
    Ok((row.pauses, row.since))
}

/// The port on which the server accepted this connection; `None` if it came through a socket.
pub async fn server_port(pool: &PgPool) -> Result<Option<i32>, sqlx::Error> {
    sqlx::query_scalar!(r#"select /* store::server_port */ inet_server_port() as port"#)
        .fetch_one(pool)
        .await
}

/// From when "not found" counts again, while the quiet horizons are restarted because of the server's clock.
pub async fn horizons_restarted_until(pool: &PgPool) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::horizons_restarted_until */
        select c.trusted_after as "trusted_after!"
        from payout.clock c
        where c.trusted_after > clock_timestamp()"#,
    )
    .fetch_optional(pool)
    .await
}

/// Since when `payout.events` has shown nothing new although something happened, and the process whose transaction holds it
/// back, as far as this login may see it.
pub async fn events_hidden_since(
    pool: &PgPool,
) -> Result<(Option<DateTime<Utc>>, Option<i32>), sqlx::Error> {
    let row = sqlx::query!(
        r#"/* store::events_hidden_since */
        select (select h.at from payout.history h
                where h.seq >= (payout.xid_base() + pg_snapshot_xmin(pg_current_snapshot())::text::bigint) << 20
                order by h.seq limit 1) as hidden_since,
               (select a.pid from pg_stat_activity a
                where a.backend_xid is not null
                order by a.xact_start limit 1) as pid"#,
    )
    .fetch_one(pool)
    .await?;
    Ok((row.hidden_since, row.pid))
}
