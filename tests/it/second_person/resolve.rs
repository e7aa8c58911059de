//! A person states how a payout ended; it is booked with the same entries as evidence from the gateway.

use payout_sandbox::{Fault, Script};

use super::{Desk, PATIENT, agree, hide, lose, payout, staying};
use crate::support::{
    server::{connect, run},
    world::{Wishes, World},
};

fn resolve<'a>(order: &'a str, end: &'a str) -> Vec<&'a str> {
    vec![
        "resolve",
        order,
        "--as",
        end,
        "--evidence",
        "ticket:77",
        "--reason",
        "told by phone",
        "--confirm",
        order,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn resolving_as_failed_takes_two_people_the_horizon_and_a_fresh_not_found() {
    let world = World::with(Wishes {
        sections: PATIENT,
        ..Wishes::default()
    })
    .await;
    let desk = Desk::of(&world).await;
    world.vouch().await;
    world.sandbox.script("EARLY-1", Script::fault(Fault::Lost));
    world.enqueue("EARLY-1", 100_000, 1).await;
    world.until_state("EARLY-1", "unknown").await;
    let early = payout(&world, &desk.one, &resolve("EARLY-1", "failed"))
        .await
        .with(4);
    assert!(early.err.contains("quiet horizon"), "{}", early.err);
    tokio::join!(
        super::until_proven(&world, "EARLY-1"),
        hide(&world, "KNOWN-1"),
        lose(&world, "MUTE-1")
    );

    for (order, script) in [
        ("KNOWN-1", staying(None)),
        ("MUTE-1", Script::fault(Fault::QueryHttp500)),
    ] {
        let requested = payout(&world, &desk.one, &resolve(order, "failed"))
            .await
            .with(5);
        world.sandbox.script(order, script);
        payout(&world, &desk.other, &["approve", &requested.request()])
            .await
            .with(4);
        assert_ne!(world.database.state(order).await, "failed");
    }

    let id = payout(&world, &desk.one, &resolve("EARLY-1", "failed"))
        .await
        .with(5)
        .request();
    payout(&world, &desk.one, &["approve", &id]).await.with(4);
    assert_eq!(world.database.state("EARLY-1").await, "unknown");
    let held = world.accounts().await[1];
    payout(&world, &desk.other, &["approve", &id]).await.with(0);
    assert_eq!(world.database.state("EARLY-1").await, "failed");
    assert_eq!(
        world.accounts().await[1],
        held - 110_000,
        "its hold is free again"
    );
    assert_eq!(world.submits_of("EARLY-1"), 1);

    // It was paid after all: the money is debited again, and then it is returned.
    let mut late = resolve("EARLY-1", "paid");
    late.extend(["--fee", "2500"]);
    let [available, ..] = world.accounts().await;
    agree(&world, &desk, &late).await;
    assert_eq!(world.database.state("EARLY-1").await, "paid");
    assert_eq!(world.accounts().await[0], available - 102_500);
    agree(&world, &desk, &resolve("EARLY-1", "returned")).await;
    assert_eq!(
        world.accounts().await[0],
        available - 2_500,
        "the fee stays spent"
    );
    payout(&world, &desk.one, &resolve("EARLY-1", "paid"))
        .await
        .with(4);
    let kinds =
        "select string_agg(kind, ' ' order by id) from payout.ledger where order_num = 'EARLY-1'";
    assert_eq!(
        world.database.text(kinds).await,
        "hold release late_capture return"
    );
    let sum = "select sum(available + held + paid_out + fees + funding) from payout.ledger";
    assert_eq!(world.database.text(sum).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn paid_captures_the_hold_with_the_stated_fee() {
    let world = World::start().await;
    let desk = Desk::of(&world).await;
    lose(&world, "LOST-1").await;
    let mut paid = resolve("LOST-1", "paid");
    paid.extend(["--fee", "4000"]);
    agree(&world, &desk, &paid).await;
    // Beside it, the two that vouch: Rp 10.000 each, with a fee of Rp 2.500.
    assert_eq!(
        world.accounts().await,
        [999_871_000, 0, 120_000, 9_000, -1_000_000_000]
    );
    let line = "select detail ->> 'by' from payout.history where event = 'resolved_paid'";
    assert_eq!(world.database.text(line).await, desk.one);
    let day = payout(&world, &desk.one, &["report", "day", "today"])
        .await
        .with(0)
        .rows();
    assert_eq!(day[0]["closing"], 999_871_000);
    assert_eq!(day[0]["net"], 120_000);
    assert_eq!(day[0]["top_ups"], 1_000_000_000);
    let books = payout(&world, &desk.one, &["reconcile"])
        .await
        .with(0)
        .rows();
    assert_eq!(books[0]["available"], 999_871_000);
}

/// Two people do not have to meet again because somebody's transaction was open at the wrong moment.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_meets_a_locked_payout_is_carried_out_once_it_is_free() {
    let world = World::with(Wishes {
        sections: PATIENT,
        ..Wishes::default()
    })
    .await;
    let desk = Desk::of(&world).await;
    lose(&world, "LOCKED-1").await;
    let id = payout(&world, &desk.one, &resolve("LOCKED-1", "failed"))
        .await
        .with(5)
        .request();
    let mut session = world.database.connect().await;
    let lock = "begin; select from payout.payouts where order_num = 'LOCKED-1' for update";
    run(&mut session, lock).await;
    let mut approver = connect(&world.database.url_as(&desk.other)).await;
    run(&mut approver, &format!("select payout.approve({id})")).await;

    // A worker takes it, fails to store the gateway's answer, and a minute later takes it again.
    let taken = "select taken_at is not null from payout.request_payouts";
    world.until(taken, "true").await;
    world
        .database
        .run("update payout.request_payouts set taken_at = null")
        .await;
    world.until(taken, "true").await;
    let open = "select outcome is null from payout.request_payouts";
    assert_eq!(world.database.text(open).await, "true");

    run(&mut session, "rollback").await;
    world
        .until("select outcome from payout.request_payouts", "done")
        .await;
    assert_eq!(world.database.state("LOCKED-1").await, "failed");
}
