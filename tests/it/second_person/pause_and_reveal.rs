//! A pause stops claims and nothing else; every reveal of a beneficiary is recorded; the doctor finds what is wrong.

use std::process::Command;

use sqlx::PgConnection;

use super::{Desk, payout};
use crate::support::{
    database::{Database, MERCHANT},
    refusal::Refusal,
    server::REFUSE_REPLICATED,
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_stops_claims_and_resume_continues_them() {
    let world = World::start().await;
    let desk = Desk::of(&world).await;
    let scopes: [&[&str]; 3] = [&["--all"], &["--merchant", MERCHANT], &["--bank", "014"]];
    for (number, scope) in scopes.into_iter().enumerate() {
        let act = |verb| [&[verb, "--reason", "ticket 9"], scope].concat();
        payout(&world, &desk.one, &act("pause")).await.with(0);
        let order = format!("PAUSED-{number}");
        world.enqueue(&order, 100_000, 1).await;
        tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
        assert_eq!(world.database.state(&order).await, "queued", "{scope:?}");
        payout(&world, &desk.other, &act("resume")).await.with(0);
        world.until_state(&order, "paid").await;
        payout(&world, &desk.other, &act("resume")).await.with(3);
    }
    payout(&world, &desk.one, &["pause", "--reason", "which?"])
        .await
        .with(2);
    // A pause of another bank affects nothing else.
    payout(
        &world,
        &desk.one,
        &["pause", "--bank", "008", "--reason", "ticket 9"],
    )
    .await
    .with(0);
    world.enqueue("OTHER-1", 100_000, 1).await;
    world.until_state("OTHER-1", "paid").await;
    let acts = "select string_agg(act, ' ' order by id) from payout.operator_acts";
    assert_eq!(
        world.database.text(acts).await,
        "paused resumed paused resumed paused resumed paused"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reveal_is_recorded_with_its_reason_and_denied_to_readers() {
    let world = World::start().await;
    let desk = Desk::of(&world).await;
    world.enqueue("SEEN-1", 100_000, 1).await;
    let shown = payout(
        &world,
        &desk.one,
        &["reveal", "SEEN-1", "--reason", "the bank needs it"],
    )
    .await
    .with(0);
    assert!(shown.out.contains("0012345678") && shown.out.contains("Siti Rahayu"));
    let reader = world.database.login(&["payout_reader"]).await;
    payout(
        &world,
        &reader,
        &["reveal", "SEEN-1", "--reason", "curious"],
    )
    .await
    .with(1);
    let acts = payout(&world, &reader, &["audit", "SEEN-1"]).await.with(0);
    let rows = acts.rows();
    assert_eq!(rows.len(), 2);
    for (row, act) in rows.iter().zip(["reveal_requested", "revealed"]) {
        assert_eq!(row["act"], act);
        assert_eq!(row["actor"], desk.one.as_str());
        assert_eq!(row["reason"], "the bank needs it");
    }
    assert!(!acts.out.contains("0012345678"));
    payout(&world, &desk.one, &["reveal", "SEEN-1", "--reason", " "])
        .await
        .with(2);
    payout(
        &world,
        &desk.one,
        &["reveal", "NEVER-1", "--reason", "ticket 1"],
    )
    .await
    .with(3);
}

/// `begin; reveal; rollback` showed the number and left no trace.
#[tokio::test]
async fn a_rollback_hides_no_reveal() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 100_000).await;
    let login = database.login(&["payout_operator"]).await;
    let other = database.login(&["payout_operator"]).await;
    let mut one = database.connect_as(&login).await;
    let mut other = database.connect_as(&other).await;
    let request = "select payout.request_reveal('INV-1', 'the bank needs it')";
    let reveal = "select account_number from payout.reveal('INV-1')";
    let number = async |db: &mut PgConnection, statement: &'static str| {
        sqlx::query_scalar::<_, String>(statement)
            .fetch_one(db)
            .await
    };
    let run = async |db: &mut PgConnection, statement: &'static str| {
        sqlx::raw_sql(statement).execute(db).await.unwrap();
    };
    for before in [
        "select 1",
        "begin",
        "begin; select payout.request_reveal('INV-1', 'x')",
    ] {
        run(&mut one, before).await;
        Refusal::expected(before, number(&mut one, reveal).await).is(
            before,
            "PW030",
            "no committed request",
        );
        run(&mut one, "rollback").await;
    }
    run(&mut one, "begin; savepoint s").await;
    run(&mut one, request).await;
    run(&mut one, "release savepoint s").await;
    Refusal::expected(reveal, number(&mut one, reveal).await).is(reveal, "PW030", "");
    run(&mut one, "rollback").await;
    assert_eq!(
        database.text("select count(*) from payout.audit").await,
        "1",
        "the top-up"
    );

    run(&mut one, request).await;
    Refusal::expected(reveal, number(&mut other, reveal).await).is(reveal, "PW030", "");
    run(&mut one, "begin").await;
    assert_eq!(number(&mut one, reveal).await.unwrap(), "0012345678");
    run(&mut one, "rollback").await;
    let kept = "select string_agg(act || ' ' || actor || ' ' || reason, ', ') from payout.audit where order_num = 'INV-1'";
    assert_eq!(
        database.text(kept).await,
        format!("reveal_requested {login} the bank needs it")
    );

    // It does not hold for ever.
    database
        .run(
            "alter table payout.requests disable trigger user;
             update payout.requests set requested_at = now() - interval '11 minutes', expires_at = now() - interval '1 minute',
                                        decided_at = now() - interval '11 minutes';
             alter table payout.requests enable trigger user",
        )
        .await;
    Refusal::expected(reveal, number(&mut one, reveal).await).is(reveal, "PW030", "");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_is_wrong_and_how_to_fix_it() {
    let world = World::start().await;
    world.database.run(REFUSE_REPLICATED).await;
    let reader = world.database.login(&["payout_reader"]).await;
    let said = payout(&world, &reader, &["doctor"]).await.with(0).rows();
    let verdict = |what: &str| {
        let found = said.iter().find(|row| row["check"] == what);
        found.map(|row| row["verdict"].as_str().unwrap().to_owned())
    };
    assert_eq!(
        verdict("configuration").as_deref(),
        Some("warn"),
        "none is named"
    );
    assert_eq!(verdict("database").as_deref(), Some("ok"));
    assert_eq!(verdict("clock").as_deref(), Some("ok"));
    assert_eq!(verdict("schema").as_deref(), Some("ok"));
    assert!(
        said.iter()
            .all(|row| row["verdict"] == "ok" || row["repair"] != "")
    );
    let nowhere = Command::new(env!("CARGO_BIN_EXE_payout"))
        .args([
            "doctor",
            "--database-url",
            "postgres://nobody@127.0.0.1:1/nothing",
        ])
        .env_remove("PAYOUT_CONFIG")
        .output()
        .unwrap();
    assert_eq!(nowhere.status.code(), Some(1));
}
