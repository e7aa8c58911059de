//! Wake-ups are a convenience: a full queue of notifications fails no insert and keeps no answer from being stored.

use payout_worker::store::snapshot::snapshot;

use crate::support::{database::Database, world::World};

/// Makes the database believe that its queue of notifications is filled to this part. To fill it takes gigabytes.
async fn filled_to(database: &Database, usage: &str) {
    database
        .run(&format!(
            "create or replace function payout.notification_queue_usage() returns double precision
             language sql volatile set search_path = pg_catalog, payout, pg_temp return {usage}"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn payouts_are_paid_while_the_queue_of_notifications_is_full() {
    let mut world = World::start().await;
    filled_to(&world.database, "1.0").await;
    let mut wakes = world.database.listen("payout_status").await;
    wakes.listen("payout_queued").await.unwrap();
    for number in 0..5 {
        world.enqueue(&format!("SILENT-{number}"), 50_000, 0).await;
    }
    let paid = "select count(*) from payout.payouts where state = 'paid'";
    world.until(paid, "5").await;
    // Whatever was sent came before this.
    world
        .database
        .run("select pg_notify('payout_status', 'the test')")
        .await;
    assert_eq!(wakes.recv().await.unwrap().payload(), "the test");
    world.stop_workers().await;

    // Below the threshold, everybody is woken again.
    filled_to(&world.database, "0.4").await;
    world.enqueue("WOKEN-1", 50_000, 0).await;
    assert_eq!(wakes.recv().await.unwrap().channel(), "payout_queued");
}

#[tokio::test]
async fn the_metrics_show_how_full_the_queue_of_notifications_is() {
    let database = Database::with_merchant().await;
    let permille = async || {
        let snapshot = snapshot(database.pool()).await.unwrap();
        snapshot.notification_queue_permille
    };
    assert_eq!(permille().await, 0);
    filled_to(&database, "0.3").await;
    assert_eq!(permille().await, 300);
}

#[tokio::test]
async fn every_notification_passes_the_check_of_the_queue() {
    let database = Database::with_merchant().await;
    let notifying = "select string_agg(p.proname, ' ' order by p.proname) from pg_proc p
                     where p.pronamespace = 'payout'::regnamespace and p.prokind = 'f'
                       and pg_get_functiondef(p.oid) ~ 'pg_notify|^ *notify '";
    assert_eq!(database.text(notifying).await, "wake");
}
