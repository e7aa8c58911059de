//! One transaction that somebody leaves open holds up what it has locked, and nothing and nobody else.

use std::{sync::Arc, time::Duration};

use payout_sandbox::{Ending, Script};
use payout_worker::{
    config::WitnessFile,
    domain::evidence::{Evidence, Fact, GatewayStatus, SubmitAnswer},
    service::Running,
    store::{
        Store,
        failover::register_identity,
        record::{Lock, Outcome, record, record_beside_locks},
        schema::{SchemaError, migrate},
    },
    worker::{Heartbeats, recorder::Recorder, rules, set_aside::SetAside},
};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::support::{
    claim::{claim, order_of, register},
    database::{Database, MERCHANT},
    pair::Pair,
    world::{Wishes, World},
};

/// Begins a transaction that holds what `lock` locks, until it is rolled back.
async fn held(world: &World, lock: &str) -> PgConnection {
    let mut session = world.database.connect().await;
    let begin = format!("begin; {lock}");
    sqlx::raw_sql(AssertSqlSafe(begin))
        .execute(&mut session)
        .await
        .unwrap_or_else(|error| panic!("{lock}: {error}"));
    session
}

/// Holds the other merchant's account.
async fn account_held(pair: &Pair) -> PgConnection {
    let lock = format!(
        "select from payout.accounts where merchant_code = '{}' for update",
        pair.other
    );
    held(&pair.world, &lock).await
}

async fn release(mut session: PgConnection) {
    sqlx::raw_sql("rollback")
        .execute(&mut session)
        .await
        .unwrap();
}

fn orders(name: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{name}-{number}"))
        .collect()
}

/// Payouts of the other merchant that the gateway has accepted and does not end yet.
async fn accepted(pair: &Pair, orders: &[String]) {
    for order in orders {
        pair.others.script(order, Script::ends(Ending::Stays));
        pair.enqueue_other(order).await;
    }
    for order in orders {
        pair.world.until_state(order, "pending").await;
    }
}

/// The gateway ends them: callbacks and answers arrive from now on.
fn end_as_paid(pair: &Pair, orders: &[String]) {
    for order in orders {
        pair.others.script(order, Script::ends(Ending::Paid));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_account_holds_up_its_merchant_and_nobody_else() {
    let mut pair = Pair::start().await;
    let theirs = orders("THEIRS", 40);
    accepted(&pair, &theirs).await;
    let session = account_held(&pair).await;
    end_as_paid(&pair, &theirs);
    pair.enqueue_other("LATER-1").await;
    // Their callbacks and answers have arrived and wait, and the age of the oldest is told.
    let oldest = "payout_evidence_oldest_timestamp_seconds";
    pair.until_metric("payout_evidence_waiting", |waiting| waiting >= 1.0)
        .await;
    pair.until_metric(oldest, |at| at > 1_000_000_000.0).await;

    let ours = orders("OURS", 30);
    for order in &ours {
        pair.enqueue(order).await;
    }
    pair.until_paid_and_acknowledged(&ours).await;
    let expired = "select count(*) from payout.evidence where kind = 'lease_expired'";
    assert_eq!(pair.world.database.text(expired).await, "0");
    assert_eq!(pair.page("/readyz").await, (200, "ready\n".to_owned()));
    let still = "select count(*) from payout.payouts where state = 'pending'";
    assert_eq!(pair.world.database.text(still).await, "40");

    release(session).await;
    for order in theirs.iter().map(String::as_str).chain(["LATER-1"]) {
        pair.world.until_state(order, "paid").await;
        assert_eq!(pair.others_submits_of(order), 1, "{order}");
    }
    pair.until_metric(oldest, |at| at == 0.0).await;
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_single_lock_holds_up_another_merchant() {
    let mut pair = Pair::start().await;
    let other = pair.other.clone();
    pair.world
        .database
        .run("insert into payout.pause_rules (scope, value, reason) values ('bank', '999', 'a test')")
        .await;
    let theirs = orders("THEIRS", 8);
    accepted(&pair, &theirs).await;
    let of_other = |table: &str| {
        format!("select from payout.{table} where merchant_code = '{other}' for update")
    };
    let locks = [
        of_other("payouts"),
        of_other("query_budget"),
        of_other("gateway_balance"),
        of_other("totals"),
        format!("select from payout.merchants where code = '{other}' for no key update"),
        "select from payout.pause_rules for update".to_owned(),
        "select from payout.failover for update".to_owned(),
        "select from payout.totals_cursor for update".to_owned(),
        "select from payout.ledger_sums_cursor for update".to_owned(),
        "select pg_advisory_xact_lock(hashtext('payout_queued'))".to_owned(),
    ];
    for (number, lock) in locks.iter().enumerate() {
        let session = held(&pair.world, lock).await;
        // Each lock meets evidence of the other merchant.
        let ended = std::slice::from_ref(&theirs[number.min(theirs.len() - 1)]);
        end_as_paid(&pair, ended);
        let ours = orders(&format!("OURS-{number}"), 5);
        for order in &ours {
            pair.enqueue(order).await;
        }
        pair.until_paid_and_acknowledged(&ours).await;
        assert_eq!(pair.page("/readyz").await.0, 200, "{lock}");
        release(session).await;
        pair.world.until_state(&ended[0], "paid").await;
    }
    for order in &theirs {
        assert_eq!(pair.others_submits_of(order), 1, "{order}");
    }
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_table_loses_nothing_and_sends_nothing_twice() {
    let mut pair = Pair::start().await;
    for (number, mode) in ["exclusive", "access exclusive"].into_iter().enumerate() {
        let theirs = orders(&format!("THEIRS-{number}"), 3);
        accepted(&pair, &theirs).await;
        let session = held(
            &pair.world,
            &format!("lock table payout.ledger in {mode} mode"),
        )
        .await;
        end_as_paid(&pair, &theirs);
        let ours = orders(&format!("OURS-{number}"), 1);
        pair.enqueue(&ours[0]).await;
        pair.until_metric("payout_evidence_waiting", |waiting| waiting >= 1.0)
            .await;
        release(session).await;
        pair.until_paid_and_acknowledged(&ours).await;
        assert_eq!(pair.world.submits_of(&ours[0]), 1);
        for order in &theirs {
            pair.world.until_state(order, "paid").await;
            assert_eq!(pair.others_submits_of(order), 1, "{order}");
        }
    }
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_locked_payout_holds_up_no_other_payout_of_its_merchant() {
    let mut pair = Pair::start().await;
    let theirs = orders("THEIRS", 20);
    accepted(&pair, &theirs).await;
    let session = held(
        &pair.world,
        "select from payout.payouts where order_num = 'THEIRS-0' for update",
    )
    .await;
    end_as_paid(&pair, &theirs);
    pair.enqueue_other("LATER-1").await;
    for order in theirs[1..].iter().map(String::as_str).chain(["LATER-1"]) {
        pair.world.until_state(order, "paid").await;
    }
    assert_eq!(pair.world.database.state("THEIRS-0").await, "pending");
    release(session).await;
    pair.world.until_state("THEIRS-0", "paid").await;
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_stops_although_evidence_cannot_be_stored_and_the_next_one_finds_it() {
    let mut pair = Pair::start().await;
    let theirs = orders("THEIRS", 3);
    accepted(&pair, &theirs).await;
    let session = account_held(&pair).await;
    end_as_paid(&pair, &theirs);
    pair.until_metric("payout_evidence_waiting", |waiting| waiting >= 1.0)
        .await;
    let bound = Duration::from_mins(2);
    tokio::time::timeout(bound, pair.stop())
        .await
        .expect("TimeoutStopSec of deploy/systemd/payout.service");
    release(session).await;
    pair.worker = Some(Running::start(&pair.config).await.unwrap());
    for order in &theirs {
        pair.world.until_state(order, "paid").await;
        assert_eq!(pair.others_submits_of(order), 1, "{order}");
    }
    pair.stop().await;
}

/// A world with this many claimed payouts of each merchant, where the test itself is the worker.
async fn claimed(merchants: &[String], payouts: usize) -> (World, Vec<Evidence>) {
    let world = World::with(Wishes {
        workers: 0,
        fee_reserve: 0,
        ..Wishes::default()
    })
    .await;
    register_identity(world.database.pool(), Duration::from_secs(3))
        .await
        .unwrap();
    let mut unsent = Vec::new();
    for merchant in merchants {
        let order = order_of(&world, merchant, payouts);
        if merchant != MERCHANT {
            register(&world, &order).await;
        }
        world.database.fund(merchant, 1_000_000_000).await;
        world
            .database
            .run(&format!(
                "select payout.enqueue('HELD-' || n, 100000, 0, '014', '0012345678', 'Siti Rahayu',
                                       merchant_code => '{merchant}')
                 from generate_series(1, {payouts}) n"
            ))
            .await;
        let claimed = claim(world.database.pool(), &order).await.unwrap();
        assert_eq!(claimed.permits.len(), payouts, "{merchant}");
        unsent.extend(claimed.permits.iter().map(|permit| Evidence {
            key: permit.key().clone(),
            fact: Fact::NotSent {
                attempt: permit.attempt(),
                request_sha256: permit.request().request_sha256,
            },
            detail: json!({}),
        }));
    }
    (world, unsent)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moves_no_money_is_stored_while_the_account_is_locked() {
    let (world, unsent) = claimed(&[MERCHANT.to_owned()], 4).await;
    let (pool, rules) = (world.database.pool(), rules(&world.config.poll, true));
    let session = held(&world, "select from payout.accounts for update").await;
    let mut batch = unsent;
    // Releases of holds, but for the second: its gateway has accepted it.
    let Fact::NotSent {
        attempt,
        request_sha256,
    } = batch[1].fact
    else {
        panic!("not sent");
    };
    batch[1].fact = Fact::Submitted {
        attempt,
        request_sha256,
        answer: SubmitAnswer::Acknowledged {
            platform_order_num: Some("P-1".to_owned()),
            fee: None,
            status: GatewayStatus::New,
        },
    };
    let outcomes = record_beside_locks(pool, &rules, &batch).await.unwrap();
    let locked: Vec<bool> = outcomes
        .iter()
        .map(|outcome| matches!(outcome, Outcome::Locked(Lock::Shared)))
        .collect();
    assert_eq!(locked, [true, false, true, true], "{outcomes:?}");
    assert_eq!(world.database.state("HELD-2").await, "pending");
    release(session).await;
    batch.remove(1);
    let outcomes = record(pool, &rules, &batch).await.unwrap();
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Outcome::Recorded(_))),
        "{outcomes:?}"
    );
}

/// The recorder of a worker that serves no merchant.
fn recorder(world: &World) -> (Store, Recorder, JoinHandle<()>) {
    let store = Store::at(&world.database.url()).unwrap();
    store.reach.open();
    let (recorder, ended) = Recorder::start(
        store.clone(),
        rules(&world.config.poll, true),
        Vec::new(),
        Arc::new(Heartbeats::default()),
        SetAside::beside(&WitnessFile::Off),
        CancellationToken::new(),
    );
    (store, recorder, ended)
}

/// Under load, or while a gateway repeats its callbacks, the next evidence is there before the last is stored.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_locked_is_stored_although_other_evidence_never_stops_arriving() {
    let (world, mut unsent) = claimed(&[MERCHANT.to_owned()], 2).await;
    let (repeated, locked) = (unsent.pop().unwrap(), unsent.pop().unwrap());
    let lock = format!(
        "select from payout.payouts where order_num = '{}' for update",
        locked.key.order_num
    );
    let session = held(&world, &lock).await;
    let (store, recorder, ended) = recorder(&world);
    recorder.keep(locked.clone()).await;
    let mut arriving = JoinSet::new();
    for _ in 0..2 {
        let (recorder, repeated) = (recorder.clone(), repeated.clone());
        arriving.spawn(async move {
            loop {
                let stored = recorder.keep_within(repeated.clone(), Duration::from_secs(8));
                let stored = stored.await;
                assert!(matches!(stored, Some(Outcome::Recorded(_))), "{stored:?}");
            }
        });
    }
    let pieces = "select coalesce(sum(times), 0) from payout.evidence";
    let arrived = async |count: u32| {
        while world.database.text(pieces).await.parse::<u32>().unwrap() < count {}
    };
    arrived(20).await;
    let state = || world.database.state(&locked.key.order_num);
    assert_eq!(state().await, "submitting");
    release(session).await;
    for hundreds in 1..=30 {
        arrived(100 * hundreds).await;
        if state().await != "submitting" {
            break;
        }
    }
    assert_ne!(state().await, "submitting");
    arriving.shutdown().await;
    drop(recorder);
    ended.await.unwrap();
    store.close().await;
}

/// A commit costs the database nearly as much for one merchant's evidence as for everybody's.
#[tokio::test(flavor = "multi_thread")]
async fn evidence_of_many_merchants_that_comes_at_once_shares_transactions() {
    let merchants: Vec<String> = (0..60).map(|number| format!("MANY-{number}")).collect();
    let (world, unsent) = claimed(&merchants, 2).await;
    let (store, recorder, ended) = recorder(&world);
    for evidence in unsent {
        recorder.keep(evidence).await;
    }
    drop(recorder);
    ended.await.unwrap();
    store.close().await;
    let (rows, transactions): (i64, i64) = sqlx::query_as(
        "select count(*), count(distinct e.xmin::text) from payout.evidence e where e.kind = 'not_sent'",
    )
    .fetch_one(world.database.pool())
    .await
    .unwrap();
    assert_eq!(rows, 120);
    assert!(transactions <= 30, "{transactions} transactions");
}

/// Sixty merchants are more than a worker has connections.
#[tokio::test(flavor = "multi_thread")]
async fn however_many_merchants_are_locked_another_ones_evidence_is_stored() {
    let merchants: Vec<String> = (0..60).map(|number| format!("LOCKED-{number}")).collect();
    let everybody = [merchants.as_slice(), &[MERCHANT.to_owned()]].concat();
    let (world, mut unsent) = claimed(&everybody, 1).await;
    let ours = unsent.pop().unwrap();
    let lock =
        format!("select from payout.accounts where merchant_code <> '{MERCHANT}' for update");
    let session = held(&world, &lock).await;
    let (store, recorder, ended) = recorder(&world);
    for evidence in unsent {
        recorder.keep(evidence).await;
    }
    // As long as a callback waits for its answer.
    let stored = recorder.keep_within(ours, Duration::from_secs(8)).await;
    assert!(matches!(stored, Some(Outcome::Recorded(_))), "{stored:?}");
    let waiting = "select count(*) from payout.payouts where state = 'submitting'";
    assert_eq!(world.database.text(waiting).await, "60");
    release(session).await;
    drop(recorder);
    ended.await.unwrap();
    assert_eq!(world.database.text(waiting).await, "0");
    store.close().await;
}

/// Transactions that notify commit one after the other. A slow disk makes that a long wait for a lock.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_waits_for_the_commits_of_all_who_notify() {
    let (world, _) = claimed(&[MERCHANT.to_owned()], 1).await;
    world.enqueue("BEHIND-1", 50_000, 0).await;
    let mut notifying = JoinSet::new();
    for _ in 0..8 {
        let mut session = world.database.connect().await;
        notifying.spawn(async move {
            loop {
                sqlx::raw_sql(
                    "set commit_delay = 100000; set commit_siblings = 0; begin;
                     select pg_notify('payout_status', ''), pg_logical_emit_message(true, 'a test', ''); commit",
                )
                .execute(&mut session)
                .await
                .unwrap();
            }
        });
    }
    let store = Store::at(&world.database.url()).unwrap();
    store.reach.open();
    let claimed = claim(&store.claims, &order_of(&world, MERCHANT, 1)).await;
    assert_eq!(claimed.unwrap().permits.len(), 1);
    notifying.shutdown().await;
    store.close().await;
}

/// Anybody who may log in can take the lock that keeps two migrations apart: its number follows from the database's name.
#[tokio::test]
async fn a_stranger_who_holds_the_lock_of_migrations_is_named_and_stops_them_only_so_long() {
    let database = Database::with_merchant().await;
    let login = database.login(&[]).await;
    let mut stranger = database.connect_as(&login).await;
    let name = database.text("current_database()").await;
    let checksum = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC).checksum(name.as_bytes());
    let lock = i64::from(checksum) * 0x3d32_ad9e;
    let held = sqlx::query("select pg_advisory_lock($1)").bind(lock);
    held.execute(&mut stranger).await.unwrap();
    // Where nothing is missing, nothing is locked.
    migrate(&database.url(), &[], &[], false).await.unwrap();
    database
        .run("delete from payout._sqlx_migrations where version = (select max(version) from payout._sqlx_migrations)")
        .await;
    let refused = migrate(&database.url(), &[], &[], false).await.unwrap_err();
    let said = refused.to_string();
    assert!(matches!(refused, SchemaError::Locked(_)), "{said}");
    for words in [
        format!("login {login} (process "),
        "holds the lock of migrations".to_owned(),
        "run `payout migrate` again".to_owned(),
    ] {
        assert!(said.contains(&words), "{said}");
    }
    // A dry run changes nothing and waits for nobody.
    migrate(&database.url(), &[], &[], true).await.unwrap();
    // Nor does an insert wait behind a migration: it neither has nor wants its table while it waits for the lock.
    let url = database.url();
    let waiting = migrate(&url, &[], &[], false);
    let (refused, ()) = tokio::join!(waiting, async {
        database.until_somebody_waits_for_a_lock().await;
        // Other databases are copies of the same template, so their tables have the same numbers.
        let locked = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
                      where d.datname = current_database() and l.relation = 'payout.payouts'::regclass";
        assert_eq!(database.text(locked).await, "0");
    });
    refused.unwrap_err();
    let released = sqlx::query("select pg_advisory_unlock($1)").bind(lock);
    released.execute(&mut stranger).await.unwrap();
    migrate(&database.url(), &[], &[], false).await.unwrap();
}
