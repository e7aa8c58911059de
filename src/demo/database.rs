//! The demo's database: on a throw-away server, or on the user's own.

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use throwaway_postgres::{Cluster, SUPERUSER};

/// The demo's operators. A decision by two people needs two logins.
const OPERATORS: [&str; 2] = ["siti", "budi"];
const WORKER: &str = "payout_demo_worker";

/// An empty database and its URLs.
pub(super) struct Database {
    /// For `psql`, as the owner.
    pub(super) owner_url: String,
    /// For the workers; on the user's own server the same as the owner's.
    pub(super) worker_url: String,
    server: Server,
}

enum Server {
    Throwaway(Cluster),
    /// The user's own server, which the demo must leave as it found it: it drops this database at the end.
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

    /// Creates logins for the workers and operators, with the same rights as in production. Returns the operators'
    /// URLs. On the user's own server, where roles would stay behind, it creates none.
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

    /// Removes what [`Database::make`] created.
    pub(super) async fn remove(self) {
        match self.server {
            Server::Throwaway(cluster) => {
                let stopped = tokio::task::spawn_blocking(move || cluster.stop()).await;
                if !matches!(stopped, Ok(Ok(()))) {
                    tracing::warn!("could not stop the demo's Postgres server");
                }
            }
            Server::Foreign { url, database } => {
                let drop = format!("drop database if exists {database} with (force)");
                if let Err(error) = statement(&url, &drop).await {
                    tracing::warn!(%error, database, "could not drop the demo's database");
                }
            }
        }
    }
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

/// The server's URL with another database name.
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
