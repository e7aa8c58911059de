//! What `payout doctor` looks at in a database.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// What this login is, and what time the server has.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The login.
    pub login: String,
    /// The server's version.
    pub version: String,
    /// The roles of the schema that the login is a member of.
    pub roles: Vec<String>,
    /// The server's clock.
    pub now: DateTime<Utc>,
}

/// Looks. Needs no schema.
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

/// Whether a merchant is registered, and with this gateway and these platform keys.
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
