//! COPY prints the line in which it fails, with the beneficiary. It is refused before a line is read, and the way that
//! `docs/sql-contract.md` shows prints none.

use std::fs;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::{
    database::Database,
    docs::{blocks, read},
    refusal::Refusal,
    site::Site,
};

const COLUMNS: &str = "order_num, amount, fee_type, bank_code, account_number, account_name";
const GOOD: &str = "INV-1,250000,1,014,7766554433,Canary Zebra\n";
/// Lines that fail, each in another way: a fraction, a column too many, too few, in the wrong order, no number at all.
const BAD: [&str; 5] = [
    "INV-2,250000.75,1,014,7766554433,Canary Zebra\n",
    "INV-2,250000,1,014,7766554433,Canary Zebra,7766554433\n",
    "INV-2,250000,1,014\n",
    "INV-2,Canary Zebra,1,014,250000,7766554433\n",
    "INV-2,,,014,7766554433,Canary Zebra\n",
];

async fn copy(session: &mut PgConnection, into: &str, lines: &str) -> Result<u64, sqlx::Error> {
    let mut copying = session.copy_in_raw(into).await?;
    copying.send(lines.as_bytes()).await?;
    copying.finish().await
}

#[track_caller]
fn names_nobody(what: &str, text: &str) {
    for private in ["7766554433", "Zebra"] {
        assert!(!text.contains(private), "{what}: {text}");
    }
}

#[tokio::test]
async fn copy_is_refused_before_it_can_print_a_line_whatever_session_sends_it() {
    let database = Database::with_merchant().await;
    let login = database.login(&["payout_enqueuer"]).await;
    let other = database.login(&["payout_enqueuer"]).await;
    database.run(&format!("grant {other} to {login}")).await;
    let mut session = database.connect_as(&login).await;
    let into = format!("copy payout.payouts ({COLUMNS}) from stdin (format csv)");
    for prepare in [
        "select 1".to_owned(),
        format!("set role {other}"),
        "reset role".to_owned(),
        "set search_path = payout".to_owned(),
    ] {
        sqlx::raw_sql(AssertSqlSafe(prepare.clone()))
            .execute(&mut session)
            .await
            .unwrap();
        let commented = format!("/* not an insert */ {into}");
        for (statement, line) in [(&into, BAD[0]), (&into, GOOD), (&commented, BAD[0])] {
            let refusal = Refusal::expected(&prepare, copy(&mut session, statement, line).await);
            refusal.is(&prepare, "PW055", "COPY into payout.payouts is refused");
            names_nobody(&prepare, &refusal.everything);
        }
    }
    let mut owner = database.connect().await;
    let refusal = Refusal::expected("the owner", copy(&mut owner, &into, GOOD).await);
    refusal.is("the owner", "PW055", "COPY");
    assert_eq!(
        database.text("select count(*) from payout.payouts").await,
        "0"
    );
}

#[tokio::test]
async fn an_insert_that_mentions_copy_or_comes_from_a_trigger_of_a_copied_table_is_accepted() {
    let database = Database::with_merchant().await;
    let login = database.login(&["payout_enqueuer"]).await;
    let mut session = database.connect_as(&login).await;
    sqlx::raw_sql(AssertSqlSafe(format!(
        "insert into payout.payouts ({COLUMNS}, description) values ('copy', 250000, 1, '014', '7766554433', 'Canary Zebra', 'copy');
         create temp table orders (order_num text);
         create function pg_temp.enqueue() returns trigger language plpgsql as $$ begin
             insert into payout.payouts ({COLUMNS}) values (new.order_num, 250000, 1, '014', '7766554433', 'Canary Zebra');
             return new;
         end $$;
         create trigger enqueue after insert on orders for each row execute function pg_temp.enqueue()"
    )))
    .execute(&mut session)
    .await
    .unwrap();
    assert_eq!(
        copy(&mut session, "copy orders from stdin", "T-1\nT-2\n")
            .await
            .unwrap(),
        2
    );
    let enqueued = "select string_agg(order_num, ' ' order by order_num) from payout.payouts";
    assert_eq!(database.text(enqueued).await, "T-1 T-2 copy");
}

/// The statements of the page between its `\\copy` and the end of the block.
fn documented() -> (String, String, String) {
    let blocks = blocks(&read("docs/sql-contract.md"), "text");
    let block = blocks
        .into_iter()
        .find(|(_, block)| block.contains("\\copy lines"));
    let (_, block) = block.expect("a block with \\copy lines");
    let (before, rest) = block
        .split_once("\\copy lines from 'payouts.csv' ")
        .expect("the copy");
    let (options, after) = rest.split_once('\n').expect("statements after it");
    (
        before.to_owned(),
        format!("copy lines from stdin {options}"),
        after.to_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_way_for_many_at_once_prints_no_line_to_the_client_or_the_servers_log() {
    let site = Site::build().await;
    // What the server logs when nobody has restricted it.
    for setting in [
        "log_error_verbosity = 'default'",
        "log_min_error_statement = 'error'",
    ] {
        let statement = format!("alter system set {setting}");
        sqlx::raw_sql(AssertSqlSafe(statement))
            .execute(&site.pool)
            .await
            .unwrap();
    }
    sqlx::query("select pg_reload_conf()")
        .execute(&site.pool)
        .await
        .unwrap();
    site.login("shop", "payout_enqueuer").await;
    let (before, into, after) = documented();
    let url = site.cluster.url("postgres", "shop");
    for lines in BAD {
        let mut session = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(before.clone()))
            .execute(&mut session)
            .await
            .unwrap();
        let enqueued = match copy(&mut session, &into, &format!("{GOOD}{lines}")).await {
            Ok(_) => sqlx::raw_sql(AssertSqlSafe(after.clone()))
                .execute(&mut session)
                .await
                .map(drop),
            Err(error) => Err(error),
        };
        let refusal = Refusal::expected(lines, enqueued);
        names_nobody(lines, &refusal.everything);
        session.close().await.unwrap();
    }
    let mut session = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(before))
        .execute(&mut session)
        .await
        .unwrap();
    copy(&mut session, &into, GOOD).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(after))
        .execute(&mut session)
        .await
        .unwrap();
    let stored: String =
        sqlx::query_scalar("select order_num || ' ' || account_name from payout.payouts")
            .fetch_one(&site.pool)
            .await
            .unwrap();
    assert_eq!(stored, "INV-1 Canary Zebra");
    let log = fs::read_to_string(site.cluster.log_file()).unwrap();
    assert!(
        log.contains("amount must be"),
        "the log has the refusals: {log}"
    );
    names_nobody("the server's log", &log);
}
