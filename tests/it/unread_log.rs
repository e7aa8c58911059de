//! Whoever reads a worker's log cannot stop it, by not reading or by going away.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout};

use crate::support::site::{Site, Worker};

/// Starts the worker with a pipe as its stderr and its stdout. At this level it writes more than a pipe holds.
fn worker(site: &Site, log: &str) -> Worker {
    let child = Command::new(env!("CARGO_BIN_EXE_payout"))
        .args(["run", "-c"])
        .arg(site.folder.path().join("one.toml"))
        .env_remove("PAYOUT_DATABASE_URL")
        .env("PAYOUT_LOG", log)
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
    let unread = worker(&site, "debug");
    site.enqueue(0..100).await;
    site.until_settled(100).await;
    assert_eq!(page(&site, "/livez").await.as_deref(), Some("alive\n"));
    assert_eq!(terminated(unread).await, Some(0));
    site.assert_zeros(100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_log_was_closed_pays_answers_and_stops() {
    let site = Site::build().await;
    let mut closed = worker(&site, "debug");
    drop((closed.0.stderr.take(), closed.0.stdout.take()));
    site.enqueue(0..40).await;
    site.until_settled(40).await;
    until_lines_are_dropped(&site).await;
    assert_eq!(page(&site, "/livez").await.as_deref(), Some("alive\n"));
    assert_eq!(terminated(closed).await, Some(0));
    site.assert_zeros(40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_filter_that_cannot_be_read_is_named_in_the_log() {
    let site = Site::build().await;
    let mut worker = worker(&site, "info,payout_gateway=loud");
    let log = BufReader::new(worker.0.stderr.take().unwrap());
    let named = tokio::task::spawn_blocking(move || {
        log.lines()
            .map_while(Result::ok)
            .find(|line| line.contains("PAYOUT_LOG is ignored"))
    });
    let named = timeout(Duration::from_mins(1), named).await;
    let named = named.expect("a line").unwrap().unwrap_or_default();
    assert!(named.contains("write it like"), "{named}");
    assert!(named.contains("payout_gateway=loud"), "{named}");
}
