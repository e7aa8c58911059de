//! What the gateway's callbacks may and may not do.

use payout_sandbox::{Ending, Fault, Script};

use crate::support::world::{Wishes, World};

async fn post(world: &World, body: &str) -> (u16, String) {
    let request = reqwest::Client::new()
        .post(world.callback_url())
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.to_owned());
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// A worker that sends no query during the test, so that whatever settles is settled by a callback.
const ONLY_CALLBACKS: &str = "
[submit]
timeout_seconds = 1.5
lease_seconds = 4
[poll]
first_after_seconds = 3000
queries_per_second = 500
";

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_success_callback_settles_alone_and_is_answered_success() {
    let world = World::with(Wishes {
        sections: ONLY_CALLBACKS,
        ..Wishes::default()
    })
    .await;
    world.enqueue("CALLED-1", 100_000, 1).await;
    world.until_state("CALLED-1", "paid").await;
    assert_eq!(world.sandbox.queries("CALLED-1"), 0);
    world
        .sandbox
        .until(|sandbox| {
            sandbox
                .order("CALLED-1")
                .is_some_and(|order| order.acknowledged)
        })
        .await;
    world.assert_books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reported_failure_is_believed_only_after_the_query_says_so() {
    let world = World::with(Wishes {
        sections: ONLY_CALLBACKS,
        ..Wishes::default()
    })
    .await;
    world
        .sandbox
        .script("FALSE-1", Script::fault(Fault::FalseFailureCallback));
    world.sandbox.script("TRUE-1", Script::ends(Ending::Failed));
    world.enqueue("FALSE-1", 100_000, 1).await;
    world.enqueue("TRUE-1", 100_000, 1).await;
    world.until_state("TRUE-1", "failed").await;
    world.until_state("FALSE-1", "paid").await;
    assert!(world.sandbox.queries("TRUE-1") > 0);
    world.assert_books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_callbacks_every_payout_is_settled_by_queries() {
    let world = World::with(Wishes {
        fail_percent: 30,
        ..Wishes::default()
    })
    .await;
    world.sandbox.set_fault(Fault::NoCallbacks);
    for number in 0..40 {
        world.enqueue(&format!("SILENT-{number}"), 50_000, 0).await;
    }
    world
        .until(
            "select count(*) from payout.payouts where settled_at is not null",
            "40",
        )
        .await;
    let called = "select count(*) from payout.evidence where source = 'callback'";
    assert_eq!(world.database.text(called).await, "0");
    world.assert_books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsigned_callback_changes_nothing_and_is_not_answered_success() {
    let world = World::with(Wishes {
        sections: ONLY_CALLBACKS,
        ..Wishes::default()
    })
    .await;
    world
        .sandbox
        .script("FORGED-1", Script::ends(Ending::Stays));
    world.enqueue("FORGED-1", 100_000, 1).await;
    world.until_state("FORGED-1", "pending").await;
    let signature = "A".repeat(172);
    let fields = "bankCode=014&fee=2500&feeType=1&money=100000&name=Siti+Rahayu&number=0012345678&orderNum=FORGED-1\
                  &platOrderNum=W1&status=2&statusMsg=ok&description=";
    let long = format!("{fields}&platSign={}", "A".repeat(9_000));
    for (body, status) in [
        (format!("{fields}&platSign={signature}"), 400),
        (fields.to_owned(), 400),
        ("orderNum=FORGED-1&orderNum=FORGED-1".to_owned(), 400),
        ("{\"orderNum\":\"FORGED-1\"}".to_owned(), 400),
        (String::new(), 400),
        ("orderNum=NOBODY-1&status=2&platSign=AAAA".to_owned(), 400),
        (long, 413),
    ] {
        let (answered, text) = post(&world, &body).await;
        assert_eq!(answered, status, "{text}");
        assert!(!text.contains("SUCCESS"));
    }
    assert_eq!(world.database.state("FORGED-1").await, "pending");
    let stored = "select count(*) from payout.evidence where source = 'callback'";
    assert_eq!(world.database.text(stored).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_genuine_callback_for_an_unknown_order_is_kept_and_its_repeat_requested() {
    let world = World::start().await;
    world
        .sandbox
        .script("FOREIGN-1", Script::fault(Fault::ForeignCallback));
    world.enqueue("FOREIGN-1", 100_000, 1).await;
    world
        .until(
            "select count(*) > 0 from payout.unmatched_callbacks",
            "true",
        )
        .await;
    world.until_state("FOREIGN-1", "paid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_reversal_of_a_final_state_raises_attention_and_moves_nothing() {
    let world = World::start().await;
    world.sandbox.script(
        "FLIP-1",
        Script {
            fault: Some(Fault::FlipAfterFailed),
            ends: Some(Ending::Failed),
            ..Script::default()
        },
    );
    world
        .sandbox
        .script("FLOP-1", Script::fault(Fault::FlipAfterPaid));
    world.enqueue("FLIP-1", 100_000, 0).await;
    world.enqueue("FLOP-1", 100_000, 0).await;
    world.until_state("FLIP-1", "failed").await;
    world.until_state("FLOP-1", "paid").await;
    for (order, reason, state) in [
        ("FLIP-1", "late_success", "failed"),
        ("FLOP-1", "contradiction", "paid"),
    ] {
        let attention = format!("select attention from payout.payouts where order_num = '{order}'");
        // On-call replays it until the gateway reports the other outcome.
        let replay = format!("select payout.replay('{order}')");
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(30);
        let mut changes = world.database.listen("payout_status").await;
        while world.database.text(&attention).await != reason {
            assert!(
                tokio::time::Instant::now() < deadline,
                "{order} never flipped"
            );
            world.database.text(&replay).await;
            let _ = tokio::time::timeout(std::time::Duration::from_secs(1), changes.recv()).await;
        }
        assert_eq!(world.database.state(order).await, state);
    }
}
