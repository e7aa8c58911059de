//! Attacks with another gateway than the one that got the order: its "not found" would pass for proof.

use payout_sandbox::Fault;

use super::believe_it_failed;
use crate::support::{refusal::Refusal, world::World};

/// Moves the merchant to another gateway, as `payout migrate --accept-gateway` does.
const MOVE: &str = "update payout.merchants set base_url = 'https://new.example'";

async fn refused(world: &World, statement: &str) -> Refusal {
    Refusal::of(&world.database.try_run(statement).await.unwrap_err())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_moves_to_another_gateway_only_while_nothing_may_be_with_the_old_one() {
    let mut world = World::start().await;
    world.sandbox.set_fault(Fault::Unknown);
    world.enqueue("OPEN-1", 100_000, 1).await;
    world.until_state("OPEN-1", "unknown").await;
    let refusal = refused(&world, MOVE).await;
    assert_eq!(refusal.code, "PW060", "{refusal:?}");
    assert!(refusal.message.starts_with("1 payouts"), "{refusal:?}");
    let dialect = "update payout.merchants set dialect = 'toppay'";
    assert_eq!(refused(&world, dialect).await.code, "PW060");
    // Limits do not say which gateway it is.
    let limit = "update payout.merchants set max_amount = max_amount - 1";
    world.database.run(limit).await;

    world.sandbox.heal();
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
    let mut world = World::start().await;
    world.sandbox.set_fault(Fault::Unknown);
    world.enqueue("OLD-1", 100_000, 1).await;
    world.until_state("OLD-1", "unknown").await;
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
