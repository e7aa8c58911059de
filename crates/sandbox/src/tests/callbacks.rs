//! Callbacks over real HTTP.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;

use super::support::{Bench, has_genuine_sign, listener, settings};
use crate::{Ending, Fault, Pace, Script, Settings, wire::Fields};

/// Settings under which the six callbacks come at once.
fn swift() -> Settings {
    let pace = Pace {
        callback_scale_permille: 0,
        ..Pace::quick()
    };
    Settings { pace, ..settings() }
}

async fn submit_under(bench: &Bench, fault: Fault, url: &str) {
    bench.sandbox.set_fault(fault);
    bench.submit(fault.word(), Some(url)).await.unwrap();
}

async fn statuses(callbacks: &mut UnboundedReceiver<Fields>, count: usize) -> Vec<String> {
    let mut statuses = Vec::new();
    for _ in 0..count {
        let form = callbacks.recv().await.unwrap();
        assert!(has_genuine_sign(&form));
        statuses.push(form["status"].as_str().unwrap().to_owned());
    }
    statuses
}

#[tokio::test]
async fn an_answer_other_than_success_is_called_back_six_times() {
    let bench = Bench::start(swift()).await;
    let (url, mut callbacks) = listener("\"SUCCESS\"").await;
    bench.submit("INV-1", Some(&url)).await.unwrap();
    assert_eq!(statuses(&mut callbacks, 6).await, ["2"; 6]);
    bench
        .sandbox
        .until(|sandbox| sandbox.order("INV-1").unwrap().notified == 6)
        .await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(callbacks.try_recv().is_err(), "there is no seventh");
}

#[tokio::test]
async fn success_ends_the_callbacks_and_one_more_can_be_requested() {
    let bench = Bench::start(swift()).await;
    let (url, mut callbacks) = listener("SUCCESS").await;
    bench.submit("INV-1", Some(&url)).await.unwrap();
    bench
        .sandbox
        .until(|sandbox| {
            sandbox
                .order("INV-1")
                .is_some_and(|order| order.acknowledged)
        })
        .await;
    let again = format!("{}/admin/callback?order=INV-1", bench.sandbox.url());
    let reply = bench
        .client
        .post(again)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(reply, r#"{"acknowledged":true}"#);
    assert_eq!(statuses(&mut callbacks, 2).await, ["2", "2"]);
    assert_eq!(bench.sandbox.order("INV-1").unwrap().notified, 1);
}

#[tokio::test]
async fn an_early_callback_comes_before_the_answer() {
    let bench = Bench::start(swift()).await;
    let (url, mut callbacks) = listener("SUCCESS").await;
    submit_under(&bench, Fault::EarlyCallback, &url).await;
    assert_eq!(callbacks.try_recv().unwrap()["status"], "2");
    assert!(bench.sandbox.order("early_callback").unwrap().acknowledged);
}

#[tokio::test]
async fn duplicates_come_although_the_first_was_acknowledged() {
    let bench = Bench::start(swift()).await;
    let (url, mut callbacks) = listener("SUCCESS").await;
    submit_under(&bench, Fault::DuplicateCallbacks, &url).await;
    assert_eq!(statuses(&mut callbacks, 18).await, ["2"; 18]);
}

#[tokio::test]
async fn progress_is_called_back_when_the_fault_says_so() {
    let bench = Bench::start(swift()).await;
    let (url, mut callbacks) = listener("SUCCESS").await;
    submit_under(&bench, Fault::ProgressCallbacks, &url).await;
    assert_eq!(statuses(&mut callbacks, 3).await, ["1", "5", "2"]);
}

#[tokio::test]
async fn false_failures_and_foreign_orders_come_before_the_truth() {
    let bench = Bench::start(swift()).await;
    let (url, mut callbacks) = listener("SUCCESS").await;
    submit_under(&bench, Fault::FalseFailureCallback, &url).await;
    assert_eq!(statuses(&mut callbacks, 2).await, ["4", "2"]);
    submit_under(&bench, Fault::ForeignCallback, &url).await;
    assert_eq!(
        callbacks.recv().await.unwrap()["orderNum"],
        "Xforeign_callback"
    );
    assert_eq!(
        callbacks.recv().await.unwrap()["orderNum"],
        "foreign_callback"
    );
}

#[tokio::test]
async fn lost_and_late_callbacks_are_lost_and_late() {
    let bench = Bench::start(swift()).await;
    let (url, mut callbacks) = listener("SUCCESS").await;
    submit_under(&bench, Fault::NoCallbacks, &url).await;
    bench
        .sandbox
        .until(|sandbox| {
            sandbox
                .order("no_callbacks")
                .is_some_and(|order| order.notified == 6)
        })
        .await;
    assert!(callbacks.try_recv().is_err());
    submit_under(&bench, Fault::LateCallback, &url).await;
    bench.until_status("late_callback", 2).await;
    assert!(
        tokio::time::timeout(Duration::from_millis(200), callbacks.recv())
            .await
            .is_err()
    );
    assert_eq!(statuses(&mut callbacks, 1).await, ["2"]);
}

#[tokio::test]
async fn a_forged_callback_is_repeated_honestly_after_healing() {
    let bench = Bench::start(settings()).await;
    let (url, mut callbacks) = listener("no").await;
    bench.sandbox.script(
        "INV-1",
        Script {
            fault: Some(Fault::ForgedCallback),
            ends: Some(Ending::Paid),
            ..Script::default()
        },
    );
    bench.submit("INV-1", Some(&url)).await.unwrap();
    assert!(!has_genuine_sign(&callbacks.recv().await.unwrap()));
    bench.sandbox.script("INV-1", Script::default());
    assert!(has_genuine_sign(&callbacks.recv().await.unwrap()));
}
