//! Two people state the fee of a paid payout that the gateway never states in a way that can be booked.

use payout_sandbox::Script;

use super::{Desk, payout, payout_in};
use crate::support::world::World;

fn fee<'a>(order: &'a str, idr: &'a str) -> Vec<&'a str> {
    let given = ["--evidence", "statement 7", "--reason", "never stated"];
    [
        &["resolve", order, "--as", "fee", "--fee", idr][..],
        &given[..],
        &["--confirm", order],
    ]
    .concat()
}

/// A paid payout, with Rp 10 000 held for a fee that cannot be true.
async fn paid_without_fee(world: &World, order: &str, amount: i64) {
    let script = Script {
        fee_idr: Some(2_500),
        final_fee_idr: Some(900_000_000),
        ..Script::default()
    };
    world.sandbox.script(order, script);
    world.enqueue(order, amount, 1).await;
    world
        .until(&shown(order), "paid fee_implausible 10000")
        .await;
}

fn shown(order: &str) -> String {
    format!(
        "select concat_ws(' ', state, nullif(array_to_string(attention_reasons, ','), ''), held, fee)
         from payout.payouts where order_num = '{order}'"
    )
}

/// As if the last of the queries after its end were due.
async fn last_query_is_due(world: &World, order: &str) {
    world
        .database
        .run(&format!(
            "update payout.payouts set settled_at = now() - interval '4 days', next_query_at = now()
             where order_num = '{order}'"
        ))
        .await;
}

/// The request to state Rp 2 500 as the fee of a payout of that amount, after its last query.
async fn requested_fee(world: &World, desk: &Desk, amount: i64) -> String {
    paid_without_fee(world, "INV-1", amount).await;
    last_query_is_due(world, "INV-1").await;
    world
        .until(&shown("INV-1"), "paid fee_implausible,fee_unknown 10000")
        .await;
    let requested = payout(world, &desk.one, &fee("INV-1", "2500")).await;
    requested.with(5).request()
}

/// The attack: its reserve stayed held for ever, and nobody was told.
#[tokio::test(flavor = "multi_thread")]
async fn a_fee_that_is_never_stated_is_stated_by_two_people_and_frees_its_reserve() {
    let world = World::start().await;
    let desk = Desk::of(&world).await;
    paid_without_fee(&world, "INV-1", 50_000).await;
    // The gateway may still state it.
    let early = payout(&world, &desk.one, &fee("INV-1", "2500")).await;
    assert!(early.with(4).err.contains("after its last query"));
    last_query_is_due(&world, "INV-1").await;
    let unknown = "paid fee_implausible,fee_unknown 10000";
    world.until(&shown("INV-1"), unknown).await;
    let page = payout_in("table", &world, &desk.one, &["show", "INV-1"]).await;
    let page = page.with(0).out;
    assert!(page.contains("payout resolve INV-1 --as fee"), "{page}");

    // Nobody does it alone, and no fee is stated that the gateway could not state either.
    let too_much = payout(&world, &desk.one, &fee("INV-1", "50001")).await;
    assert!(too_much.with(2).err.contains("does not fit"));
    let requested = payout(&world, &desk.one, &fee("INV-1", "2500")).await;
    let id = requested.with(5).request();
    payout(&world, &desk.one, &["approve", &id]).await.with(4);
    assert_eq!(world.database.text(&shown("INV-1")).await, unknown);
    payout(&world, &desk.other, &["approve", &id]).await.with(0);
    assert_eq!(world.database.text(&shown("INV-1")).await, "paid 0 2500");
    let funds = 1_000_000_000;
    let books = [funds - 52_500, 0, 50_000, 2_500, -funds];
    assert_eq!(world.accounts().await, books);
    let said =
        "select concat_ws(' ', h.actor = r.decided_by, h.detail ->> 'fee', h.detail ->> 'evidence')
                from payout.history h, payout.requests r where h.event = 'fee_stated'";
    assert_eq!(world.database.text(said).await, "t 2500 statement 7");
    payout(&world, &desk.one, &fee("INV-1", "2500"))
        .await
        .with(4);

    // What the gateway states against it afterwards reaches a person.
    payout(&world, &desk.one, &["replay", "INV-1"])
        .await
        .with(0);
    let against = "paid contradiction,fee_implausible 0 2500";
    world.until(&shown("INV-1"), against).await;
    assert_eq!(world.accounts().await, books);
}

/// Neighbour: a request that was made for one payout and waits, while the gateway states the fee after all.
#[tokio::test(flavor = "multi_thread")]
async fn a_fee_that_the_gateway_states_first_voids_the_request() {
    let world = World::start().await;
    let desk = Desk::of(&world).await;
    let id = requested_fee(&world, &desk, 50_000).await;
    world
        .database
        .run(
            "insert into payout.ledger (merchant_code, kind, order_num, attempt, available, held, fees)
             select merchant_code, 'fee_known', order_num, attempt, 7000, -10000, 3000 from payout.payouts;
             update payout.payouts set fee = 3000, held = 0, attention_reasons = '{}'",
        )
        .await;
    payout(&world, &desk.other, &["approve", &id]).await.with(4);
    assert_eq!(world.database.text(&shown("INV-1")).await, "paid 0 3000");
}

/// Neighbour: the fee of a small payout may be more than the payout.
#[tokio::test(flavor = "multi_thread")]
async fn a_fee_on_top_may_be_more_than_the_amount() {
    let world = World::start().await;
    let desk = Desk::of(&world).await;
    let id = requested_fee(&world, &desk, 2_000).await;
    payout(&world, &desk.other, &["approve", &id]).await.with(0);
    assert_eq!(world.database.text(&shown("INV-1")).await, "paid 0 2500");
}
