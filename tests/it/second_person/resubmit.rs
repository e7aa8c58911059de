//! Resubmitting an order: only when repeated answers and a fresh one prove that the gateway does not have it.

use payout_sandbox::{Fault, Script};

use super::{Desk, PATIENT, hide, lose, payout};
use crate::support::world::{Wishes, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_order_is_sent_again_by_two_people_and_paid_once() {
    let world = World::start().await;
    let desk = Desk::of(&world).await;
    world.vouch().await;
    world.sandbox.script("LOST-1", Script::fault(Fault::Lost));
    world.enqueue("LOST-1", 100_000, 1).await;
    world.until_state("LOST-1", "unknown").await;
    let request = ["resubmit", "LOST-1", "--reason", "ticket 5512"];
    let early = payout(&world, &desk.one, &request).await.with(4);
    assert!(early.err.contains("quiet horizon"), "{}", early.err);

    super::until_proven(&world, "LOST-1").await;
    let id = payout(&world, &desk.one, &request).await.with(5).request();
    let again = payout(&world, &desk.one, &request).await.with(4);
    assert!(
        again.err.contains(&format!("request {id}")),
        "{}",
        again.err
    );
    let own = payout(&world, &desk.one, &["approve", &id]).await.with(4);
    assert!(own.err.contains("somebody else"), "{}", own.err);
    assert_eq!(world.submits_of("LOST-1"), 1, "a request sends nothing");

    world.sandbox.script("LOST-1", Script::default());
    let done = payout(&world, &desk.other, &["approve", &id]).await.with(0);
    assert_eq!(done.rows()[0]["outcome"], "done");
    world.until_state("LOST-1", "paid").await;
    assert_eq!(
        world.submits_of("LOST-1"),
        2,
        "the one that never arrived, and this one"
    );
    let orders = world.sandbox.orders();
    let booked = orders.iter().filter(|order| order.order_num == "LOST-1");
    assert_eq!(booked.count(), 1, "the gateway booked one of them");
    let counted = "select sends || ' ' || resubmits_granted || ' ' || attempt from payout.payouts
                   where order_num = 'LOST-1'";
    assert_eq!(world.database.text(counted).await, "2 1 2");
    world.assert_books_agree().await;
    assert_eq!(
        world.accounts().await,
        [999_872_500, 0, 120_000, 7_500, -1_000_000_000]
    );

    let acts = payout(&world, &desk.one, &["audit", "LOST-1"])
        .await
        .with(0)
        .rows();
    let told: Vec<String> = acts
        .iter()
        .map(|act| {
            format!(
                "{} {}",
                act["act"].as_str().unwrap(),
                act["actor"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(told[0], format!("resubmit_requested {}", desk.one));
    assert_eq!(told[1], format!("approved {}", desk.other));
    assert!(told[2].starts_with("resubmit "), "{told:?}");
    let detail = acts[2]["detail"].as_str().unwrap();
    assert!(
        detail.contains(&desk.one) && detail.contains(&desk.other),
        "{detail}"
    );
    payout(&world, &desk.other, &["approve", &id]).await.with(4);
    payout(&world, &desk.other, &["approve", "999999"])
        .await
        .with(3);
}

/// One approval for three; each is queried separately, in the same step.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_payout_that_is_not_found_right_now_is_sent_again() {
    let world = World::with(Wishes {
        sections: PATIENT,
        ..Wishes::default()
    })
    .await;
    let desk = Desk::of(&world).await;
    tokio::join!(
        hide(&world, "KNOWN-1"),
        lose(&world, "MUTE-1"),
        lose(&world, "LOST-1")
    );
    let request = [
        "resubmit",
        "KNOWN-1",
        "MUTE-1",
        "LOST-1",
        "--reason",
        "ticket 5513",
    ];
    let id = payout(&world, &desk.one, &request).await.with(5).request();
    // Between the request and its approval, the gateway's answer changes.
    world.sandbox.script("KNOWN-1", super::staying(None));
    world
        .sandbox
        .script("MUTE-1", Script::fault(Fault::QueryUnknown));
    world.sandbox.script("LOST-1", Script::default());
    let said = payout(&world, &desk.other, &["approve", &id]).await.with(4);
    let outcomes: Vec<String> = said
        .rows()
        .iter()
        .map(|row| format!("{} {}", row["order_num"], row["outcome"]).replace('"', ""))
        .collect();
    assert_eq!(
        outcomes,
        ["KNOWN-1 refused", "LOST-1 done", "MUTE-1 refused"]
    );
    world.until_state("LOST-1", "paid").await;
    let submits = ["KNOWN-1", "MUTE-1", "LOST-1"].map(|order| world.submits_of(order));
    assert_eq!(submits, [1, 1, 2]);
    let refused =
        "select count(*) from payout.audit where act = 'resubmit' and outcome = 'refused'";
    assert_eq!(world.database.text(refused).await, "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_request_is_never_carried_out() {
    let world = World::start().await;
    let desk = Desk::of(&world).await;
    lose(&world, "LOST-1").await;
    let request = ["resubmit", "LOST-1", "--reason", "ticket 5514"];
    let id = payout(&world, &desk.one, &request).await.with(5).request();
    let reject = ["reject", &id, "--reason", "the gateway is down"];
    payout(&world, &desk.other, &reject).await.with(0);
    payout(&world, &desk.other, &["approve", &id]).await.with(4);
    assert_eq!(world.submits_of("LOST-1"), 1);
    // Another request is possible.
    payout(&world, &desk.one, &request).await.with(5);
}
