//! Who books funding by hand, and that the audit shows it.

use super::{Desk, payout};
use crate::support::{
    database::{Database, MERCHANT},
    refusal::Refusal,
    world::World,
};

const AVAILABLE: &str = "select available from payout.accounts";

#[tokio::test(flavor = "multi_thread")]
async fn two_people_book_funding_where_the_gateways_balance_funds() {
    let world = World::start().await;
    let desk = Desk::of(&world).await;
    world.until("select count(*) from payout.ledger", "1").await;
    for amount in ["50000000", "-50000000"] {
        let alone = format!("select payout.fund('{MERCHANT}', {amount}, 'TRF {amount}')");
        let refused = Refusal::expected(&alone, world.database.try_run(&alone).await);
        refused.is(&alone, "PW031", "two people must agree");
        assert!(
            refused.hint.contains("payout.request_fund"),
            "{}",
            refused.hint
        );
    }
    let fund = [
        "fund",
        "50000000",
        "--reference",
        "TRF 1",
        "--reason",
        "paid in by hand",
    ];
    let said = payout(&world, &desk.one, &fund).await.with(5);
    assert!(
        said.err.contains("follow its balance at the gateway"),
        "{}",
        said.err
    );
    let id = said.request();
    payout(&world, &desk.one, &fund).await.with(4);
    payout(&world, &desk.one, &["approve", &id]).await.with(4);
    assert_eq!(
        world.database.text(AVAILABLE).await,
        "1000000000",
        "nothing is booked"
    );

    let waits = payout(&world, &desk.other, &["approvals"])
        .await
        .with(0)
        .rows();
    assert_eq!(waits[0]["kind"], "fund");
    assert_eq!(waits[0]["subject"], "TRF 1");
    assert_eq!(waits[0]["amount"], 50_000_000);
    let done = payout(&world, &desk.other, &["approve", &id]).await.with(0);
    assert_eq!(done.rows()[0]["outcome"], "done");
    assert_eq!(world.database.text(AVAILABLE).await, "1050000000");
    // A repetition is harmless, as ever.
    payout(&world, &desk.one, &fund).await.with(0);
    assert_eq!(world.database.text(AVAILABLE).await, "1050000000");
    let acts = payout(&world, &desk.one, &["audit"]).await.with(0).rows();
    let told: Vec<(&str, &str)> = acts
        .iter()
        .map(|act| (act["act"].as_str().unwrap(), act["actor"].as_str().unwrap()))
        .collect();
    let (one, other) = (desk.one.as_str(), desk.other.as_str());
    for act in [
        ("fund_requested", one),
        ("approved", other),
        ("funded", other),
    ] {
        assert!(told.contains(&act), "{act:?} {told:?}");
    }
}

/// A person booked under a reference that looked like the program's own, and the audit left it out.
#[tokio::test]
async fn what_a_person_books_is_audited_whatever_its_reference() {
    let database = Database::with_merchant().await;
    let login = database.login(&["payout_operator"]).await;
    let mut session = database.connect_as(&login).await;
    for reference in [
        "gateway after 99",
        "gateway opening",
        "gateway after ",
        "TRF 1",
    ] {
        let fund = format!("select payout.fund('{MERCHANT}', 77000000, '{reference}')");
        sqlx::raw_sql(sqlx::AssertSqlSafe(fund))
            .execute(&mut session)
            .await
            .unwrap();
        let audited = format!(
            "select string_agg(actor || ' ' || detail, ', ') from payout.audit where act = 'funded' and reason = '{reference}'"
        );
        assert_eq!(
            database.text(&audited).await,
            format!("{login} Rp 77000000")
        );
    }
}

/// Whoever books the reference that the program uses next would otherwise keep the gateway's money out of the books.
#[tokio::test(flavor = "multi_thread")]
async fn a_persons_reference_does_not_keep_the_gateways_own_funding_out() {
    let mut world = World::start().await;
    world.until("select count(*) from payout.ledger", "1").await;
    world.stop_workers().await;
    let next = "select 'gateway after ' || max(id) + 1 from payout.ledger";
    let next = world.database.text(next).await;
    world
        .database
        .agree(&format!(
            "select payout.request_fund('{MERCHANT}', 1, '{next}', 'a test')"
        ))
        .await;
    let last = world
        .database
        .text("select max(id) from payout.ledger")
        .await;
    assert_eq!(next, format!("gateway after {last}"));
    world
        .database
        .run(&format!(
            "select payout.fund_from_gateway('{MERCHANT}', 500, '{next}')"
        ))
        .await;
    let booked = "select string_agg(available || ' ' || funded_by, ', ' order by id) from payout.ledger where reference like 'gateway after%'";
    assert_eq!(world.database.text(booked).await, "1 person, 500 gateway");
    let audited = "select string_agg(detail, ', ') from payout.audit where act = 'funded'";
    assert_eq!(world.database.text(audited).await, "Rp 1");
}

/// One person may book for the merchant when it is requested; by the time of the approval its gateway funds it.
#[tokio::test]
async fn a_request_takes_two_people_if_it_takes_two_when_it_is_decided() {
    let database = Database::with_merchant().await;
    let one = database.login(&["payout_operator"]).await;
    let mut one = database.connect_as(&one).await;
    database
        .run("update payout.merchants set funding = 'gateway'")
        .await;
    let request = format!("select payout.request_fund('{MERCHANT}', 5, 'TRF 1', 'a test')");
    sqlx::raw_sql(sqlx::AssertSqlSafe(request))
        .execute(&mut one)
        .await
        .unwrap();
    // Never fewer than when it was made.
    database
        .run("update payout.merchants set funding = 'books'")
        .await;
    let approve = "select payout.approve(max(id)) from payout.requests";
    let alone = sqlx::raw_sql(approve).execute(&mut one).await;
    Refusal::expected(approve, alone).is(approve, "PW021", "");
    database.run(approve).await;
    assert_eq!(database.text(AVAILABLE).await, "10000000005");
}
