//! What a login without a role can do, and what a careless reader misses.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::support::{
    database::{DEADLINE, Database},
    refusal::Refusal,
    world::World,
};

async fn attempt(session: &mut PgConnection, statements: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(session)
        .await
        .map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_wake_up_only_makes_the_worker_look() {
    let world = World::start().await;
    world
        .database
        .run(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name, not_before)
             values ('EARLY-1', 1000, 0, '014', '0012345678', 'Siti Rahayu', now() + interval '1 hour')",
        )
        .await;
    let mut believer = world.database.listen("payout_status").await;
    let login = world.database.login(&[]).await;
    let mut stranger = world.database.connect_as(&login).await;
    attempt(
        &mut stranger,
        "select pg_notify('payout_status', 'EARLY-1')",
    )
    .await
    .unwrap();
    // A program that believes the payload learns of a change that did not happen.
    let received = tokio::time::timeout(DEADLINE, believer.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(received.payload(), "EARLY-1");
    assert_eq!(world.database.state("EARLY-1").await, "queued");

    let flood = "select pg_notify(c, 'EARLY-1'), pg_notify(c, n::text)
                 from generate_series(1, 2000) n, (values ('payout_queued'), ('payout_status')) v (c)";
    for number in 0..10 {
        attempt(&mut stranger, flood).await.unwrap();
        world.enqueue(&format!("REAL-{number}"), 10_000, 0).await;
    }
    world
        .until(
            "select count(*) from payout.payouts where state = 'paid'",
            "10",
        )
        .await;
    assert_eq!(world.database.state("EARLY-1").await, "queued");
    assert_eq!(world.submits_of("EARLY-1"), 0);
    assert_eq!(world.sandbox.submits().len(), 10);
}

/// That every function with the owner's rights is safe is tested by
/// `security_definer_functions_resolve_names_in_our_schema_only`.
#[tokio::test]
async fn a_temporary_table_with_the_name_of_ours_grants_nothing() {
    let database = Database::fresh().await;
    database.register_merchant("M1").await;
    database.register_merchant("M2").await;
    let login = database.login(&["payout_enqueuer"]).await;
    let mut session = database.connect_as(&login).await;
    attempt(
        &mut session,
        &format!(
            "create temporary table enqueuers (role_name text, merchant_code text);
             insert into enqueuers values ('{login}', 'M2')"
        ),
    )
    .await
    .unwrap();
    let insert = |order_num: &str| {
        format!(
            "insert into payout.payouts (merchant_code, order_num, amount, fee_type, bank_code, account_number,
                                         account_name)
             values ('M2', '{order_num}', 1000, 0, '014', '0012345678', 'Siti Rahayu')"
        )
    };
    let tried = attempt(&mut session, &insert("STOLEN-1")).await;
    Refusal::expected("the stranger's table", tried).is("the stranger's table", "PW007", "may not");

    // The same rule, written carelessly: it finds the stranger's table, and the stranger spends M2's money.
    database
        .run(
            "create or replace function payout.may_enqueue(merchant text) returns boolean
             language plpgsql stable security definer set search_path = payout, pg_catalog as $$
             begin
                 return exists (select from enqueuers e
                                where e.merchant_code = merchant and e.role_name = session_user);
             end $$",
        )
        .await;
    attempt(&mut session, &insert("STOLEN-1")).await.unwrap();
    assert_eq!(database.state("STOLEN-1").await, "queued");
}

/// How the view prevents it is tested by
/// `a_row_is_not_shown_while_an_older_transaction_could_still_add_one_before_it`.
#[tokio::test]
async fn a_reader_of_the_history_table_misses_late_commits() {
    let database = Database::with_merchant().await;
    let (mut older, mut newer) = (database.connect().await, database.connect().await);
    let insert = |order_num: &str| {
        format!(
            "begin;
             insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
             values ('{order_num}', 1000, 0, '014', '0012345678', 'Siti Rahayu');"
        )
    };
    attempt(&mut older, &insert("older")).await.unwrap();
    attempt(&mut newer, &format!("{} commit", insert("newer")))
        .await
        .unwrap();
    let mut missed = Vec::new();
    for (source, expected) in [("payout.history", "newer"), ("payout.events", "")] {
        let first = format!("select string_agg(order_num, ' ') from {source}");
        assert_eq!(database.text(&first).await, expected, "{source}");
        let cursor = format!("select coalesce(max(seq), 0) from {source}");
        missed.push((source, database.text(&cursor).await));
    }
    attempt(&mut older, "commit").await.unwrap();
    database
        .until("select (select count(*) from payout.events) = 2")
        .await;
    for (source, cursor) in missed {
        let rest = format!(
            "select string_agg(order_num, ' ' order by seq) from {source} where seq > {cursor}"
        );
        let expected = if source == "payout.events" {
            "older newer"
        } else {
            ""
        };
        assert_eq!(database.text(&rest).await, expected, "{source}");
    }
}
