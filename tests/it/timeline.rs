//! After a failover or a restore nothing is claimed until every queued payout has been asked for (I11).

use payout_worker::sandbox::Fault;

use crate::support::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_nothing_is_claimed_until_all_was_asked_and_a_person_says_so() {
    let mut world = World::start().await;
    world.enqueue("BEFORE-1", 100_000, 0).await;
    world.until_state("BEFORE-1", "paid").await;
    world.stop_workers().await;
    // As after a promotion: the identity that the workers remember is not this server's any more.
    world
        .database
        .run("update payout.timeline set identity = 'the old primary'")
        .await;
    world.enqueue("AFTER-1", 100_000, 0).await;
    world.sandbox.set_fault(Fault::QueryUnknown);
    let withdrawn = world
        .database
        .try_run("select payout.cancel('AFTER-1', 'too late')")
        .await;
    assert!(
        withdrawn
            .unwrap_err()
            .to_string()
            .contains("may have been sent")
    );
    let early = world
        .database
        .try_run("select payout.accept_timeline('the old primary is dead')")
        .await;
    assert!(
        early
            .unwrap_err()
            .to_string()
            .contains("not been asked for")
    );
    world.sandbox.heal();
    world.add_worker().await;
    let asked = "select count(*) > 0 from payout.evidence where order_num = 'AFTER-1' and finding like 'not_found%'";
    world.until(asked, "true").await;
    assert_eq!(world.submits_of("AFTER-1"), 0);
    assert_eq!(world.database.state("AFTER-1").await, "queued");
    let early = world
        .database
        .try_run("select payout.accept_timeline('the old primary is dead')")
        .await;
    assert!(
        early.unwrap_err().to_string().contains("quiet horizon"),
        "so soon \"not known\" means nothing"
    );
    let quiet = "select exists (select from payout.evidence e, payout.timeline t where e.order_num = 'AFTER-1'
                                and e.finding like 'not_found%' and e.last_at > t.changed_at + t.quiet_horizon)";
    world.until(quiet, "true").await;
    world
        .database
        .run("select payout.accept_timeline('the old primary is dead')")
        .await;
    world.until_state("AFTER-1", "paid").await;
    assert_eq!(world.submits_of("AFTER-1"), 1);
    world.assert_books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_the_gateway_knows_is_not_sent_again_after_its_claim_was_lost() {
    let mut world = World::start().await;
    world.enqueue("KNOWN-1", 100_000, 0).await;
    world.until_state("KNOWN-1", "paid").await;
    world.stop_workers().await;
    // A restore to before the insert, and the backend inserts again under the same number, as it should.
    world
        .database
        .run(
            "set session_replication_role = replica;
             delete from payout.evidence; delete from payout.attempts; delete from payout.history;
             delete from payout.ledger where kind <> 'funding'; delete from payout.payouts;
             update payout.accounts set available = -funding, held = 0, paid_out = 0, fees = 0;
             update payout.timeline set identity = 'the old primary';
             set session_replication_role = origin",
        )
        .await;
    world.enqueue("KNOWN-1", 100_000, 0).await;
    world.add_worker().await;
    world
        .until(
            "select attention from payout.payouts where order_num = 'KNOWN-1'",
            "foreign_order",
        )
        .await;
    world
        .database
        .run("select payout.accept_timeline('restored to noon')")
        .await;
    world.enqueue("OTHER-1", 100_000, 0).await;
    world.until_state("OTHER-1", "paid").await;
    assert_eq!(world.submits_of("KNOWN-1"), 1);
    assert_eq!(world.database.state("KNOWN-1").await, "queued");
}
