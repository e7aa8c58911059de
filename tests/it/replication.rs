//! Rows that come by replication fire no guard, so only a database that two people marked as receiving takes them.

use std::process::{Command, Stdio};

use payout_worker::store::schema::migrator;
use sqlx::{PgPool, Row};
use throwaway_postgres::{Binaries, Cluster, Options, SUPERUSER};

use crate::support::{
    database::{Database, MERCHANT, PAUSE},
    refusal::Refusal,
    server::REFUSE_REPLICATED,
};

/// Marks the database as receiving, under two logins.
const MARK: &str = "
    select payout.request_receiving('ticket 77: a new server');
    set session authorization payout_operator;
    select payout.approve_receiving();
    reset session authorization";

#[tokio::test]
async fn every_table_refuses_what_arrives_by_replication() {
    let database = Database::with_merchant().await;
    database.run(REFUSE_REPLICATED).await;
    let unguarded = "
        select string_agg(c.relname, ', ') from pg_class c
        where c.relnamespace = 'payout'::regnamespace and c.relkind in ('r', 'p') and c.relname <> '_sqlx_migrations'
          and 2 <> (select count(*) from pg_trigger t where t.tgrelid = c.oid and t.tgenabled = 'R')";
    assert_eq!(database.text(unguarded).await, "");
    database.insert("INV-1", 10_000).await;
    for (table, change) in [
        ("payouts", "insert into payout.payouts (merchant_code, order_num, amount, fee_type, bank_code, account_number, account_name)
                     values ('S2020198627344', 'R-1', 50000, 1, '014', '0012345678', 'Siti Rahayu')"),
        ("payouts", "update payout.payouts set state = 'queued', held = 0"),
        ("payouts", "delete from payout.payouts"),
        ("ledger", "delete from payout.ledger"),
        ("accounts", "update payout.accounts set available = available + 1"),
        ("history", "truncate payout.history"),
        ("receiving", "insert into payout.receiving (reason, approved_by, approved_at) values ('x', 'y', now())"),
    ] {
        let as_replica = format!("set local session_replication_role = replica; {change}");
        let refusal = Refusal::expected(change, database.try_run(&as_replica).await);
        refusal.is(change, "PW061", &format!("payout.{table}:"));
    }
}

#[tokio::test]
async fn two_people_mark_a_database_as_receiving_and_nothing_is_claimed_there() {
    let database = Database::with_merchant().await;
    database.run(REFUSE_REPLICATED).await;
    let alone = "select payout.approve_receiving()";
    Refusal::expected(alone, database.try_run(alone).await).is(alone, "PW019", "no open request");
    database
        .run("select payout.request_receiving('ticket 77')")
        .await;
    Refusal::expected(alone, database.try_run(alone).await).is(alone, "PW021", "another person");
    database
        .run("update payout.receiving set requested_at = now() - interval '11 minutes'")
        .await;
    let late = "set session authorization payout_operator; select payout.approve_receiving()";
    let mut session = database.connect().await;
    let refused = sqlx::raw_sql(late).execute(&mut session).await;
    Refusal::expected(late, refused).is(late, "PW019", "no open request");

    database.run(MARK).await;
    let why = "select payout.why_no_sends()";
    assert_eq!(
        database.text(why).await,
        "this database receives the rows of another one (payout.receiving)"
    );
    let accept = "select payout.accept_failover('ticket 77', now())";
    Refusal::expected(accept, database.try_run(accept).await).is(accept, "PW019", "still receives");
    let mark = "set local session_replication_role = replica; update payout.receiving set approved_by = 'z'";
    Refusal::expected(mark, database.try_run(mark).await).is(mark, "PW061", "payout.receiving");

    database.run("select payout.end_receiving()").await;
    assert_eq!(
        database.text(why).await,
        "the database failed over or was restored, and nobody has accepted that yet"
    );
    let end = "select payout.end_receiving()";
    Refusal::expected(end, database.try_run(end).await).is(end, "PW019", "not receiving");
    // A second move needs two people again.
    assert_eq!(database.text("select payout.is_receiving()").await, "false");
}

async fn run(pool: &PgPool, sql: &str) {
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
        .execute(pool)
        .await;
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

async fn text(pool: &PgPool, sql: &str) -> String {
    let row = sqlx::query(sqlx::AssertSqlSafe(format!("select ({sql})::text")))
        .fetch_one(pool)
        .await
        .unwrap();
    row.get::<Option<String>, _>(0).unwrap_or_default()
}

async fn until(pool: &PgPool, sql: &str, expected: &str) {
    while text(pool, sql).await != expected {
        tokio::time::sleep(PAUSE).await;
    }
}

/// Copies the schema without its rows.
fn copy_schema(binaries: &Binaries, cluster: &Cluster) {
    let mut dump = Command::new(binaries.path("pg_dump"))
        .args(["--schema-only", "--schema=payout", "--no-publications"])
        .args(["--dbname", &cluster.url("blue", SUPERUSER)])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let loaded = Command::new(binaries.path("psql"))
        .args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1"])
        .args(["--dbname", &cluster.url("green", SUPERUSER)])
        .stdin(dump.stdout.take().unwrap())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(dump.wait().unwrap().success() && loaded.success());
}

/// A planned move to another database, with real logical replication.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_brings_nothing_until_two_people_agree_and_then_everything_and_a_fence() {
    let Ok(binaries) = Binaries::find(&["pg_dump", "psql"]) else {
        eprintln!("SKIPPED: no pg_dump and psql here");
        return;
    };
    let cluster = Cluster::start(Options {
        settings: vec![("wal_level".to_owned(), "logical".to_owned())],
        ..Options::default()
    })
    .unwrap();
    let admin = PgPool::connect(&cluster.url("postgres", SUPERUSER))
        .await
        .unwrap();
    run(&admin, "create database blue").await;
    run(&admin, "create database green").await;
    let blue = PgPool::connect(&cluster.url("blue", SUPERUSER))
        .await
        .unwrap();
    migrator(false).run(&blue).await.unwrap();
    run(
        &blue,
        &format!(
            "insert into payout.addresses (address, reason) values ('db.example:5432', 'test');
             insert into payout.merchants (code, dialect, balance_is_signed, not_found_is_proof, base_url, platform_keys, funding)
             values ('{MERCHANT}', 'bdpay', true, true, 'https://gateway.example', '{{}}', 'books');
             insert into payout.failover (identity, quiet_horizon) values (payout.identity(), '1 second');
             insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
             select 'INV-' || n, 10000, 1, '014', '0012345678', 'Siti Rahayu' from generate_series(1, 3) n;
             create publication payout for tables in schema payout"
        ),
    )
    .await;
    // A subscription to the same server would wait for itself while it makes the slot.
    run(
        &blue,
        "select pg_create_logical_replication_slot('payout', 'pgoutput')",
    )
    .await;
    copy_schema(&binaries, &cluster);
    let green = PgPool::connect(&cluster.url("green", SUPERUSER))
        .await
        .unwrap();
    let count = "select count(*) from payout.payouts";

    let subscribe = format!(
        "create subscription payout connection '{}' publication payout with (create_slot = false, slot_name = 'payout')",
        cluster.url("blue", SUPERUSER)
    );
    run(&green, &subscribe).await;
    let refused = "select sync_error_count > 0 from pg_stat_subscription_stats";
    until(&green, refused, "true").await;
    assert_eq!(text(&green, count).await, "0");

    run(&green, MARK).await;
    let ready = "select count(*) = 0 from pg_subscription_rel where srsubstate <> 'r'";
    until(&green, ready, "true").await;
    run(
        &blue,
        "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
         values ('INV-4', 10000, 1, '014', '0012345678', 'Siti Rahayu');
         select payout.cancel('INV-1', 'not wanted');
         select payout.pause('bank', '014', 'maintenance')",
    )
    .await;
    let states =
        "select string_agg(order_num || ' ' || state, ', ' order by order_num) from payout.payouts";
    let all = "INV-1 cancelled, INV-2 queued, INV-3 queued, INV-4 queued";
    until(&green, states, all).await;

    run(&green, "drop subscription payout").await;
    run(&green, "select payout.end_receiving()").await;
    let fence =
        "select changed_at is not null and identity <> payout.identity() from payout.failover";
    assert_eq!(text(&green, fence).await, "true");
    // Its numbers continue where those of the other database ended.
    run(
        &green,
        "select payout.continue_seq();
         insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
         values ('INV-5', 10000, 1, '014', '0012345678', 'Siti Rahayu');
         select payout.pause('all', '', 'moving')",
    )
    .await;
    let acts = "select (select max(id) = count(*) and count(*) > 1 from payout.operator_acts) and (select max(seq) = (select h.seq from payout.history h
                where h.order_num = 'INV-5' order by h.seq desc limit 1) from payout.history)";
    assert_eq!(text(&green, acts).await, "true");
}
