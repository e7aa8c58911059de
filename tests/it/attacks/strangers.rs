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

/// Any login can take an advisory lock, and every login can read their keys in `pg_locks`.
#[tokio::test]
async fn a_login_without_a_role_holds_up_no_request_and_no_approval() {
    let database = Database::with_merchant().await;
    let mut logins = Vec::new();
    for roles in [
        &[][..],
        &["payout_enqueuer"],
        &["payout_reader"],
        &["payout_worker"],
        &["payout_operator"],
        &["payout_operator"],
    ] {
        let login = database.login(roles).await;
        logins.push(database.connect_as(&login).await);
    }
    let [one, other] = &mut logins[4..] else {
        panic!("two operators")
    };
    let address = "select payout.request_address('further.example:5432', 'ticket 1')";
    let fund = "select payout.request_fund('S2020198627344', 1000, 'REF 1', 'ticket 1')";
    let approve = "select payout.approve(max(id)) from payout.requests";
    // Whatever advisory locks the acts take, somebody else could have taken before.
    attempt(one, &format!("begin; {address}; {fund}"))
        .await
        .unwrap();
    let taken = "select count(*) from pg_locks l join pg_database d on d.oid = l.database
                 where l.locktype = 'advisory' and d.datname = current_database()";
    assert_eq!(database.text(taken).await, "0", "the requests");
    attempt(one, "commit").await.unwrap();
    attempt(other, &format!("begin; {}", approve.replace("max", "min")))
        .await
        .unwrap();
    assert_eq!(database.text(taken).await, "0", "the approval");
    attempt(other, "commit").await.unwrap();

    // No role can lock the rows for which they wait instead, nor the tables.
    for session in &mut logins {
        for lock in [
            "select from payout.act for update",
            "select from payout.act for key share",
            "select from payout.merchants for no key update",
            "lock table payout.act in row share mode",
            "lock table payout.requests in share row exclusive mode",
            "lock table payout.addresses in row exclusive mode",
        ] {
            let tried = attempt(session, &format!("begin; {lock}")).await;
            Refusal::expected(lock, tried).is(lock, "42501", "permission denied");
            attempt(session, "rollback").await.unwrap();
        }
    }
}

#[tokio::test]
async fn of_two_requests_for_the_same_at_the_same_time_one_waits_and_is_refused() {
    let database = Database::with_merchant().await;
    database.register_merchant("M2").await;
    // Both take two people.
    database
        .run("update payout.merchants set funding = 'gateway'")
        .await;
    let (one, other) = (
        database.login(&["payout_operator"]).await,
        database.login(&["payout_operator"]).await,
    );
    let (mut one, mut other) = (
        database.connect_as(&one).await,
        database.connect_as(&other).await,
    );
    for (request, unrelated) in [
        (
            "select payout.request_address('further.example:5432', 'ticket 1')",
            "select payout.request_fund('M2', 1000, 'REF 0', 'ticket 1')",
        ),
        (
            "select payout.request_fund('S2020198627344', 1000, 'REF 1', 'ticket 1')",
            "select payout.request_fund('M2', 1000, 'REF 1', 'ticket 1')",
        ),
    ] {
        attempt(&mut one, &format!("begin; {request}"))
            .await
            .unwrap();
        attempt(
            &mut other,
            &format!("set lock_timeout = '1s'; {unrelated}; reset lock_timeout"),
        )
        .await
        .unwrap();
        let (second, ()) = tokio::join!(attempt(&mut other, request), async {
            database.until_somebody_waits_for_a_lock().await;
            attempt(&mut one, "commit").await.unwrap();
        });
        Refusal::expected(request, second).is(request, "PW023", "already waiting in request");
    }
}
