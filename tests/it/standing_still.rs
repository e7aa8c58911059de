//! Whatever keeps payouts from being sent, every door says so: SQL, the command line, and the alerts' own words.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use payout_sandbox::{Ending, Fault, Script};
use payout_worker::{
    domain::stop::{StopReason, meaning, opened_by},
    store::snapshot::snapshot,
};
use serde_json::Value;

use crate::support::{
    database::{Database, MERCHANT, PAUSE},
    terminal::{payout, payout_as, program},
    world::World,
};

async fn waits_for(world: &World, order: &str) -> String {
    let query = format!("select waits_for from payout.status where order_num = '{order}'");
    world.database.text(&query).await
}

/// `payout status` ends with this code and says these words.
#[track_caller]
fn status_says(database: &Database, code: i32, words: &[&str]) {
    payout(database, &["status"]).with(code).says(words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_of_claims_is_said_by_every_command_until_it_ends() {
    let mut world = World::start().await;
    world.enqueue("FIRST-1", 100_000, 1).await;
    world.until_state("FIRST-1", "paid").await;
    let open = "select stopped_by is null and workers = 1 from payout.claims";
    world.until(open, "true").await;
    status_says(&world.database, 0, &[MERCHANT, "sent", "running for"]);

    // The gateway closes every connection: nothing is sent, and after four such payouts claims stop.
    world.door.shut().await;
    for number in 0..6 {
        world.enqueue(&format!("HELD-{number}"), 100_000, 1).await;
    }
    world
        .until("select stopped_by from payout.claims", "not_sent")
        .await;
    let held = "select waits_for from payout.status where state = 'queued' order by created_at desc limit 1";
    world.until(held, "claims: not_sent").await;
    let why = "the gateway could not be reached several times in a row";
    let next = "One payout at a time tests whether the fault is over";
    status_says(&world.database, 1, &["STOPPED", "not_sent", why, next]);
    payout(&world.database, &["stuck"])
        .with(0)
        .says(&["no payout needs a person", why, next]);
    payout(&world.database, &["show", "HELD-5"])
        .with(0)
        .says(&["Nothing is sent for", why, next]);
    payout(&world.database, &["list", "--state", "queued"])
        .with(0)
        .says(&["claims: not_sent"]);
    payout(&world.database, &["doctor"])
        .with(1)
        .says(&["FAIL", why]);
    let json = payout(&world.database, &["status", "-o", "json"])
        .with(1)
        .json();
    assert_eq!(json["claims"][0]["stopped_by"], "not_sent");
    assert_eq!(json["is_well"], false);

    world.door.open().await;
    world.until_state("HELD-5", "paid").await;
    world.until(open, "true").await;
    status_says(&world.database, 0, &["nothing is open"]);
    world.stop_workers().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_worker_every_open_payout_says_that_none_runs() {
    let mut world = World::start().await;
    world.sandbox.script("OPEN-1", Script::ends(Ending::Stays));
    world.enqueue("OPEN-1", 100_000, 1).await;
    world.until_state("OPEN-1", "pending").await;
    assert_eq!(waits_for(&world, "OPEN-1").await, "result");
    world.stop_workers().await;
    world.enqueue("LATER-1", 100_000, 1).await;
    for order in ["OPEN-1", "LATER-1"] {
        assert_eq!(waits_for(&world, order).await, "no_worker");
        payout(&world.database, &["show", order])
            .with(0)
            .says(&["no worker is running for it", "Start one: payout run."]);
    }
    payout(&world.database, &["stuck"])
        .with(0)
        .says(&["no worker is running for it"]);
    status_says(&world.database, 1, &["STOPPED", "no_worker", "ended"]);
    payout(&world.database, &["doctor"])
        .with(1)
        .says(&["no worker is running for it"]);

    world.add_worker().await;
    world.until_state("LATER-1", "paid").await;
    assert_eq!(waits_for(&world, "OPEN-1").await, "result");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_counts_as_gone_and_is_forgotten_after_a_day() {
    let world = World::start().await;
    world
        .until("select count(*) from payout.workers", "1")
        .await;
    let gone = "insert into payout.workers (worker, version, since, seen_at)
                values ('gone/1', '0', now() - interval '1 hour', now() - interval '31 seconds'),
                       ('older/1', '0', now() - interval '3 days', now() - interval '25 hours');
                insert into payout.worker_claims (worker, merchant_code, slots, in_flight)
                select 'gone/1', code, 64, 0 from payout.merchants";
    world.database.run(gone).await;
    let running =
        "select workers::text || ' ' || slots from payout.claims where stopped_by is null";
    world.until(running, "1 64").await;
    status_says(&world.database, 0, &["GONE, last seen"]);
    world
        .until(
            "select string_agg(worker, ' ') from payout.workers where worker like '%/1'",
            "gone/1",
        )
        .await;
}

/// As a worker would say it; what is said about each reason, in real runs too, is in the tests above.
#[tokio::test]
async fn each_reason_is_named_by_status_and_by_show_of_a_queued_payout() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 100_000).await;
    let says = |reason: &str, words: &[&str]| {
        payout(&database, &["status"]).with(1).says(words);
        payout(&database, &["show", "INV-1"]).with(0).says(words);
        let waits = format!("claims: {reason}");
        payout(&database, &["list"]).with(0).says(&[&waits]);
    };
    for reason in StopReason::ALL.map(StopReason::name) {
        database
            .run(&format!(
                "insert into payout.workers (worker, version) values ('a/1', '1') on conflict do nothing;
                 insert into payout.worker_claims (worker, merchant_code, slots, in_flight, stopped_by, detail)
                 values ('a/1', '{MERCHANT}', 64, 0, '{reason}', 'found just now')
                 on conflict (worker, merchant_code) do update set stopped_by = excluded.stopped_by"
            ))
            .await;
        if reason != "paused" {
            says(
                reason,
                &[meaning(reason), opened_by(reason), "found just now"],
            );
        }
    }
    // Another worker claims: then nothing stands still.
    database
        .run(&format!(
            "insert into payout.workers (worker, version) values ('b/1', '1');
             insert into payout.worker_claims (worker, merchant_code, slots, in_flight) values ('b/1', '{MERCHANT}', 64, 0)"
        ))
        .await;
    payout(&database, &["status"])
        .with(0)
        .says(&["2", "0 of 128"]);
    // Both have been silent for three minutes.
    database
        .run("update payout.workers set seen_at = now() - interval '3 minutes'")
        .await;
    payout(&database, &["status"])
        .with(1)
        .says(&["no worker is running for it", "GONE, last seen 3 min"]);
}

/// An approver is not left waiting for three quarters of a minute before they learn that nothing can happen.
#[tokio::test(flavor = "multi_thread")]
async fn approve_says_at_once_what_holds_the_request_up() {
    let mut world = World::start().await;
    world.vouch().await;
    world.sandbox.script("LOST-1", Script::fault(Fault::Lost));
    world.enqueue("LOST-1", 100_000, 1).await;
    let proven = "select attention from payout.payouts where order_num = 'LOST-1'";
    world.until(proven, "not_found").await;
    world.stop_workers().await;
    let [one, other] = [
        world.database.login(&["payout_operator"]).await,
        world.database.login(&["payout_operator"]).await,
    ];
    let resubmit = ["resubmit", "LOST-1", "--reason", "ticket 1", "-o", "json"];
    let request = payout_as(&world.database, &one, &resubmit).with(5).json();
    let id = request[0]["request_id"].to_string();
    let mut approving = program(&["approve", &id])
        .env("PAYOUT_DATABASE_URL", world.database.url_as(&other))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(approving.stderr.take().unwrap()).lines();
    let said: Vec<String> = said
        .map(Result::unwrap)
        .take_while(|line| !line.contains("no worker is running for it. Start one: payout run."))
        .collect();
    let is_waiting = approving.try_wait().unwrap().is_none();
    approving.kill().unwrap();
    approving.wait().unwrap();
    assert!(is_waiting, "it says so before it gives up: {said:?}");
}

/// Each value of `payout.status.waits_for`, but for those of the tests above.
#[tokio::test(flavor = "multi_thread")]
async fn every_open_payout_says_what_it_waits_for() {
    let world = World::start().await;
    let database = &world.database;
    world
        .until("select stopped_by is null from payout.claims", "true")
        .await;
    database
        .run(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name, not_before)
             values ('TIME-1', 100000, 1, '014', '0012345678', 'Siti Rahayu', '2099-01-02 03:04:05+00')",
        )
        .await;
    assert_eq!(
        waits_for(&world, "TIME-1").await,
        "time: 2099-01-02T03:04:05Z"
    );

    world.enqueue("DEAR-1", 2_000_000_000, 1).await;
    world
        .until(
            "select waits_for from payout.status where order_num = 'DEAR-1'",
            "funds",
        )
        .await;

    world.vouch().await;
    world.sandbox.script("LOST-1", Script::fault(Fault::Lost));
    world.enqueue("LOST-1", 100_000, 1).await;
    world.until_state("LOST-1", "unknown").await;
    let lost = "select waits_for from payout.status where order_num = 'LOST-1'";
    world.until(lost, "person: not_found").await;

    for (scope, value) in [("bank", "014"), ("merchant", MERCHANT), ("all", "")] {
        database
            .run(&format!(
                "select payout.pause('{scope}', '{value}', 'ticket 9')"
            ))
            .await;
        world.enqueue(&format!("PAUSED-{scope}"), 100_000, 1).await;
        assert_eq!(
            waits_for(&world, &format!("PAUSED-{scope}")).await,
            "paused"
        );
        database
            .run(&format!(
                "select payout.resume('{scope}', '{value}', 'ticket 9')"
            ))
            .await;
    }
    world.until_state("PAUSED-all", "paid").await;
    assert_eq!(waits_for(&world, "PAUSED-all").await, "", "it is final");

    database
        .run("update payout.failover set changed_at = now(), trusted_after = now() + interval '1 hour'")
        .await;
    world.enqueue("FENCED-1", 100_000, 1).await;
    assert_eq!(waits_for(&world, "FENCED-1").await, "claims: failover");
    status_says(
        database,
        1,
        &["NOT ACCEPTED YET", "Two people must accept it"],
    );
}

/// An application that only inserts sees why its payouts wait, and learns nothing about other merchants.
#[tokio::test(flavor = "multi_thread")]
async fn an_enqueuer_sees_why_its_own_payouts_wait_and_nobody_elses() {
    let database = Database::with_merchant().await;
    database.insert("OURS-1", 100_000).await;
    let login = database.login(&["payout_enqueuer"]).await;
    let pool = sqlx::PgPool::connect(&database.url_as(&login))
        .await
        .unwrap();
    let see = async |query: &str| -> Option<String> {
        sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned()))
            .fetch_one(&pool)
            .await
            .unwrap()
    };
    let ours = "select waits_for from payout.status where order_num = 'OURS-1'";
    assert_eq!(see(ours).await.as_deref(), Some("no_worker"));
    let made_up = format!(
        "select payout.waits_for(jsonb_populate_record(null::payout.payouts,
                '{{\"merchant_code\": \"{MERCHANT}\", \"state\": \"queued\"}}'), payout.standstill())"
    );
    assert_eq!(see(&made_up).await.as_deref(), Some("no_worker"));
    let all_made_up = format!(
        "select payout.waits_for(jsonb_populate_record(null::payout.payouts,
                '{{\"merchant_code\": \"{MERCHANT}\", \"state\": \"queued\", \"replaces\": \"OURS-1\"}}'),
                '{{\"claims\": {{\"{MERCHANT}\": null}}, \"banks\": [], \"holds_back\": []}}')"
    );
    assert_eq!(see(&all_made_up).await.as_deref(), Some("originals"));
    // With a second merchant, a login needs to be named for each.
    database.register_merchant("M-2").await;
    assert_eq!(see(&made_up).await, None);
    assert_eq!(
        see(&all_made_up).await.as_deref(),
        Some("slot"),
        "it learns nothing"
    );
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn status_is_one_object_for_programs_and_refuses_to_be_a_table_of_rows() {
    let database = Database::with_merchant().await;
    let reader = database.login(&["payout_reader"]).await;
    let said = payout_as(&database, &reader, &["status", "-o", "json"])
        .with(1)
        .json();
    let keys: Vec<&String> = said.as_object().unwrap().keys().collect();
    for key in [
        "is_well",
        "claims",
        "open",
        "pauses",
        "failover",
        "gateway_balances",
        "workers",
    ] {
        assert!(keys.iter().any(|found| *found == key), "{key}: {keys:?}");
    }
    assert_eq!(said["claims"][0]["stopped_by"], Value::from("no_worker"));
    payout(&database, &["status", "-o", "csv"])
        .with(2)
        .says(&["use -o json"]);
    payout(&database, &["status", "--merchant", "NOBODY"])
        .with(3)
        .says(&["is not registered"]);
}

/// Somebody's forgotten `begin`, in any database of the server.
#[tokio::test]
async fn an_old_transaction_that_holds_readers_back_is_named() {
    let database = Database::with_merchant().await;
    let mut forgotten = database.pool().begin().await.unwrap();
    sqlx::query("select pg_current_xact_id()")
        .execute(&mut *forgotten)
        .await
        .unwrap();
    database.insert("INV-1", 100_000).await;
    let later = "set session_replication_role = replica;
                 update payout.history set at = at - interval '2 minutes';
                 set session_replication_role = origin";
    database.run(later).await;
    let seen = snapshot(database.pool()).await.unwrap();
    assert!(seen.events_hidden_since.is_some() && seen.totals_missing_since.is_some());
    payout(&database, &["doctor"]).says(&[
        "payout.events shows nothing after",
        "(process ",
        "PayoutReadersBehind",
    ]);
    forgotten.commit().await.unwrap();
    // Other tests on this server have transactions too, all of them short.
    for _ in 0..600 {
        let seen = snapshot(database.pool()).await.unwrap();
        if (seen.events_hidden_since, seen.totals_missing_since) == (None, None) {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
    panic!("the readers do not go on");
}
