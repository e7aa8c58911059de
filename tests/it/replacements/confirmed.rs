//! What counts as a confirmation that the original failed: an answer to a query that was sent after the replacement was
//! inserted and just before it is sent.

use std::time::{Duration, Instant};

use payout_sandbox::{Ending, Fault, Script};
use payout_worker::{
    domain::{
        decide::Rules,
        evidence::{Evidence, Fact, Found, GatewayStatus, QueryAnswer},
        money::Rupiah,
        payout::PayoutKey,
        schedule::PollRules,
    },
    store::{
        queries::{failed_originals, schedule_originals},
        record::record,
    },
};
use serde_json::json;

use super::{assert_stopped, claimed, failed_chain, replacing, world};
use crate::support::{
    database::{Database, MERCHANT},
    world::World,
};

/// Makes a change that the guards refuse, so that a test need not wait.
async fn force(database: &Database, statements: &str) {
    database
        .run(&format!(
            "set session_replication_role = replica; {statements}; set session_replication_role = origin"
        ))
        .await;
}

/// Ends the pause of all claims as if the confirmations, and the insert of this replacement, were an hour old.
async fn resume_after_an_hour(database: &Database, replacement: &str) {
    let aged = format!(
        "update payout.payouts set reaffirmed_at = reaffirmed_at - interval '1 hour' where state = 'failed';
         update payout.payouts set created_at = created_at - interval '1 hour',
                                   originals_queried_at = originals_queried_at - interval '1 hour'
         where order_num = '{replacement}'"
    );
    force(database, &aged).await;
    database
        .run("select payout.resume('all', '', 'a test')")
        .await;
}

fn still_failed(order_num: &str, sent_at: Instant) -> Evidence {
    let found = Found {
        platform_order_num: None,
        amount: Some(Rupiah::new(100_000)),
        fee: None,
        status: GatewayStatus::Failed,
        message: String::new(),
        signed: true,
    };
    Evidence {
        key: PayoutKey {
            merchant_code: MERCHANT.to_owned(),
            order_num: order_num.to_owned(),
        },
        fact: Fact::Queried {
            answer: QueryAnswer::Found(found),
            sent_at,
        },
        detail: json!({}),
    }
}

fn rules() -> Rules {
    Rules {
        poll: PollRules {
            first_after: Duration::from_secs(1),
            max_interval: Duration::from_mins(1),
            quiet_horizon: Duration::ZERO,
            decline_confirm: Duration::ZERO,
        },
        callbacks_settle: true,
    }
}

/// The attack: the gateway answered before it paid the original, and the answer was stored after the insert.
#[tokio::test]
async fn an_answer_from_before_the_insert_confirms_nothing_however_late_it_is_stored() {
    let world = world().await;
    let database = &world.database;
    failed_chain(database, &["INV-0"]).await;
    let before = Instant::now();
    database.run(&replacing("INV-0", "INV-1")).await;
    let store = async |sent_at| {
        record(database.pool(), &rules(), &[still_failed("INV-0", sent_at)])
            .await
            .unwrap();
    };
    store(before).await;
    assert_stopped(&world, "INV-1", "the failure of payout INV-0").await;
    store(Instant::now()).await;
    assert_eq!(claimed(&world).await, ["INV-1"]);
}

/// The attack: the transaction that inserts the replacement had begun before the query.
#[tokio::test]
async fn an_answer_from_before_the_insert_confirms_nothing_however_old_its_transaction_is() {
    let world = world().await;
    let database = &world.database;
    failed_chain(database, &["INV-0"]).await;
    let mut old = database.connect().await;
    sqlx::raw_sql("begin; select 1")
        .execute(&mut old)
        .await
        .unwrap();
    database.confirm_failure("INV-0").await;
    let insert = format!("{}; commit", replacing("INV-0", "INV-1"));
    sqlx::raw_sql(sqlx::AssertSqlSafe(insert))
        .execute(&mut old)
        .await
        .unwrap();
    assert_stopped(&world, "INV-1", "the failure of payout INV-0").await;
    database.confirm_failure("INV-0").await;
    assert_eq!(claimed(&world).await, ["INV-1"]);
}

/// The oldest of them decides, wherever it is in the chain.
#[tokio::test]
async fn a_confirmation_counts_for_a_minute() {
    let world = world().await;
    let database = &world.database;
    failed_chain(database, &["INV-0", "INV-1"]).await;
    database.run(&replacing("INV-1", "INV-2")).await;
    let created = "update payout.payouts set created_at = now() - interval '1 hour' where order_num = 'INV-2'";
    force(database, created).await;
    for order_num in ["INV-0", "INV-1"] {
        for age in ["60 seconds", "1 hour", "-1 hour"] {
            for confirmed in ["INV-0", "INV-1"] {
                database.confirm_failure(confirmed).await;
            }
            let aged = format!(
                "update payout.payouts set reaffirmed_at = clock_timestamp() - interval '{age}' where order_num = '{order_num}'"
            );
            database.run(&aged).await;
            let says = format!("the failure of payout {order_num}");
            assert_stopped(&world, "INV-2", &says).await;
        }
    }
    let fresh = "update payout.payouts set reaffirmed_at = clock_timestamp() - interval '30 seconds' where state = 'failed'";
    database.run(fresh).await;
    assert_eq!(claimed(&world).await, ["INV-2"]);
}

/// What is queried at once, after a round of scheduling.
async fn scheduled(database: &Database) -> String {
    schedule_originals(database.pool(), MERCHANT).await.unwrap();
    let due = "select string_agg(order_num, ' ' order by order_num) from payout.payouts where next_query_at <= now()";
    database.text(due).await
}

const LONG_AGO: &str = "update payout.payouts set next_query_at = null;
    update payout.payouts set originals_queried_at = now() - interval '32 seconds' where replaces is not null";

#[tokio::test]
async fn what_a_due_replacement_pays_again_is_queried_every_half_minute() {
    let world = world().await;
    let database = &world.database;
    failed_chain(database, &["INV-0", "INV-1"]).await;
    database.run(&replacing("INV-1", "INV-2")).await;
    assert_eq!(scheduled(database).await, "INV-0 INV-1", "by the insert");
    for _ in 0..2 {
        database
            .run("update payout.payouts set next_query_at = null")
            .await;
        assert_eq!(scheduled(database).await, "", "not yet");
        database.run(LONG_AGO).await;
        assert_eq!(scheduled(database).await, "INV-0 INV-1");
    }
}

#[tokio::test]
async fn nothing_is_queried_for_a_replacement_that_is_not_sent_anyway() {
    let world = world().await;
    let database = &world.database;
    failed_chain(database, &["INV-0"]).await;
    database.run(&replacing("INV-0", "INV-1")).await;
    let pause = |scope: &str, value: &str| {
        let arguments = format!("'{scope}', '{value}', 'a test'");
        [
            format!("select payout.pause({arguments})"),
            format!("select payout.resume({arguments})"),
        ]
    };
    let column = |set: &str, unset: &str| {
        [set, unset].map(|to| format!("update payout.payouts set {to} where order_num = 'INV-1'"))
    };
    for [begins, ends] in [
        pause("all", ""),
        pause("merchant", MERCHANT),
        pause("bank", "014"),
        column("due_at = now() + interval '1 hour'", "due_at = now()"),
        column("parked = true", "parked = false"),
        column(
            "attention_reasons = '{not_found}', attention_since = now()",
            "attention_reasons = '{}', attention_since = null",
        ),
    ] {
        force(database, &begins).await;
        database.run(LONG_AGO).await;
        assert_eq!(scheduled(database).await, "", "{begins}");
        force(database, &ends).await;
        assert_eq!(scheduled(database).await, "INV-0", "{ends}");
    }
}

/// More of them than one round takes: each has its turn, those that wait for ever included.
#[tokio::test]
async fn every_due_replacement_has_its_turn() {
    let world = world().await;
    let database = &world.database;
    failed_chain(database, &["INV-0"]).await;
    database.run(&replacing("INV-0", "INV-1")).await;
    // As many again as one round takes, each with an original of its own.
    force(
        database,
        "insert into payout.payouts (merchant_code, order_num, state, amount, fee_type, bank_code, account_number,
                                     account_name, settled_at)
         select p.merchant_code, 'O-' || n, 'failed', 100000, 0, '014', '0012345678', 'Siti Rahayu', now()
         from payout.payouts p, generate_series(1, 150) n where p.order_num = 'INV-0';
         insert into payout.payouts (merchant_code, order_num, amount, fee_type, bank_code, account_number, account_name,
                                     replaces, originals_queried_at)
         select p.merchant_code, 'R-' || n, 100000, 0, '014', '0012345678', 'Siti Rahayu', 'O-' || n, now()
         from payout.payouts p, generate_series(1, 150) n where p.order_num = 'INV-0'",
    )
    .await;
    database.run(LONG_AGO).await;
    // Whatever the rows' places in the table are.
    database
        .run(
            "update payout.payouts set originals_queried_at = originals_queried_at - interval '1 ms' * length(order_num)
             where replaces is not null",
        )
        .await;
    let due = "select count(*) from payout.payouts where next_query_at <= now()";
    for expected in ["100", "151", "151"] {
        schedule_originals(database.pool(), MERCHANT).await.unwrap();
        assert_eq!(database.text(due).await, expected);
    }
}

/// The attack: the replacement had to wait, and the gateway paid the original meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_had_to_wait_is_sent_only_after_a_further_query() {
    let world = World::start().await;
    let database = &world.database;
    world.sandbox.script("INV-0", Script::ends(Ending::Failed));
    world.enqueue("INV-0", 100_000, 0).await;
    world.until_state("INV-0", "failed").await;
    database
        .run(&format!(
            "{}; select payout.pause('all', '', 'a test')",
            replacing("INV-0", "INV-1")
        ))
        .await;
    let confirmed = "select f.reaffirmed_at > r.created_at from payout.payouts f, payout.payouts r
                     where f.order_num = 'INV-0' and r.order_num = 'INV-1'";
    world.until(confirmed, "true").await;

    let late = Script {
        fault: Some(Fault::FlipAfterFailed),
        ends: Some(Ending::Failed),
        ..Script::default()
    };
    world.sandbox.script("INV-0", late);
    resume_after_an_hour(database, "INV-1").await;
    let attention = "select attention from payout.payouts where order_num = 'INV-0'";
    world.until(attention, "late_success").await;
    assert_eq!(claimed(&world).await, Vec::<String>::new());
    assert_eq!(world.submits_of("INV-1"), 0);
}

/// The neighbour: nothing happened meanwhile, and it is sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_replacement_that_had_to_wait_is_sent_once_the_failure_is_confirmed_again() {
    let world = World::start().await;
    let database = &world.database;
    for order_num in ["INV-0", "INV-1"] {
        world
            .sandbox
            .script(order_num, Script::ends(Ending::Failed));
    }
    world.enqueue("INV-0", 100_000, 0).await;
    world.until_state("INV-0", "failed").await;
    database.run(&replacing("INV-0", "INV-1")).await;
    world.until_state("INV-1", "failed").await;
    database
        .run("select payout.pause('all', '', 'a test')")
        .await;
    database.run(&replacing("INV-1", "INV-2")).await;
    let confirmed = "select count(*) from payout.payouts f, payout.payouts r
                     where r.order_num = 'INV-2' and f.state = 'failed' and f.reaffirmed_at > r.created_at";
    world.until(confirmed, "2").await;
    resume_after_an_hour(database, "INV-2").await;
    world.until_state("INV-2", "paid").await;
    assert_eq!(world.submits_of("INV-2"), 1);
}

#[tokio::test]
async fn a_resubmit_knows_what_its_payout_would_pay_again() {
    let world = world().await;
    let database = &world.database;
    failed_chain(database, &["INV-0", "INV-1"]).await;
    database.run(&replacing("INV-1", "INV-2")).await;
    for (order_num, expected) in [("INV-2", "INV-0 INV-1"), ("INV-1", "INV-0"), ("INV-0", "")] {
        let key = PayoutKey {
            merchant_code: MERCHANT.to_owned(),
            order_num: order_num.to_owned(),
        };
        let mut found: Vec<String> = failed_originals(database.pool(), &key)
            .await
            .unwrap()
            .into_iter()
            .map(|original| original.order_num)
            .collect();
        found.sort();
        assert_eq!(found.join(" "), expected, "{order_num}");
    }
}

/// What two people's act rests on is as old as its query, too.
#[tokio::test]
async fn a_not_found_is_as_old_as_its_query() {
    let database = Database::with_steps().await;
    database.insert_in("unknown", "INV-0").await;
    for (sent, is_fresh) in [
        ("61 seconds", "false"),
        ("59 seconds", "true"),
        ("-1 hour", "false"),
    ] {
        let stored = format!(
            "delete from payout.evidence where kind = 'not_found';
             insert into payout.evidence (merchant_code, order_num, attempt, source, kind, proves, detail, query_sent_at)
             select merchant_code, order_num, attempt, 'query', 'not_found', 'absence', '{{}}', now() - interval '{sent}'
             from payout.payouts"
        );
        force(&database, &stored).await;
        let fresh = "select payout.has_fresh_proof(p, 'resubmit') from payout.payouts p";
        assert_eq!(database.text(fresh).await, is_fresh, "{sent}");
    }
}
