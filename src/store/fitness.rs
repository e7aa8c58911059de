//! Whether a worker may run on this database.

use sqlx::PgPool;

/// What the login could do, and what the server guarantees.
#[derive(Clone, Debug)]
pub struct Fitness {
    /// The login is a superuser or a member of the schema's owner, so it could switch the guards off.
    pub could_switch_guards_off: bool,
    /// Settings that can lose a committed claim (I11), as in `fsync = off`.
    pub unsafe_settings: Vec<String>,
    /// The server is a standby, so nothing can be written.
    pub read_only: bool,
}

/// Reads the login's rights and the server's settings.
pub async fn fitness(pool: &PgPool) -> Result<Fitness, sqlx::Error> {
    let row = sqlx::query!(
        r#"/* store::fitness */
        select (select r.rolsuper from pg_roles r where r.rolname = session_user) as "superuser!",
               coalesce((select pg_has_role(session_user, n.nspowner, 'member')
                         from pg_namespace n where n.nspname = 'payout'), false) as "owner!",
               pg_is_in_recovery() as "read_only!",
               array(select s.name || ' = ' || s.setting from pg_settings s
                     where (s.name in ('fsync', 'full_page_writes') and s.setting = 'off')
                        or (s.name = 'synchronous_commit' and s.setting = 'off')) as "unsafe_settings!: Vec<String>""#,
    )
    .fetch_one(pool)
    .await?;
    Ok(Fitness {
        could_switch_guards_off: row.superuser || row.owner,
        unsafe_settings: row.unsafe_settings,
        read_only: row.read_only,
    })
}
