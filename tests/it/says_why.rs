//! What a person is told when something outside is wrong, and that giving up works.

use std::{fs, process::Stdio, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{Instant, sleep};

use crate::support::{
    database::PAUSE,
    site::{Site, Worker},
    terminal,
    world::free_port,
};

/// Every commit waits for a standby that is not there.
async fn lose_the_standby(site: &Site) {
    site.run("alter system set synchronous_standby_names = 'nobody'")
        .await;
    site.run("select pg_reload_conf()").await;
    site.until(
        "select current_setting('synchronous_standby_names')",
        "nobody",
    )
    .await;
}

async fn until_log_says(site: &Site, log: &str, words: &str) {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let said = fs::read_to_string(site.folder.path().join(log)).unwrap();
        if said.contains(words) {
            return;
        }
        assert!(Instant::now() < deadline, "{said}");
        sleep(PAUSE).await;
    }
}

async fn ended(worker: Worker) -> Option<i32> {
    let ending = tokio::task::spawn_blocking(move || worker.terminate());
    let ended = tokio::time::timeout(Duration::from_mins(2), ending).await;
    ended.expect("it stands still").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_cannot_start_because_commits_wait_says_so_and_ends_on_a_signal() {
    let site = Site::build().await;
    lose_the_standby(&site).await;
    let worker = site.worker("one.toml", "worker.log");
    until_log_says(&site, "worker.log", "not started yet").await;
    assert_eq!(ended(worker).await, Some(0));
    until_log_says(&site, "worker.log", "stopped before it had started").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_commits_wait_for_a_lost_standby_is_not_ready_and_ends_on_a_signal() {
    let site = Site::build().await;
    let worker = site.worker("one.toml", "worker.log");
    site.enqueue(0..1).await;
    site.until_settled(1).await;
    lose_the_standby(&site).await;
    site.until_ready(503, "wait for a synchronous standby")
        .await;
    let file = site.folder.path().join("one.toml");
    let doctor = ["doctor", "-c", file.to_str().unwrap()];
    let found = site.payout("a_worker", &doctor).await.with(1);
    found.says(&[
        "wait for a synchronous standby",
        "synchronous_standby_names",
    ]);
    ended(worker).await;
}

/// After Ctrl-C the server would go on waiting, and act once the lock was free.
#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_was_given_up_while_it_waited_does_not_happen_later() {
    let site = Site::build().await;
    site.login("siti", "payout_operator").await;
    site.enqueue(0..1).await;
    let mut holder = site.pool.begin().await.unwrap();
    sqlx::raw_sql("select from payout.payouts for update")
        .execute(&mut *holder)
        .await
        .unwrap();
    let mut command = terminal::program(&["cancel", "R-0", "--reason", "not wanted"]);
    command.env("PAYOUT_DATABASE_URL", site.cluster.url("postgres", "siti"));
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let waits = "select count(*) from pg_stat_activity
                 where application_name = 'payout cli' and wait_event_type = 'Lock'";
    site.until(waits, "1").await;
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    child.wait().unwrap();
    site.until(
        "select count(*) from pg_stat_activity where application_name = 'payout cli'",
        "0",
    )
    .await;
    holder.rollback().await.unwrap();
    let state = "select state from payout.payouts where order_num = 'R-0'";
    site.until(state, "queued").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_connections_is_named_at_once_by_every_command() {
    let site = Site::build().await;
    let closed = free_port().port();
    let open = format!(":{}/", site.cluster.port());
    let file = site.folder.path().join("one.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace(&open, &format!(":{closed}/"))).unwrap();
    let file = file.to_str().unwrap();
    for (arguments, code) in [
        (&["run", "-c", file][..], 69),
        (&["migrate", "-c", file], 69),
        (&["status", "-c", file], 69),
        (&["doctor", "-c", file], 1),
    ] {
        let said = terminal::bare(arguments);
        println!("{arguments:?}");
        said.with(code).says(&["Connection refused"]);
    }
}

#[test]
fn a_url_that_cannot_be_read_is_explained_by_what_is_wrong_with_it() {
    for (url, words) in [
        ("postgres://u:p@a:5432,b:5432/pay", "several hosts"),
        ("postgres://u:p@a:abc/pay", "port is not a number"),
    ] {
        let said = terminal::bare(&["status", "--database-url", url]);
        said.with(78).says(&[words]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_cannot_be_kept_is_found_by_doctor_as_by_run() {
    let site = Site::build().await;
    let file = site.folder.path().join("one.toml");
    let text = fs::read_to_string(&file).unwrap();
    let missing = site.folder.path().join("no/such/folder/w");
    let named = format!("witness_file = \"{}\"", missing.display());
    fs::write(&file, text.replace("witness_file = \"\"", &named)).unwrap();
    let file = file.to_str().unwrap();
    let run = site.payout("a_worker", &["run", "-c", file]).await.with(78);
    run.says(&["witness_file", "No such file or directory"]);
    let doctor = site
        .payout("a_worker", &["doctor", "-c", file])
        .await
        .with(1);
    doctor.says(&["witness", "no/such/folder does not exist"]);
}
