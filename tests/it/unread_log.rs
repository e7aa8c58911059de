//! Whoever reads a worker's log cannot stop it, by not reading or by going away.

use std::{
    process::{Command, Stdio},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use crate::support::site::{Site, Worker};

/// Starts the worker with a pipe as its stderr and its stdout. At this level it writes more than a pipe holds.
fn worker(site: &Site) -> Worker {
    let child = Command::new(env!("CARGO_BIN_EXE_payout"))
        .args(["run", "-c"])
        .arg(site.folder.path().join("one.toml"))
        .env_remove("PAYOUT_DATABASE_URL")
        .env("PAYOUT_LOG", "debug")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    Worker(child)
}

async fn page(site: &Site, path: &str) -> Option<String> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    let url = format!("http://{}{path}", site.admin);
    client.get(url).send().await.ok()?.text().await.ok()
}

/// Waits until the worker has counted dropped lines.
async fn until_lines_are_dropped(site: &Site) {
    let deadline = Instant::now() + Duration::from_mins(1);
    let series = "payout_log_lines_dropped_total ";
    loop {
        let page = page(site, "/metrics").await.unwrap_or_default();
        let dropped = page.lines().find_map(|line| line.strip_prefix(series));
        if dropped.is_some_and(|dropped| dropped != "0") {
            return;
        }
        assert!(Instant::now() < deadline, "{series}{dropped:?}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// The exit code, or `None` if a signal has to end it after a while.
async fn terminated(mut worker: Worker) -> Option<i32> {
    let pid = rustix::process::Pid::from_raw(i32::try_from(worker.0.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    while Instant::now() < deadline {
        if let Some(status) = worker.0.try_wait().unwrap() {
            return status.code();
        }
        sleep(Duration::from_millis(50)).await;
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_log_nobody_reads_pays_answers_and_stops() {
    let site = Site::build().await;
    let unread = worker(&site);
    site.enqueue(0..100).await;
    site.until_settled(100).await;
    assert_eq!(page(&site, "/livez").await.as_deref(), Some("alive\n"));
    assert_eq!(terminated(unread).await, Some(0));
    site.assert_zeros(100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_log_was_closed_pays_answers_and_stops() {
    let site = Site::build().await;
    let mut closed = worker(&site);
    drop((closed.0.stderr.take(), closed.0.stdout.take()));
    site.enqueue(0..40).await;
    site.until_settled(40).await;
    until_lines_are_dropped(&site).await;
    assert_eq!(page(&site, "/livez").await.as_deref(), Some("alive\n"));
    assert_eq!(terminated(closed).await, Some(0));
    site.assert_zeros(40).await;
}
