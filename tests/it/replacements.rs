//! A debt is paid once, however often its payout was replaced: every payout of it must be surely unpaid, at the insert of
//! the next one, when that is claimed, and when the guard looks.

mod confirmed;

use std::time::Duration;

use payout_sandbox::{Ending, Fault, Script};
use payout_worker::store::failover::register_identity;
use sqlx::AssertSqlSafe;

use crate::support::{
    claim::claim,
    database::{Database, MERCHANT},
    refusal::Refusal,
    world::{Wishes, World},
};

/// Ways in which a failed payout may have been paid after all, and what the refusal calls it. `ORDER` is its order number.
const DOUBTS: [(&str, &str); 4] = [
    (
        "update payout.payouts set attention_reasons = '{late_success}' where order_num = 'ORDER'",
        "failed with attention late_success",
    ),
    (
        "update payout.payouts set attention_reasons = '{contradiction}' where order_num = 'ORDER'",
        "failed with attention contradiction",
    ),
    ("select public.step('ORDER', 'resolved_paid')", "paid"),
    (
        "select public.step('ORDER', 'resolved_paid'); select public.step('ORDER', 'resolved_returned')",
        "returned",
    ),
];

fn replacing(original: &str, order_num: &str) -> String {
    format!(
        "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name, replaces)
         values ('{order_num}', 100000, 0, '014', '0012345678', 'Siti Rahayu', '{original}')"
    )
}

/// Each replaces the one before, and all have failed.
async fn failed_chain(database: &Database, chain: &[&str]) {
    database.insert_in("failed", chain[0]).await;
    for pair in chain.windows(2) {
        database.run(&replacing(pair[0], pair[1])).await;
        for original in chain.iter().take_while(|original| **original != pair[1]) {
            database.confirm_failure(original).await;
        }
        database.step(pair[1], "claimed").await;
        database.step(pair[1], "reported_failed").await;
    }
}

/// A database without workers, in which payouts can be stepped and claimed.
async fn world() -> World {
    let world = World::with(Wishes {
        workers: 0,
        ..Wishes::default()
    })
    .await;
    world.database.make_steps().await;
    world.database.fund(MERCHANT, 1_000_000_000).await;
    register_identity(world.database.pool(), Duration::from_secs(3))
        .await
        .unwrap();
    world
}

/// The order numbers that a claim takes.
async fn claimed(world: &World) -> Vec<String> {
    let claimed = claim(world.database.pool(), &world.claim_order(100))
        .await
        .unwrap();
    let permits = claimed.permits.iter();
    permits
        .map(|permit| permit.key().order_num.clone())
        .collect()
}

/// Neither does the claim take it, nor does the guard let it be sent.
async fn assert_stopped(world: &World, order_num: &str, says: &str) {
    assert_eq!(claimed(world).await, Vec::<String>::new(), "{says}");
    let tried = world.database.try_step(order_num, "claimed", "").await;
    Refusal::expected(says, tried).is(says, "PW041", says);
}

#[tokio::test]
async fn a_replacement_is_refused_if_any_payout_of_its_debt_may_have_been_paid() {
    let database = Database::with_steps().await;
    let chain = ["INV-0", "INV-1", "INV-2", "INV-3"];
    failed_chain(&database, &chain).await;
    let mut session = database.connect().await;
    for original in chain {
        for (doubt, what) in DOUBTS {
            let attack = format!(
                "begin; {}; {}",
                doubt.replace("ORDER", original),
                replacing("INV-3", "INV-4")
            );
            let tried = sqlx::raw_sql(AssertSqlSafe(attack.clone()))
                .execute(&mut session)
                .await
                .map(drop);
            let refusal = Refusal::expected(&attack, tried);
            refusal.is(&attack, "PW008", &format!("payout {original} is {what}"));
            assert_eq!(refusal.column, "replaces", "{refusal:?}");
            sqlx::raw_sql("rollback")
                .execute(&mut session)
                .await
                .unwrap();
        }
    }
    database.run(&replacing("INV-3", "INV-4")).await;
}

#[tokio::test]
async fn a_replacement_is_not_sent_before_every_failure_of_its_debt_is_confirmed() {
    let world = world().await;
    let database = &world.database;
    failed_chain(database, &["INV-0", "INV-1", "INV-2"]).await;
    database.run(&replacing("INV-2", "INV-3")).await;
    for confirmed in ["INV-1", "INV-2"] {
        database.confirm_failure(confirmed).await;
        assert_stopped(&world, "INV-3", "the failure of payout INV-0").await;
    }
    // Once more, because a confirmation counts for a minute, which may have passed on a busy machine.
    for confirmed in ["INV-0", "INV-1", "INV-2"] {
        database.confirm_failure(confirmed).await;
    }
    assert_eq!(claimed(&world).await, ["INV-3"]);
}

#[tokio::test]
async fn a_replacement_is_not_sent_once_any_payout_of_its_debt_may_have_been_paid() {
    for original in ["INV-0", "INV-1"] {
        for (doubt, what) in DOUBTS {
            let world = world().await;
            let database = &world.database;
            failed_chain(database, &["INV-0", "INV-1"]).await;
            database.run(&replacing("INV-1", "INV-2")).await;
            for failed in ["INV-0", "INV-1"] {
                database.confirm_failure(failed).await;
            }
            database.run(&doubt.replace("ORDER", original)).await;
            let says = format!("it would pay payout {original} again, which is {what}");
            assert_stopped(&world, "INV-2", &says).await;
            assert_eq!(database.state("INV-2").await, "queued");
        }
    }
}

/// Two replacements of the same payout, one after the other. The first was withdrawn, and is found at the gateway: a
/// failover lost its claim.
#[tokio::test]
async fn a_withdrawn_replacement_that_the_gateway_knows_stops_the_next_one() {
    let world = world().await;
    let database = &world.database;
    database.insert_in("failed", "INV-0").await;
    database.run(&replacing("INV-0", "FIRST")).await;
    database
        .run("select payout.cancel('FIRST', 'a test')")
        .await;
    let known =
        "update payout.payouts set attention_reasons = '{contradiction}' where order_num = 'FIRST'";
    let refused = format!("begin; {known}; {}", replacing("INV-0", "SECOND"));
    let mut session = database.connect().await;
    let tried = sqlx::raw_sql(AssertSqlSafe(refused.clone()))
        .execute(&mut session)
        .await
        .map(drop);
    Refusal::expected(&refused, tried).is(
        &refused,
        "PW008",
        "payout FIRST is cancelled with attention contradiction",
    );
    drop(session);

    database.run(&replacing("INV-0", "SECOND")).await;
    database.confirm_failure("INV-0").await;
    database.run(known).await;
    let says = "it would pay payout FIRST again, which is cancelled with attention contradiction";
    assert_stopped(&world, "SECOND", says).await;
}

/// Nobody can query it any more, and the "not found" of the gateway that is registered now would pass for a confirmation.
#[tokio::test]
async fn what_failed_at_another_gateway_is_paid_again_by_no_later_replacement() {
    let world = world().await;
    let database = &world.database;
    failed_chain(database, &["INV-0", "INV-1"]).await;
    let moved = |since: &str| {
        format!(
            "set session_replication_role = replica;
             update payout.merchants set gateway_since = {since};
             set session_replication_role = origin"
        )
    };
    let between = "(select p.state_since + interval '1 us' from payout.payouts p where p.order_num = 'INV-0')";
    database.run(&moved(between)).await;
    let insert = replacing("INV-1", "INV-2");
    let says = "payout INV-0 failed at another gateway";
    Refusal::expected(&insert, database.try_run(&insert).await).is(&insert, "PW008", says);

    database.run(&moved("'-infinity'")).await;
    database.run(&insert).await;
    for failed in ["INV-0", "INV-1"] {
        database.confirm_failure(failed).await;
    }
    database.run(&moved(between)).await;
    let says = "payout INV-0, which it replaces, failed at another gateway";
    assert_stopped(&world, "INV-2", says).await;
}

#[tokio::test]
async fn enqueueing_a_replacement_queries_every_payout_of_its_debt() {
    let database = Database::with_steps().await;
    failed_chain(&database, &["INV-0", "INV-1"]).await;
    database.run(&replacing("INV-1", "GONE")).await;
    database.run("select payout.cancel('GONE', 'a test')").await;
    database
        .run("update payout.payouts set next_query_at = null")
        .await;
    database.run(&replacing("INV-1", "INV-2")).await;
    let due = "select string_agg(order_num, ' ' order by order_num) from payout.payouts where next_query_at <= now()";
    assert_eq!(database.text(due).await, "GONE INV-0 INV-1");
}

/// `replaces` is frozen and names what was there before and has failed, so it never leads back.
#[tokio::test]
async fn no_payout_replaces_itself_or_a_later_one() {
    let world = world().await;
    let database = &world.database;
    failed_chain(database, &["INV-0", "INV-1"]).await;
    let row = |order_num: &str, replaces: &str| {
        format!("('{order_num}', 100000, 0, '014', '0012345678', 'Siti Rahayu', '{replaces}')")
    };
    let together = "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name,
                                                replaces) values ";
    for attack in [
        replacing("SELF", "SELF"),
        format!("{together} {}, {}", row("A", "B"), row("B", "A")),
        format!("{together} {}, {}", row("A", "INV-1"), row("B", "A")),
        format!(
            "with first as ({} returning order_num) {}",
            replacing("INV-1", "A"),
            replacing("A", "B")
        ),
    ] {
        Refusal::expected(&attack, database.try_run(&attack).await)
            .is(&attack, "PW008", "replaces");
    }
    let later = "update payout.payouts set replaces = 'INV-1' where order_num = 'INV-0'";
    Refusal::expected(later, database.try_run(later).await).is(later, "PW011", "frozen");

    // Even if somebody forces it, the walk ends, and nothing of it is sent.
    database.run(&replacing("INV-1", "INV-2")).await;
    database
        .run(
            "set session_replication_role = replica;
              update payout.payouts set replaces = 'INV-2' where order_num = 'INV-0';
              set session_replication_role = origin",
        )
        .await;
    for failed in ["INV-0", "INV-1"] {
        database.confirm_failure(failed).await;
    }
    assert_stopped(&world, "INV-2", "it would pay payout INV-2 again, which is").await;
}

/// The attack from outside, with a worker and a gateway: it pays the first payout after both had failed.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_pays_the_first_payout_after_its_replacement_failed_pays_the_debt_once() {
    let world = World::start().await;
    for order_num in ["INV-0", "INV-1"] {
        world
            .sandbox
            .script(order_num, Script::ends(Ending::Failed));
    }
    world.enqueue("INV-0", 100_000, 0).await;
    world.until_state("INV-0", "failed").await;
    world.database.run(&replacing("INV-0", "INV-1")).await;
    world.until_state("INV-1", "failed").await;

    let late = Script {
        fault: Some(Fault::FlipAfterFailed),
        ends: Some(Ending::Failed),
        ..Script::default()
    };
    world.sandbox.script("INV-0", late);
    world.database.run(&replacing("INV-1", "INV-2")).await;
    let attention = "select attention from payout.payouts where order_num = 'INV-0'";
    world.until(attention, "late_success").await;
    let confirmed = "select f.reaffirmed_at > r.created_at from payout.payouts f, payout.payouts r
                     where f.order_num = 'INV-1' and r.order_num = 'INV-2'";
    world.until(confirmed, "true").await;

    assert_eq!(claimed(&world).await, Vec::<String>::new());
    assert_eq!(world.database.state("INV-2").await, "queued");
    assert_eq!(world.submits_of("INV-2"), 0);
}
