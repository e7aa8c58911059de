//! Worker processes die, the server restarts, the stop signal arrives: nothing is sent twice and nothing is lost.

use std::{collections::BTreeSet, fs, path::Path, time::Instant};

use crate::support::{
    database::{DEADLINE, PAUSE},
    site::{ACCOUNT, NAME, Site},
};

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_and_a_restarted_server_leave_nothing_twice_and_nothing_lost() {
    let mut site = Site::build().await;
    let first = site.worker("one.toml", "1.log");
    let second = site.worker("two.toml", "2.log");
    site.enqueue(0..60).await;
    site.until_settled(5).await;
    // Payouts are under way now.
    second.kill();
    site.enqueue(60..120).await;
    let third = site.worker("two.toml", "3.log");
    site.until_settled(70).await;
    first.kill();
    let fourth = site.worker("one.toml", "4.log");
    site.enqueue(120..180).await;
    site = tokio::task::spawn_blocking(move || {
        site.cluster.restart_immediate().unwrap();
        site
    })
    .await
    .unwrap();
    site.until_settled(130).await;
    // The server may have been down when this one started. Start another one, as a supervisor would.
    let fifth = site.worker("two.toml", "5.log");
    site.enqueue(180..200).await;
    let deadline_worker = site.worker("two.toml", "6.log");
    let unsent = until_all_that_was_sent_is_settled(&site, 200).await;
    site.assert_zeros(200 - unsent).await;
    drop((third, fourth, deadline_worker));
    assert_eq!(fifth.terminate(), Some(0), "a graceful stop");
    no_personal_data(site.folder.path());
}

/// Waits until every payout is settled, except for those that a killed worker had claimed and not sent: they stay unknown,
/// because only the gateway knows that. Returns how many those are.
async fn until_all_that_was_sent_is_settled(site: &Site, payouts: usize) -> usize {
    let begun = Instant::now();
    loop {
        let open: Vec<(String, String)> =
            sqlx::query_as("select order_num, state from payout.payouts where settled_at is null")
                .fetch_all(&site.pool)
                .await
                .unwrap();
        let orders = site.sandbox.orders();
        let sent: BTreeSet<&str> = orders.iter().map(|order| &*order.order_num).collect();
        let is_unsent = |(order_num, state): &(String, String)| {
            state == "unknown" && !sent.contains(&**order_num)
        };
        if sent.len() + open.len() == payouts && open.iter().all(is_unsent) {
            return open.len();
        }
        assert!(begun.elapsed() < DEADLINE, "{open:?}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Every line that the workers logged, at debug level.
fn no_personal_data(folder: &Path) {
    let mut lines = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "log") {
            let text = fs::read_to_string(&path).unwrap();
            lines += text.lines().count();
            for canary in [NAME, ACCOUNT, "Kanari", "223344"] {
                assert!(!text.contains(canary), "{} holds {canary}", path.display());
            }
        }
    }
    assert!(lines > 100, "the logs are empty");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_refuses_to_run_where_it_could_disable_the_guards() {
    let site = Site::build().await;
    let text = fs::read_to_string(site.folder.path().join("two.toml")).unwrap();
    fs::write(
        site.folder.path().join("owner.toml"),
        text.replace("a_worker@", "postgres@"),
    )
    .unwrap();
    let mut worker = site.worker("owner.toml", "owner.log");
    assert_eq!(worker.0.wait().unwrap().code(), Some(78));
    let log = fs::read_to_string(site.folder.path().join("owner.log")).unwrap();
    assert!(log.contains("payout_worker"), "says what to do: {log}");
    drop(worker);
}
