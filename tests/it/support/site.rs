//! Workers as separate processes on a separate server: killing or restarting them harms no other test.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use payout_sandbox::{
    Dialect, Ending, Pace, Sandbox, Script, Settings, parse_private_key, parse_public_key,
};
use payout_worker::{config, gateway::keys, service::keyring, store::schema::migrate};
use sqlx::{AssertSqlSafe, PgPool};
use throwaway_postgres::{Cluster, Options, SUPERUSER};
use tokio::time::{Instant, sleep};

use super::{
    database::{MERCHANT, PAUSE, SENT_AROUND, VOUCHING},
    server::TAKE_REPLICATED,
    terminal::{self, Said},
    world::free_port,
};

/// The planted personal data that no output may contain.
pub(crate) const NAME: &str = "Kanari Rahasia";
pub(crate) const ACCOUNT: &str = "7788990011223344";

pub(crate) struct Site {
    pub(crate) cluster: Cluster,
    pub(crate) pool: PgPool,
    pub(crate) sandbox: Sandbox,
    /// The address of the first worker's metrics.
    pub(crate) admin: std::net::SocketAddr,
    pub(crate) folder: tempfile::TempDir,
}

impl Site {
    pub(crate) async fn build() -> Self {
        Self::with_horizon(600).await
    }

    /// With a quiet horizon of that many seconds.
    pub(crate) async fn with_horizon(quiet_horizon_seconds: u32) -> Self {
        Self::on_server(Options::default(), quiet_horizon_seconds).await
    }

    /// The same on a server with these options.
    pub(crate) async fn on_server(options: Options, quiet_horizon_seconds: u32) -> Self {
        let cluster = tokio::task::spawn_blocking(|| Cluster::start(options))
            .await
            .unwrap()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (merchant_key, platform_key) =
            (keys::generate(1024).unwrap(), keys::generate(1024).unwrap());
        fs::write(
            folder.path().join("merchant.key"),
            keys::private_key_pem(&merchant_key).unwrap().as_bytes(),
        )
        .unwrap();
        fs::write(
            folder.path().join("platform.pub"),
            keys::public_key_pem(platform_key.as_public_key()).unwrap(),
        )
        .unwrap();
        let sandbox = Sandbox::start(
            Settings {
                dialect: Dialect::Bdpay,
                merchant_code: MERCHANT.to_owned(),
                merchant_public_key: parse_public_key(
                    &keys::public_key_pem(merchant_key.as_public_key()).unwrap(),
                )
                .unwrap(),
                platform_private_key: parse_private_key(
                    &keys::private_key_pem(&platform_key).unwrap(),
                )
                .unwrap(),
                balance_idr: 1_000_000_000,
                fee_idr: 2_500,
                pace: Pace {
                    processing_ms: 200,
                    at_bank_ms: 200,
                    ending_ms: 200,
                    late_booking_ms: 25_000,
                    ..Pace::quick()
                },
                fail_percent: 10,
                seed: 3,
                strict: true,
            },
            "127.0.0.1:0".parse().unwrap(),
        )
        .await
        .unwrap();
        let owner = cluster.url("postgres", SUPERUSER);
        let (listen, metrics) = (free_port(), free_port());
        for (file, http, admin) in [
            ("one.toml", listen.to_string(), metrics.to_string()),
            ("two.toml", String::new(), String::new()),
        ] {
            let text = format!(
                "[database]\nurl = \"{}\"\n[http]\nlisten = \"{http}\"\n[admin]\nlisten = \"{admin}\"\n[submit]\n\
                 witness_file = \"\"\ntimeout_seconds = 2\nlease_seconds = 4\n[poll]\nfirst_after_seconds = 0.5\nmax_interval_seconds = 2\n\
                 quiet_horizon_seconds = {quiet_horizon_seconds}\nqueries_per_second = 500\n[[merchant]]\ncode = \"{MERCHANT}\"\n\
                 base_url = \"{}\"\nprivate_key_file = \"merchant.key\"\nplatform_public_key_file = \"platform.pub\"\n\
                 notify_url = \"http://{listen}/callback\"\n",
                cluster.url("postgres", "a_worker"),
                sandbox.url(),
            );
            fs::write(folder.path().join(file), text).unwrap();
        }
        let config = config::load(&folder.path().join("one.toml"), None).unwrap();
        let merchant = keyring::registration(&config.merchants[0]).unwrap();
        migrate(&owner, &[merchant], &[], false).await.unwrap();
        let pool = PgPool::connect(&owner).await.unwrap();
        sqlx::raw_sql(TAKE_REPLICATED).execute(&pool).await.unwrap();
        sqlx::query("create role a_worker login in role payout_worker")
            .execute(&pool)
            .await
            .unwrap();
        Self {
            cluster,
            pool,
            sandbox,
            admin: metrics,
            folder,
        }
    }

    pub(crate) async fn enqueue(&self, numbers: std::ops::Range<i64>) {
        for number in numbers {
            let fee_type = i16::try_from(number % 2).unwrap();
            self.insert(&format!("R-{number}"), 10_000 + number, fee_type)
                .await;
        }
    }

    async fn insert(&self, order_num: &str, amount: i64, fee_type: i16) {
        sqlx::query(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
             values ($1, $2, $3, '014', $4, $5)",
        )
        .bind(order_num)
        .bind(amount)
        .bind(fee_type)
        .bind(ACCOUNT)
        .bind(NAME)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// As `World::vouch`.
    pub(crate) async fn vouch(&self) {
        for order_num in VOUCHING {
            self.sandbox.script(order_num, Script::ends(Ending::Paid));
            self.insert(order_num, 10_000, 1).await;
            let state = format!("select state from payout.payouts where order_num = '{order_num}'");
            self.until(&state, "paid").await;
        }
        sqlx::raw_sql(SENT_AROUND)
            .execute(&self.pool)
            .await
            .unwrap();
    }

    /// Makes a login that is a member of one of the schema's roles.
    pub(crate) async fn login(&self, name: &str, role: &str) {
        sqlx::query(AssertSqlSafe(format!(
            "create role {name} login in role {role}"
        )))
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// Waits until `query` returns `expected`.
    pub(crate) async fn until(&self, query: &str, expected: &str) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let text = format!("select ({query})::text");
            let found: Option<String> = sqlx::query_scalar(AssertSqlSafe(text))
                .fetch_one(&self.pool)
                .await
                .unwrap();
            if found.as_deref() == Some(expected) {
                return;
            }
            assert!(Instant::now() < deadline, "{query}: still {found:?}");
            sleep(PAUSE).await;
        }
    }

    /// `payout ARGUMENTS` as that login would call it, without a terminal to confirm at.
    pub(crate) async fn payout(&self, login: &str, arguments: &[&str]) -> Said {
        let mut command = terminal::program(arguments);
        command.env("PAYOUT_DATABASE_URL", self.cluster.url("postgres", login));
        let called = tokio::task::spawn_blocking(move || command.output().unwrap());
        called.await.unwrap().into()
    }

    /// Runs statements as the owner.
    pub(crate) async fn run(&self, statements: &str) {
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
            .execute(&self.pool)
            .await
            .unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// The status and the words of the worker's readiness.
    pub(crate) async fn ready(&self) -> (u16, String) {
        let answer = reqwest::get(format!("http://{}/readyz", self.admin)).await;
        let answer = answer.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Waits until readiness has this status and says these words.
    pub(crate) async fn until_ready(&self, status: u16, words: &str) {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            let (found, why) = self.ready().await;
            if found == status && why.contains(words) {
                return;
            }
            assert!(Instant::now() < deadline, "{found} {why}");
            sleep(PAUSE).await;
        }
    }

    pub(crate) async fn settled(&self) -> i64 {
        sqlx::query_scalar("select count(*) from payout.payouts where settled_at is not null")
            .fetch_one(&self.pool)
            .await
            .unwrap_or(-1)
    }

    pub(crate) async fn until_settled(&self, wanted: i64) {
        let deadline = Instant::now() + Duration::from_mins(3);
        while self.settled().await < wanted {
            assert!(
                Instant::now() < deadline,
                "{} of {wanted} are settled",
                self.settled().await
            );
            sleep(PAUSE).await;
        }
    }

    pub(crate) async fn assert_zeros(&self, orders: usize) {
        assert_eq!(self.sandbox.orders().len(), orders);
        assert_eq!(
            self.sandbox.submits().len(),
            orders,
            "one submit for each order"
        );
        for order in self.sandbox.orders() {
            let state: String =
                sqlx::query_scalar("select state from payout.payouts where order_num = $1")
                    .bind(&order.order_num)
                    .fetch_one(&self.pool)
                    .await
                    .unwrap();
            assert_eq!(
                state,
                if order.status == 2 { "paid" } else { "failed" },
                "{}",
                order.order_num
            );
        }
        let ours: i64 = sqlx::query_scalar("select available + held from payout.accounts")
            .fetch_one(&self.pool)
            .await
            .unwrap();
        let theirs = self.sandbox.balance();
        assert_eq!(ours, theirs.balance + theirs.freeze, "to the rupiah");
    }

    pub(crate) fn worker(&self, file: &str, log: &str) -> Worker {
        self.worker_with(file, log, &[])
    }

    /// The same, with these environment variables.
    pub(crate) fn worker_with(
        &self,
        file: &str,
        log: &str,
        environment: &[(&str, &Path)],
    ) -> Worker {
        let log = File::create(self.folder.path().join(log)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_payout"))
            .args(["run", "-c"])
            .arg(self.folder.path().join(file))
            .env_remove("PAYOUT_DATABASE_URL")
            .env("PAYOUT_LOG", "debug")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Worker(child)
    }
}

/// Killed when dropped.
pub(crate) struct Worker(pub(crate) Child);

impl Worker {
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub(crate) fn terminate(mut self) -> Option<i32> {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.0.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
