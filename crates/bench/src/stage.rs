//! Everything that a run needs and removes again: server, database, keys, configuration, gateway.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use openssl::rsa::Rsa;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use throwaway_postgres::{Cluster, Options, SUPERUSER};

use crate::{
    cases::{Case, Load},
    claims,
    gateway::{BALANCE_IDR, Certificate},
    order::merchant_code,
    profile,
    slow_disk::SlowDisk,
    sql::execute,
    worker::{Process, until_answers},
};

/// Bits of both keys.
const KEY_BITS: u32 = 2048;
/// What the books of every merchant begin with.
pub(crate) const FUNDS_IDR: i64 = BALANCE_IDR;
/// How many payouts beyond those that are measured may be sent before the run stops.
const AHEAD: usize = 4_096;
/// Long enough for the signatures of a million orders.
const GATEWAY_WITHIN: Duration = Duration::from_mins(30);
const WORKER_WITHIN: Duration = Duration::from_secs(30);
const DATABASE: &str = "payout";

/// A migrated database on a server of its own, a gateway, and the files of the workers.
pub(crate) struct Stage {
    // Fields are dropped in this order.
    gateway: Option<Process>,
    cluster: Cluster,
    _slow_disk: Option<SlowDisk>,
    folder: TempDir,
    pub(crate) gateway_at: SocketAddr,
    gateway_tls_at: Option<SocketAddr>,
    pub(crate) http: Vec<SocketAddr>,
    pub(crate) admin: Vec<SocketAddr>,
}

impl Stage {
    /// Builds it for a case. The gateway runs afterwards, no worker does.
    pub(crate) async fn build(case: &Case, payout: &Path, is_profiled: bool) -> Result<Self> {
        let slow_disk = (case.fsync_ms > 0)
            .then(|| SlowDisk::build(case.fsync_ms))
            .transpose()?;
        let cluster = Cluster::start(Options {
            settings: settings(case, is_profiled),
            environment: slow_disk.iter().flat_map(SlowDisk::environment).collect(),
            ..Options::default()
        })?;
        if let (Some(_), Some(postmaster)) = (&slow_disk, cluster.pid()) {
            SlowDisk::ensure_loaded(postmaster)?;
        }
        let folder = tempfile::Builder::new().prefix("payout-bench-").tempdir()?;
        let mut ports = free_ports(case.workers.saturating_mul(2).saturating_add(2))?.into_iter();
        let gateway_at = ports.next().context("no free port")?;
        let gateway_tls_at = ports.next().filter(|_| case.https);
        let http: Vec<_> = ports.by_ref().take(case.workers).collect();
        let mut stage = Self {
            gateway: None,
            cluster,
            _slow_disk: slow_disk,
            folder,
            gateway_at,
            gateway_tls_at,
            http,
            admin: ports.collect(),
        };
        stage.write_keys()?;
        stage.write_configurations(case)?;
        stage.create_database(payout).await?;
        if !matches!(case.load, Load::Enqueue(_) | Load::Pages) {
            stage.start_gateway(case, &[]).await?;
        }
        Ok(stage)
    }

    /// A connection as the owner, over TCP.
    pub(crate) async fn owner(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.owner_url()).await?)
    }

    pub(crate) fn owner_url(&self) -> String {
        self.cluster.url(DATABASE, SUPERUSER)
    }

    pub(crate) fn enqueuer_url(&self) -> String {
        self.cluster.url(DATABASE, "bench_backend")
    }

    pub(crate) fn postmaster(&self) -> Result<u32> {
        self.cluster.pid().context("the server has ended")
    }

    pub(crate) fn platform_key(&self) -> Result<Rsa<openssl::pkey::Private>> {
        Ok(Rsa::private_key_from_pem(&fs::read(
            self.path("platform.key"),
        )?)?)
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Starts every worker and waits until each is ready.
    pub(crate) async fn start_workers(&self, payout: &Path) -> Result<Vec<Process>> {
        let mut workers = Vec::new();
        for (number, admin) in self.admin.iter().enumerate() {
            let mut command = Command::new(payout);
            command
                .args(["run", "-c"])
                .arg(self.path(&format!("worker-{number}.toml")));
            if self.gateway_tls_at.is_some() {
                command.env("SSL_CERT_FILE", self.path(Certificate::TRUSTED));
            }
            let mut worker =
                Process::start(command, self.folder.path(), &format!("worker-{number}"))?;
            until_answers(&mut worker, *admin, "/readyz", WORKER_WITHIN)
                .await
                .with_context(|| self.last_words(&format!("worker-{number}")))?;
            workers.push(worker);
        }
        Ok(workers)
    }

    pub(crate) fn last_words(&self, name: &str) -> String {
        let log = fs::read_to_string(self.path(&format!("{name}.log"))).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let from = lines.len().saturating_sub(10);
        lines.get(from..).unwrap_or_default().join("\n")
    }

    fn write_keys(&self) -> Result<()> {
        let (merchant, platform) = (Rsa::generate(KEY_BITS)?, Rsa::generate(KEY_BITS)?);
        fs::write(self.path("merchant.key"), merchant.private_key_to_pem()?)?;
        fs::write(self.path("platform.key"), platform.private_key_to_pem()?)?;
        fs::write(self.path("platform.pub"), platform.public_key_to_pem()?)?;
        Certificate::write(self.folder.path())
    }

    fn write_configurations(&self, case: &Case) -> Result<()> {
        let gateway = match self.gateway_tls_at {
            Some(tls) => format!("https://{tls}"),
            None => format!("http://{}", self.gateway_at),
        };
        // A query in between would settle what a callback is to settle.
        let poll = match case.load {
            Load::Callbacks => "[poll]\nfirst_after_seconds = 3600\n",
            Load::Drain | Load::Paced(_) | Load::Enqueue(_) | Load::Pages => "",
        };
        // A long address makes the signed text longer than one block.
        let detour = if case.two_chunks {
            "/x".repeat(100)
        } else {
            String::new()
        };
        for (number, (http, admin)) in self.http.iter().zip(&self.admin).enumerate() {
            let url = self.cluster.url(DATABASE, "bench_worker");
            let mut text = format!(
                "[database]\nurl = \"{url}\"\n[http]\nlisten = \"{http}\"\n[admin]\nlisten = \"{admin}\"\n\
                 [submit]\nwitness_file = \"worker-{number}.witness\"\nconcurrency = {}\n{poll}",
                case.in_flight,
            );
            for merchant in 0..case.merchants {
                let section = format!(
                    "[[merchant]]\ncode = \"{}\"\nbase_url = \"{gateway}\"\n\
                     private_key_file = \"merchant.key\"\nplatform_public_key_file = \"platform.pub\"\n\
                     notify_url = \"http://{http}{detour}/callback\"\nfunding = \"books\"\n",
                    merchant_code(merchant),
                );
                text.push_str(&section);
            }
            fs::write(self.path(&format!("worker-{number}.toml")), text)?;
        }
        if self.http.is_empty() {
            let text = format!("[database]\nurl = \"{}\"\n", self.owner_url());
            fs::write(self.path("worker-0.toml"), text)?;
        }
        Ok(())
    }

    async fn create_database(&self, payout: &Path) -> Result<()> {
        let mut db = PgConnection::connect(&self.cluster.url("postgres", SUPERUSER)).await?;
        execute(&mut db, &format!("create database {DATABASE}")).await?;
        db.close().await?;
        let migrated = Command::new(payout)
            .args(["migrate", "-c"])
            .arg(self.path("worker-0.toml"))
            .arg("--database-url")
            .arg(self.owner_url())
            .output()?;
        ensure!(
            migrated.status.success(),
            "payout migrate: {}",
            String::from_utf8_lossy(&migrated.stderr)
        );
        let mut db = self.owner().await?;
        execute(
            &mut db,
            "create role bench_worker login in role payout_worker",
        )
        .await?;
        execute(
            &mut db,
            "create role bench_backend login in role payout_enqueuer",
        )
        .await?;
        execute(
            &mut db,
            &format!("select payout.fund(m.code, {FUNDS_IDR}, 'bench ' || m.code) from payout.merchants m"),
        )
        .await?;
        Ok(())
    }

    /// Starts the gateway, with what is special about it.
    pub(crate) async fn start_gateway(&mut self, case: &Case, special: &[&str]) -> Result<()> {
        let orders = case.payouts_in_all(AHEAD);
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["gateway", "--listen", &self.gateway_at.to_string(), "--key"])
            .arg(self.path("platform.key"))
            .args(["--orders", &orders.to_string()])
            .args(["--answer-after-ms", &case.answer_after_ms.to_string()])
            .args(special);
        if case.load == Load::Callbacks {
            command.args(["--hold-callbacks", "--callbacks-at-once", "64"]);
        }
        if let Some(tls) = self.gateway_tls_at {
            command.args(["--listen-tls", &tls.to_string(), "--certificate"]);
            command.arg(self.folder.path());
        }
        for http in &self.http {
            command.args(["--callback", &http.to_string()]);
        }
        let mut gateway = Process::start(command, self.folder.path(), "gateway")?;
        until_answers(&mut gateway, self.gateway_at, "/settled", GATEWAY_WITHIN)
            .await
            .with_context(|| self.last_words("gateway"))?;
        self.gateway = Some(gateway);
        Ok(())
    }
}

/// The server's settings: the defaults for a disk that keeps what it confirms, with room for a few seconds of WAL.
fn settings(case: &Case, is_profiled: bool) -> Vec<(String, String)> {
    let own = [("shared_buffers", "512MB"), ("max_wal_size", "4GB")];
    // Statistics stay as old as the round wants them.
    let untouched: &[_] = if case.rounds.len() > 1 {
        &[("autovacuum", "off")]
    } else {
        &[]
    };
    let counting = if is_profiled {
        profile::SETTINGS
    } else if case.times_claims() {
        claims::SETTINGS
    } else {
        &[]
    };
    let settings = own.iter().chain(untouched).chain(counting);
    settings
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// Ports that are free now, all different.
pub(crate) fn free_ports(count: usize) -> Result<Vec<SocketAddr>> {
    let bind = |_| TcpListener::bind("127.0.0.1:0");
    let held: Vec<_> = (0..count).map(bind).collect::<Result<_, _>>()?;
    let addresses: Result<Vec<_>, _> = held.iter().map(TcpListener::local_addr).collect();
    Ok(addresses?)
}
