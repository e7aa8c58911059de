//! A database for each test, migrated and empty.

use std::{str::FromStr, sync::Mutex, thread, time::Duration};

use sqlx::{
    AssertSqlSafe, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};

use super::server::{self, Server};

/// The merchant of tests that need only one.
pub(crate) const MERCHANT: &str = "S2020198627344";

/// The address by which the workers of [`Database::with_merchant`] would come.
pub(crate) const ADDRESS: &str = "db.example:5432";

/// The longest wait for an expected event.
/// Paid orders that vouch for "not found" (I10).
pub(crate) const VOUCHING: [&str; 2] = ["KNOWN-OLD", "KNOWN-NEW"];
/// Lets them count as sent an hour ago and in an hour.
pub(crate) const SENT_AROUND: &str = "
    set session_replication_role = replica;
    update payout.payouts set send_by = send_by - interval '1 hour' where order_num = 'KNOWN-OLD';
    update payout.payouts set send_by = send_by + interval '1 hour' where order_num = 'KNOWN-NEW';
    update payout.attempts set claimed_at = claimed_at + interval '1 hour' where order_num = 'KNOWN-NEW';
    set session_replication_role = origin";
pub(crate) const DEADLINE: Duration = Duration::from_mins(5);

/// How long a test that waits pauses before it looks again, so that the tests beside it get the processor.
pub(crate) const PAUSE: Duration = Duration::from_millis(10);

/// A database on the server of this process; dropped with this value.
pub(crate) struct Database {
    server: &'static Server,
    name: String,
    pool: PgPool,
    logins: Mutex<Vec<String>>,
}

impl Database {
    /// A migrated database without a merchant.
    pub(crate) async fn fresh() -> Self {
        let server = Server::of_this_process();
        let name = server.copy_template().await;
        Self::of(server, name).await
    }

    async fn of(server: &'static Server, name: String) -> Self {
        let pool = open(&server.url(&name)).await;
        Self {
            server,
            name,
            pool,
            logins: Mutex::default(),
        }
    }

    /// A copy by `create database ... template ...`; nobody else may be connected to the original meanwhile.
    pub(crate) async fn copied(&mut self) -> Self {
        self.pool.close().await;
        let name = self.server.copy_of(&self.name).await;
        self.pool = open(&self.url()).await;
        Self::of(self.server, name).await
    }

    /// A migrated database where [`MERCHANT`] is registered and has 10 000 000 000 rupiah.
    pub(crate) async fn with_merchant() -> Self {
        let database = Self::fresh().await;
        database.register_merchant(MERCHANT).await;
        database.fund(MERCHANT, 10_000_000_000).await;
        database
    }

    /// The connection string of the schema's owner.
    pub(crate) fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// The connection string of a role that [`Self::login`] made.
    pub(crate) fn url_as(&self, role: &str) -> String {
        self.server.url_as(role, &self.name)
    }

    /// Connections of the schema's owner.
    pub(crate) fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// One more connection of the owner, for tests in which several sessions meet.
    pub(crate) async fn connect(&self) -> PgConnection {
        server::connect(&self.url()).await
    }

    /// One connection of a role that [`Self::login`] made.
    pub(crate) async fn connect_as(&self, role: &str) -> PgConnection {
        server::connect(&self.url_as(role)).await
    }

    /// Listens on `channel`; it already does when this returns.
    pub(crate) async fn listen(&self, channel: &str) -> PgListener {
        let mut listener = PgListener::connect(&self.url()).await.unwrap();
        listener.listen(channel).await.unwrap();
        listener
    }

    /// A new role that may log in and is a member of `roles`. Roles belong to the server, so its name is unique.
    pub(crate) async fn login(&self, roles: &[&str]) -> String {
        let login = server::unique("payout_login");
        self.logins.lock().unwrap().push(login.clone());
        self.run(&format!("create role {login} login password '{login}'"))
            .await;
        for role in roles {
            self.run(&format!("grant {role} to {login}")).await;
        }
        login
    }

    /// Registers a merchant as `payout migrate` does, without a fee reserve and without limits, and the first one with
    /// [`ADDRESS`]. Only people fund it.
    pub(crate) async fn register_merchant(&self, code: &str) {
        self.run(&format!(
            "insert into payout.addresses (address, reason)
             select '{ADDRESS}', 'test' where not exists (select from payout.addresses)"
        ))
        .await;
        sqlx::query(
            "insert into payout.merchants (code, dialect, balance_is_signed, not_found_is_proof, base_url, platform_keys,
                                           funding)
             values ($1, 'bdpay', true, true, 'https://gateway.example', '{}', 'books')",
        )
        .bind(code)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// Books a top-up under a new reference, however many people that takes.
    pub(crate) async fn fund(&self, merchant_code: &str, amount: i64) {
        let reference = server::unique("top-up");
        let people = format!("select payout.people_needed('fund', null, '{merchant_code}')");
        let fund = format!("'{merchant_code}', {amount}, '{reference}'");
        if self.text(&people).await == "1" {
            self.run(&format!("select payout.fund({fund})")).await;
        } else {
            self.agree(&format!("select payout.request_fund({fund}, 'a test')"))
                .await;
        }
    }

    /// Makes requests as the owner; whatever waits is then approved by another role, in the same transaction.
    pub(crate) async fn agree(&self, requests: &str) {
        self.run(&format!(
            "{requests};
             set session authorization payout_operator;
             select payout.approve(r.id) from payout.requests r where r.decision is null and r.expires_at > now();
             reset session authorization"
        ))
        .await;
    }

    /// Enqueues a payout for the only merchant by the INSERT that the contract promises.
    pub(crate) async fn insert(&self, order_num: &str, amount: i64) {
        sqlx::query(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
             values ($1, $2, 1, '014', '0012345678', 'Siti Rahayu')",
        )
        .bind(order_num)
        .bind(amount)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// Runs statements as the owner; a refusal fails the test.
    pub(crate) async fn run(&self, statements: &str) {
        self.try_run(statements)
            .await
            .unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// Runs statements as the owner.
    pub(crate) async fn try_run(&self, statements: &str) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// The single value that `query` returns, as text; empty for null.
    pub(crate) async fn text(&self, query: &str) -> String {
        let query = format!("select (({query})::text)");
        let value: Option<String> = sqlx::query_scalar(AssertSqlSafe(query.clone()))
            .fetch_one(&self.pool)
            .await
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        value.unwrap_or_default()
    }

    /// Waits until `condition` is true, up to a deadline.
    pub(crate) async fn until(&self, condition: &str) {
        let looking = async {
            while self.text(condition).await != "true" {
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(DEADLINE, looking)
            .await
            .unwrap_or_else(|_| panic!("never true: {condition}"));
    }

    /// Waits until another session of this database waits for a lock.
    pub(crate) async fn until_somebody_waits_for_a_lock(&self) {
        self.until(
            "select exists (select from pg_stat_activity
                            where datname = current_database() and wait_event_type = 'Lock')",
        )
        .await;
    }

    /// The state of the payout with that order number.
    pub(crate) async fn state(&self, order_num: &str) -> String {
        sqlx::query_scalar("select state from payout.payouts where order_num = $1")
            .bind(order_num)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }
}

async fn open(url: &str) -> PgPool {
    PgPoolOptions::new()
        .max_connections(8)
        .test_before_acquire(false)
        .connect_with(PgConnectOptions::from_str(url).unwrap())
        .await
        .unwrap()
}

impl Drop for Database {
    /// Frees space. On a throw-away server it does no harm to leave it out, so a failure is ignored.
    fn drop(&mut self) {
        let server = self.server;
        let mut statements = vec![format!(
            "drop database if exists {} with (force)",
            self.name
        )];
        let logins = self.logins.lock().map(|mut logins| logins.split_off(0));
        statements.extend(
            logins
                .unwrap_or_default()
                .iter()
                .map(|login| format!("drop role {login}")),
        );
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(async {
                let mut server = server.maintenance().await;
                for statement in statements {
                    sqlx::raw_sql(AssertSqlSafe(statement))
                        .execute(&mut server)
                        .await
                        .ok();
                }
            });
            Ok::<(), std::io::Error>(())
        });
        _ = dropping.join();
    }
}
