//! Claims for several merchants in one transaction.

use std::{sync::Arc, time::Duration};

use payout_worker::store::{
    Store,
    claim::{self, ClaimError, Claimed},
    failover::register_identity,
    is_locked,
};
use sqlx::PgPool;

use crate::support::{
    claim::{Claim, order_of, register},
    world::{Wishes, World},
};

/// A world without workers, and the claims of these merchants, up to two payouts each.
async fn world_of(merchants: &[&str]) -> (World, Vec<Claim>) {
    let world = World::with(Wishes {
        workers: 0,
        ..Wishes::default()
    })
    .await;
    register_identity(world.database.pool(), Duration::from_secs(3))
        .await
        .unwrap();
    let mut claims = Vec::new();
    for merchant in merchants {
        let claim = order_of(&world, merchant, 2);
        register(&world, &claim).await;
        claims.push(claim);
    }
    (world, claims)
}

async fn enqueue(world: &World, merchant: &str, payouts: u32) {
    world
        .database
        .run(&format!(
            "select payout.enqueue('{merchant}-' || n, 100000, 0, '014', '0012345678', 'Siti Rahayu',
                                   merchant_code => '{merchant}')
             from generate_series(1, {payouts}) n"
        ))
        .await;
}

async fn claim(pool: &PgPool, claims: &[Claim]) -> Result<Vec<Claimed>, ClaimError> {
    let orders: Vec<_> = claims.iter().map(|claim| claim.order.clone()).collect();
    let (claimed, last) = claim::claim(pool, &claims[0].terms, &orders).await?;
    let sends = claimed.iter().any(|claimed| !claimed.permits.is_empty());
    assert_eq!(last.is_some(), sends, "what is sent has a witness");
    Ok(claimed)
}

fn numbers(claimed: &Claimed) -> Vec<&str> {
    let permits = claimed.permits.iter();
    permits
        .map(|permit| permit.key().order_num.as_str())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_merchant_of_a_claim_gets_its_own_payouts_and_its_own_trouble() {
    let merchants = ["RICH", "EMPTY", "PAUSED", "POOR", "UNSIGNED", "LAST"];
    let (world, mut claims) = world_of(&merchants).await;
    claims[4].order.seal = Arc::new(|_, _| Err("no key".to_owned()));
    for merchant in merchants.iter().filter(|merchant| **merchant != "EMPTY") {
        enqueue(&world, merchant, 3).await;
    }
    for merchant in ["RICH", "PAUSED", "UNSIGNED"] {
        world.database.fund(merchant, 1_000_000).await;
    }
    // Enough for one of the two.
    world.database.fund("LAST", 150_000).await;
    world
        .database
        .run("select payout.pause('merchant', 'PAUSED', 'closed')")
        .await;

    let claimed = claim(world.database.pool(), &claims).await.unwrap();
    let sent: Vec<_> = claimed.iter().map(numbers).collect();
    assert_eq!(sent[0], ["RICH-1", "RICH-2"]);
    assert_eq!(sent[5], ["LAST-1"]);
    assert!(sent[1..5].iter().all(Vec::is_empty), "{sent:?}");
    let paused: Vec<_> = claimed.iter().map(|claimed| claimed.paused).collect();
    assert_eq!(paused, [false, false, true, false, false, false]);
    let uncovered: Vec<_> = claimed
        .iter()
        .map(|claimed| claimed.uncovered.len())
        .collect();
    assert_eq!(uncovered, [0, 0, 0, 2, 0, 1]);
    let unsealed: Vec<_> = claimed
        .iter()
        .map(|claimed| claimed.unsealed.len())
        .collect();
    assert_eq!(unsealed, [0, 0, 0, 0, 2, 0]);
    let found = |claimed: &Claimed| {
        claimed
            .last_found
            .as_ref()
            .map(|last| last.order_num.clone())
    };
    let found: Vec<_> = claimed.iter().filter_map(found).collect();
    assert_eq!(found, ["RICH-2", "POOR-2", "UNSIGNED-2", "LAST-2"]);
    for (merchant, held) in [("RICH", "200000"), ("LAST", "100000"), ("POOR", "")] {
        let held_by =
            format!("select held from payout.accounts where merchant_code = '{merchant}'");
        assert_eq!(world.database.text(&held_by).await, held, "{merchant}");
    }
    let transactions = "select count(distinct xmin::text) from payout.attempts";
    assert_eq!(world.database.text(transactions).await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_goes_on_behind_the_place_of_each_merchant() {
    let (world, mut claims) = world_of(&["ONE", "TWO"]).await;
    for merchant in ["ONE", "TWO"] {
        world.database.fund(merchant, 1_000_000).await;
        enqueue(&world, merchant, 3).await;
    }
    let first = claim(world.database.pool(), &claims).await.unwrap();
    let mut behind_all = first[0].last_found.clone().unwrap();
    behind_all.due_at += Duration::from_hours(1);
    claims[0].order.after = Some(behind_all);
    let next = claim(world.database.pool(), &claims).await.unwrap();
    assert_eq!(numbers(&next[0]), [""; 0]);
    assert_eq!(numbers(&next[1]), ["TWO-3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_in_which_one_merchant_is_locked_or_registered_otherwise_claims_nothing() {
    let (world, mut claims) = world_of(&["ONE", "TWO"]).await;
    for merchant in ["ONE", "TWO"] {
        world.database.fund(merchant, 1_000_000).await;
        enqueue(&world, merchant, 1).await;
    }
    let mut other = world.database.pool().begin().await.unwrap();
    sqlx::query("select from payout.accounts where merchant_code = 'TWO' for update")
        .execute(&mut *other)
        .await
        .unwrap();
    // Its connections wait for a lock only so long.
    let store = Store::at(&world.database.url()).unwrap();
    store.reach.open();
    let locked = claim(&store.claims, &claims).await.unwrap_err();
    assert!(
        matches!(&locked, ClaimError::Database(error) if is_locked(error)),
        "{locked}"
    );
    other.rollback().await.unwrap();
    store.close().await;
    claims[1].order.base_url = "https://staging.example".to_owned();
    let otherwise = claim(world.database.pool(), &claims).await.unwrap_err();
    assert!(
        matches!(&otherwise, ClaimError::RegisteredOtherwise(merchant) if merchant == "TWO"),
        "{otherwise}"
    );
    let queued = "select count(*) from payout.payouts where state = 'queued'";
    assert_eq!(world.database.text(queued).await, "2");
    let held = "select sum(held) from payout.accounts";
    assert_eq!(world.database.text(held).await, "0");
}
