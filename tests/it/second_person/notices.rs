//! Approvers are told of each request that waits for them: once, by a command or a webhook.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use axum::{Router, extract::State, http::StatusCode, routing::post};
use payout_sandbox::Script;
use serde_json::Value;

use super::{Desk, PATIENT, lose, payout};
use crate::support::world::{Wishes, World};

async fn without_workers() -> World {
    World::with(Wishes {
        sections: PATIENT,
        workers: 0,
        ..Wishes::default()
    })
    .await
}

/// A script that writes what it is told to a file.
fn tell(file: &str) -> Vec<String> {
    let script = format!(
        r#"{{ echo "$PAYOUT_REQUEST $PAYOUT_REQUEST_KIND $PAYOUT_REQUEST_ORDERS $PAYOUT_REQUESTED_BY"; cat; echo; }} >> {file}"#
    );
    ["sh", "-c", &script].map(str::to_owned).to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_told_once_of_each_request_that_waits_however_many_workers_run() {
    let mut world = without_workers().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("told");
    world.config.approvals.notify_command = tell(file.to_str().unwrap());
    for _ in 0..3 {
        world.add_worker().await;
    }
    let desk = Desk::of(&world).await;
    lose(&world, "LOST-1").await;
    let request = ["resubmit", "LOST-1", "--reason", "ticket 5512"];
    let id = payout(&world, &desk.one, &request).await.with(5).request();
    let told = "select count(*) from payout.notices where told_at is not null";
    world.until(told, "1").await;
    // What one person may do alone waits for nobody.
    let pause = ["pause", "--bank", "008", "--reason", "closed"];
    payout(&world, &desk.one, &pause).await.with(0);
    world.sandbox.script("LOST-1", Script::default());
    payout(&world, &desk.other, &["approve", &id]).await.with(0);
    world.until_state("LOST-1", "paid").await;

    let told = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert_eq!(lines[0], format!("{id} resubmit LOST-1 {}", desk.one));
    let message: Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!(message["order_nums"], serde_json::json!(["LOST-1"]));
    assert_eq!(message["amount_idr"], 100_000);
    assert_eq!(message["reason"], "ticket 5512");
    assert!(message["expires_at"].is_string());
    let private = ["Siti", "0012345678"];
    assert!(!private.iter().any(|word| told.contains(word)), "{told}");
}

/// A webhook that answers with these statuses, one after the other, and keeps what it is told.
async fn webhook(answers: Vec<StatusCode>) -> (String, Arc<Mutex<Vec<String>>>) {
    type Told = Arc<Mutex<Vec<String>>>;
    let told: Told = Arc::default();
    let kept = Arc::clone(&told);
    let answer = move |State(kept): State<Told>, message: String| async move {
        let mut kept = kept.lock().unwrap();
        kept.push(message);
        answers[kept.len() - 1]
    };
    let routes = Router::new().route("/hook/secret", post(answer));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook/secret", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes.with_state(kept)).await });
    (url, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_fails_is_called_again_and_people_see_that_nobody_was_told() {
    let mut world = without_workers().await;
    let (url, told) = webhook(vec![StatusCode::BAD_GATEWAY, StatusCode::OK]).await;
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("webhook");
    std::fs::write(&file, format!("{url}\n")).unwrap();
    world.config.approvals.notify_url_file = Some(file);
    world.add_worker().await;
    let desk = Desk::of(&world).await;
    lose(&world, "LOST-1").await;
    let request = ["resubmit", "LOST-1", "--reason", "ticket 5512"];
    payout(&world, &desk.one, &request).await.with(5);
    let failure = "select coalesce(max(failure), '') from payout.notices";
    world.until(failure, "the webhook answered HTTP 502").await;
    let seen = payout(&world, &desk.other, &["approvals"]).await.with(0);
    assert_eq!(
        seen.rows()[0]["told_failure"],
        "the webhook answered HTTP 502"
    );
    assert!(!seen.out.contains("secret"), "{}", seen.out);

    let later = "update payout.notices set taken_at = taken_at - interval '20 seconds'";
    world.database.run(later).await;
    world.until(failure, "").await;
    let seen = payout(&world, &desk.other, &["approvals"]).await.with(0);
    assert!(seen.rows()[0]["told_at"].is_string());
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    let message: Value = serde_json::from_str(&told[1]).unwrap();
    assert_eq!(message["requested_by"], desk.one.as_str());
}
