//! The demo's database: on a throw-away server, or on one of the user's own.

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use throwaway_postgres::{Cluster, SUPERUSER};

/// The demo's operators: what two people decide takes two logins.
const OPERATORS: [&str; 2] = ["siti", "budi"];
const WORKER: &str = "payout_demo_worker";

/// An empty database and the ways into it.
pub(super) struct Database {
    /// For `psql`, as the owner.
    pub(super) owner_url: String,
    /// For the workers; the owner's on a server of the user's own.
    pub(super) worker_url: String,
    server: Server,
}

enum Server {
    Throwaway(Cluster),
    /// Where the demo may only leave things as it found them: the database to drop there.
    Foreign {
        url: String,
        database: String,
    },
}

impl Database {
    pub(super) async fn make(server: Option<&str>, name: &str) -> Result<Self> {
        let database = if let Some(server) = server {
            let url = in_database(server, name)?;
            Self {
                owner_url: url.clone(),
                worker_url: url,
                server: Server::Foreign {
                    url: server.to_owned(),
                    database: name.to_owned(),
                },
            }
        } else {
            let started = tokio::task::spawn_blocking(|| {
                Cluster::start(throwaway_postgres::Options::default())
            });
            let cluster = started
                .await?
                .context("the throw-away Postgres did not start")?;
            Self {
                owner_url: cluster.url(name, SUPERUSER),
                worker_url: cluster.url(name, WORKER),
                server: Server::Throwaway(cluster),
            }
        };
        let server_url = match &database.server {
            Server::Throwaway(cluster) => cluster.url("postgres", SUPERUSER),
            Server::Foreign { url, .. } => url.clone(),
        };
        statement(&server_url, &format!("create database {name}")).await?;
        Ok(database)
    }

    /// Gives workers and operators the rights that they need in production, and no more; returns the operators'
    /// addresses. On a foreign server, where roles would stay, nobody gets a login.
    pub(super) async fn make_logins(&self, name: &str) -> Result<Vec<String>> {
        let Server::Throwaway(cluster) = &self.server else {
            return Ok(Vec::new());
        };
        let worker = format!("create role {WORKER} login in role payout_worker");
        statement(&self.owner_url, &worker).await?;
        for operator in OPERATORS {
            let create = format!("create role {operator} login in role payout_operator");
            statement(&self.owner_url, &create).await?;
        }
        Ok(OPERATORS.map(|login| cluster.url(name, login)).to_vec())
    }

    /// Whether the server is the user's own.
    pub(super) fn is_foreign(&self) -> bool {
        matches!(self.server, Server::Foreign { .. })
    }

    /// The data folder of the throw-away server.
    pub(super) fn data_folder(&self) -> Option<String> {
        match &self.server {
            Server::Throwaway(cluster) => Some(cluster.data_dir().display().to_string()),
            Server::Foreign { .. } => None,
        }
    }

    /// Removes what [`Database::make`] made.
    pub(super) async fn remove(self) {
        match self.server {
            Server::Throwaway(cluster) => {
                let stopped = tokio::task::spawn_blocking(move || cluster.stop()).await;
                if !matches!(stopped, Ok(Ok(()))) {
                    tracing::warn!("the demo's Postgres server could not be stopped");
                }
            }
            Server::Foreign { url, database } => {
                let drop = format!("drop database if exists {database} with (force)");
                if let Err(error) = statement(&url, &drop).await {
                    tracing::warn!(%error, database, "the demo's database could not be dropped");
                }
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
