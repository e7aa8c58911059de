//! The demo's database: on a throw-away server, or on the user's own.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};
use rand::RngExt;
use reqwest::Url;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use throwaway_postgres::{Cluster, Options, SUPERUSER};
use tokio::task::spawn_blocking;

/// The demo's people. A decision by two people needs two logins; finance reads.
const PEOPLE: [(&str, &str); 3] = [
    ("siti", "payout_operator"),
    ("budi", "payout_operator"),
    ("finance", "payout_reader"),
];
const WORKER: &str = "payout_demo_worker";

/// An empty database and its URLs.
pub(super) struct Database {
    name: String,
    /// For creating and dropping the database.
    server_url: String,
    /// For `psql`, as the owner.
    pub(super) owner_url: String,
    /// For the workers; on the user's own server the same as the owner's.
    pub(super) worker_url: String,
    /// The throw-away server. The user's own server has none, and the demo must leave it as it found it.
    cluster: Option<Cluster>,
}

impl Database {
    pub(super) async fn make(server: Option<&str>, name: &str) -> Result<Self> {
        let database = if let Some(server) = server {
            let url = Url::parse(server).ok().filter(Url::has_authority);
            let mut url = url.context("--database-url must be a postgres:// URL")?;
            url.set_path(name);
            Self {
                name: name.to_owned(),
                server_url: server.to_owned(),
                owner_url: url.to_string(),
                worker_url: url.to_string(),
                cluster: None,
            }
        } else {
            let started = spawn_blocking(|| Cluster::start(Options::default())).await?;
            let cluster = started.context("the throw-away Postgres did not start")?;
            Self {
                name: name.to_owned(),
                server_url: cluster.url("postgres", SUPERUSER),
                owner_url: cluster.url(name, SUPERUSER),
                worker_url: cluster.url(name, WORKER),
                cluster: Some(cluster),
            }
        };
        let create = format!("create database {name}");
        statement(&database.server_url, &create).await?;
        Ok(database)
    }

    /// Creates logins for the workers and for people, with the same rights as in production. The server checks the
    /// passwords of people, because the console must know who signs in. Returns the people's URLs. On the user's own
    /// server, where roles would stay behind, it creates none.
    pub(super) async fn make_logins(&self) -> Result<Vec<String>> {
        let Some(cluster) = &self.cluster else {
            return Ok(Vec::new());
        };
        let worker = format!("create role {WORKER} login in role payout_worker");
        statement(&self.owner_url, &worker).await?;
        let mut urls = Vec::new();
        for (login, role) in PEOPLE {
            let password = password();
            let create = format!("create role {login} login in role {role} password '{password}'");
            statement(&self.owner_url, &create).await?;
            let url = cluster.url(&self.name, login);
            urls.push(url.replacen(login, &format!("{login}:{password}"), 1));
        }
        self.check_passwords(cluster).await?;
        Ok(urls)
    }

    /// Has the server check the passwords of people. Everybody else on this machine gets in without one.
    async fn check_passwords(&self, cluster: &Cluster) -> Result<()> {
        let file = cluster.data_dir().join("pg_hba.conf");
        let rules = fs::read_to_string(&file)?;
        let logins = PEOPLE.map(|(login, _)| login).join(",");
        let checked = ["host", "local"].map(|kind| {
            let address = if kind == "host" { "all " } else { "" };
            format!("{kind} all {logins} {address}scram-sha-256\n")
        });
        fs::write(&file, checked.concat() + &rules)?;
        statement(&self.owner_url, "select pg_reload_conf()").await
    }

    /// Whether the server is the user's own.
    pub(super) fn is_foreign(&self) -> bool {
        self.cluster.is_none()
    }

    /// The data folder of the throw-away server.
    pub(super) fn data_folder(&self) -> Option<PathBuf> {
        self.cluster.as_ref().map(Cluster::data_dir)
    }

    /// Removes what [`Database::make`] created.
    pub(super) async fn remove(self) {
        if let Some(cluster) = self.cluster {
            if !matches!(spawn_blocking(|| cluster.stop()).await, Ok(Ok(()))) {
                tracing::warn!("could not stop the demo's Postgres server");
            }
            return;
        }
        let drop = format!("drop database if exists {} with (force)", self.name);
        if let Err(error) = statement(&self.server_url, &drop).await {
            tracing::warn!(%error, database = self.name, "could not drop the demo's database");
        }
    }
}

/// One that people can type.
fn password() -> String {
    format!("{:06}", rand::rng().random_range(0..1_000_000))
}

async fn statement(url: &str, text: &str) -> Result<()> {
    let mut connection = PgConnection::connect(url)
        .await
        .context("could not connect to the server")?;
    sqlx::raw_sql(AssertSqlSafe(text.to_owned()))
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    Ok(())
}
