//! Answers in every honest spelling are read; those that stay unreadable reach a person.

use std::sync::{Arc, Mutex};

use crate::support::{
    retold::{Spelling, retell},
    world::{Wishes, World},
};

/// A world whose workers hear the gateway through a proxy that spells as it is told.
async fn world_retold(spelling: Spelling) -> (World, Arc<Mutex<Spelling>>) {
    let mut world = World::with(Wishes {
        workers: 0,
        ..Wishes::default()
    })
    .await;
    let spelling = Arc::new(Mutex::new(spelling));
    let behind = world.sandbox.url().replace("http://", "").parse().unwrap();
    let key = world.platform_key.clone();
    let proxy = retell(behind, key, Arc::clone(&spelling)).await;
    world.door.lead_to(proxy).await;
    // Only queries settle, so every payout is settled by an answer.
    world.config.merchants[0].notify_url = None;
    world.add_worker().await;
    (world, spelling)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_is_paid_in_every_honest_spelling_of_the_gateways_answers() {
    let (world, spelling) = world_retold(Spelling::Exponents).await;
    for (n, said) in [
        Spelling::Exponents,
        Spelling::Decimals,
        Spelling::ByteOrderMark,
        Spelling::Http201,
        Spelling::Gzip,
        Spelling::Nested,
        Spelling::Twice,
        Spelling::LowerCase,
        Spelling::UrlSafeSignature,
    ]
    .into_iter()
    .enumerate()
    {
        *spelling.lock().unwrap() = said;
        let order_num = format!("INV-{n}");
        println!("{order_num}: {said:?}");
        world.enqueue(&order_num, 12_500_000, 1).await;
        world.until_state(&order_num, "paid").await;
        assert_eq!(world.submits_of(&order_num), 1);
    }
    let doubts = "select count(*) from payout.evidence where kind = 'doubt'";
    assert_eq!(world.database.text(doubts).await, "0");
    world.assert_books_agree().await;
}

/// A gateway changed the format of its answers: every light was green, and the payouts stayed open for a day.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_stay_unreadable_need_a_person_until_one_can_be_read() {
    let (world, spelling) = world_retold(Spelling::AsItIs).await;
    // A worker begins only with a gateway that it can read.
    world.enqueue("INV-0", 10_000, 1).await;
    world.until_state("INV-0", "paid").await;
    *spelling.lock().unwrap() = Spelling::QueriesInALetter;
    world.enqueue("INV-1", 10_000, 1).await;
    let seen = "select concat_ws(' ', state, attention_reasons::text) from payout.payouts where order_num = 'INV-1'";
    world.until(seen, "pending {unreadable_answers}").await;
    let times =
        "select times >= 8 and doubt = 'unreadable' from payout.evidence where kind = 'doubt'";
    assert_eq!(world.database.text(times).await, "true");
    *spelling.lock().unwrap() = Spelling::AsItIs;
    world.until(seen, "paid {}").await;
    world.assert_books_agree().await;
}
