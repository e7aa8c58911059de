//! Whether a worker may run on this database.

use sqlx::PgPool;

use super::{CONNECTIONS, overview::full_pages_off_by};

/// What people may accept where the storage writes each page whole.
const FULL_PAGES_OFF: &str = "full_page_writes = off";

/// The oldest server that has what the schema needs, as a number.
const OLDEST: i32 = 150_000;

/// What the login could do, and what the server guarantees.
// Why: each is a separate fact.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Debug)]
pub struct Fitness {
    /// The login is a superuser or a member of the schema's owner, so it could switch the guards off.
    pub could_switch_guards_off: bool,
    /// Settings that can lose a committed claim (I11), as in `fsync = off`.
    pub unsafe_settings: Vec<String>,
    /// Why `full_page_writes` may be off here, and who said so; `None` if it is on, or nobody did.
    pub whole_pages_by: Option<String>,
    /// Tables of ours that have row-level security, which hides rows from every login that no policy names.
    pub hidden_tables: Vec<String>,
    /// How many connections the login, or the database for all logins, may have open; `None` if that is not limited.
    pub connection_limit: Option<i32>,
    /// The server's version, as in `15.14`.
    pub version: String,
    /// The same as a number: `150014`.
    pub version_num: i32,
    /// In which encoding the database stores text. Only `UTF8` stores whatever a gateway may write.
    pub encoding: String,
    /// The server is a standby.
    pub is_standby: bool,
    /// Nothing can be written: a standby, or `default_transaction_read_only`.
    pub read_only: bool,
    /// Commits of this login wait for a synchronous standby that does not answer.
    pub commits_wait: bool,
    /// The login.
    pub login: String,
    /// The role with whose rights it acts: another one where `alter role ... set role` says so.
    pub acts_as: String,
    /// It has the rights of `payout_worker`; `None` if there is no such role yet.
    pub is_worker: Option<bool>,
    /// `session_replication_role`: with any value but `origin` the guards do not fire.
    pub replication_role: String,
    /// The settings that every connection of ours states at its start are in force. A pooler may drop them.
    pub keeps_settings: bool,
}

/// Something that makes a database useless for a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// What `payout doctor` checks.
    pub subject: &'static str,
    /// What was found.
    pub found: String,
    /// What to do.
    pub repair: String,
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.found, self.repair)
    }
}

impl Fitness {
    /// Everything that makes this database useless for a worker.
    pub fn obstacles(&self) -> Vec<Obstacle> {
        let found = [
            self.version_is_unfit(),
            self.encoding_is_unfit(),
            self.hides_rows(),
            self.disarms_guards(),
            self.borrows_a_role(),
            self.loses_settings(),
        ];
        found.into_iter().flatten().collect()
    }

    /// Why nothing can be written, and what to do.
    pub fn why_read_only(&self) -> Option<Obstacle> {
        let (found, repair) = if self.is_standby {
            ("this server is a standby", "use the URL of the primary")
        } else if self.read_only {
            (
                "every transaction of this login is read-only (default_transaction_read_only), as providers set it when a \
                 disk is full",
                "find out who set it and why; then: alter role LOGIN reset default_transaction_read_only, or the same for \
                 the database",
            )
        } else {
            return None;
        };
        Some(Obstacle {
            subject: "read-only",
            found: found.to_owned(),
            repair: repair.to_owned(),
        })
    }

    /// What keeps this login from working as a worker's.
    pub fn lacks_worker_role(&self) -> Option<Obstacle> {
        let lacks = self.is_worker == Some(false) && !self.could_switch_guards_off;
        lacks.then(|| Obstacle {
            subject: "role",
            found: format!("{} does not have the rights of payout_worker", self.login),
            repair: format!(
                "grant payout_worker to {0}; if it has been granted: alter role {0} inherit",
                self.login
            ),
        })
    }

    /// The first of them.
    pub fn why_unfit(&self) -> Option<String> {
        Some(self.obstacles().first()?.to_string())
    }

    /// What hides rows, and how to end that.
    pub fn why_hidden(&self) -> Option<String> {
        Some(self.hides_rows()?.to_string())
    }

    fn version_is_unfit(&self) -> Option<Obstacle> {
        let (found, repair) = match self.version_num {
            ..OLDEST => (
                "too old: the schema needs Postgres 15 or later",
                "upgrade the server",
            ),
            // Its release notes: in 18.0 and 18.1 an UPDATE of locked rows skips those that somebody else changed meanwhile.
            180_000..180_002 => (
                "its UPDATE ... FROM can skip rows that others change at the same time",
                "upgrade the server to 18.2 or later",
            ),
            _ => return None,
        };
        Some(Obstacle {
            subject: "version",
            found: format!("this is Postgres {}, and {found}", self.version),
            repair: repair.to_owned(),
        })
    }

    fn encoding_is_unfit(&self) -> Option<Obstacle> {
        (self.encoding != "UTF8").then(|| Obstacle {
            subject: "encoding",
            found: format!(
                "the database stores text as {}, which cannot hold every text that a gateway may answer with",
                self.encoding
            ),
            repair: "create one with encoding UTF8: create database payout encoding 'UTF8' template template0"
                .to_owned(),
        })
    }

    fn hides_rows(&self) -> Option<Obstacle> {
        let first = self.hidden_tables.first()?;
        Some(Obstacle {
            subject: "row security",
            found: format!(
                "row-level security is on for {}: it may hide open payouts from this login",
                self.hidden_tables.join(", ")
            ),
            repair: format!(
                "switch it off as the owner of each table: alter table {first} disable row level security"
            ),
        })
    }

    fn disarms_guards(&self) -> Option<Obstacle> {
        (self.replication_role != "origin").then(|| Obstacle {
            subject: "guards",
            found: format!(
                "session_replication_role is {} for this login, so the triggers that guard payouts do not fire",
                self.replication_role
            ),
            repair: format!(
                "alter role {} reset session_replication_role, or the same for the database",
                self.login
            ),
        })
    }

    fn borrows_a_role(&self) -> Option<Obstacle> {
        (self.acts_as != self.login).then(|| Obstacle {
            subject: "role",
            found: format!(
                "{} acts with the rights of {} (alter role ... set role)",
                self.login, self.acts_as
            ),
            repair: format!("alter role {} reset role", self.login),
        })
    }

    fn loses_settings(&self) -> Option<Obstacle> {
        (!self.keeps_settings).then(|| Obstacle {
            subject: "pooler",
            found: "a pooler drops the settings with which connections start (ignore_startup_parameters), so no wait is \
                    bounded"
                .to_owned(),
            repair: "use the URL of Postgres itself, or take `options` out of ignore_startup_parameters".to_owned(),
        })
    }

    /// Why a worker under this login would wait for connections in vain.
    pub fn too_few_connections(&self) -> Option<Obstacle> {
        let limit = self.connection_limit.filter(|limit| *limit < CONNECTIONS)?;
        Some(Obstacle {
            subject: "connections",
            found: format!(
                "this login or database may have {limit} connections open, and one worker needs {CONNECTIONS}"
            ),
            repair: format!(
                "raise the limit: alter role LOGIN connection limit {CONNECTIONS}, times the number of workers, or -1 for none"
            ),
        })
    }

    /// Everything for which claims must stop, in words.
    pub fn why_unsafe(&self) -> Vec<String> {
        let mut why = self.unsafe_settings.clone();
        why.extend(self.why_hidden());
        let standby = self.why_read_only().filter(|_| self.is_standby);
        let others = [standby, self.disarms_guards(), self.borrows_a_role()];
        why.extend(others.iter().flatten().map(Obstacle::to_string));
        why
    }

    /// Everything for which no work is done now, in words. What ends by itself does not stop claims: they fail meanwhile.
    pub fn why_not_ready(&self) -> Vec<String> {
        let mut why = self.why_unsafe();
        if self.commits_wait {
            why.push(
                "commits wait for a synchronous standby that does not answer: start it, or correct \
                 synchronous_standby_names"
                    .to_owned(),
            );
        }
        let read_only = self.why_read_only().filter(|_| !self.is_standby);
        why.extend(read_only.map(|obstacle| obstacle.to_string()));
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
               (select min(l.most) from (select r.rolconnlimit from pg_roles r where r.rolname = session_user and not r.rolsuper
                                         union all
                                         select d.datconnlimit from pg_database d where d.datname = current_database()) l (most)
                where l.most >= 0) as connection_limit,
               split_part(current_setting('server_version'), ' ', 1) as "version!",
               current_setting('server_version_num')::int as "version_num!",
               current_setting('server_encoding') as "encoding!", pg_is_in_recovery() as "is_standby!",
               current_setting('transaction_read_only') = 'on' as "read_only!",
               exists (select from pg_stat_activity a
                       where a.usename = session_user and a.wait_event = 'SyncRep'
                         and a.state_change < clock_timestamp() - interval '5 seconds') as "commits_wait!",
               session_user::text as "login!", current_user::text as "acts_as!",
               (select pg_has_role(current_user, r.oid, 'usage') from pg_roles r where r.rolname = 'payout_worker') as is_worker,
               current_setting('session_replication_role') as "replication_role!",
               current_setting('search_path') = 'pg_catalog' and current_setting('lock_timeout') = '250ms' as "keeps_settings!",
               array(select c.oid::regclass::text from pg_class c
                     where c.relnamespace = (select n.oid from pg_namespace n where n.nspname = 'payout') and c.relrowsecurity
                     order by 1) as "hidden_tables!: Vec<String>",
               array(select s.name || ' = ' || s.setting from pg_settings s
                     where (s.name in ('fsync', 'full_page_writes') and s.setting = 'off')
                        or (s.name = 'synchronous_commit' and s.setting = 'off')) as "unsafe_settings!: Vec<String>""#,
    )
    .fetch_one(pool)
    .await?;
    let mut unsafe_settings = row.unsafe_settings;
    let mut whole_pages_by = None;
    if unsafe_settings
        .iter()
        .any(|setting| setting == FULL_PAGES_OFF)
    {
        // Before the first migration nobody has said anything.
        whole_pages_by = full_pages_off_by(pool).await.unwrap_or_default();
    }
    if whole_pages_by.is_some() {
        unsafe_settings.retain(|setting| setting != FULL_PAGES_OFF);
    }
    Ok(Fitness {
        could_switch_guards_off: row.superuser || row.owner,
        unsafe_settings,
        whole_pages_by,
        hidden_tables: row.hidden_tables,
        connection_limit: row.connection_limit,
        version: row.version,
        version_num: row.version_num,
        encoding: row.encoding,
        is_standby: row.is_standby,
        read_only: row.read_only,
        commits_wait: row.commits_wait,
        login: row.login,
        acts_as: row.acts_as,
        is_worker: row.is_worker,
        replication_role: row.replication_role,
        keeps_settings: row.keeps_settings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(version: &str, version_num: i32) -> Fitness {
        Fitness {
            could_switch_guards_off: false,
            unsafe_settings: Vec::new(),
            whole_pages_by: None,
            hidden_tables: Vec::new(),
            connection_limit: None,
            version: version.to_owned(),
            version_num,
            encoding: "UTF8".to_owned(),
            is_standby: false,
            read_only: false,
            commits_wait: false,
            login: "w1".to_owned(),
            acts_as: "w1".to_owned(),
            is_worker: Some(true),
            replication_role: "origin".to_owned(),
            keeps_settings: true,
        }
    }

    #[test]
    fn servers_that_are_too_old_or_lose_rows_are_refused_by_name() {
        for (version, number) in [("15.0", 150_000), ("17.10", 170_010), ("18.2", 180_002)] {
            assert_eq!(of(version, number).why_unfit(), None, "{version}");
        }
        for (version, number, repair) in [
            ("14.23", 140_023, "15 or later"),
            ("18.0", 180_000, "18.2"),
            ("18.1", 180_001, "18.2"),
        ] {
            let why = of(version, number).why_unfit().unwrap();
            assert!(why.contains(&format!("Postgres {version},")), "{why}");
            assert!(why.contains(repair), "{why}");
        }
    }
}
