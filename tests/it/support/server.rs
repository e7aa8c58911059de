//! The one Postgres server of this test process, and the migrated template that databases are copied from.

use std::{
    env,
    str::FromStr,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::Duration,
};

use payout_worker::store::schema::migrator;
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, migrate::Migrator, postgres::PgConnectOptions,
};
use throwaway_postgres::{Cluster, Options, SUPERUSER};

/// Lets tests change rows as no guard allows, by `session_replication_role = replica`: to let time pass, for one.
pub(crate) const TAKE_REPLICATED: &str = "
    do $$ declare guarded regclass; begin
        for guarded in select tgrelid from pg_trigger where tgname = 'refuse_replicated' loop
            execute format('alter table %s disable trigger refuse_replicated, disable trigger refuse_replicated_truncate', guarded);
        end loop;
    end $$";

/// Ends [`TAKE_REPLICATED`].
pub(crate) const REFUSE_REPLICATED: &str = "
    do $$ declare guarded regclass; begin
        for guarded in select tgrelid from pg_trigger where tgname = 'refuse_replicated' loop
            execute format('alter table %s enable replica trigger refuse_replicated, '
                           'enable replica trigger refuse_replicated_truncate', guarded);
        end loop;
    end $$";

static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| migrator(false));

/// The server of this process. Its folder goes when the process ends: the cluster's watchdog sees to that.
static SERVER: LazyLock<Server> = LazyLock::new(|| {
    // A runtime cannot be started from inside another one, and the first caller is inside of its test's.
    thread::spawn(Server::start)
        .join()
        .expect("no Postgres server for the tests")
});

/// A server where this process may make and drop databases.
pub(crate) struct Server {
    /// `scheme`, `user:password`, `host:port` and `?query` of the address; the database is put between them.
    scheme: String,
    login: String,
    host: String,
    query: String,
    template: String,
    cluster_kept: Option<Cluster>,
}

impl Server {
    /// The server of this process, started at the first call.
    pub(crate) fn of_this_process() -> &'static Self {
        &SERVER
    }

    /// `PAYOUT_TEST_DATABASE_URL`, or else a throw-away cluster.
    fn start() -> Self {
        let (url, cluster) = if let Ok(url) = env::var("PAYOUT_TEST_DATABASE_URL") {
            (url, None)
        } else {
            let two_phase = ("max_prepared_transactions".to_owned(), "20".to_owned());
            let options = Options {
                settings: vec![two_phase],
                ..Options::default()
            };
            let cluster = Cluster::start(options).expect("a throw-away Postgres");
            (cluster.url("postgres", SUPERUSER), Some(cluster))
        };
        let mut server = Self::parse(&url);
        server.cluster_kept = cluster;
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(server.make_template());
        server
    }

    fn parse(url: &str) -> Self {
        let (scheme, rest) = url.split_once("://").expect("postgres://… as the address");
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let authority = rest.split('/').next().unwrap_or(rest);
        let (login, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        // The same migrations make the same template, so a server that outlives this process keeps only one.
        let version = MIGRATOR
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, migration| {
                migration.checksum.iter().fold(hash, |hash, byte| {
                    (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
                })
            });
        Self {
            scheme: scheme.to_owned(),
            login: login.to_owned(),
            host: host.to_owned(),
            query: query.to_owned(),
            template: format!("payout_test_template_{version:016x}"),
            cluster_kept: None,
        }
    }

    /// The connection string of `database` for the login in the given address.
    pub(crate) fn url(&self, database: &str) -> String {
        self.url_with(&self.login, database)
    }

    /// The connection string of `database` for `role`, whose password is its name.
    pub(crate) fn url_as(&self, role: &str, database: &str) -> String {
        self.url_with(&format!("{role}:{role}"), database)
    }

    fn url_with(&self, login: &str, database: &str) -> String {
        let at = if login.is_empty() { "" } else { "@" };
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!(
            "{}://{login}{at}{}/{database}{mark}{}",
            self.scheme, self.host, self.query
        )
    }

    /// A connection to the server's own database, from which others are made and dropped.
    pub(crate) async fn maintenance(&self) -> PgConnection {
        connect(&self.url("postgres")).await
    }

    /// Migrates once; the copies take a tenth of a second. The name appears when the template is complete.
    async fn make_template(&self) {
        let mut server = self.maintenance().await;
        // Another test process may be at the same point.
        run(
            &mut server,
            "select pg_advisory_lock(hashtext('payout_test_template'))",
        )
        .await;
        let found: bool =
            sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
                .bind(&self.template)
                .fetch_one(&mut server)
                .await
                .unwrap();
        if !found {
            let unfinished = format!("{}_unfinished", self.template);
            run(
                &mut server,
                &format!("drop database if exists {unfinished} with (force)"),
            )
            .await;
            run(
                &mut server,
                &format!("create database {unfinished} template template0"),
            )
            .await;
            let mut database = connect(&self.url(&unfinished)).await;
            MIGRATOR.run(&mut database).await.expect("the migrations");
            run(&mut database, TAKE_REPLICATED).await;
            database.close().await.unwrap();
            run(
                &mut server,
                &format!("alter database {unfinished} rename to {}", self.template),
            )
            .await;
        }
        server.close().await.unwrap();
    }

    /// A new database with today's schema and nothing in it.
    pub(crate) async fn copy_template(&self) -> String {
        self.copy_of(&self.template).await
    }

    /// A new database with everything that `database` holds.
    pub(crate) async fn copy_of(&self, database: &str) -> String {
        let name = unique("payout_test");
        let mut server = self.maintenance().await;
        run(
            &mut server,
            &format!("create database {name} template {database}"),
        )
        .await;
        server.close().await.unwrap();
        name
    }
}

/// A name that no other test process or run uses.
pub(crate) fn unique(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(
        "{what}_{}_{:08x}_{count}",
        std::process::id(),
        rand::random::<u32>()
    )
}

/// One connection.
pub(crate) async fn connect(url: &str) -> PgConnection {
    let options = PgConnectOptions::from_str(url).expect("the address of the test server");
    tokio::time::timeout(
        Duration::from_secs(30),
        PgConnection::connect_with(&options),
    )
    .await
    .expect("the test server does not answer")
    .expect("the test server refuses the connection")
}

/// Runs statements that the tests made themselves; a name that they need in them is their own as well.
pub(crate) async fn run(connection: &mut PgConnection, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{statements}: {error}"));
}
