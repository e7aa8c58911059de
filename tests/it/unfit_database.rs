//! A database that hides rows from a worker or cannot store every answer is refused by name.

use std::{env, time::Duration};

use sqlx::AssertSqlSafe;
use throwaway_postgres::{Cluster, Options, SUPERUSER};
use tokio::time::{Instant, sleep};

use crate::support::{database::PAUSE, site::Site, terminal};

const HIDE: &str = "alter table payout.payouts enable row level security";
const SHOW: &str = "alter table payout.payouts disable row level security";
const NAMED: &str = "row-level security is on for payout.payouts";

#[tokio::test(flavor = "multi_thread")]
async fn hidden_rows_stop_claims_and_are_named_by_every_command_until_they_are_shown() {
    let site = Site::build().await;
    site.login("siti", "payout_operator").await;
    let _worker = site.worker("one.toml", "worker.log");
    site.enqueue(0..1).await;
    site.until_settled(1).await;

    site.run(HIDE).await;
    site.enqueue(1..2).await;
    let stopped = "select stopped_by || ': ' || detail from payout.claims";
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let why: Option<String> = sqlx::query_scalar(stopped)
            .fetch_one(&site.pool)
            .await
            .unwrap();
        if why.is_some_and(|why| why.starts_with("settings: ") && why.contains(NAMED)) {
            break;
        }
        assert!(Instant::now() < deadline, "the stop is never said");
        sleep(PAUSE).await;
    }
    let (status, why) = site.ready().await;
    assert_eq!(status, 503);
    assert!(why.contains(NAMED), "{why}");
    let shown = site.payout("siti", &["status"]).await;
    shown.says(&[NAMED]);
    let doctor = site.payout("siti", &["doctor"]).await.with(1);
    doctor.says(&[
        NAMED,
        "alter table payout.payouts disable row level security",
    ]);

    site.run(SHOW).await;
    site.until_settled(2).await;
    assert_eq!(site.ready().await.0, 200);
}

/// A policy tool, or an event trigger, that switches it on for each new table.
#[tokio::test(flavor = "multi_thread")]
async fn neither_run_nor_migrate_takes_hidden_migrations_for_missing_ones() {
    let site = Site::build().await;
    let hide = "alter table payout._sqlx_migrations enable row level security;
                grant select on payout._sqlx_migrations to payout_worker";
    site.run(hide).await;
    let named = "row-level security is on for payout._sqlx_migrations";
    let file = site.folder.path().join("one.toml");
    let file = file.to_str().unwrap();
    let run_it = site.payout("a_worker", &["run", "-c", file]).await.with(78);
    run_it.says(&[named]);
    assert!(!run_it.err.contains("payout migrate"), "{}", run_it.err);
    let migrate = site.payout("postgres", &["migrate"]).await.with(78);
    migrate.says(&[named]);
}

/// A gateway may answer with any text; where it cannot be stored, nothing of that answer could be.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_store_every_text_is_refused_before_it_is_migrated() {
    let site = Site::build().await;
    let create =
        "create database latin encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0";
    site.run(create).await;
    let url = site.cluster.url("latin", SUPERUSER);
    let migrate = ["--database-url", url.as_str(), "migrate"];
    let refused = site.payout("postgres", &migrate).await.with(78);
    refused.says(&["stores text as LATIN1", "encoding 'UTF8'"]);
    let doctor = site
        .payout("postgres", &["--database-url", url.as_str(), "doctor"])
        .await
        .with(1);
    doctor.says(&["FAIL", "the database stores text as LATIN1"]);
}

/// `./dev test --pg 18.1` runs this on such a server.
#[test]
fn a_server_that_can_lose_rows_is_refused_by_migrate_and_doctor() {
    if env::var_os("PAYOUT_TEST_REFUSED_SERVER").is_none() {
        eprintln!("SKIPPED: this needs a server that is refused: ./dev test --pg 18.1");
        return;
    }
    let cluster = Cluster::start(Options::default()).unwrap();
    let url = cluster.url("postgres", SUPERUSER);
    for (command, code) in [("migrate", 78), ("doctor", 1)] {
        terminal::bare(&["--database-url", &url, command])
            .with(code)
            .says(&["Postgres 18.1", "upgrade the server to 18.2 or later"]);
    }
}

/// The schema and the roles are often made by a DBA, and the login that migrates has no right to create either.
#[tokio::test(flavor = "multi_thread")]
async fn migrate_says_what_a_dba_must_run_and_needs_no_right_to_create_anything_afterwards() {
    let site = Site::build().await;
    site.run("create database other").await;
    site.run("create role mover login nosuperuser").await;
    site.run("revoke create on database other from public")
        .await;
    let url = site.cluster.url("other", "mover");
    let migrate = ["--database-url", url.as_str(), "migrate"];
    let refused = site.payout("mover", &migrate).await.with(78);
    refused.says(&[
        "Have a DBA run these statements",
        "create schema payout authorization mover;",
    ]);
    // The roles are there: another database of this server was migrated.
    assert!(!refused.err.contains("create role"), "{}", refused.err);

    let as_dba = site.cluster.url("other", SUPERUSER);
    let dba = sqlx::PgPool::connect(&as_dba).await.unwrap();
    let statement = refused
        .err
        .lines()
        .find(|line| line.contains("create schema"));
    let statement = statement.unwrap().trim().to_owned();
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&dba)
        .await
        .unwrap();
    site.payout("mover", &migrate)
        .await
        .with(0)
        .says(&["applied"]);
    site.payout("mover", &migrate).await.with(0);
    // Not even in its own schema, once nothing is missing.
    let revoke = "alter schema payout owner to postgres; grant usage on schema payout to mover";
    sqlx::raw_sql(revoke).execute(&dba).await.unwrap();
    site.payout("mover", &migrate).await.with(0);
}

/// Postgres would refuse the connections that are missing one by one, now and then.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_may_open_too_few_connections_does_not_start_and_says_how_many_it_needs() {
    let site = Site::build().await;
    let file = site.folder.path().join("one.toml");
    let file = file.to_str().unwrap();
    for limit in [
        "alter role a_worker connection limit 5",
        "alter role a_worker connection limit -1; alter database postgres connection limit 13",
    ] {
        site.run(limit).await;
        for (command, code) in [("run", 78), ("doctor", 1)] {
            let refused = site.payout("a_worker", &[command, "-c", file]).await;
            refused
                .with(code)
                .says(&["connections open, and one worker needs 14"]);
        }
    }
    site.run("alter database postgres connection limit -1")
        .await;
    let _worker = site.worker("one.toml", "worker.log");
    site.enqueue(0..1).await;
    site.until_settled(1).await;
    let open = "select count(*) <= 14 from pg_stat_activity where usename = 'a_worker'";
    let is_enough: bool = sqlx::query_scalar(open)
        .fetch_one(&site.pool)
        .await
        .unwrap();
    assert!(is_enough);
}
