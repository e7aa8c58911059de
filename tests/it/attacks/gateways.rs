//! Attacks with another gateway than the one that got the order: its "not found" would pass for proof.

use std::time::Instant;

use payout_sandbox::{Ending, Fault, Script};
use payout_worker::service::Running;

use super::{believe_it_failed, evidence::SILENT};
use crate::support::{
    database::DEADLINE,
    refusal::Refusal,
    world::{Wishes, World, free_port},
};

/// Moves the merchant to another gateway, as `payout migrate --accept-gateway` does.
const MOVE: &str = "update payout.merchants set base_url = 'https://new.example'";
/// Has every payout queried now.
const DUE: &str = "update payout.payouts set next_query_at = now()";

/// Enqueues a payout that becomes unknown and stays so: it is not queried, and the gateway has not paid it.
async fn unknown(world: &World, order_num: &str) {
    let script = Script {
        fault: Some(Fault::Unknown),
        ..Script::ends(Ending::Stays)
    };
    world.sandbox.script(order_num, script);
    world.enqueue(order_num, 100_000, 1).await;
    world.until_state(order_num, "unknown").await;
}

async fn silent() -> World {
    World::with(Wishes {
        sections: SILENT,
        ..Wishes::default()
    })
    .await
}

async fn refused(world: &World, statement: &str) -> Refusal {
    Refusal::of(&world.database.try_run(statement).await.unwrap_err())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_moves_to_another_gateway_only_while_nothing_may_be_with_the_old_one() {
    let mut world = silent().await;
    unknown(&world, "OPEN-1").await;
    let refusal = refused(&world, MOVE).await;
    assert_eq!(refusal.code, "PW060", "{refusal:?}");
    assert!(refusal.message.starts_with("1 payouts"), "{refusal:?}");
    let dialect = "update payout.merchants set dialect = 'toppay'";
    assert_eq!(refused(&world, dialect).await.code, "PW060");
    // Limits do not say which gateway it is.
    let limit = "update payout.merchants set max_amount = max_amount - 1";
    world.database.run(limit).await;

    world.sandbox.script("OPEN-1", Script::ends(Ending::Paid));
    world.database.run(DUE).await;
    world.until_state("OPEN-1", "paid").await;
    world.stop_workers().await;
    world.database.run(MOVE).await;
    assert_eq!(world.submits_of("OPEN-1"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_waits_for_a_claim_that_is_not_committed() {
    let mut world = World::start().await;
    let funded = "select count(*) from payout.accounts";
    world.until(funded, "1").await;
    world.stop_workers().await;
    let mut claim = world.database.connect().await;
    let lock = "begin; select from payout.accounts for update";
    sqlx::raw_sql(lock).execute(&mut claim).await.unwrap();
    let refusal = refused(&world, &format!("set lock_timeout = '50ms'; {MOVE}")).await;
    assert_eq!(refusal.code, "55P03", "{refusal:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_at_another_gateway_is_not_paid_again_without_a_person() {
    let mut world = silent().await;
    unknown(&world, "OLD-1").await;
    world.stop_workers().await;
    believe_it_failed(&world, "OLD-1").await;
    world.database.run(MOVE).await;
    let again = "insert into payout.payouts
                     (order_num, amount, fee_type, bank_code, account_number, account_name, replaces)
                 values ('NEW-1', 100000, 1, '014', '0012345678', 'Siti Rahayu', 'OLD-1')";
    let refusal = refused(&world, again).await;
    assert_eq!(refusal.code, "PW008", "{refusal:?}");
    assert!(refusal.message.contains("another gateway"), "{refusal:?}");
}

/// The worker of another gateway runs beside the right one and takes every callback; nothing of it counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_of_another_gateway_queries_stores_and_acknowledges_nothing() {
    let mut production = silent().await;
    let staging = World::with(Wishes {
        workers: 0,
        ..Wishes::default()
    })
    .await;
    unknown(&production, "REAL-1").await;
    production.stop_workers().await;
    let evidence = "select count(*) from payout.evidence";
    let stored = production.database.text(evidence).await;

    let mut config = staging.config.clone();
    config.database.url = production.database.url();
    config.http_listen = Some(free_port());
    config.admin_listen = Some(free_port());
    let strange = Running::start(&config).await.unwrap();
    production.database.run(DUE).await;
    let callback = format!("http://{}/callback", strange.http.unwrap());
    let ready = format!("http://{}/readyz", strange.admin.unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let begun = Instant::now();
    loop {
        let answer = client.get(&ready).send().await.unwrap();
        let code = answer.status();
        if code == 503 && answer.text().await.unwrap().contains("registered") {
            break;
        }
        assert!(begun.elapsed() < DEADLINE, "{code}");
    }
    let form = "orderNum=REAL-1&status=4&platSign=AAAA";
    let answer = client.post(&callback).body(form).send().await.unwrap();
    assert_eq!(answer.status(), 503, "a right worker must get it again");
    assert_eq!(production.database.text(evidence).await, stored);

    // The right worker settles it meanwhile; the strange one was there all the time.
    let paid = Script::ends(Ending::Paid);
    production.sandbox.script("REAL-1", paid);
    production.database.run(DUE).await;
    production.add_worker().await;
    production.until_state("REAL-1", "paid").await;
    assert_eq!(staging.sandbox.queries("REAL-1"), 0);
    assert_eq!(production.submits_of("REAL-1"), 1);
    strange.stop().await;
    production.assert_books_agree().await;
}
