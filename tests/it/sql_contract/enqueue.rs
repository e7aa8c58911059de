//! Enqueueing twice is safe; enqueueing something else under the same order number is refused.

use super::refusals::{INSTRUCTION, both_ways};
use crate::support::{database::Database, refusal::Refusal};

/// What `payout.enqueue` returns, as text.
async fn enqueue(database: &Database, arguments: &str) -> Result<String, sqlx::Error> {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
        "select row(e.*)::text from payout.enqueue({arguments}) e"
    )))
    .fetch_one(database.pool())
    .await
}

/// Enough that a whole table read at each of them is far more than the bound.
const CALLS: i32 = 200;

const FULL: &str = "order_num => 'INV-1', amount => 250000, fee_type => 1, bank_code => '014',
    account_number => '7766554433', account_name => 'Canary Zebra', description => 'rent',
    not_before => '2030-01-01 UTC', priority => 3, metadata => '{\"a\": 1}'";

#[tokio::test]
async fn an_identical_repeat_is_accepted_and_creates_nothing() {
    let database = Database::with_merchant().await;
    assert_eq!(enqueue(&database, FULL).await.unwrap(), "(INV-1,queued,t)");
    for same in [
        FULL.to_owned(),
        FULL.replace("250000", "2.5e5"),
        FULL.replace("250000", "250000.00"),
        FULL.replace("250000", "250000.0000"),
        FULL.replace("2030-01-01 UTC", "2030-01-01 07:00+07"),
        format!("{FULL}, merchant_code => 'S2020198627344'"),
    ] {
        assert_eq!(
            enqueue(&database, &same).await.unwrap(),
            "(INV-1,queued,f)",
            "{same}"
        );
    }
    database.run("select payout.cancel('INV-1', 'test')").await;
    assert_eq!(
        enqueue(&database, FULL).await.unwrap(),
        "(INV-1,cancelled,f)"
    );
    assert_eq!(
        database.text("select count(*) from payout.payouts").await,
        "1"
    );
    assert_eq!(
        database
            .text("select count(*) from payout.history where event = 'enqueued'")
            .await,
        "1"
    );
}

/// A driver sends a whole number as the type that its language has for it.
#[tokio::test]
async fn whole_numbers_of_any_type_are_taken() {
    let database = Database::with_merchant().await;
    for (number, of) in ["smallint", "integer", "bigint"].into_iter().enumerate() {
        let arguments = format!(
            "order_num => 'INV-{number}', amount => 25000::{of}, fee_type => 1::{of}, bank_code => '014',
             account_number => '7766554433', account_name => 'Siti Rahayu', priority => 3::{of}"
        );
        let enqueued = enqueue(&database, &arguments).await.unwrap();
        assert_eq!(enqueued, format!("(INV-{number},queued,t)"));
        database
            .run(&format!(
                "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name, priority)
                 values ('ROW-{number}', 25000::{of}, 1::{of}, '014', '7766554433', 'Siti Rahayu', 3::{of})"
            ))
            .await;
    }
    for (fee_type, priority) in [("4294967297", "0"), ("1", "4294967296")] {
        let arguments = format!(
            "order_num => 'INV-9', amount => 25000, fee_type => {fee_type}, bank_code => '014',
             account_number => '7766554433', account_name => 'Siti Rahayu', priority => {priority}"
        );
        let refused = enqueue(&database, &arguments).await.unwrap_err();
        let code = refused
            .as_database_error()
            .unwrap()
            .code()
            .unwrap()
            .into_owned();
        assert!(["PW003", "PW017"].contains(&&*code), "{refused}");
    }
}

#[tokio::test]
async fn an_identical_repeat_is_accepted_although_the_merchants_limits_have_changed() {
    let database = Database::with_merchant().await;
    enqueue(&database, FULL).await.unwrap();
    let limits = "update payout.merchants set min_amount = 300000";
    database.run(limits).await;
    let repeated = enqueue(&database, FULL).await.unwrap();
    assert_eq!(repeated, "(INV-1,queued,f)");
    let other = FULL.replace("INV-1", "INV-2");
    let refused = enqueue(&database, &other).await.unwrap_err();
    assert_eq!(Refusal::of(&refused).code, "PW002");
}

#[tokio::test]
async fn a_metadata_of_json_null_is_none() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    let repeat = "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name, metadata)
                  select order_num, amount, fee_type, bank_code, account_number, account_name, 'null' from payout.payouts
                  on conflict (merchant_code, order_num) do nothing";
    database.run(repeat).await;
}

#[tokio::test]
async fn the_same_order_number_with_anything_different_is_refused_in_every_way() {
    let database = Database::with_merchant().await;
    enqueue(&database, FULL).await.unwrap();
    for (was, now) in [
        ("250000", "250001"),
        ("fee_type => 1", "fee_type => 0"),
        ("'014'", "'008'"),
        ("7766554433", "7766554434"),
        ("Canary Zebra", "Canary Zebre"),
        ("'rent'", "'rent 2'"),
        ("'rent'", "null"),
        ("2030-01-01", "2030-01-02"),
        ("priority => 3", "priority => 4"),
        ("\"a\": 1", "\"a\": 2"),
    ] {
        let different = FULL.replace(was, now);
        assert_ne!(different, FULL, "{was}");
        let refusal = Refusal::expected(&different, enqueue(&database, &different).await);
        refusal.is(&different, "PW010", "INV-1 is already used");
        assert!(
            !refusal.hint.is_empty() && refusal.column == "order_num",
            "{refusal:?}"
        );
        assert!(
            !refusal.everything.contains("77665544"),
            "{}",
            refusal.everything
        );
        assert!(
            !refusal.everything.contains("Zebr"),
            "{}",
            refusal.everything
        );
    }
    let [insert, _] = both_ways("amount", "9");
    Refusal::expected(&insert, database.try_run(&insert).await).is(
        &insert,
        "PW010",
        "already used",
    );
    let tolerant = format!("{insert} on conflict do nothing");
    Refusal::expected(&tolerant, database.try_run(&tolerant).await).is(
        &tolerant,
        "PW010",
        "already used",
    );
}

#[tokio::test]
async fn a_plain_insert_may_be_repeated_with_on_conflict_and_is_a_duplicate_without() {
    let database = Database::with_merchant().await;
    let [insert, _] = both_ways("amount", "1000");
    database.run(&insert).await;
    let refusal = Refusal::expected("again", database.try_run(&insert).await);
    refusal.is("again", "23505", "order_num_is_used_once");
    assert!(
        !refusal.everything.contains("77665544"),
        "{}",
        refusal.everything
    );
    database
        .run(&format!(
            "{insert} on conflict (merchant_code, order_num) do nothing"
        ))
        .await;
    assert_eq!(
        database.text("select count(*) from payout.payouts").await,
        "1"
    );
}

/// Enqueues `FULL` in a session that commits only after the second session has met its row.
async fn meet(database: &Database, second: &str) -> (bool, Result<bool, sqlx::Error>) {
    let call = |arguments: &str| {
        sqlx::AssertSqlSafe(format!("select (payout.enqueue({arguments})).created"))
    };
    let mut session = database.connect().await;
    sqlx::raw_sql("begin").execute(&mut session).await.unwrap();
    let made = sqlx::query_scalar(call(FULL))
        .fetch_one(&mut session)
        .await
        .unwrap();
    let (pool, second) = (database.pool().clone(), call(second));
    let second = tokio::spawn(async move { sqlx::query_scalar(second).fetch_one(&pool).await });
    database.until_somebody_waits_for_a_lock().await;
    sqlx::raw_sql("commit").execute(&mut session).await.unwrap();
    (made, second.await.unwrap())
}

#[tokio::test]
async fn two_sessions_enqueueing_the_same_payout_create_one_and_learn_which_created_it() {
    let database = Database::with_merchant().await;
    let (first, second) = meet(&database, FULL).await;
    assert_eq!((first, second.unwrap()), (true, false));
    assert_eq!(
        database.text("select count(*) from payout.payouts").await,
        "1"
    );
}

#[tokio::test]
async fn two_sessions_enqueueing_different_payouts_under_one_number_do_not_both_succeed() {
    let database = Database::with_merchant().await;
    let (first, second) = meet(&database, &FULL.replace("250000", "250001")).await;
    assert!(first);
    Refusal::expected("the second", second).is("the second", "PW010", "INV-1 is already used");
    assert_eq!(
        database.text("select amount from payout.payouts").await,
        "250000"
    );
}

#[tokio::test]
async fn the_payout_belongs_to_the_callers_transaction() {
    let database = Database::with_merchant().await;
    let [insert, call] = both_ways("amount", "1000");
    let mut session = database.connect().await;
    for statement in [insert, call] {
        let both = format!("begin; {statement}; rollback");
        sqlx::raw_sql(sqlx::AssertSqlSafe(both))
            .execute(&mut session)
            .await
            .unwrap();
    }
    assert_eq!(
        database.text("select count(*) from payout.payouts").await,
        "0"
    );
    assert_eq!(
        database.text("select count(*) from payout.history").await,
        "0"
    );
}

#[tokio::test]
async fn an_order_number_belongs_to_its_merchant() {
    let database = Database::with_merchant().await;
    database.register_merchant("M2").await;
    for merchant in ["'S2020198627344'", "'M2'"] {
        database.run(&both_ways("merchant_code", merchant)[0]).await;
    }
    assert_eq!(
        database
            .text("select count(*) from payout.payouts where order_num = 'INV-1'")
            .await,
        "2"
    );
    for (function, arguments) in [
        ("cancel", "'INV-1', 'test'"),
        ("replay", "'INV-1'"),
        ("resubmit_proof", "'INV-1'"),
        ("contrary_evidence", "'INV-1', 'paid'"),
        ("request_reveal", "'INV-1', 'test'"),
    ] {
        let call = format!("select payout.{function}({arguments})");
        let refusal = Refusal::expected(&call, database.try_run(&call).await);
        refusal.is(&call, "PW007", "exists for 2 merchants");
        assert!(!refusal.hint.is_empty());
    }
    let proof = "select refusal from payout.resubmit_proof('INV-1', 'M2')";
    assert!(!database.text(proof).await.is_empty());
    database
        .run("select payout.cancel('INV-1', 'test', merchant_code => 'M2')")
        .await;
    let left = "select string_agg(merchant_code || ' ' || state, ', ' order by merchant_code) from payout.payouts";
    assert_eq!(
        database.text(left).await,
        "M2 cancelled, S2020198627344 queued"
    );
}

#[tokio::test]
async fn the_instruction_never_changes_after_the_insert() {
    let database = Database::with_merchant().await;
    database.run(&both_ways("description", "'rent'")[0]).await;
    let changes = INSTRUCTION.iter().map(|(column, _)| match *column {
        "order_num" => "order_num = 'INV-2'",
        "amount" => "amount = 1",
        "fee_type" => "fee_type = 0",
        "bank_code" => "bank_code = '008'",
        "account_number" => "account_number = '7766554434'",
        "account_name" => "account_name = 'Other'",
        other => panic!("{other}"),
    });
    let others = [
        "description = null",
        "replaces = 'INV-1'",
        "not_before = now()",
        "priority = 9",
        "metadata = '{}'",
        "created_at = now() - interval '1 day'",
        "created_by = 'nobody'",
        "rules = 0",
    ];
    for change in changes.chain(others) {
        let update = format!("update payout.payouts set {change}");
        let refusal = Refusal::expected(&update, database.try_run(&update).await);
        refusal.is(&update, "PW011", "the instruction is frozen");
        assert!(
            !refusal.hint.is_empty() && !refusal.everything.contains("Zebra"),
            "{refusal:?}"
        );
    }
}

/// Runs `second` while `INV-1` is enqueued by a transaction that has not ended; then that one ends as it says. Returns the
/// state and `created`, or nothing if no row comes back.
async fn race(
    database: &Database,
    second: &str,
    end: &'static str,
) -> Result<Option<(String, bool)>, sqlx::Error> {
    let (mut first, mut other) = (database.connect().await, database.connect().await);
    let enqueue = format!("begin; select payout.enqueue({FULL})");
    sqlx::raw_sql(sqlx::AssertSqlSafe(enqueue))
        .execute(&mut first)
        .await
        .unwrap();
    let ending = async {
        database.until_somebody_waits_for_a_lock().await;
        sqlx::raw_sql(end).execute(&mut first).await.unwrap();
    };
    let second = sqlx::query_as(sqlx::AssertSqlSafe(second.to_owned())).fetch_optional(&mut other);
    tokio::join!(second, ending).0
}

fn call(arguments: &str) -> String {
    format!("select state, created from payout.enqueue({arguments})")
}

#[tokio::test]
async fn enqueue_answers_rightly_while_the_same_number_is_being_enqueued_by_somebody_else() {
    let different = FULL.replace("250000", "250001");
    let state = |created| Some(("queued".to_owned(), created));
    let database = Database::with_merchant().await;
    let refused = race(&database, &call(&different), "commit").await;
    Refusal::expected("another amount", refused).is("another amount", "PW010", "already used");
    for (second, end, created, amount) in [
        (FULL, "commit", false, "250000"),
        (FULL, "rollback", true, "250000"),
        (&different, "rollback", true, "250001"),
    ] {
        let database = Database::with_merchant().await;
        let answer = race(&database, &call(second), end).await.unwrap();
        assert_eq!(answer, state(created), "{end}");
        let stored = "select string_agg(amount::text, ' ') from payout.payouts";
        assert_eq!(database.text(stored).await, amount, "{end}");
    }
}

/// Above read committed the other payout cannot be compared.
#[tokio::test]
async fn enqueue_that_cannot_see_the_other_payout_raises_and_does_not_guess() {
    let different = FULL.replace("250000", "250001");
    for second in [FULL, &different] {
        let database = Database::with_merchant().await;
        database
            .run(
                "do $$ begin execute format('alter database %I set default_transaction_isolation = %L',
                                            current_database(), 'repeatable read'); end $$",
            )
            .await;
        let refused = race(&database, &call(second), "commit").await;
        assert_eq!(Refusal::expected(second, refused).code, "40001");
    }
}

/// A row that Postgres skips fires no trigger afterwards, so the comparison comes before.
#[tokio::test]
async fn a_plain_insert_with_on_conflict_is_never_skipped_for_another_payout() {
    let [insert, _] = both_ways("amount", "9");
    for target in ["(merchant_code, order_num)", ""] {
        let database = Database::with_merchant().await;
        let second = format!("{insert} on conflict {target} do nothing returning state, true");
        let answer = race(&database, &second, "commit").await;
        Refusal::expected(&second, answer).is(&second, "PW010", "already used");
        let again = database.try_run(&second).await;
        Refusal::expected(&second, again).is(&second, "PW010", "already used");
        let stored = "select string_agg(amount::text, ' ') from payout.payouts";
        assert_eq!(database.text(stored).await, "250000");
    }
}

/// A backend keeps its connections, and the first of them are opened on the day on which the tables are empty. Nothing but
/// an analyze of the table makes Postgres plan again.
#[tokio::test]
async fn a_session_that_began_with_empty_tables_reads_no_more_as_they_grow() {
    let database = Database::with_merchant().await;
    database
        .run(
            "alter table payout.payouts set (autovacuum_enabled = false);
             alter table payout.history set (autovacuum_enabled = false)",
        )
        .await;
    database.run("vacuum analyze").await;
    let mut backend = database.connect().await;
    for call in [
        "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
         values ('I' || $1::int, 1000, 0, '014', '0012345678', 'Siti Rahayu')",
        "select payout.enqueue('E' || $1::int, 1000, 0, '014', '0012345678', 'Siti Rahayu')",
        "select payout.cancel('I' || $1::int, 'a test')",
    ] {
        for number in 1..=CALLS {
            sqlx::query(call)
                .bind(number)
                .execute(&mut backend)
                .await
                .expect("it is done");
        }
    }
    for statement in ["select pg_stat_force_next_flush()", "select 1"] {
        sqlx::query(statement)
            .execute(&mut backend)
            .await
            .expect("the statistics are there");
    }
    let read_whole = "select sum(seq_tup_read)::bigint::text from pg_stat_user_tables
                      where schemaname = 'payout' and relname in ('payouts', 'history')";
    let rows: i64 = database.text(read_whole).await.parse().expect("a number");
    assert!(
        rows <= i64::from(CALLS),
        "{rows} rows were read by reading whole tables"
    );
}
