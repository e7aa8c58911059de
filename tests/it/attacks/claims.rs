//! Attacks on which payouts are claimed, when, and how often.

use std::time::Duration;

use payout_sandbox::Fault;
use payout_worker::{
    domain::{
        evidence::{Doubt, Evidence, Fact, SubmitAnswer},
        payout::PayoutKey,
        scrub::WITHHELD,
    },
    service::Running,
    store::{
        Store,
        claim::{ClaimError, Claimed, unpark_if_covered},
        failover::register_identity,
        queries,
        recent::Recent,
        record::{Outcome, record},
        snapshot::snapshot,
    },
    worker::rules,
};
use serde_json::json;

use super::without_guards;
use crate::support::{
    claim::claim,
    database::MERCHANT,
    world::{Wishes, World},
};

/// Few concurrent requests, so that those in flight can be counted.
const FOUR_SLOTS: &str = "
[submit]
concurrency = 4
timeout_seconds = 1.5
lease_seconds = 4
[poll]
first_after_seconds = 0.2
max_interval_seconds = 1
quiet_horizon_seconds = 3
decline_confirm_seconds = 0.6
queries_per_second = 500
";

/// A world with this balance, where the test itself is the worker.
async fn by_hand(idr: i64) -> World {
    let world = World::with(Wishes {
        workers: 0,
        fee_reserve: 0,
        ..Wishes::default()
    })
    .await;
    world.database.fund(MERCHANT, idr).await;
    register_identity(world.database.pool(), Duration::from_secs(3))
        .await
        .unwrap();
    world
}

/// One claim of up to `limit` payouts; returns the order numbers that the worker may send, in order.
async fn claimed(world: &World, limit: i32) -> (Vec<String>, Claimed) {
    let pool = world.database.pool();
    unpark_if_covered(pool, MERCHANT).await.unwrap();
    let claimed = claim(pool, &world.claim_order(limit)).await.unwrap();
    let orders = claimed.permits.iter();
    (
        orders
            .map(|permit| permit.key().order_num.clone())
            .collect(),
        claimed,
    )
}

/// `a_configuration_for_another_gateway_or_key_claims_nothing` tests further refusals.
#[tokio::test(flavor = "multi_thread")]
async fn a_staging_configuration_on_the_production_database_pays_nobody() {
    let without_workers = || Wishes {
        workers: 0,
        ..Wishes::default()
    };
    let production = World::with(without_workers()).await;
    let staging = World::with(without_workers()).await;
    production.enqueue("REAL-1", 100_000, 0).await;
    register_identity(production.database.pool(), Duration::from_secs(3))
        .await
        .unwrap();
    let strange = claim(production.database.pool(), &staging.claim_order(10)).await;
    assert!(
        matches!(strange, Err(ClaimError::RegisteredOtherwise(_))),
        "{strange:?}"
    );

    // Without the comparison with the registered gateway, a test gateway "pays" it, and the books say that it is paid.
    let order = staging.claim_order(1).order;
    let keys = order.platform_keys.join(",");
    production
        .database
        .run(&format!(
            "update payout.merchants set base_url = '{}', platform_keys = '{{{keys}}}'",
            order.base_url
        ))
        .await;
    let mut config = staging.config.clone();
    config.database.url = production.database.url();
    let strange = Running::start(&config).await.unwrap();
    production.until_state("REAL-1", "paid").await;
    strange.stop().await;
    assert_eq!(staging.submits_of("REAL-1"), 1);
    assert!(
        production.sandbox.orders().is_empty(),
        "and nobody was paid"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_not_sent_repeated_after_a_new_claim_does_not_requeue_that_claim() {
    let world = by_hand(1_000_000).await;
    let pool = world.database.pool();
    let rules = rules(&world.config.poll, true);
    let not_sent = |order_num: &str, attempt, request_sha256| Evidence {
        key: PayoutKey {
            merchant_code: MERCHANT.to_owned(),
            order_num: order_num.to_owned(),
        },
        fact: Fact::NotSent {
            attempt,
            request_sha256,
        },
        detail: json!({}),
    };
    for order in ["LOOSE-1", "TIGHT-1"] {
        world.enqueue(order, 100_000, 0).await;
        let (orders, mut spent) = claimed(&world, 1).await;
        assert_eq!(orders, [order]);
        let unsent = spent.permits.remove(0).request().request_sha256;
        // It is stored, but the confirmation of the commit is lost: the recorder will store it again.
        record(pool, &rules, &[not_sent(order, 1, unsent)])
            .await
            .unwrap();
        assert_eq!(world.database.state(order).await, "queued");
        world
            .database
            .run("update payout.payouts set due_at = now() where state = 'queued'")
            .await;
        let (orders, held) = claimed(&world, 1).await;
        assert_eq!(orders, [order], "the second claim, whose right is alive");
        assert_eq!(held.permits[0].attempt(), 2);

        if order == "LOOSE-1" {
            // Without its attempt, the repeated proof would apply to the latest claim: a second right to send.
            let newest = held.permits[0].request().request_sha256;
            record(pool, &rules, &[not_sent(order, 2, newest)])
                .await
                .unwrap();
            world
                .database
                .run("update payout.payouts set due_at = now() where state = 'queued'")
                .await;
            let (again, second) = claimed(&world, 1).await;
            assert_eq!(again, [order]);
            assert_eq!(held.permits.len() + second.permits.len(), 2);
        } else {
            record(pool, &rules, &[not_sent(order, 1, unsent)])
                .await
                .unwrap();
            assert_eq!(world.database.state(order).await, "submitting");
            assert!(claimed(&world, 10).await.0.is_empty());
            // The decision ignores it; the database, which would have refused it too, is not even involved.
            let refused = "select count(*) from payout.evidence where refused";
            assert_eq!(world.database.text(refused).await, "0");
            let counted =
                "select sends || ' ' || not_sent from payout.payouts where order_num = 'TIGHT-1'";
            assert_eq!(world.database.text(counted).await, "2 1");
        }
    }
}

/// A key changed without notice shows as signatures that do not verify, see
/// `bad_signatures_stop_claims_and_one_payout_at_a_time_probes_for_recovery`, or as declines of everything we send.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_declines_affects_a_dozen_payouts_and_not_all() {
    const ALL: usize = 60;
    // The claim does not know about the storm: everything due would be sent into it.
    let unbroken = by_hand(1_000_000_000).await;
    for number in 0..ALL {
        unbroken
            .enqueue(&format!("STORM-{number}"), 50_000, 0)
            .await;
    }
    assert_eq!(claimed(&unbroken, 100).await.0.len(), ALL);

    let world = World::with(Wishes {
        sections: FOUR_SLOTS,
        ..Wishes::default()
    })
    .await;
    world.sandbox.set_fault(Fault::Fail);
    for number in 0..ALL {
        world.enqueue(&format!("STORM-{number}"), 50_000, 0).await;
    }
    world
        .until(
            "select count(*) >= 8 from payout.attempts where outcome = 'declined'",
            "true",
        )
        .await;
    let sent = || world.sandbox.submits().len();
    // Eight in a row, and those in flight at the time of the eighth.
    assert!(sent() <= 8 + 4, "{}", sent());
    world
        .until(
            "select count(*) >= 8 from payout.payouts where state = 'failed'",
            "true",
        )
        .await;
    assert!(sent() <= 8 + 4, "{}", sent());
    world.sandbox.heal();
    world
        .until(
            "select count(*) from payout.payouts where settled_at is not null",
            &ALL.to_string(),
        )
        .await;
    let failed: usize = world
        .database
        .text("select count(*) from payout.payouts where state = 'failed'")
        .await
        .parse()
        .unwrap();
    assert!((8..=12).contains(&failed), "{failed}");
    assert_eq!(sent(), ALL, "each was sent once");
    world.assert_books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uncovered_payout_is_overtaken_for_a_while_but_not_forever() {
    let world = by_hand(50_000).await;
    world.enqueue("BIG-1", 80_000, 0).await;
    for number in 1..=4 {
        world.enqueue(&format!("SMALL-{number}"), 10_000, 0).await;
    }
    // Claimed one by one, so that the large one is first in line each time.
    assert!(
        claimed(&world, 1).await.0.is_empty(),
        "the big one is parked"
    );
    assert_eq!(claimed(&world, 1).await.0, ["SMALL-1"]);
    let waits = "select parked || ' ' || attention from payout.payouts where order_num = 'BIG-1'";
    assert_eq!(world.database.text(waits).await, "true insufficient_funds");
    // Without the rule this would continue: the next small payout takes whatever money arrives.
    assert_eq!(claimed(&world, 1).await.0, ["SMALL-2"]);

    let aged = "update payout.payouts set attention_since = now() - interval '16 minutes' where order_num = 'BIG-1'";
    without_guards(&world, "payouts", aged).await;
    assert!(claimed(&world, 10).await.0.is_empty());
    world.database.fund(MERCHANT, 40_000).await;
    assert!(
        claimed(&world, 10).await.0.is_empty(),
        "70 000 are kept for the big one"
    );
    world.enqueue("SMALL-5", 10_000, 0).await;
    assert!(claimed(&world, 10).await.0.is_empty());
    world.database.fund(MERCHANT, 15_000).await;
    assert_eq!(claimed(&world, 1).await.0, ["BIG-1"]);
    world.database.fund(MERCHANT, 25_000).await;
    assert_eq!(
        claimed(&world, 10).await.0.len(),
        3,
        "and then the small ones"
    );

    world.database.fund(MERCHANT, 10_000).await;
    world
        .database
        .run(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name, priority)
             select 'P' || priority, 10000, 0, '014', '0012345678', 'Siti Rahayu', priority
             from (values (0), (5), (-3)) v (priority)",
        )
        .await;
    assert_eq!(claimed(&world, 10).await.0, ["P5"], "higher priority first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_begins_behind_a_payout_leaves_those_before_it_to_the_next_one() {
    let world = by_hand(1_000_000).await;
    let insert = |values: &str| {
        format!(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name, priority)
             select name, 10000, 0, '014', '0012345678', 'Siti Rahayu', priority from (values {values}) v (name, priority)"
        )
    };
    let both = insert("('HIGH', 5), ('A', 0), ('B', 0), ('LOW', -32768)");
    world.database.run(&both).await;
    let (orders, first) = claimed(&world, 2).await;
    assert_eq!(orders, ["HIGH", "A"]);

    world.database.run(&insert("('HIGHEST', 32767)")).await;
    let mut behind = world.claim_order(10);
    behind.order.after = first.last_found;
    let behind = claim(world.database.pool(), &behind).await.unwrap();
    let orders = behind
        .permits
        .iter()
        .map(|permit| permit.key().order_num.as_str());
    assert_eq!(orders.collect::<Vec<_>>(), ["B", "LOW"]);
    assert_eq!(claimed(&world, 10).await.0, ["HIGHEST"]);
}

/// Makes the payout look as if it had waited for funds that long.
async fn has_waited(world: &World, order_num: &str, minutes: u32) {
    let aged = format!(
        "update payout.payouts set attention_since = now() - interval '{minutes} minutes' where order_num = '{order_num}'"
    );
    without_guards(world, "payouts", &aged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_that_can_never_be_covered_holds_up_nobody() {
    let world = by_hand(50_000).await;
    world.enqueue("NEVER-1", 900_000_000, 0).await;
    assert!(claimed(&world, 1).await.0.is_empty());
    has_waited(&world, "NEVER-1", 16).await;
    world.enqueue("SMALL-1", 10_000, 0).await;
    assert_eq!(claimed(&world, 10).await.0, ["SMALL-1"]);
    let reservation =
        "select count(*) from payout.reservation('S2020198627344') r where r.order_num is not null";
    assert_eq!(world.database.text(reservation).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_covered_payout_waits_behind_a_larger_one_for_an_hour_and_is_told_so() {
    let world = by_hand(50_000).await;
    world.enqueue("BIG-1", 80_000, 0).await;
    assert!(claimed(&world, 1).await.0.is_empty());
    world.enqueue("SMALL-1", 10_000, 0).await;
    has_waited(&world, "BIG-1", 74).await;
    assert!(claimed(&world, 10).await.0.is_empty());
    let named = "select r.order_num || ' ' || r.hold || ' ' || (r.until > now())
                 from payout.reservation('S2020198627344') r";
    assert_eq!(world.database.text(named).await, "BIG-1 80000 true");
    has_waited(&world, "BIG-1", 76).await;
    assert_eq!(claimed(&world, 10).await.0, ["SMALL-1"]);
    // Funded enough, it goes as before.
    world.database.fund(MERCHANT, 40_000).await;
    assert_eq!(claimed(&world, 10).await.0, ["BIG-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_covered_payout_is_found_behind_any_number_that_can_never_be_covered() {
    let world = by_hand(5_000).await;
    world
        .database
        .run(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name, priority)
             select 'NEVER-' || n, 900000000, 0, '014', '0012345678', 'Siti Rahayu', 5 from generate_series(1, 150) n",
        )
        .await;
    world.enqueue("SMALL-1", 10_000, 0).await;
    assert!(claimed(&world, 200).await.0.is_empty(), "all are parked");
    let parked = "select count(*) from payout.payouts where parked";
    assert_eq!(world.database.text(parked).await, "151");
    world.database.fund(MERCHANT, 10_000).await;
    assert_eq!(claimed(&world, 200).await.0, ["SMALL-1"]);
}

/// With four slots and one claim per half second, six hundred would take longer than a test waits.
#[tokio::test(flavor = "multi_thread")]
async fn many_uncovered_payouts_at_the_head_of_the_queue_do_not_block_those_behind_them() {
    let world = World::with(Wishes {
        balance_idr: 1_000_000,
        sections: FOUR_SLOTS,
        ..Wishes::default()
    })
    .await;
    world
        .database
        .run(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name, priority)
             select 'BIG-' || n, 900000000, 0, '014', '0012345678', 'Siti Rahayu', 5 from generate_series(1, 600) n",
        )
        .await;
    world.enqueue("SMALL-1", 10_000, 0).await;
    world.until_state("SMALL-1", "paid").await;
    let waiting =
        "select count(*) from payout.payouts where parked and attention = 'insufficient_funds'";
    assert_eq!(world.database.text(waiting).await, "600");
    assert_eq!(world.sandbox.submits().len(), 1);
}

/// A plan may be kept from when the table was small. With a million queued payouts a scan of all of them takes longer than
/// a statement may.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_takes_next_is_read_by_an_index_even_while_the_table_is_small() {
    let world = by_hand(1_000_000_000).await;
    world.enqueue("SMALL-1", 10_000, 0).await;
    world.enqueue("LARGE-1", 9_000_000_000, 0).await;
    let (url, order) = (world.database.url(), world.claim_order(10));
    let store = Store::at(&url).unwrap();
    let scans = "select seq_scan from pg_stat_user_tables where relid = 'payout.payouts'::regclass";
    // Statistics of two rows: to read both is cheaper than an index.
    let analyzed = "analyze payout.payouts; select pg_stat_force_next_flush()";
    world.database.run(analyzed).await;
    let before = world.database.text(scans).await;
    // Often enough that a plan is kept whatever the parameters are.
    for _ in 0..7 {
        claim(&store.claims, &order).await.unwrap();
        unpark_if_covered(&store.claims, MERCHANT).await.unwrap();
        let within = Duration::from_secs(5);
        queries::take_due(
            &store.claims,
            MERCHANT,
            10,
            10,
            within,
            &mut Recent::new(queries::UNPLANNED_EVERY),
        )
        .await
        .unwrap();
    }
    store.close().await;
    let gone = "select count(*) = 0 from pg_stat_activity
                where datname = current_database() and application_name = 'payout claims'";
    world.database.until(gone).await;
    assert_eq!(world.database.text(scans).await, before);
}

/// The budget is kept by the database's clock. When that is put back, what was spent seems to lie in the future.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_put_back_stops_queries_for_a_second_and_not_until_it_has_caught_up() {
    let world = by_hand(1_000_000_000).await;
    let database = &world.database;
    database.make_steps().await;
    world.enqueue("LATE-1", 10_000, 0).await;
    for event in ["claimed", "unanswered"] {
        database.step("LATE-1", event).await;
    }
    database
        .run("select payout.replay('LATE-1'); insert into payout.query_budget values ('S2020198627344', now() + interval '1 hour')")
        .await;
    let mut taken = 0;
    let mut looks = 0;
    while taken == 0 {
        let due = queries::take_due(
            database.pool(),
            MERCHANT,
            10,
            10,
            Duration::from_secs(5),
            &mut Recent::new(queries::UNPLANNED_EVERY),
        )
        .await
        .unwrap();
        taken = due.len();
        looks += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(looks > 1, "the budget was spent");
}

/// Only its own worker queries a merchant's payouts. Once no worker is configured for it, every other worker sees the
/// payouts that are left behind.
#[tokio::test(flavor = "multi_thread")]
async fn open_payouts_of_a_merchant_that_no_worker_serves_raise_attention() {
    let mut world = World::with(Wishes {
        workers: 0,
        ..Wishes::default()
    })
    .await;
    let database = &world.database;
    database.register_merchant("GONE").await;
    database.fund("GONE", 1_000_000).await;
    database.make_steps().await;
    database
        .run(
            "insert into payout.payouts (merchant_code, order_num, amount, fee_type, bank_code, account_number, account_name)
             select 'GONE', 'GONE-' || n, 10000, 0, '014', '0012345678', 'Siti Rahayu' from generate_series(1, 4) n",
        )
        .await;
    for (order, events) in [
        ("GONE-1", &["claimed"][..]),
        ("GONE-2", &["claimed", "acknowledged"]),
        ("GONE-3", &["claimed", "unanswered"]),
    ] {
        for event in events {
            database.step(order, event).await;
        }
    }
    let old = "update payout.payouts set state_since = now() - interval '25 hours', next_query_at = now() - interval '25 hours',
               lease_until = now() - interval '25 hours'";
    without_guards(&world, "payouts", old).await;
    world.add_worker().await;
    let here = format!(
        "insert into payout.payouts (merchant_code, order_num, amount, fee_type, bank_code, account_number, account_name)
         values ('{MERCHANT}', 'HERE-1', 10000, 0, '014', '0012345678', 'Siti Rahayu')"
    );
    world.database.run(&here).await;
    world.until_state("HERE-1", "paid").await;
    // The lanes of this worker never reach them: without another check they would stay open forever.
    let within = Duration::from_secs(5);
    let due = queries::take_due(
        world.database.pool(),
        MERCHANT,
        100,
        100,
        within,
        &mut Recent::new(queries::UNPLANNED_EVERY),
    )
    .await
    .unwrap();
    assert!(due.iter().all(|query| query.key.merchant_code == MERCHANT));
    world.until_state("GONE-1", "unknown").await;
    world
        .until(
            "select string_agg(order_num, ' ' order by order_num) from payout.payouts where attention = 'open_too_long'",
            "GONE-2 GONE-3",
        )
        .await;
    let seen = snapshot(world.database.pool()).await.unwrap();
    let gone = seen
        .merchants
        .iter()
        .find(|books| books.merchant_code == "GONE")
        .unwrap();
    assert!(format!("{gone:?}").contains("Queued"), "{gone:?}");
}

/// The gateway's messages can contain anything: a NUL, which the database does not accept, or the beneficiary's name.
#[tokio::test(flavor = "multi_thread")]
async fn text_from_outside_neither_stops_the_recorder_nor_stores_a_name() {
    let world = by_hand(1_000_000_000).await;
    let pool = world.database.pool();
    let rules = rules(&world.config.poll, world.config.callbacks_settle);
    let told = async |order_num: &str| {
        world.enqueue(order_num, 100_000, 0).await;
        let (_, spent) = claimed(&world, 1).await;
        let evidence = Evidence {
            key: spent.permits[0].key().clone(),
            fact: Fact::Submitted {
                attempt: 1,
                request_sha256: spent.permits[0].request().request_sha256,
                answer: SubmitAnswer::Doubt(Doubt::Timeout),
            },
            detail: json!({ "words": "a\0b for Siti Rahayu" }),
        };
        record(pool, &rules, &[evidence]).await.unwrap().remove(0)
    };
    assert!(matches!(told("WORDS-1").await, Outcome::Recorded(_)));
    // The same when the database refuses what follows from it, and only the message is kept.
    world
        .database
        .run("alter table payout.payouts add constraint no_more_of_them check (state <> 'unknown') not valid")
        .await;
    assert!(matches!(told("WORDS-2").await, Outcome::Refused(_)));
    let kept = "select string_agg(concat_ws(' ', kind, doubt, refused) || ': ' || (detail->>'words'), ', ' order by id)
                from payout.evidence";
    assert_eq!(
        world.database.text(kept).await,
        format!("doubt timeout f: {WITHHELD}, doubt timeout t: {WITHHELD}")
    );
}

/// At a high rate the later looks at what has its end are more than the budget allows, and their backlog grows for ever.
#[tokio::test(flavor = "multi_thread")]
async fn however_many_later_looks_are_due_an_open_payout_is_queried_first() {
    let world = by_hand(1_000_000_000).await;
    let database = &world.database;
    database.make_steps().await;
    for number in 1..=8 {
        let order = format!("ENDED-{number}");
        world.enqueue(&order, 10_000, 0).await;
        let end = if number == 8 {
            "reported_failed"
        } else {
            "reported_paid"
        };
        for event in ["claimed", "acknowledged", end] {
            database.step(&order, event).await;
        }
    }
    world.enqueue("OPEN-1", 10_000, 0).await;
    for event in ["claimed", "unanswered"] {
        database.step("OPEN-1", event).await;
    }
    database
        .run("update payout.payouts set next_query_at = now() - interval '1 day', later_look = true where state in ('paid', 'failed')")
        .await;
    let mut unplanned = Recent::new(queries::UNPLANNED_EVERY);
    let mut take = async |limit| {
        let (pool, within) = (database.pool(), Duration::from_mins(1));
        let taken = queries::take_due(pool, MERCHANT, limit, 1000, within, &mut unplanned)
            .await
            .unwrap();
        let mut orders: Vec<String> = taken.into_iter().map(|due| due.key.order_num).collect();
        orders.sort_unstable();
        orders
    };
    database
        .run("update payout.payouts set next_query_at = now() where state = 'unknown'")
        .await;
    assert_eq!(take(1).await, ["OPEN-1"]);
    // For these a person waits, and a replacement.
    database.run("select payout.replay('ENDED-5')").await;
    database
        .run(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name, replaces)
             values ('AGAIN-1', 10000, 0, '014', '0012345678', 'Siti Rahayu', 'ENDED-8')",
        )
        .await;
    assert_eq!(take(2).await, ["ENDED-5", "ENDED-8"]);
    // What is left of the budget goes to the later looks.
    assert_eq!(take(100).await.len(), 6);
    assert!(take(100).await.is_empty());
}
