//! No two acts of one person do together what takes two people.

use payout_sandbox::{Fault, Script};

use super::{Desk, PATIENT, agree, payout};
use crate::support::{
    database::Database,
    refusal::Refusal,
    world::{Wishes, World},
};

fn resolve<'a>(order: &'a str, end: &'a str) -> [&'a str; 10] {
    let (evidence, reason) = ("ticket:77", "told by phone");
    [
        "resolve",
        order,
        "--as",
        end,
        "--evidence",
        evidence,
        "--reason",
        reason,
        "--confirm",
        order,
    ]
}

/// Enqueues a payout that the gateway books; then it answers nothing about it any more.
pub(super) async fn book_and_mute(world: &World, order: &str) {
    book(world, order, Script::fault(Fault::QueryHttp500)).await;
}

/// The same, and the order does not end before the test says how.
pub(super) async fn book_and_hold(world: &World, order: &str) {
    book(world, order, super::staying(Some(Fault::QueryHttp500))).await;
}

async fn book(world: &World, order: &str, then: Script) {
    let unanswered = Script {
        query_fault: Some(Fault::QueryHttp500),
        ..super::staying(Some(Fault::CutAfter))
    };
    world.sandbox.script(order, unanswered);
    world.enqueue(order, 100_000, 1).await;
    world.until_state(order, "unknown").await;
    world.sandbox.script(order, then);
}

/// One login stated `paid` and then `returned` inside the quiet horizon, which freed the hold; the gateway paid
/// afterwards, and the debt was paid a second time.
#[tokio::test(flavor = "multi_thread")]
async fn one_person_does_not_free_a_hold_by_stating_paid_and_then_returned() {
    let world = World::with(Wishes {
        sections: PATIENT,
        ..Wishes::default()
    })
    .await;
    let desk = Desk::of(&world).await;
    book_and_mute(&world, "INV-1").await;
    let early = payout(&world, &desk.one, &resolve("INV-1", "paid"))
        .await
        .with(5);
    payout(&world, &desk.one, &["approve", &early.request()])
        .await
        .with(4);
    assert_eq!(world.database.state("INV-1").await, "unknown");
    let reject = ["reject", &early.request(), "--reason", "too early"];
    payout(&world, &desk.one, &reject).await.with(0);

    // After the quiet horizon nothing contradicts the statement, so one person is enough for it.
    let quiet_is_over = "select now() > payout.quiet_until(p) from payout.payouts p";
    world.until(quiet_is_over, "true").await;
    let paid = [&resolve("INV-1", "paid")[..], &["--fee", "2500"]].concat();
    payout(&world, &desk.one, &paid).await.with(0);
    assert_eq!(world.database.state("INV-1").await, "paid");
    let [available, ..] = world.accounts().await;

    // That it came back would free the money, and it rests on nothing but the same person's word.
    let back = payout(&world, &desk.one, &resolve("INV-1", "returned"))
        .await
        .with(5);
    payout(&world, &desk.one, &["approve", &back.request()])
        .await
        .with(4);
    assert_eq!(world.database.state("INV-1").await, "paid");
    assert_eq!(world.accounts().await[0], available, "nothing is freed");
    payout(
        &world,
        &desk.other,
        &[
            "reject",
            &back.request(),
            "--reason",
            "the bank must confirm it",
        ],
    )
    .await
    .with(0);

    // The gateway confirms the payment. That says nothing about a return.
    world
        .sandbox
        .script("INV-1", Script::ends(payout_sandbox::Ending::Paid));
    let confirmed = "select not payout.rests_on_statement(p) from payout.payouts p";
    payout(&world, &desk.one, &["replay", "INV-1"])
        .await
        .with(0);
    world.until(confirmed, "true").await;
    agree(&world, &desk, &resolve("INV-1", "returned")).await;
    assert_eq!(world.database.state("INV-1").await, "returned");
}

const RETURNED: &str =
    "select payout.resolve('INV-1', 'returned', 'letter 7', 'ticket 1', confirm => 'INV-1')";
const NEWEST_REQUEST: &str = "select people || ' ' || coalesce(decision, 'waits') from payout.requests order by id desc limit 1";

/// One person stated that a payment came back which the gateway had confirmed: the merchant was credited, and the debt was
/// paid again.
#[tokio::test]
async fn one_person_does_not_credit_a_merchant_with_a_return_that_the_gateway_does_not_report() {
    let database = Database::with_steps().await;
    database.insert_in("paid", "INV-1").await;
    let (one, other) = (
        database.login(&["payout_operator"]).await,
        database.login(&["payout_operator"]).await,
    );
    let (mut one, mut other) = (
        database.connect_as(&one).await,
        database.connect_as(&other).await,
    );
    sqlx::query(RETURNED).execute(&mut one).await.unwrap();
    assert_eq!(database.text(NEWEST_REQUEST).await, "2 waits");
    let approve = "select payout.approve(max(id)) from payout.requests where decision is null";
    Refusal::expected(approve, sqlx::query(approve).execute(&mut one).await)
        .is(approve, "PW021", "is yours");
    database
        .try_run("select public.step('INV-1', 'resolved_returned', 'request')")
        .await
        .unwrap_err();
    assert_eq!(database.state("INV-1").await, "paid");
    sqlx::query(approve).execute(&mut other).await.unwrap();
    database
        .run("select public.step('INV-1', 'resolved_returned', 'request')")
        .await;
    assert_eq!(database.state("INV-1").await, "returned");
}

/// Nor does it count for long: the gateway takes it back between the request and the act.
#[tokio::test]
async fn a_return_that_the_gateway_reports_takes_one_person_until_it_answers_otherwise() {
    let database = Database::with_steps().await;
    database.insert_in("paid", "INV-1").await;
    let failed = r#"select public.receive('INV-1', '{"source": "query", "kind": "found", "status": 4, "signed": true}')"#;
    database.run(failed).await;
    let one = database.login(&["payout_operator"]).await;
    let mut one = database.connect_as(&one).await;
    sqlx::query(RETURNED).execute(&mut one).await.unwrap();
    assert_eq!(database.text(NEWEST_REQUEST).await, "1 approved");
    let paid = r#"select public.receive('INV-1', '{"source": "query", "kind": "found", "status": 2, "signed": true}')"#;
    database.run(paid).await;
    let moves = "select public.step('INV-1', 'resolved_returned', 'request')";
    Refusal::expected(moves, database.try_run(moves).await).is(
        moves,
        "PW024",
        "it takes two people now",
    );
    database.run(failed).await;
    database.run(moves).await;
    assert_eq!(database.state("INV-1").await, "returned");
}

/// The request took one person; before a worker carries it out, the gateway contradicts it.
#[tokio::test]
async fn what_took_one_person_when_requested_and_takes_two_now_is_not_carried_out() {
    let database = Database::with_steps().await;
    database.insert_in("unknown", "INV-1").await;
    database.end_quiet_horizons().await;
    let one = database.login(&["payout_operator"]).await;
    let mut one = database.connect_as(&one).await;
    let resolve =
        "select payout.resolve('INV-1', 'paid', 'letter 7', 'ticket 1', confirm => 'INV-1')";
    sqlx::query(resolve).execute(&mut one).await.unwrap();
    let people = "select people || ' ' || decision from payout.requests";
    assert_eq!(database.text(people).await, "1 approved");
    database
        .run(r#"select public.receive('INV-1', '{"source": "query", "kind": "not_found", "proves": "absence"}')"#)
        .await;
    let moves = "select public.step('INV-1', 'resolved_paid', 'request')";
    let refused = database.try_run(moves).await.unwrap_err().to_string();
    assert!(refused.contains("it takes two people now"), "{refused}");
    assert_eq!(database.state("INV-1").await, "unknown");
}

/// Whoever may approve must be another person also when only the decision comes after the contradiction.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_payout_that_the_gateway_did_not_report_paid_is_paid_by_two_people() {
    let world = World::start().await;
    let desk = Desk::of(&world).await;
    world
        .sandbox
        .script("INV-1", Script::ends(payout_sandbox::Ending::Failed));
    world.enqueue("INV-1", 100_000, 1).await;
    world.until_state("INV-1", "failed").await;
    agree(&world, &desk, &resolve("INV-1", "paid")).await;
    assert_eq!(world.database.state("INV-1").await, "paid");
}
