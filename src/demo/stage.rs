//! Everything that the demo makes, and removes again: server, database, keys, sandbox, configuration files.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::Path,
};

use anyhow::{Context, Result};
use payout_sandbox::{Dialect, Pace, Sandbox, Settings, parse_private_key, parse_public_key};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tempfile::TempDir;
use throwaway_postgres::{Cluster, SUPERUSER};

use super::Options;
use crate::{
    gateway::keys,
    store::{
        connect,
        schema::{Registration, migrate},
    },
};

/// The demo's merchant.
pub(super) const MERCHANT: &str = "S2020198627344";
/// Where the sandbox listens when nobody else does.
pub(super) const SANDBOX_ADDRESS: &str = "127.0.0.1:8088";
/// Enough for a long demo: ten billion rupiah.
const BALANCE_IDR: i64 = 10_000_000_000;

/// The demo's operators, as what two people decide takes two logins.
pub(super) const OPERATORS: [&str; 2] = ["siti", "budi"];

/// The set.
pub(super) struct Stage {
    pub(super) pool: PgPool,
    pub(super) sandbox: Sandbox,
    /// For `psql`, as the owner.
    pub(super) owner_url: String,
    /// For the command line, one for each of [`OPERATORS`]; none on somebody's own server, where roles would stay.
    pub(super) operator_urls: Vec<String>,
    /// The data folder of the throw-away server.
    pub(super) data_folder: Option<String>,
    pub(super) http: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) folder: TempDir,
    /// On somebody's own server: the database to drop there.
    foreign: Option<(String, String)>,
    cluster: Option<Cluster>,
}

impl Stage {
    pub(super) async fn build(options: &Options) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("payout-demo-").tempdir()?;
        let name = format!("payout_demo_{}", std::process::id());
        let (server_url, owner_url, worker_url, cluster) = if let Some(server) = &options.server {
            let url = in_database(server, &name)?;
            (server.clone(), url.clone(), url, None)
        } else {
            let made = tokio::task::spawn_blocking(|| {
                Cluster::start(throwaway_postgres::Options::default())
            });
            let cluster = made
                .await?
                .context("the throw-away Postgres did not start")?;
            let urls = (
                cluster.url("postgres", SUPERUSER),
                cluster.url(&name, SUPERUSER),
            );
            (
                urls.0,
                urls.1,
                cluster.url(&name, "payout_demo_worker"),
                Some(cluster),
            )
        };
        statement(&server_url, &format!("create database {name}")).await?;

        let (merchant_key, platform_key) = (keys::generate(1024)?, keys::generate(1024)?);
        let platform_public = keys::public_key_pem(platform_key.as_public_key())?;
        fs::write(
            folder.path().join("merchant.key"),
            keys::private_key_pem(&merchant_key)?.as_bytes(),
        )?;
        fs::write(folder.path().join("platform.pub"), &platform_public)?;
        let settings = Settings {
            dialect: Dialect::Bdpay,
            merchant_code: MERCHANT.to_owned(),
            // Through text: the sandbox shares no code with the client, not even a key type's reader.
            merchant_public_key: parse_public_key(&keys::public_key_pem(
                merchant_key.as_public_key(),
            )?)
            .map_err(anyhow::Error::msg)?,
            platform_private_key: parse_private_key(&keys::private_key_pem(&platform_key)?)
                .map_err(anyhow::Error::msg)?,
            balance_idr: BALANCE_IDR,
            fee_idr: Settings::DEFAULT_FEE_IDR,
            pace: Pace {
                callback_scale_permille: 100,
                ..Pace::default()
            },
            fail_percent: options.fail_percent,
            seed: 1,
        };
        let sandbox = Sandbox::start(settings, free(SANDBOX_ADDRESS)?).await?;
        if let Some(fault) = options.fault {
            sandbox.set_fault(fault);
        }

        let registration = Registration {
            code: MERCHANT.to_owned(),
            dialect: "bdpay".to_owned(),
            base_url: sandbox.url(),
            platform_keys: vec![keys::fingerprint(platform_key.as_public_key())],
            min_amount: 1,
            max_amount: 1_000_000_000_000,
            fee_reserve: 10_000,
            funding: "gateway".to_owned(),
        };
        migrate(&owner_url, &[registration], &[], false).await?;
        if cluster.is_some() {
            // The workers run with the rights that they need in production, and no more.
            statement(
                &owner_url,
                "create role payout_demo_worker login in role payout_worker",
            )
            .await?;
            for operator in OPERATORS {
                let create = format!("create role {operator} login in role payout_operator");
                statement(&owner_url, &create).await?;
            }
        }
        let stage = Self {
            pool: connect(&owner_url, "payout demo", 4).await?,
            operator_urls: cluster
                .iter()
                .flat_map(|cluster| OPERATORS.map(|login| cluster.url(&name, login)))
                .collect(),
            data_folder: cluster
                .as_ref()
                .map(|cluster| cluster.data_dir().display().to_string()),
            http: free("127.0.0.1:8080")?,
            admin: free("127.0.0.1:9090")?,
            foreign: cluster.is_none().then_some((server_url, name)),
            sandbox,
            owner_url,
            folder,
            cluster,
        };
        stage.write_configurations(&worker_url)?;
        Ok(stage)
    }

    /// One file per worker; only the first one listens.
    fn write_configurations(&self, worker_url: &str) -> Result<()> {
        for (file, http, admin) in [
            (
                "worker-1.toml",
                self.http.to_string(),
                self.admin.to_string(),
            ),
            ("worker-2.toml", String::new(), String::new()),
        ] {
            let text = format!(
                r#"# Made by `payout demo`: everything happens in seconds instead of minutes.
[database]
url = "{worker_url}"
allow_owner = {allow_owner}
[http]
listen = "{http}"
[admin]
listen = "{admin}"
[submit]
timeout_seconds = 4
lease_seconds = 10
[poll]
first_after_seconds = 1
max_interval_seconds = 5
quiet_horizon_seconds = 20
decline_confirm_seconds = 3
queries_per_second = 200
[[merchant]]
code = "{MERCHANT}"
base_url = "{gateway}"
private_key_file = "merchant.key"
platform_public_key_file = "platform.pub"
notify_url = "http://{callback}/callback"
"#,
                allow_owner = self.foreign.is_some(),
                gateway = self.sandbox.url(),
                callback = self.http,
            );
            fs::write(self.folder.path().join(file), text)?;
        }
        Ok(())
    }

    pub(super) fn path(&self, file: &str) -> std::path::PathBuf {
        Path::new(self.folder.path()).join(file)
    }

    pub(super) async fn tear_down(self) {
        self.pool.close().await;
        self.sandbox.stop().await;
        if let Some((server, name)) = &self.foreign
            && let Err(error) = statement(
                server,
                &format!("drop database if exists {name} with (force)"),
            )
            .await
        {
            tracing::warn!(%error, name, "the demo's database could not be dropped");
        }
        if let Some(cluster) = self.cluster {
            let stopped = tokio::task::spawn_blocking(move || cluster.stop()).await;
            if !matches!(stopped, Ok(Ok(()))) {
                tracing::warn!("the demo's server did not stop as it should");
            }
        }
    }
}

async fn statement(url: &str, text: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url)
        .await
        .context("the server cannot be reached")?;
    sqlx::raw_sql(AssertSqlSafe(text.to_owned()))
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}

/// The wished address, or the same host with a port that is free.
fn free(wished: &str) -> Result<SocketAddr> {
    let address: SocketAddr = wished.parse()?;
    let probe = TcpListener::bind(address).or_else(|_| TcpListener::bind((address.ip(), 0)))?;
    Ok(probe.local_addr()?)
}

/// The server's URL with another database in it.
fn in_database(url: &str, name: &str) -> Result<String> {
    let (scheme, rest) = url
        .split_once("://")
        .context("--server must be a postgres:// URL")?;
    let (rest, query) = rest
        .split_once('?')
        .map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let host = rest.split('/').next().unwrap_or(rest);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Ok(format!("{scheme}://{host}/{name}{query}"))
}
