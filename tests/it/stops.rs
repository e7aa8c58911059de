//! Every stop is a rule of the database. The claims here know nothing of any stop, as those of an older worker.

use std::time::Duration;

use payout_worker::store::failover::register_identity;
use sqlx::AssertSqlSafe;

use crate::support::{
    claim::claim,
    database::{Database, MERCHANT},
    refusal::Refusal,
    world::{Wishes, World},
};

/// What stops a payout, and words of the refusal. `ORDER` is its order number.
struct Stop {
    name: &'static str,
    begins: &'static str,
    ends: &'static str,
    says: &'static str,
    /// Whether it also stops what two people want sent once more; a payout that was sent has other rules for this.
    stops_a_resubmit: bool,
}

#[rustfmt::skip]
const STOPS: &[Stop] = &[
    Stop { name: "PAUSED-ALL", says: "an operator paused it", stops_a_resubmit: true,
           begins: "select payout.pause('all', '', 'a test')", ends: "select payout.resume('all', '', 'a test')" },
    Stop { name: "PAUSED-MERCHANT", says: "an operator paused it", stops_a_resubmit: true,
           begins: "select payout.pause('merchant', 'S2020198627344', 'a test')",
           ends: "select payout.resume('merchant', 'S2020198627344', 'a test')" },
    Stop { name: "PAUSED-BANK", says: "an operator paused it", stops_a_resubmit: true,
           begins: "select payout.pause('bank', '014', 'a test')", ends: "select payout.resume('bank', '014', 'a test')" },
    Stop { name: "PAUSED-DAILY", says: "an operator paused it", stops_a_resubmit: true,
           begins: "select payout.pause('bank', '014', 'a test', to_char(w.at - interval '1 hour', 'HH24:MI') || '-'
                                                                 || to_char(w.at + interval '1 hour', 'HH24:MI'))
                    from (select now() at time zone 'UTC' + interval '7 hours') w (at)",
           ends: "select payout.pause('bank', '014', 'a test', to_char(w.at + interval '2 hours', 'HH24:MI') || '-'
                                                               || to_char(w.at + interval '3 hours', 'HH24:MI'))
                  from (select now() at time zone 'UTC' + interval '7 hours') w (at)" },
    Stop { name: "FENCED", says: "nobody has accepted that yet", stops_a_resubmit: true,
           begins: "select payout.note_failover('a test', 'a lost claim');
                    update payout.failover set trusted_after = now() - interval '1 hour'", ends: FENCE_GONE },
    Stop { name: "COPIED", says: "nobody has accepted that yet", stops_a_resubmit: true,
           begins: "update payout.failover set identity = 'another database'",
           ends: "update payout.failover set identity = payout.identity()" },
    Stop { name: "QUERY-FIRST", says: "its status is queried first", stops_a_resubmit: false,
           begins: "update payout.failover set query_first_until = now() + interval '1 day', trusted_after = now()", ends: FENCE_GONE },
    Stop { name: "NOT-BEFORE", says: "not_before", stops_a_resubmit: true,
           begins: "update payout.payouts set not_before = now() + interval '1 hour', due_at = now() + interval '1 hour' where order_num = 'ORDER'",
           ends: "update payout.payouts set not_before = now() where order_num = 'ORDER'" },
    Stop { name: "UNPROVEN", says: "attention: unproven", stops_a_resubmit: false,
           begins: "update payout.payouts set attention_reasons = '{unproven}', attention_since = now() where order_num = 'ORDER'",
           ends: "update payout.payouts set attention_reasons = '{}', attention_since = null where order_num = 'ORDER'" },
    Stop { name: "CONTRADICTED", says: "attention: late_success", stops_a_resubmit: false,
           begins: "update payout.payouts set attention_reasons = '{late_success}', attention_since = now() where order_num = 'ORDER'",
           ends: "update payout.payouts set attention_reasons = '{}', attention_since = null where order_num = 'ORDER'" },
    Stop { name: "UNCONFIRMED", says: "which it replaces, is not confirmed", stops_a_resubmit: true,
           begins: REPLACES,
           ends: CONFIRMED },
    Stop { name: "LATE-SUCCESS", says: "it would pay payout FIRST again, which is failed with attention late_success", stops_a_resubmit: true,
           begins: "update payout.payouts set replaces = 'FIRST' where order_num = 'ORDER';
                    update payout.payouts set attention_reasons = '{late_success}', attention_since = now() where order_num = 'FIRST'",
           ends: "update payout.payouts set attention_reasons = '{}', attention_since = null, reaffirmed_at = clock_timestamp() where order_num = 'FIRST'" },
    Stop { name: "QUERIED-TOO-EARLY", says: "which it replaces, is not confirmed", stops_a_resubmit: true,
           begins: "update payout.payouts set replaces = 'FIRST' where order_num = 'ORDER';
                    update payout.payouts f set reaffirmed_at = r.created_at from payout.payouts r
                    where f.order_num = 'FIRST' and r.order_num = 'ORDER'", ends: CONFIRMED },
    Stop { name: "CONFIRMED-LONG-AGO", says: "which it replaces, is not confirmed", stops_a_resubmit: true,
           begins: "update payout.payouts set replaces = 'FIRST', created_at = now() - interval '1 hour' where order_num = 'ORDER';
                    update payout.payouts set reaffirmed_at = clock_timestamp() - interval '60 s' where order_num = 'FIRST'",
           ends: CONFIRMED },
    Stop { name: "OTHER-GATEWAY", says: "another gateway", stops_a_resubmit: true,
           begins: "update payout.merchants set base_url = 'https://other.example'",
           ends: "update payout.merchants set base_url = 'https://gateway.example'" },
    Stop { name: "OTHER-KEY", says: "another gateway", stops_a_resubmit: true,
           begins: "update payout.merchants set platform_keys = '{\"a key\"}'",
           ends: "update payout.merchants set platform_keys = '{}'" },
    Stop { name: "OTHER-DIALECT", says: "another gateway", stops_a_resubmit: true,
           begins: "update payout.merchants set dialect = 'toppay'", ends: "update payout.merchants set dialect = 'bdpay'" },
];

const FENCE_GONE: &str =
    "update payout.failover set changed_at = null, changed_to = null, trusted_after = null,
                          query_first_until = null, identity = payout.identity()";
const CONFIRMED: &str =
    "update payout.payouts set reaffirmed_at = clock_timestamp() where order_num = 'FIRST'";
const REPLACES: &str = "update payout.payouts set replaces = 'FIRST' where order_num = 'ORDER';
                        update payout.payouts set reaffirmed_at = null where order_num = 'FIRST'";

/// What the statement may not do to a payout by any role, so that a stop can be tried on it.
async fn force(database: &Database, statements: &str, order_num: &str) {
    database
        .run(&format!(
            "set session_replication_role = replica; {}; set session_replication_role = origin",
            statements.replace("ORDER", order_num)
        ))
        .await;
}

async fn world() -> Database {
    let database = Database::with_steps().await;
    database
        .run("insert into payout.failover (identity, quiet_horizon) values (payout.identity(), '1 second')")
        .await;
    database.insert_in("failed", "FIRST").await;
    database
}

async fn old_claim(database: &Database, order_num: &str, event: &str) -> Result<(), sqlx::Error> {
    // Its worker is configured as the merchant was registered at first.
    database
        .try_step(order_num, event, "registered gateway")
        .await
}

/// The same claim succeeds once the stop is over. The next payout has the original to itself.
async fn nothing_stops_it_afterwards(database: &Database, stop: &Stop, event: &str) {
    force(database, stop.ends, stop.name).await;
    old_claim(database, stop.name, event)
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", stop.name));
    let replaces_nothing = "update payout.payouts set replaces = null where order_num = 'ORDER'";
    force(database, replaces_nothing, stop.name).await;
}

#[tokio::test]
async fn a_claim_that_knows_of_no_stop_is_refused_by_each_of_them() {
    let database = world().await;
    for stop in STOPS {
        database.insert(stop.name, 100_000).await;
        force(&database, stop.begins, stop.name).await;
        Refusal::expected(stop.name, old_claim(&database, stop.name, "claimed").await)
            .is(stop.name, "PW041", stop.says);
        assert_eq!(database.state(stop.name).await, "queued");
        nothing_stops_it_afterwards(&database, stop, "claimed").await;
    }
}

#[tokio::test]
async fn a_resubmit_that_knows_of_no_stop_is_refused_by_each_of_them() {
    let database = world().await;
    for stop in STOPS.iter().filter(|stop| stop.stops_a_resubmit) {
        database.insert(stop.name, 100_000).await;
        for event in ["claimed", "unanswered"] {
            database.step(stop.name, event).await;
        }
        force(&database, stop.begins, stop.name).await;
        let tried = old_claim(&database, stop.name, "resubmit_granted").await;
        Refusal::expected(stop.name, tried).is(stop.name, "PW041", stop.says);
        assert_eq!(database.state(stop.name).await, "unknown");
        nothing_stops_it_afterwards(&database, stop, "resubmit_granted").await;
    }
}

/// A stop that was committed after the claim's transaction began is seen; a transaction that could not see it does not
/// claim.
#[tokio::test]
async fn a_pause_stops_a_claim_that_began_before_it() {
    let database = world().await;
    for (isolation, says) in [
        ("read committed", "an operator paused it"),
        ("repeatable read", "does not see"),
        ("serializable", "does not see"),
    ] {
        let order_num = isolation.replace(' ', "-");
        database.insert(&order_num, 100_000).await;
        let mut claiming = database.connect().await;
        let begin =
            format!("begin isolation level {isolation}; select count(*) from payout.payouts");
        sqlx::raw_sql(AssertSqlSafe(begin))
            .execute(&mut claiming)
            .await
            .unwrap();
        database
            .run("select payout.pause('all', '', 'a test')")
            .await;
        let step = format!("select public.step('{order_num}', 'claimed')");
        let tried = sqlx::raw_sql(AssertSqlSafe(step))
            .execute(&mut claiming)
            .await
            .map(drop);
        Refusal::expected(isolation, tried).is(isolation, "PW041", says);
        sqlx::raw_sql("rollback")
            .execute(&mut claiming)
            .await
            .unwrap();
        database
            .run("select payout.resume('all', '', 'a test')")
            .await;
    }
}

/// The claim chooses by the same rules as the guard: what it takes is never refused, and so never stops the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_payout_is_passed_over_and_the_others_are_claimed() {
    let world = World::with(Wishes {
        workers: 0,
        ..Wishes::default()
    })
    .await;
    let database = &world.database;
    database.fund(MERCHANT, 1_000_000).await;
    register_identity(database.pool(), Duration::from_secs(3))
        .await
        .unwrap();
    // One payout has one replacement.
    let all = STOPS.iter().filter(|stop| {
        stop.begins.contains("ORDER")
            && (stop.name == "UNCONFIRMED" || !stop.begins.contains("replaces"))
    });
    for stop in all.clone() {
        world.enqueue(stop.name, 10_000, 0).await;
    }
    world.enqueue("FIRST", 10_000, 0).await;
    world.enqueue("FREE", 10_000, 0).await;
    for stop in all.clone() {
        force(database, stop.begins, stop.name).await;
    }
    force(
        database,
        "update payout.payouts set due_at = now() + interval '1 day' where order_num = 'FIRST'",
        "",
    )
    .await;
    let claimed = claim(database.pool(), &world.claim_order(100))
        .await
        .unwrap();
    let taken: Vec<&str> = claimed
        .permits
        .iter()
        .map(|permit| permit.key().order_num.as_str())
        .collect();
    // The claim goes by due_at, which follows not_before.
    assert_eq!(taken, ["FREE"]);
}
