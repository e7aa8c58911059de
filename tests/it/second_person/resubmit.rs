//! Resubmitting an order: only when repeated answers and a fresh one prove that the gateway does not have it.

use payout_sandbox::{Fault, Script};

use super::{Desk, PATIENT, Said, hide, lose, payout};
use crate::support::{
    server::run,
    world::{Wishes, World},
};

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

async fn patient() -> World {
    World::with(Wishes {
        sections: PATIENT,
        ..Wishes::default()
    })
    .await
}

/// `ORDER OUTCOME` of each payout that a command reports.
fn outcomes(said: &Said) -> Vec<String> {
    let rows = said.rows();
    let told = rows
        .iter()
        .map(|row| format!("{} {}", row["order_num"], row["outcome"]));
    told.map(|told| told.replace('"', "")).collect()
}

/// Returns at once, where the command waits for a worker.
async fn approve_in_sql(world: &World, desk: &Desk, id: &str) {
    let mut other = world.database.connect_as(&desk.other).await;
    run(&mut other, &format!("select payout.approve({id})")).await;
}

/// One approval for two; each is queried separately, in the same step.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_payout_that_is_not_found_right_now_is_sent_again() {
    let world = patient().await;
    let desk = Desk::of(&world).await;
    tokio::join!(lose(&world, "MUTE-1"), lose(&world, "LOST-1"));
    let request = ["resubmit", "MUTE-1", "LOST-1", "--reason", "ticket 5513"];
    let id = payout(&world, &desk.one, &request).await.with(5).request();
    // Between the request and its approval, the gateway's answer changes.
    world
        .sandbox
        .script("MUTE-1", Script::fault(Fault::QueryUnknown));
    world.sandbox.script("LOST-1", Script::default());
    let said = payout(&world, &desk.other, &["approve", &id]).await.with(4);
    assert_eq!(outcomes(&said), ["LOST-1 done", "MUTE-1 refused"]);
    world.until_state("LOST-1", "paid").await;
    assert_eq!(world.submits_of("LOST-1"), 2);
    assert_eq!(world.submits_of("MUTE-1"), 1);
    let refused =
        "select count(*) from payout.audit where act = 'resubmit' and outcome = 'refused'";
    assert_eq!(world.database.text(refused).await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_stops_at_the_first_payout_that_the_gateway_knows_although_nobody_sent_it_again()
{
    let world = patient().await;
    let desk = Desk::of(&world).await;
    tokio::join!(hide(&world, "KNOWN-1"), lose(&world, "LOST-1"));
    let request = ["resubmit", "KNOWN-1", "LOST-1", "--reason", "ticket 5513"];
    let id = payout(&world, &desk.one, &request).await.with(5).request();
    world.sandbox.script("KNOWN-1", super::staying(None));
    world.sandbox.script("LOST-1", Script::default());
    let said = payout(&world, &desk.other, &["approve", &id]).await.with(4);
    assert_eq!(outcomes(&said), ["KNOWN-1 refused", "LOST-1 refused"]);
    let why = said.rows()[1]["detail"].to_string();
    assert!(why.contains("stopped: the gateway knows KNOWN-1"), "{why}");
    let submits = ["KNOWN-1", "LOST-1"].map(|order| world.submits_of(order));
    assert_eq!(submits, [1, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_one_is_sent_first_and_the_others_once_the_gateway_is_found_to_know_it() {
    let world = patient().await;
    let desk = Desk::of(&world).await;
    let orders = ["LOST-1", "LOST-2", "LOST-3"];
    let [first, second, third] = orders;
    tokio::join!(
        lose(&world, first),
        lose(&world, second),
        lose(&world, third)
    );
    let request = ["resubmit", "--attention", "not_found", "--reason", "t 5515"];
    let id = payout(&world, &desk.one, &request).await.with(5).request();
    // The gateway takes the first one and does not find it.
    let hidden = Script {
        query_fault: Some(Fault::QueryNotFound),
        ..super::staying(Some(Fault::CutAfter))
    };
    world.sandbox.script(first, hidden);
    for order in [second, third] {
        world.sandbox.script(order, Script::default());
    }
    let approve = ["approve", id.as_str()];
    let approved = payout(&world, &desk.other, &approve);
    let meanwhile = async {
        let not_found = "select count(*) > 0 from payout.evidence
                         where order_num = 'LOST-1' and attempt = 2 and kind = 'not_found'";
        world.until(not_found, "true").await;
        // Workers look for what they may carry out twice a second.
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        let submits = orders.map(|order| world.submits_of(order));
        assert_eq!(submits, [2, 1, 1], "one is sent first");
        world.sandbox.script(first, super::staying(None));
    };
    let (said, ()) = tokio::join!(approved, meanwhile);
    let said = said.with(0);
    assert!(said.err.contains("LOST-1 was sent first"), "{}", said.err);
    let done = orders.map(|order| format!("{order} done"));
    assert_eq!(outcomes(&said), done);
    for order in [second, third] {
        world.until_state(order, "paid").await;
    }
    assert_eq!(orders.map(|order| world.submits_of(order)), [2, 2, 2]);
    payout(&world, &desk.one, &request).await.with(3);
}

/// The database has the rule itself: whatever a worker takes.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_expires_while_the_first_is_not_found_sends_nothing_else() {
    let world = patient().await;
    let desk = Desk::of(&world).await;
    tokio::join!(lose(&world, "LOST-1"), lose(&world, "LOST-2"));
    let request = ["resubmit", "LOST-1", "LOST-2", "--reason", "ticket 5516"];
    let id = payout(&world, &desk.one, &request).await.with(5).request();
    approve_in_sql(&world, &desk, &id).await;
    let done = "select outcome from payout.request_payouts where order_num = 'LOST-1'";
    world.until(done, "done").await;
    let turn = format!(
        "select payout.why_not_its_turn(p, {id}) from payout.payouts p where p.order_num = 'LOST-2'"
    );
    let why = world.database.text(&turn).await;
    assert_eq!(
        why,
        "LOST-1 of the same request was sent first and has not been found yet"
    );
    let expired = format!(
        "set session_replication_role = replica;
         update payout.requests set expires_at = clock_timestamp() where id = {id};
         set session_replication_role = origin"
    );
    world.database.run(&expired).await;
    let refused =
        "select coalesce(detail, '') from payout.request_payouts where order_num = 'LOST-2'";
    let why = "the approval expired while LOST-1 of the same request was sent first and not found";
    world.until(refused, why).await;
    assert_eq!(world.submits_of("LOST-2"), 1);
}

/// The gateway phones: it has the order after all. Nobody has to watch until a worker sends it.
#[tokio::test(flavor = "multi_thread")]
async fn an_approved_request_is_withdrawn_before_a_worker_carries_it_out() {
    let mut world = patient().await;
    let desk = Desk::of(&world).await;
    tokio::join!(lose(&world, "LOST-1"), lose(&world, "LOST-2"));
    world.stop_workers().await;
    let request = ["resubmit", "LOST-1", "LOST-2", "--reason", "ticket 5517"];
    let id = payout(&world, &desk.one, &request).await.with(5).request();
    approve_in_sql(&world, &desk, &id).await;
    let waiting = payout(&world, &desk.one, &["approvals"]).await.with(0);
    assert_eq!(waiting.rows()[0]["status"], "approved");
    let reject = ["reject", &id, "--reason", "the gateway has them"];
    payout(&world, &desk.one, &reject).await.with(0);
    let waiting = payout(&world, &desk.one, &["approvals"]).await.with(0);
    assert!(waiting.rows().is_empty(), "{}", waiting.out);
    world.add_worker().await;
    let audited = format!(
        "select string_agg(order_num || ' ' || actor, ', ' order by order_num) from payout.audit
         where act = 'request_withdrawn' and request_id = {id}"
    );
    let both = format!("LOST-1 {0}, LOST-2 {0}", desk.one);
    assert_eq!(world.database.text(&audited).await, both);
    // What nobody withdraws any more is sent: the worker has looked.
    let again = ["resubmit", "LOST-1", "--reason", "ticket 5518"];
    world.sandbox.script("LOST-1", Script::default());
    let id = payout(&world, &desk.one, &again).await.with(5).request();
    payout(&world, &desk.other, &["approve", &id]).await.with(0);
    world.until_state("LOST-1", "paid").await;
    assert_eq!(world.submits_of("LOST-2"), 1);
    payout(&world, &desk.one, &["reject", &id, "--reason", "too late"])
        .await
        .with(4);
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
