//! Whether a worker may run on this database.

use sqlx::PgPool;

/// What the login could do, and what the server guarantees.
#[derive(Clone, Debug)]
pub struct Fitness {
    /// The login is a superuser or a member of the schema's owner, so it could switch the guards off.
    pub could_switch_guards_off: bool,
    /// Settings that can lose a committed claim (I11), as in `fsync = off`.
    pub unsafe_settings: Vec<String>,
    /// Tables of ours that have row-level security, which hides rows from every login that no policy names.
    pub hidden_tables: Vec<String>,
    /// In which encoding the database stores text. Only `UTF8` stores whatever a gateway may write.
    pub encoding: String,
    /// The server is a standby, so nothing can be written.
    pub read_only: bool,
}

impl Fitness {
    /// What hides rows, and how to end that.
    pub fn why_hidden(&self) -> Option<String> {
        let first = self.hidden_tables.first()?;
        Some(format!(
            "row-level security is on for {}: it may hide open payouts from this login. Switch it off as the owner of each \
             table: alter table {first} disable row level security",
            self.hidden_tables.join(", ")
        ))
    }

    /// What makes this database useless for a worker, and how to end that.
    pub fn why_unfit(&self) -> Option<String> {
        if self.encoding != "UTF8" {
            return Some(format!(
                "the database stores text as {}, which cannot hold every text that a gateway may answer with. Create one \
                 with encoding UTF8: create database payout encoding 'UTF8' template template0",
                self.encoding
            ));
        }
        self.why_hidden()
    }

    /// Everything for which claims must stop, in words.
    pub fn why_unsafe(&self) -> Vec<String> {
        let mut why = self.unsafe_settings.clone();
        why.extend(self.why_hidden());
        if self.read_only {
            why.push("the server is a standby".to_owned());
        }
        why
    }
}

/// Reads the login's rights and the server's settings.
pub async fn fitness(pool: &PgPool) -> Result<Fitness, sqlx::Error> {
    let row = sqlx::query!(
        r#"/* store::fitness */
        select (select r.rolsuper from pg_roles r where r.rolname = session_user) as "superuser!",
               coalesce((select pg_has_role(session_user, n.nspowner, 'member')
                         from pg_namespace n where n.nspname = 'payout'), false) as "owner!",
               current_setting('server_encoding') as "encoding!", pg_is_in_recovery() as "read_only!",
               array(select c.oid::regclass::text from pg_class c
                     where c.relnamespace = (select n.oid from pg_namespace n where n.nspname = 'payout') and c.relrowsecurity
                     order by 1) as "hidden_tables!: Vec<String>",
               array(select s.name || ' = ' || s.setting from pg_settings s
                     where (s.name in ('fsync', 'full_page_writes') and s.setting = 'off')
                        or (s.name = 'synchronous_commit' and s.setting = 'off')) as "unsafe_settings!: Vec<String>""#,
    )
    .fetch_one(pool)
    .await?;
    Ok(Fitness {
        could_switch_guards_off: row.superuser || row.owner,
        unsafe_settings: row.unsafe_settings,
        hidden_tables: row.hidden_tables,
        encoding: row.encoding,
        read_only: row.read_only,
    })
}
