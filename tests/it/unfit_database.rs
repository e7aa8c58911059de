//! A database that hides rows from a worker or cannot store every answer is refused by name.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use throwaway_postgres::SUPERUSER;
use tokio::time::{Instant, sleep};

use crate::support::{database::PAUSE, site::Site};

const HIDE: &str = "alter table payout.payouts enable row level security";
const SHOW: &str = "alter table payout.payouts disable row level security";
const NAMED: &str = "row-level security is on for payout.payouts";

async fn run(site: &Site, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&site.pool)
        .await
        .unwrap();
}

async fn ready(site: &Site) -> (u16, String) {
    let answer = reqwest::get(format!("http://{}/readyz", site.admin)).await;
    let answer = answer.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn hidden_rows_stop_claims_and_are_named_by_every_command_until_they_are_shown() {
    let site = Site::build().await;
    site.login("siti", "payout_operator").await;
    let _worker = site.worker("one.toml", "worker.log");
    site.enqueue(0..1).await;
    site.until_settled(1).await;

    run(&site, HIDE).await;
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
    let (status, why) = ready(&site).await;
    assert_eq!(status, 503);
    assert!(why.contains(NAMED), "{why}");
    let shown = site.payout("siti", &["status"]).await;
    shown.says(&[NAMED]);
    let doctor = site.payout("siti", &["doctor"]).await.with(1);
    doctor.says(&[
        NAMED,
        "alter table payout.payouts disable row level security",
    ]);

    run(&site, SHOW).await;
    site.until_settled(2).await;
    assert_eq!(ready(&site).await.0, 200);
}

/// A policy tool, or an event trigger, that switches it on for each new table.
#[tokio::test(flavor = "multi_thread")]
async fn neither_run_nor_migrate_takes_hidden_migrations_for_missing_ones() {
    let site = Site::build().await;
    let hide = "alter table payout._sqlx_migrations enable row level security;
                grant select on payout._sqlx_migrations to payout_worker";
    run(&site, hide).await;
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
    run(&site, create).await;
    let url = site.cluster.url("latin", SUPERUSER);
    let migrate = ["--database-url", url.as_str(), "migrate"];
    let refused = site.payout("postgres", &migrate).await.with(78);
    refused.says(&["stores text as LATIN1", "encoding 'UTF8'"]);
    let doctor = site
        .payout("postgres", &["--database-url", url.as_str(), "doctor"])
        .await
        .with(1);
    doctor.says(&["FAIL", "it stores text as LATIN1"]);
}
