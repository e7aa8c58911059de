//! After a failover or a restore, nothing is claimed until every queued payout has been queried (I11).

use payout_sandbox::Fault;

use crate::support::{
    site::Site,
    world::{Wishes, World},
};

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_nothing_is_claimed_until_all_is_queried_and_a_person_accepts() {
    let mut world = World::start().await;
    world.enqueue("BEFORE-1", 100_000, 0).await;
    world.until_state("BEFORE-1", "paid").await;
    world.stop_workers().await;
    // As after a promotion: the identity that the workers remember is no longer this server's.
    world
        .database
        .run("update payout.failover set identity = 'the old primary'")
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
    world.sandbox.heal();
    world.add_worker().await;
    let queried = "select count(*) > 0 from payout.evidence where order_num = 'AFTER-1' and kind = 'not_found'";
    world.until(queried, "true").await;
    assert_eq!(world.submits_of("AFTER-1"), 0);
    assert_eq!(world.database.state("AFTER-1").await, "queued");
    let early = world
        .database
        .try_run("select payout.accept_failover('the old primary is dead', (select changed_at from payout.failover))")
        .await;
    assert!(
        early.unwrap_err().to_string().contains("quiet horizon"),
        "so soon \"not found\" means nothing"
    );
    accept_when_it_may_be(&world, "the old primary is dead").await;
    world.until_state("AFTER-1", "paid").await;
    assert_eq!(world.submits_of("AFTER-1"), 1);
    world.assert_books_agree().await;
}

/// The second failover may lose the acceptance of the first and claims after it (found by a chaos run: 190 payouts paid
/// twice).
#[tokio::test(flavor = "multi_thread")]
async fn a_second_failover_voids_the_queries_made_after_the_first() {
    let mut world = World::start().await;
    world.enqueue("BEFORE-1", 100_000, 0).await;
    world.until_state("BEFORE-1", "paid").await;
    world.stop_workers().await;
    world
        .database
        .run("update payout.failover set identity = 'the first primary'")
        .await;
    world.enqueue("AFTER-1", 100_000, 0).await;
    world.add_worker().await;
    world.until(MAY_BE_ACCEPTED, "true").await;
    world
        .database
        .run("update payout.failover set changed_to = 'the second primary'")
        .await;
    let refused = world
        .database
        .try_run("select payout.accept_failover('at once', now())")
        .await;
    assert!(refused.is_err(), "neither before nor after a worker saw it");
    let seen =
        "select changed_to = payout.identity() and trusted_after > now() from payout.failover";
    world.until(seen, "true").await;
    assert_eq!(
        world
            .database
            .text("select payout.is_proven_unsent(p) from payout.payouts p where order_num = 'AFTER-1'")
            .await,
        "false"
    );
    accept_when_it_may_be(&world, "both old primaries are dead").await;
    world.until_state("AFTER-1", "paid").await;
    assert_eq!(world.submits_of("AFTER-1"), 1);
}

/// The database is restored to a state before the acceptance, in which the proofs still stand.
#[tokio::test(flavor = "multi_thread")]
async fn claims_after_a_lost_acceptance_void_the_queries_made_before_it() {
    let mut world = World::start().await;
    world.stop_workers().await;
    world
        .database
        .run("update payout.failover set identity = 'the old primary'")
        .await;
    world.enqueue("TWICE-1", 100_000, 0).await;
    world.add_worker().await;
    world.until(MAY_BE_ACCEPTED, "true").await;
    let state = world
        .database
        .text("select to_jsonb(t) from payout.failover t")
        .await;
    let proof = world
        .database
        .text("select jsonb_agg(e) from payout.evidence e")
        .await;
    accept_when_it_may_be(&world, "the old primary is dead").await;
    world.until_state("TWICE-1", "paid").await;
    // In one transaction: a worker that looks in between would find its claim gone too early.
    world
        .database
        .run(&format!(
            "{FORGET};
             set session_replication_role = replica;
             update payout.failover t set (epoch, changed_at, changed_to, trusted_after, query_first_until) =
                 (select o.epoch, o.changed_at, payout.identity(), o.trusted_after, o.query_first_until
                  from jsonb_populate_record(null::payout.failover, '{state}') o);
             insert into payout.evidence overriding system value
             select * from jsonb_populate_recordset(null::payout.evidence, '{proof}');
             set session_replication_role = origin"
        ))
        .await;
    world.enqueue("TWICE-1", 100_000, 0).await;
    world
        .until(
            "select reason like 'the committed claim of payout %' from payout.failover",
            "true",
        )
        .await;
    world.until_state("TWICE-1", "paid").await;
    assert_eq!(world.submits_of("TWICE-1"), 1);
    let epoch = "select epoch from payout.failover";
    assert_eq!(
        world.database.text(epoch).await,
        "2",
        "that of the lost acceptance"
    );
    accept_when_it_may_be(&world, "put back").await;
    world.enqueue("NEXT-1", 100_000, 0).await;
    world.until_state("NEXT-1", "paid").await;
}

/// Removes everything about payouts from the database, as restoring an older state would.
const FORGET: &str = "set session_replication_role = replica;
     delete from payout.evidence; delete from payout.attempts; delete from payout.history;
     delete from payout.ledger where kind <> 'funding'; delete from payout.payouts;
     update payout.accounts set available = -funding, held = 0, paid_out = 0, fees = 0;
     set session_replication_role = origin";

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_sent_in_lost_commits_is_found_and_followed_and_never_sent_again() {
    let mut world = World::start().await;
    world.enqueue("KNOWN-1", 100_000, 1).await;
    world.until_state("KNOWN-1", "paid").await;
    world.stop_workers().await;
    world.database.run(FORGET).await;
    world
        .database
        .run("update payout.failover set identity = 'the old primary'")
        .await;
    // The backend inserts again what it does not find, under the same number, as it should.
    world.enqueue("KNOWN-1", 100_000, 1).await;
    world.add_worker().await;
    world.until_state("KNOWN-1", "paid").await;
    let moves =
        "select string_agg(event, ' ' order by seq) from payout.history where to_state is not null";
    assert_eq!(
        world.database.text(moves).await,
        "found_after_failover reported_paid"
    );
    accept_when_it_may_be(&world, "restored to noon").await;

    // Another lost one, inserted again only after the acceptance: it is queried before its claim.
    world.enqueue("OTHER-1", 100_000, 0).await;
    world.until_state("OTHER-1", "paid").await;
    assert_eq!(world.submits_of("KNOWN-1"), 1);
    assert_eq!(world.submits_of("OTHER-1"), 1);
    assert!(world.sandbox.queries("OTHER-1") >= 1, "queried first");
    world.assert_books_agree().await;
}

/// A snapshot of the volume keeps system, timeline, database and table. Only the worker remembers.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_snapshot_is_noticed_by_the_worker_that_claimed_later() {
    let world = World::start().await;
    world.enqueue("SEEN-1", 100_000, 0).await;
    world.until_state("SEEN-1", "paid").await;
    world.database.run(FORGET).await;
    world.enqueue("SEEN-1", 100_000, 0).await;
    world
        .until("select changed_at is not null from payout.failover", "true")
        .await;
    world.until_state("SEEN-1", "paid").await;
    assert_eq!(world.submits_of("SEEN-1"), 1);
    world.assert_books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_snapshot_is_noticed_by_the_next_process_through_its_witness_file() {
    let mut world = World::with(Wishes {
        witness: true,
        ..Wishes::default()
    })
    .await;
    world.enqueue("SEEN-1", 100_000, 0).await;
    world.until_state("SEEN-1", "paid").await;
    world.stop_workers().await;
    world.database.run(FORGET).await;
    world.enqueue("SEEN-1", 100_000, 0).await;
    world.add_worker().await;
    world.until_state("SEEN-1", "paid").await;
    assert_eq!(world.submits_of("SEEN-1"), 1);

    // With the rule removed: without the file, the next process sends a second time.
    let mut world = World::start().await;
    world.enqueue("SEEN-1", 100_000, 0).await;
    world.until_state("SEEN-1", "paid").await;
    world.stop_workers().await;
    world.database.run(FORGET).await;
    world.enqueue("SEEN-1", 100_000, 0).await;
    world.add_worker().await;
    world
        .sandbox
        .until(|sandbox| sandbox.submits().len() == 2)
        .await;
}

/// A site whose first worker keeps its witness where the environment says.
async fn site_with_default_witness() -> Site {
    let site = Site::build().await;
    let file = site.folder.path().join("one.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("witness_file = \"\"\n", "")).unwrap();
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_the_next_process_notices_a_restored_snapshot() {
    let site = site_with_default_witness().await;
    let state = tempfile::tempdir().unwrap();
    let environment = [("STATE_DIRECTORY", state.path())];
    let worker = site.worker_with("one.toml", "before.log", &environment);
    site.enqueue(0..1).await;
    site.until_settled(1).await;
    worker.terminate();
    let kept = std::fs::read_dir(state.path()).unwrap();
    let kept: Vec<_> = kept.map(|file| file.unwrap().file_name()).collect();
    assert!(
        matches!(kept.as_slice(), [one] if one.to_str().unwrap().ends_with(".witness")),
        "{kept:?}"
    );
    sqlx::raw_sql(FORGET).execute(&site.pool).await.unwrap();
    site.enqueue(0..1).await;
    let _worker = site.worker_with("one.toml", "after.log", &environment);
    let fenced = "select changed_at is not null from payout.failover";
    site.until(fenced, "true").await;
    site.until_settled(1).await;
    assert_eq!(site.sandbox.submits().len(), 1, "found, not sent again");
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_of_two_databases_share_a_state_directory_and_fence_nobody() {
    let sites = [
        site_with_default_witness().await,
        site_with_default_witness().await,
    ];
    let state = tempfile::tempdir().unwrap();
    let environment = [("STATE_DIRECTORY", state.path())];
    for round in 1..=2 {
        for site in &sites {
            site.enqueue(round - 1..round).await;
            let worker = site.worker_with("one.toml", "worker.log", &environment);
            site.until_settled(round).await;
            worker.terminate();
        }
    }
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 2);
    for site in &sites {
        let fenced = "select changed_at is not null from payout.failover";
        site.until(fenced, "false").await;
        assert_eq!(site.sandbox.submits().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_cannot_be_witnessed_is_not_sent() {
    let world = World::with(Wishes {
        witness: true,
        ..Wishes::default()
    })
    .await;
    world.enqueue("BEFORE-1", 100_000, 0).await;
    world.until_state("BEFORE-1", "paid").await;
    let (folder, aside) = (
        world.witness_folder(),
        world.witness_folder().with_extension("aside"),
    );
    std::fs::rename(&folder, &aside).unwrap();
    world.enqueue("KEPT-1", 100_000, 0).await;
    world
        .until(
            "select not_sent > 0 from payout.payouts where order_num = 'KEPT-1'",
            "true",
        )
        .await;
    assert_eq!(world.submits_of("KEPT-1"), 0);
    std::fs::rename(&aside, &folder).unwrap();
    world.until_state("KEPT-1", "paid").await;
    assert_eq!(world.submits_of("KEPT-1"), 1);
}

/// No queued payout is left unproven, and the horizon has passed.
const MAY_BE_ACCEPTED: &str =
    "select changed_at is not null and trusted_after < now() and not exists (
     select from payout.payouts p
     where p.state = 'queued' and not payout.is_proven_unsent(p)) from payout.failover";

/// As the person on call does: tries until the database accepts it.
async fn accept_when_it_may_be(world: &World, reason: &str) {
    world.until(MAY_BE_ACCEPTED, "true").await;
    world
        .database
        .agree(&format!(
            "select payout.accept_failover('{reason}', (select changed_at from payout.failover))"
        ))
        .await;
    let accepted = "select changed_at is null from payout.failover";
    assert_eq!(world.database.text(accepted).await, "true");
}
