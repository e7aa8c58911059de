//! Keys and gateway are proven before the first claim (I12), and evidence against them stops claims (I13).

use std::{sync::Arc, time::Duration};

use payout_sandbox::{Dialect, Fault};
use payout_worker::{
    service::keyring,
    store::{
        addresses::Address,
        claim::{ClaimError, ClaimOrder, Terms},
        failover::register_identity,
    },
};

use crate::support::claim::{Claim, claim};
use crate::support::world::{Wishes, World};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_claimed_while_the_gateways_signature_does_not_verify() {
    let world = World::with(Wishes {
        wrong_platform_key: true,
        ..Wishes::default()
    })
    .await;
    world.enqueue("KEYS-1", 100_000, 1).await;
    world.door.until_requests(4).await;
    assert_eq!(world.database.state("KEYS-1").await, "queued");
    assert_eq!(world.sandbox.submits().len(), 0);
    let funded = "select count(*) from payout.ledger";
    assert_eq!(
        world.database.text(funded).await,
        "0",
        "an unverified balance funds nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_worker_waits_for_a_gateway_that_starts_late() {
    let mut world = World::with(Wishes {
        workers: 0,
        ..Wishes::default()
    })
    .await;
    world.door.shut().await;
    world.add_worker().await;
    world.enqueue("LATE-1", 100_000, 1).await;
    assert_eq!(world.database.state("LATE-1").await, "queued");
    world.door.open().await;
    world.until_state("LATE-1", "paid").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_signatures_stop_claims_and_one_payout_at_a_time_probes_for_recovery() {
    let world = World::start().await;
    world.enqueue("GOOD-1", 50_000, 0).await;
    world.until_state("GOOD-1", "paid").await;
    world.sandbox.set_fault(Fault::BadSign);
    world.enqueue("BAD-1", 50_000, 0).await;
    world
        .until(
            "select count(*) from payout.attempts where outcome_doubt = 'bad_signature'",
            "1",
        )
        .await;
    for number in 0..30 {
        world.enqueue(&format!("BEHIND-{number}"), 50_000, 0).await;
    }
    // The bad answer was stored before these arrived, and by then claims had stopped.
    assert_eq!(
        world
            .database
            .text("select count(*) from payout.attempts where order_num like 'BEHIND-%'")
            .await,
        "0"
    );
    world.sandbox.heal();
    world
        .until(
            "select count(*) from payout.payouts where state = 'paid'",
            "32",
        )
        .await;
    assert_eq!(world.sandbox.submits().len(), 32);
    world.assert_books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dialect_with_unsigned_answers_also_pays_and_settles_on_a_bound_callback() {
    let world = World::with(Wishes {
        dialect: Dialect::Toppay,
        ..Wishes::default()
    })
    .await;
    for number in 0..5 {
        world.enqueue(&format!("TOP-{number}"), 70_000, 1).await;
    }
    world
        .until(
            "select count(*) from payout.payouts where state = 'paid'",
            "5",
        )
        .await;
    assert_eq!(world.sandbox.submits().len(), 5);
    world.assert_books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_for_another_gateway_or_key_claims_nothing() {
    let world = World::with(Wishes {
        workers: 0,
        ..Wishes::default()
    })
    .await;
    world.enqueue("STAGING-1", 100_000, 1).await;
    let merchant = &world.config.merchants[0];
    let registered = keyring::registration(merchant).unwrap();
    let right = Claim {
        terms: Terms {
            last: None,
            address: Address::of_url(&world.database.url()).unwrap(),
            lease: Duration::from_secs(9),
            send_window: Duration::from_secs(5),
            quiet_horizon: Duration::from_secs(3),
            worker: "a test".to_owned(),
        },
        order: ClaimOrder {
            after: None,
            merchant_code: merchant.code.clone(),
            dialect: merchant.dialect.clone(),
            base_url: merchant.base_url.clone(),
            platform_keys: registered.platform_keys,
            limit: 10,
            seal: Arc::new(|_, _| Err("nothing is to be sent here".to_owned())),
        },
    };
    register_identity(world.database.pool(), Duration::from_secs(3))
        .await
        .unwrap();
    for wrong in [
        ClaimOrder {
            base_url: "https://staging.example".to_owned(),
            ..right.order.clone()
        },
        ClaimOrder {
            platform_keys: vec!["00".repeat(32)],
            ..right.order.clone()
        },
        ClaimOrder {
            dialect: "toppay".to_owned(),
            ..right.order.clone()
        },
    ] {
        let wrong = Claim {
            order: wrong,
            ..right.clone()
        };
        let refused = claim(world.database.pool(), &wrong).await.unwrap_err();
        assert!(
            matches!(refused, ClaimError::RegisteredOtherwise(_)),
            "{refused}"
        );
    }
    let claimed = claim(world.database.pool(), &right).await.unwrap();
    assert_eq!(
        claimed.unsealed.len(),
        1,
        "the right one gets as far as the request"
    );
    assert_eq!(world.database.state("STAGING-1").await, "queued");
}
