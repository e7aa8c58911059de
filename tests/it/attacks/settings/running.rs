//! The same while a worker sends: no settings make it send what a power cut takes back, and it goes on once they are safe.

use std::fs;

use payout_sandbox::{Fault, Script};
use sqlx::AssertSqlSafe;
use throwaway_postgres::SUPERUSER;
use tokio::time::{Duration, Instant, sleep};

use super::forgetful;
use crate::support::{
    server::connect,
    site::{Site, Worker},
};

const STOPPED: &str = "claims stopped: this database cannot be relied on";
const GOES_ON: &str = "claims may go on: this database loses and hides nothing";
/// The server's settings are read every ten seconds.
const WITHIN: Duration = Duration::from_mins(2);

/// A site whose worker has paid one payout, so its keys are proven.
async fn paying() -> (Site, Worker) {
    let site = Site::on_server(forgetful(&[]), 10).await;
    let worker = site.worker("one.toml", "worker.log");
    site.enqueue(0..1).await;
    site.until_settled(1).await;
    (site, worker)
}

/// Waits until the worker has said so that often.
async fn until_said(site: &Site, log: &str, words: &str, times: usize) {
    let file = site.folder.path().join(log);
    let deadline = Instant::now() + WITHIN;
    while fs::read_to_string(&file).unwrap().matches(words).count() < times {
        let log = fs::read_to_string(&file).unwrap();
        assert!(Instant::now() < deadline, "never said: {words}\n{log}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// The connections that claim are opened again, as after a restart of a pooler, and have what the role and the database set.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_sends_survives_a_power_cut_whatever_its_role_and_database_set_meanwhile() {
    let (mut site, worker) = paying().await;
    // Booked and never answered, so that no later commit takes the claim to the disk.
    for number in 1..4 {
        let silent = Script::fault(Fault::NoAnswerAfter);
        site.sandbox.script(format!("R-{number}"), silent);
    }
    for change in [
        "alter role a_worker set synchronous_commit = off",
        "alter database postgres set synchronous_commit = off",
    ] {
        site.run(change).await;
    }
    let claims = "select pg_terminate_backend(pid) from pg_stat_activity
                  where usename = 'a_worker' and application_name = 'payout claims'";
    site.run(claims).await;
    site.enqueue(1..4).await;
    site.sandbox
        .until(|sandbox| sandbox.submits().len() == 4)
        .await;
    worker.kill();
    site = tokio::task::spawn_blocking(move || {
        site.cluster.restart_immediate().unwrap();
        site
    })
    .await
    .unwrap();
    for order in site.sandbox.orders() {
        let attempts = format!(
            "select (count(*) > 0)::text from payout.attempts where order_num = '{}'",
            order.order_num
        );
        let mut db = connect(&site.cluster.url("postgres", SUPERUSER)).await;
        let kept: String = sqlx::query_scalar(AssertSqlSafe(attempts))
            .fetch_one(&mut db)
            .await
            .unwrap();
        assert_eq!(
            kept, "true",
            "{} was sent, and its claim is gone",
            order.order_num
        );
    }

    // A worker that starts now finds the setting on all its connections: it says so, and goes on when it is gone.
    let _worker = site.worker("one.toml", "second.log");
    let says = format!("{STOPPED} (synchronous_commit = off)");
    until_said(&site, "second.log", &says, 1).await;
    for change in [
        "alter role a_worker reset synchronous_commit",
        "alter database postgres reset synchronous_commit",
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'a_worker'",
    ] {
        site.run(change).await;
    }
    until_said(&site, "second.log", GOES_ON, 1).await;
    site.until_settled(4).await;
    site.assert_zeros(4).await;
}

/// Sessions that begin now have the server's new settings, and all others have been told.
async fn reload(site: &Site, setting: &str, change: &str, value: &str) {
    site.run(change).await;
    site.run("select pg_reload_conf()").await;
    let deadline = Instant::now() + WITHIN;
    loop {
        let mut db = connect(&site.cluster.url("postgres", SUPERUSER)).await;
        let found: String = sqlx::query_scalar("select current_setting($1)")
            .bind(setting)
            .fetch_one(&mut db)
            .await
            .unwrap();
        if found == value {
            return;
        }
        assert!(Instant::now() < deadline, "{setting} stays {found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_sends_nothing_while_its_server_could_lose_the_claim_and_goes_on_after_it() {
    let (site, _worker) = paying().await;
    for (round, setting) in (1..).zip(["fsync", "full_page_writes"]) {
        reload(
            &site,
            setting,
            &format!("alter system set {setting} = off"),
            "off",
        )
        .await;
        // The worker has not looked yet: the claim itself is refused.
        let first = round * 3 - 2;
        site.enqueue(first..first + 3).await;
        let says = format!("{STOPPED} ({setting} = off)");
        until_said(&site, "worker.log", &says, 2).await;
        let sent = usize::try_from(first).unwrap();
        assert_eq!(site.sandbox.submits().len(), sent, "{setting} = off");
        reload(
            &site,
            setting,
            &format!("alter system reset {setting}"),
            "on",
        )
        .await;
        site.until_settled(first + 3).await;
    }
    // Once when it started, and once after each.
    until_said(&site, "worker.log", GOES_ON, 3).await;
    site.assert_zeros(7).await;
}
