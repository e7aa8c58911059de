//! Who may do what, tested with logins that are members of one role each.

use sqlx::{AssertSqlSafe, PgConnection};
use tokio::time::sleep;

use super::refusals::both_ways;
use crate::support::{
    database::{Database, PAUSE},
    refusal::Refusal,
};

/// "permission denied".
const DENIED: &str = "42501";

async fn attempt(session: &mut PgConnection, statement: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(session)
        .await
        .map(drop)
}

/// Runs each statement in a transaction of its own and rolls it back. `ok` or the SQLSTATE.
async fn check(session: &mut PgConnection, rows: &[(&str, &str)]) {
    for (statement, expected) in rows {
        attempt(session, "begin").await.unwrap();
        let outcome = match attempt(session, statement).await {
            Ok(()) => "ok".to_owned(),
            Err(error) => Refusal::of(&error).code,
        };
        attempt(session, "rollback").await.unwrap();
        assert_eq!(outcome, *expected, "{statement}");
    }
}

#[tokio::test]
#[rustfmt::skip]
async fn an_enqueuer_inserts_and_reads_states_and_never_an_account() {
    let database = Database::with_steps().await;
    database.insert("INV-0", 1000).await;
    database.insert_in("pending", "INV-9").await;
    let login = database.login(&["payout_enqueuer"]).await;
    let mut session = database.connect_as(&login).await;
    let [insert, call] = both_ways("metadata", "'{}'");
    let [with_state, _] = both_ways("state", "'paid'");
    check(&mut session, &[
        (&insert,                                                                              "ok"),
        (&call,                                                                                "ok"),
        (&format!("{insert} returning order_num, merchant_code, state"),                       "ok"),
        (&format!("{insert} on conflict do nothing"),                                          "ok"),
        (&format!("{insert} on conflict (merchant_code, order_num) do nothing"),               "ok"),
        ("select order_num, merchant_code, state from payout.payouts",                         "ok"),
        ("select * from payout.status",                                                        "ok"),
        ("select * from payout.banks",                                                         "ok"),
        ("select payout.cancel('INV-0', 'test')",                                              "ok"),
        ("select payout.cancel('INV-9', 'test')",                                              "PW013"),
        ("select payout.enqueue('A', 1, 1, 14, 12345678, 'Siti')",                             "PW005"),
        (&format!("{insert} returning account_number"),                                        DENIED),
        (&format!("{insert} on conflict (merchant_code, order_num) do update set amount = 1"), DENIED),
        (&with_state,                                                                          DENIED),
        ("select account_number from payout.payouts",                                          DENIED),
        ("select account_name from payout.payouts",                                            DENIED),
        ("select metadata from payout.payouts",                                                DENIED),
        ("select * from payout.payouts",                                                       DENIED),
        ("select 1 from payout.payouts where account_number like '00%'",                       DENIED),
        ("update payout.payouts set state = 'paid'",                                           DENIED),
        ("delete from payout.payouts",                                                         DENIED),
        ("truncate payout.payouts cascade",                                                    DENIED),
        ("lock table payout.payouts in access exclusive mode",                                 DENIED),
        ("select * from payout.events",                                                        "ok"),
        ("select * from payout.all_events",                                                    DENIED),
        ("select * from payout.all_status",                                                    DENIED),
        ("select * from payout.masked",                                                        DENIED),
        ("select * from payout.balances",                                                      DENIED),
        ("select * from payout.ledger",                                                        DENIED),
        ("select * from payout.merchants",                                                     DENIED),
        ("insert into payout.enqueuers values (session_user, 'S2020198627344')",               DENIED),
        ("select payout.replay('INV-9')",                                                      DENIED),
        ("select payout.fund('S2020198627344', 5, 'r')",                                       DENIED),
        ("select payout.locked('INV-0', null)",                                                DENIED),
        ("select payout.next_seq()",                                                           DENIED),
        ("select payout.continue_seq()",                                                       DENIED),
    ]).await;
}

#[tokio::test]
#[rustfmt::skip]
async fn a_follower_reads_what_becomes_of_payouts_and_no_balance() {
    let database = Database::with_steps().await;
    database.insert_in("pending", "INV-9").await;
    let login = database.login(&["payout_follower"]).await;
    let mut session = database.connect_as(&login).await;
    let [insert, call] = both_ways("metadata", "'{}'");
    check(&mut session, &[
        ("select * from payout.status",                             "ok"),
        ("select * from payout.events",                             "ok"),
        ("select * from payout.banks",                              "ok"),
        ("select * from payout.balances",                           DENIED),
        ("select * from payout.ledger",                             DENIED),
        ("select * from payout.claims",                             DENIED),
        ("select * from payout.masked",                             DENIED),
        ("select * from payout.all_events",                         DENIED),
        ("select * from payout.history",                            DENIED),
        ("select order_num from payout.payouts",                    DENIED),
        (&insert,                                                   DENIED),
        (&call,                                                     DENIED),
        ("select payout.cancel('INV-9', 'test')",                   DENIED),
    ]).await;
}

#[tokio::test]
async fn a_login_follows_the_events_of_its_merchants_alone_and_reads_them_in_order() {
    let database = two_merchants().await;
    let follower = database.login(&["payout_follower"]).await;
    let enqueuer = database.login(&["payout_enqueuer"]).await;
    let seen =
        "select string_agg(distinct merchant_code, ' ' order by merchant_code) from payout.events";
    for login in [&follower, &enqueuer] {
        assert_eq!(seen_by(&database, login, seen).await, "");
        let tie = format!("insert into payout.enqueuers values ('{login}', 'M2')");
        database.run(&tie).await;
        // Transactions of other tests on this server hold the view back.
        while seen_by(&database, login, seen).await != "M2" {
            sleep(PAUSE).await;
        }
    }
    let mut session = database.connect_as(&follower).await;
    let plan: Vec<String> = sqlx::query_scalar(
        "explain (costs off) select * from payout.events where seq > 5 order by seq limit 500",
    )
    .fetch_all(&mut session)
    .await
    .unwrap();
    let plan = plan.join("\n");
    assert!(!plan.contains("Sort") && plan.contains("seq > 5"), "{plan}");
}

#[tokio::test]
async fn what_a_backend_cancels_is_recorded_as_the_backends_act() {
    let database = Database::with_merchant().await;
    let backend = database.login(&["payout_enqueuer"]).await;
    let operator = database.login(&["payout_operator"]).await;
    for (login, order, source) in [
        (&backend, "INV-1", "backend"),
        (&operator, "INV-2", "operator"),
    ] {
        database.insert(order, 10_000).await;
        let mut session = database.connect_as(login).await;
        let cancel = format!("select payout.cancel('{order}', 'ordered twice')");
        attempt(&mut session, &cancel).await.unwrap();
        let recorded = format!(
            "select h.source || ' ' || a.actor from payout.history h join payout.audit a using (order_num)
             where h.event = 'withdrawn' and h.order_num = '{order}'"
        );
        assert_eq!(database.text(&recorded).await, format!("{source} {login}"));
    }
}

#[tokio::test]
#[rustfmt::skip]
async fn a_reader_reads_the_books_and_changes_nothing() {
    let database = Database::with_steps().await;
    database.insert_in("pending", "INV-9").await;
    let login = database.login(&["payout_reader"]).await;
    let mut session = database.connect_as(&login).await;
    let [insert, call] = both_ways("metadata", "'{}'");
    check(&mut session, &[
        ("select * from payout.status",                             "ok"),
        ("select * from payout.events",                             "ok"),
        ("select * from payout.balances",                           "ok"),
        ("select * from payout.masked",                             "ok"),
        ("select * from payout.transition",                         "ok"),
        ("select * from payout.ledger",                             "ok"),
        ("select * from payout.evidence",                           "ok"),
        ("select account_number from payout.payouts",               DENIED),
        ("select order_num from payout.payouts",                    DENIED),
        (&insert,                                                   DENIED),
        (&call,                                                     DENIED),
        ("select payout.cancel('INV-9', 'test')",                   DENIED),
        ("select payout.replay('INV-9')",                           DENIED),
        ("select payout.fund('S2020198627344', 5, 'r')",            DENIED),
        ("update payout.payouts set next_query_at = now()",           DENIED),
        ("insert into payout.history (merchant_code) values ('x')", DENIED),
    ]).await;
}

#[tokio::test]
#[rustfmt::skip]
async fn an_operator_cancels_queries_and_funds_and_moves_nothing_by_hand() {
    let database = Database::with_steps().await;
    database.insert("INV-0", 1000).await;
    database.insert_in("pending", "INV-9").await;
    database.register_merchant("M2").await;
    let login = database.login(&["payout_operator"]).await;
    let mut session = database.connect_as(&login).await;
    let [insert, call] = both_ways("metadata", "'{}'");
    check(&mut session, &[
        ("select * from payout.masked",                            "ok"),
        ("select payout.cancel('INV-0', 'test')",                  "ok"),
        ("select payout.replay('INV-9')",                          "ok"),
        ("select payout.fund('S2020198627344', 5, 'r')",           "ok"),
        ("select payout.continue_seq()",                           "ok"),
        ("select payout.fund_from_gateway('S2020198627344', 5, 'r')", DENIED),
        ("select payout.book_funding('S2020198627344', 5, 'r', 'gateway')", DENIED),
        ("select account_number from payout.payouts",              DENIED),
        ("update payout.payouts set state = 'paid'",               DENIED),
        ("insert into payout.ledger (merchant_code, kind) values ('S2020198627344', 'funding')", DENIED),
        (&insert,                                                  DENIED),
        (&call,                                                    DENIED),
    ]).await;
}

#[tokio::test]
#[rustfmt::skip]
async fn a_worker_records_evidence_and_neither_creates_nor_alters_an_instruction() {
    let database = Database::with_steps().await;
    database.insert_in("pending", "INV-9").await;
    let login = database.login(&["payout_worker"]).await;
    let mut session = database.connect_as(&login).await;
    let [insert, call] = both_ways("metadata", "'{}'");
    check(&mut session, &[
        ("select account_number from payout.payouts",                                        "ok"),
        ("update payout.payouts set queries = queries + 1, next_query_at = now()",                   "ok"),
        ("select available from payout.accounts for update",                                 "ok"),
        ("select * from payout.payouts for update skip locked",                              "ok"),
        ("insert into payout.history (merchant_code, order_num, event, source)
          values ('S2020198627344', 'INV-9', 'contradicted', 'query')",                      "ok"),
        ("update payout.payouts set state = 'paid'",                                         "PW012"),
        ("update payout.payouts set held = 0",                                               "PW012"),
        ("update payout.payouts set sends = 0",                                              "PW012"),
        ("update payout.accounts set available = 1",                                         "PW016"),
        ("update payout.payouts set amount = 1",                                             DENIED),
        ("update payout.payouts set account_number = '0'",                                   DENIED),
        ("delete from payout.payouts",                                                       DENIED),
        ("delete from payout.history",                                                       DENIED),
        ("update payout.ledger set available = 0",                                           DENIED),
        ("update payout.merchants set base_url = 'https://elsewhere.example'",               DENIED),
        ("update payout.transition set posting = 'none'",                                    DENIED),
        ("alter table payout.payouts disable trigger all",                                   DENIED),
        ("set session_replication_role = replica",                                           DENIED),
        ("update payout.numbered_for set server = 'x'",                                      DENIED),
        ("create or replace function payout.xid_base() returns bigint language sql return 7", DENIED),
        (&insert,                                                                            DENIED),
        (&call,                                                                              DENIED),
        ("select payout.cancel('INV-9', 'test')",                                            DENIED),
        ("select payout.fund('S2020198627344', 5, 'r')",                                     DENIED),
        ("insert into payout.ledger (merchant_code, kind, available, funding, reference)
          values ('S2020198627344', 'funding', 5, -5, 'r')",                                 "23514"),
        ("insert into payout.ledger (merchant_code, kind, available, funding, reference, funded_by)
          values ('S2020198627344', 'funding', 5, -5, 'r', 'gateway')",                      DENIED),
        ("select payout.fund_from_gateway('S2020198627344', 5, 'r')",                        "PW015"),
        ("update payout.merchants set funding = 'gateway'",                                  DENIED),
    ]).await;
}

#[tokio::test]
async fn a_login_without_a_role_can_access_nothing() {
    let database = Database::with_merchant().await;
    let login = database.login(&[]).await;
    let mut session = database.connect_as(&login).await;
    let [insert, call] = both_ways("metadata", "'{}'");
    let rows = [
        insert.as_str(),
        &call,
        "select * from payout.status",
        "select payout.masked_name('x')",
    ];
    check(&mut session, &rows.map(|statement| (statement, DENIED))).await;
    let open_to_all = "select count(*) from pg_proc f, aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
                       where f.pronamespace = 'payout'::regnamespace and a.grantee = 0";
    assert_eq!(database.text(open_to_all).await, "0");
}

#[tokio::test]
async fn with_several_merchants_a_login_enqueues_only_for_its_own() {
    let database = Database::fresh().await;
    database.register_merchant("M1").await;
    let team = database.login(&["payout_enqueuer"]).await;
    let member = database.login(&["payout_enqueuer"]).await;
    let stranger = database.login(&["payout_enqueuer"]).await;
    database.run(&format!("grant {team} to {member}")).await;
    let for_merchant = |merchant: &str| both_ways("merchant_code", &format!("'{merchant}'"));

    let mut session = database.connect_as(&stranger).await;
    let [insert, call] = for_merchant("M1");
    check(&mut session, &[(&insert, "ok"), (&call, "ok")]).await;

    database.register_merchant("M2").await;
    database
        .run(&format!(
            "insert into payout.enqueuers values ('{team}', 'M2')"
        ))
        .await;
    for (login, m1, m2) in [
        (&stranger, "PW007", "PW007"),
        (&team, "PW007", "ok"),
        (&member, "PW007", "ok"),
    ] {
        let mut session = database.connect_as(login).await;
        let ([insert_1, call_1], [insert_2, call_2]) = (for_merchant("M1"), for_merchant("M2"));
        check(
            &mut session,
            &[
                (&insert_1, m1),
                (&call_1, m1),
                (&insert_2, m2),
                (&call_2, m2),
            ],
        )
        .await;
    }
    let refusal = Refusal::expected("insert", attempt(&mut session, &insert).await);
    refusal.is(
        "insert",
        "PW007",
        &format!("role {stranger} may not enqueue for merchant M1"),
    );
    assert!(
        refusal.hint.contains("payout.enqueuers"),
        "{}",
        refusal.hint
    );

    database.run(&for_merchant("M2")[0]).await;
    let cancel = "select payout.cancel('INV-1', 'test')";
    // As if it did not exist: whether another merchant has this number is not its business.
    check(&mut session, &[(cancel, "PW014")]).await;
    check(&mut database.connect_as(&member).await, &[(cancel, "ok")]).await;
    let kept = "select created_by = session_user from payout.payouts";
    assert_eq!(database.text(kept).await, "true");
}

#[tokio::test]
async fn security_definer_functions_resolve_names_in_our_schema_only() {
    let database = Database::with_merchant().await;
    let careless = "select string_agg(f.proname, ', ') from pg_proc f
                    where f.pronamespace = 'payout'::regnamespace and f.prosecdef
                      and not 'search_path=pg_catalog, payout, pg_temp' = any (coalesce(f.proconfig, '{}'))";
    assert_eq!(database.text(careless).await, "");

    let login = database.login(&["payout_enqueuer"]).await;
    let mut session = database.connect_as(&login).await;
    attempt(
        &mut session,
        "create temp table merchants (like payout.banks);
         create temp table payouts (order_num text);
         create temp table banks (code text);
         create temp table enqueuers (role_name text, merchant_code text);
         create temp table history (seq bigint);
         create function pg_temp.trunc(numeric) returns numeric language sql return 1;
         create function pg_temp.btrim(text) returns text language sql return 'x';
         create function pg_temp.same_instruction(payout.payouts, payout.payouts) returns boolean language sql return true;
         create function pg_temp.may_enqueue(text) returns boolean language sql return true;
         set search_path = pg_temp, payout, pg_catalog",
    )
    .await
    .unwrap();
    let [insert, call] = both_ways("amount", "250000");
    attempt(&mut session, &insert).await.unwrap();
    attempt(&mut session, &call).await.unwrap();
    let stored = "select string_agg(order_num || ' ' || amount, ', ') from payout.payouts";
    assert_eq!(database.text(stored).await, "INV-1 250000");
    assert_eq!(
        database.text("select count(*) from payout.history").await,
        "1"
    );
    let [_, other] = both_ways("amount", "250001");
    Refusal::expected("another amount", attempt(&mut session, &other).await).is(
        "another amount",
        "PW010",
        "already used",
    );

    database.register_merchant("M2").await;
    let [insert, _] = both_ways("merchant_code", "'M2'");
    Refusal::expected("not tied", attempt(&mut session, &insert).await).is(
        "not tied",
        "PW007",
        "may not enqueue",
    );
}

/// Two merchants, each with payouts, and a login for each of the roles that may read their status.
async fn two_merchants() -> Database {
    let database = Database::fresh().await;
    for merchant in ["M1", "M2"] {
        database.register_merchant(merchant).await;
        database
            .run(&format!(
                "insert into payout.payouts (merchant_code, order_num, amount, fee_type, bank_code, account_number, account_name)
                 select '{merchant}', '{merchant}-' || n, 1000, 1, '014', '0012345678', 'Siti Rahayu'
                 from generate_series(1, 20) n"
            ))
            .await;
    }
    database
}

async fn seen_by(database: &Database, login: &str, query: &str) -> String {
    let mut session = database.connect_as(login).await;
    let query = format!("select coalesce(({query})::text, '')");
    sqlx::query_scalar(AssertSqlSafe(query))
        .fetch_one(&mut session)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_enqueuer_sees_the_status_of_its_own_merchants_only() {
    let database = two_merchants().await;
    let seen =
        "select string_agg(distinct merchant_code, ' ' order by merchant_code) from payout.status";
    let tied = database.login(&["payout_enqueuer"]).await;
    let both = database.login(&["payout_enqueuer"]).await;
    let untied = database.login(&["payout_enqueuer"]).await;
    for (login, merchant) in [(&tied, "M2"), (&both, "M1"), (&both, "M2")] {
        let tie = format!("insert into payout.enqueuers values ('{login}', '{merchant}')");
        database.run(&tie).await;
    }
    for (login, expected) in [(&tied, "M2"), (&both, "M1 M2"), (&untied, "")] {
        assert_eq!(seen_by(&database, login, seen).await, expected);
    }
    for role in ["payout_reader", "payout_operator", "payout_worker"] {
        let login = database.login(&[role]).await;
        assert_eq!(seen_by(&database, &login, seen).await, "M1 M2", "{role}");
        // A role that sees everything still does when it may also enqueue for one merchant.
        database.run(&format!("grant {role} to {tied}")).await;
        assert_eq!(seen_by(&database, &tied, seen).await, "M1 M2", "{role}");
        database.run(&format!("revoke {role} from {tied}")).await;
    }
    assert_eq!(database.text(seen).await, "M1 M2", "the owner");
    assert_eq!(seen_by(&database, &tied, seen).await, "M2");
}

#[tokio::test]
async fn no_condition_of_an_enqueuer_reports_what_the_view_hides() {
    let database = two_merchants().await;
    let login = database.login(&["payout_enqueuer"]).await;
    database
        .run(&format!(
            "insert into payout.enqueuers values ('{login}', 'M2')"
        ))
        .await;
    let mut session = database.connect_as(&login).await;
    for statement in [
        "select count(*) from payout.status where (order_num || 'x')::int > 0",
        "select count(*) from payout.status where (merchant_code || order_num)::jsonb is not null order by 1",
        "select count(*) from payout.status where 1 / (case when merchant_code = 'M1' then 0 else 1 end) > 0",
        "select count(*) from payout.status s, payout.banks b where (s.order_num || b.code)::int > 0",
    ] {
        match attempt(&mut session, statement).await {
            Ok(()) => {}
            Err(error) => {
                let said = Refusal::of(&error).everything;
                assert!(
                    !said.contains("M1") && !said.contains("zero"),
                    "{statement}: {said}"
                );
            }
        }
    }
    // A function of the caller's own that costs nothing is applied as early as it may be.
    let leak = "create temp table leaked (order_num text);
                create function pg_temp.leak(text) returns boolean language plpgsql cost 0.0000001 as
                'begin insert into leaked values ($1); return true; end'";
    attempt(&mut session, leak).await.unwrap();
    let leaking = "select * from payout.status where pg_temp.leak(order_num)";
    attempt(&mut session, leaking).await.unwrap();
    let leaked: String =
        sqlx::query_scalar("select string_agg(distinct left(order_num, 2), ' ') from leaked")
            .fetch_one(&mut session)
            .await
            .unwrap();
    assert_eq!(leaked, "M2");
}

#[tokio::test]
async fn the_status_of_one_payout_is_read_by_its_key_whatever_the_login_may_see() {
    let database = two_merchants().await;
    let reader = database.login(&["payout_reader"]).await;
    let enqueuer = database.login(&["payout_enqueuer"]).await;
    for login in [reader, enqueuer] {
        let mut session = database.connect_as(&login).await;
        // The tables are small: a plan that can only read all of it would do so.
        attempt(&mut session, "set enable_seqscan = off")
            .await
            .unwrap();
        let plan: Vec<String> = sqlx::query_scalar(
            "explain (costs off) select * from payout.status where order_num = 'M1-7'",
        )
        .fetch_all(&mut session)
        .await
        .unwrap();
        let plan = plan.join("\n");
        assert!(
            plan.contains("Index Scan using order_num_is_used_once"),
            "{plan}"
        );
        assert!(plan.contains("order_num = 'M1-7'"), "{plan}");
        // Once for the query, not for each row. For each row, only the history of what came back is looked at.
        let of_each_row = plan.matches("SubPlan").count();
        assert!(plan.contains("InitPlan"), "{plan}");
        assert_eq!(
            plan.matches("using history_of_payout").count(),
            of_each_row,
            "{plan}"
        );
        assert!(!plan.contains("merchants_seen"), "{plan}");
    }
}

/// What else an enqueuer can learn of other merchants, and how to close it: `docs/sql-contract.md`, "Roles".
#[tokio::test]
async fn without_the_three_columns_an_enqueuer_still_enqueues_and_sees_no_other_merchant() {
    let database = two_merchants().await;
    let login = database.login(&["payout_enqueuer"]).await;
    database
        .run(&format!(
            "insert into payout.enqueuers values ('{login}', 'M2');
             revoke select (order_num, merchant_code, state) on payout.payouts from payout_enqueuer"
        ))
        .await;
    let mut session = database.connect_as(&login).await;
    let [insert, call] = both_ways("merchant_code", "'M2'");
    check(
        &mut session,
        &[
            (&insert, "ok"),
            (&call, "ok"),
            (&format!("{insert} on conflict do nothing"), "ok"),
            (&format!("{insert} returning state"), DENIED),
            ("select order_num from payout.payouts", DENIED),
            ("select order_num from payout.status", "ok"),
            ("select payout.cancel('M2-1', 'test')", "ok"),
            ("select payout.cancel('M1-1', 'test')", "PW014"),
            ("select payout.cancel('M1-1', 'test', 'M1')", "PW014"),
            ("select payout.cancel('M1-999', 'test')", "PW014"),
        ],
    )
    .await;
}
