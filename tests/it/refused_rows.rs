//! What the database refuses for one payout, for whatever reason, stops no other: a trigger, a policy or an extension that
//! is not ours may refuse any row.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use payout_sandbox::{Ending, Script};
use payout_worker::{
    config::WitnessFile,
    domain::{
        evidence::{Doubt, Evidence, Fact, QueryAnswer},
        payout::PayoutKey,
    },
    store::{Store, expired_leases::raise_open_too_long, record::Outcome},
    worker::{Heartbeats, recorder::Recorder, rules, set_aside::SetAside},
};
use serde_json::json;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::support::{
    database::{Database, MERCHANT},
    world::{Wishes, World},
};

const HEALTHY: [&str; 3] = ["GOOD-1", "GOOD-2", "GOOD-3"];

/// Has `table` refuse rows of orders that begin with BAD, with this SQLSTATE.
async fn refuse(database: &Database, table: &str, when: &str, code: &str) {
    database
        .run(&format!(
            "create or replace function public.refuse() returns trigger language plpgsql as $$
             begin
                 if new.order_num like 'BAD%' then
                     raise exception 'no such row, Siti Rahayu' using errcode = '{code}';
                 end if;
                 return new;
             end $$;
             create trigger a_refuses before {when} on payout.{table} for each row execute function public.refuse()"
        ))
        .await;
}

async fn allow(database: &Database, table: &str) {
    database
        .run(&format!("drop trigger a_refuses on payout.{table}"))
        .await;
}

async fn healthy_ones_are_paid(world: &World) {
    for order in HEALTHY {
        world.enqueue(order, 10_000, 1).await;
    }
    for order in HEALTHY {
        world.until_state(order, "paid").await;
        assert_eq!(world.submits_of(order), 1, "{order}");
    }
}

/// A constraint, a trigger's own exception, a policy, a program limit, and text that cannot be converted.
#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_is_refused_with_any_code_holds_up_only_its_payout() {
    for code in ["23514", "P0001", "42501", "54000", "22P05"] {
        let world = World::start().await;
        refuse(&world.database, "evidence", "insert", code).await;
        world.enqueue("BAD-1", 10_000, 1).await;
        healthy_ones_are_paid(&world).await;
        assert_eq!(world.submits_of("BAD-1"), 1, "{code}");
        let state = "select state from payout.payouts where order_num = 'BAD-1'";
        assert_eq!(world.database.text(state).await, "submitting", "{code}");
        // Nothing was lost: its answer is stored as soon as the database takes it.
        allow(&world.database, "evidence").await;
        world.until_state("BAD-1", "paid").await;
        assert_eq!(world.submits_of("BAD-1"), 1, "{code}");
        world.assert_books_agree().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_without_its_detail_is_better_than_none() {
    let world = World::start().await;
    world
        .database
        .run(
            "create function public.no_detail() returns trigger language plpgsql as $$
             begin
                 if new.order_num like 'BAD%' and new.detail <> '{}' then
                     raise exception 'no detail';
                 end if;
                 return new;
             end $$;
             create trigger a_refuses before insert on payout.evidence
                 for each row execute function public.no_detail()",
        )
        .await;
    world.enqueue("BAD-1", 10_000, 1).await;
    world
        .until(
            "select bool_or(refused and detail = '{}')::text from payout.evidence where order_num = 'BAD-1'",
            "true",
        )
        .await;
    healthy_ones_are_paid(&world).await;
}

/// Three payouts in a row are not the payouts' fault.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_no_evidence_closes_claims_until_it_does() {
    let world = World::start().await;
    refuse(&world.database, "evidence", "insert", "42501").await;
    for order in ["BAD-1", "BAD-2", "BAD-3"] {
        world.enqueue(order, 10_000, 1).await;
    }
    let stopped = "select coalesce(string_agg(c.stopped_by || ': ' || c.detail, ''), 'open') from payout.worker_claims c";
    world
        .until(
            stopped,
            "evidence: the database refused the evidence about the last 3 payouts (SQLSTATE 42501)",
        )
        .await;
    world.enqueue("LATER-1", 10_000, 1).await;
    allow(&world.database, "evidence").await;
    for order in ["BAD-1", "BAD-2", "BAD-3", "LATER-1"] {
        world.until_state(order, "paid").await;
        assert_eq!(world.submits_of(order), 1, "{order}");
    }
}

/// 53100 is a full disk: the server's trouble, which holds everything up until it ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_cannot_store_anything_still_stops_and_the_next_one_finds_out() {
    let mut world = World::start().await;
    refuse(&world.database, "evidence", "insert", "53100").await;
    world.enqueue("BAD-1", 10_000, 1).await;
    let stopped = "select coalesce(string_agg(c.stopped_by || ': ' || c.detail, ''), 'open') from payout.worker_claims c";
    world.until(stopped, "evidence: the database fails").await;
    let bound = Duration::from_mins(1);
    assert!(timeout(bound, world.stop_workers()).await.is_ok());
    allow(&world.database, "evidence").await;
    world.add_worker().await;
    world.until_state("BAD-1", "paid").await;
    assert_eq!(world.submits_of("BAD-1"), 1);
}

/// The insert of an attempt, of its history, and the change of the payout itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_whose_claim_is_refused_is_not_sent_and_holds_up_no_other() {
    tokio::join!(
        claims_go_on_around(("attempts", "insert")),
        claims_go_on_around(("history", "insert")),
        claims_go_on_around(("payouts", "update")),
    );
}

async fn claims_go_on_around((table, when): (&str, &str)) {
    let mut world = World::with(Wishes {
        workers: 0,
        ..Wishes::default()
    })
    .await;
    for order in ["BAD-1", "GOOD-0", "BAD-2"] {
        world.enqueue(order, 10_000, 1).await;
    }
    refuse(&world.database, table, when, "P0001").await;
    world.add_worker().await;
    healthy_ones_are_paid(&world).await;
    world.until_state("GOOD-0", "paid").await;
    for order in ["BAD-1", "BAD-2"] {
        assert_eq!(world.submits_of(order), 0, "{table}");
    }
    allow(&world.database, table).await;
    for order in ["BAD-1", "BAD-2"] {
        world.until_state(order, "paid").await;
        assert_eq!(world.submits_of(order), 1, "{table}");
    }
    world.assert_books_agree().await;
}

/// As after a restore from an older schema, whose rules were others.
#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_cannot_be_read_is_not_sent_and_holds_up_no_other() {
    let world = World::start().await;
    world
        .database
        .run(
            "do $$ declare c text; begin
                 for c in select conname from pg_constraint
                          where conrelid = 'payout.payouts'::regclass and contype = 'c' loop
                     execute format('alter table payout.payouts drop constraint %I', c);
                 end loop;
             end $$;
             set local session_replication_role = replica;
             insert into payout.payouts (merchant_code, order_num, amount, fee_type, bank_code, account_number, account_name)
             select code, 'BAD-1', 10000, 7, '014', '0012345678', 'Siti Rahayu' from payout.merchants",
        )
        .await;
    healthy_ones_are_paid(&world).await;
    assert_eq!(world.submits_of("BAD-1"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_whose_next_query_cannot_be_planned_is_queried_and_holds_up_no_other() {
    let world = World::start().await;
    for order in ["BAD-1", "GOOD-9"] {
        world.sandbox.script(order, Script::ends(Ending::Stays));
        world.enqueue(order, 10_000, 1).await;
        world.until_state(order, "pending").await;
    }
    refuse(&world.database, "payouts", "update", "P0001").await;
    let before = world.sandbox.queries("BAD-1");
    let begun = Instant::now();
    world.sandbox.script("GOOD-9", Script::ends(Ending::Paid));
    world.until_state("GOOD-9", "paid").await;
    healthy_ones_are_paid(&world).await;
    world
        .sandbox
        .until(|sandbox| sandbox.queries("BAD-1") > before)
        .await;
    let queries = world.sandbox.queries("BAD-1") - before;
    let most = 2 + begun.elapsed().as_secs() / 60;
    assert!(
        (1..=most).contains(&queries.into()),
        "{queries} queries, not once a minute"
    );
}

#[tokio::test]
async fn an_attention_that_is_refused_for_one_payout_is_raised_for_the_others() {
    let database = Database::with_steps().await;
    for order in ["BAD-1", "GOOD-1"] {
        database.insert_in("pending", order).await;
    }
    database
        .run(
            "set local session_replication_role = replica;
             update payout.policy set open_too_long = interval '0'",
        )
        .await;
    refuse(&database, "history", "insert", "P0001").await;
    assert_eq!(raise_open_too_long(database.pool()).await.unwrap(), 1);
    let raised =
        "select string_agg(order_num, ',') from payout.payouts where attention = 'open_too_long'";
    assert_eq!(database.text(raised).await, "GOOD-1");
}

/// What only a file has is not stored: a callback would not be answered with SUCCESS.
#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_stays_refused_is_set_aside_in_a_file_without_personal_data() {
    let world = World::with(Wishes {
        workers: 0,
        ..Wishes::default()
    })
    .await;
    world.database.make_steps().await;
    world.database.fund(MERCHANT, 1_000_000).await;
    for order in ["BAD-1", "GOOD-1"] {
        world.database.insert_in("unknown", order).await;
    }
    refuse(&world.database, "evidence", "insert", "P0001").await;
    let folder = tempfile::tempdir().unwrap();
    let store = Store::at(&world.database.url()).unwrap();
    store.reach.open();
    let witness = WitnessFile::At(folder.path().join("claims"));
    let (recorder, ended) = Recorder::start(
        store.clone(),
        rules(&world.config.poll, true),
        Vec::new(),
        Arc::new(Heartbeats::default()),
        SetAside::beside(&witness).after(Duration::from_millis(300)),
        CancellationToken::new(),
    );
    let evidence = |order: &str| Evidence {
        key: PayoutKey {
            merchant_code: MERCHANT.into(),
            order_num: order.into(),
        },
        fact: Fact::Queried {
            answer: QueryAnswer::Doubt(Doubt::Timeout),
            sent_at: Instant::now(),
        },
        detail: json!({ "reason": "Siti Rahayu" }),
    };
    let within = Duration::from_mins(1);
    let (bad, good) = tokio::join!(
        recorder.keep_within(evidence("BAD-1"), within),
        recorder.keep_within(evidence("GOOD-1"), within),
    );
    assert!(
        matches!(&bad, Some(Outcome::Unstorable(code)) if code == "P0001"),
        "{bad:?}"
    );
    assert!(matches!(good, Some(Outcome::Recorded(_))), "{good:?}");
    let text = std::fs::read_to_string(folder.path().join("set-aside.jsonl")).unwrap();
    let line: serde_json::Value = serde_json::from_str(text.trim_end()).unwrap();
    assert_eq!(line["order_num"], "BAD-1");
    assert_eq!(line["finding"]["evidence"], "doubt");
    assert_eq!(line["refused_with"], "P0001");
    assert!(!text.contains("Siti"), "{text}");
    drop(recorder);
    ended.await.unwrap();
    store.close().await;
}
