//! Numbers of events and of transactions: no caller chooses them, and a restore does not repeat them.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::support::{
    database::Database,
    refusal::Refusal,
    world::{Wishes, World},
};

const DENIED: &str = "42501";

async fn run(session: &mut PgConnection, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(session)
        .await
        .unwrap_or_else(|error| panic!("{statements}: {error}"));
}

fn insert(order_num: &str) -> String {
    format!(
        "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
         values ('{order_num}', 1000, 0, '014', '0012345678', 'Siti Rahayu');"
    )
}

/// The positions of a payout's events in their transactions, in the order of their numbers.
async fn positions(database: &Database, order_nums: &str) -> String {
    database
        .text(&format!(
            "select string_agg((seq & 1048575)::text, ' ' order by seq) from payout.history
             where order_num like '{order_nums}'"
        ))
        .await
}

#[tokio::test]
async fn no_setting_name_or_path_of_a_session_moves_an_event_below_a_cursor() {
    let database = Database::with_merchant().await;
    database.insert("READ", 1000).await;
    let cursor = database.text("select max(seq) from payout.history").await;
    let login = database.login(&["payout_enqueuer"]).await;
    database
        .run(&format!(
            "create schema elsewhere authorization {login}; grant temporary on database {} to {login};
             alter role {login} set payout.seq_position = '-9000'",
            database.text("select current_database()").await
        ))
        .await;
    for (number, trick) in [
        "select set_config('payout.seq_position', '-5000', false)",
        "set payout.seq_position = '1048574'",
        "create temp table history (seq bigint, xid bigint); set search_path = pg_temp, payout",
        "create function elsewhere.pg_current_xact_id() returns xid8 language sql return '3'::xid8;
         create function elsewhere.next_seq() returns bigint language sql return 1;
         create function elsewhere.current_xid() returns bigint language sql return 1;
         create function elsewhere.xid_base() returns bigint language sql return -1000000;
         set search_path = elsewhere, pg_catalog, payout",
        "set default_transaction_isolation = 'serializable'; set timezone = 'Pacific/Kiritimati'; set datestyle = 'SQL, DMY';
         set intervalstyle = 'sql_standard'; set bytea_output = 'escape'; set extra_float_digits = -15;
         set plan_cache_mode = force_generic_plan; set enable_indexscan = off",
    ]
    .into_iter()
    .enumerate()
    {
        let mut session = database.connect_as(&login).await;
        run(&mut session, trick).await;
        run(&mut session, &insert(&format!("TRICK-{number}"))).await;
        session.close().await.unwrap();
    }
    let below = format!(
        "select count(*) from payout.history where order_num like 'TRICK-%' and seq <= {cursor}"
    );
    assert_eq!(database.text(&below).await, "0");
    assert_eq!(positions(&database, "TRICK-%").await, "1 1 1 1 1");
}

#[tokio::test]
async fn the_events_of_a_transaction_are_numbered_in_their_order_however_they_are_written() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 1000).await;
    let many = "insert into payout.history (merchant_code, order_num, event, source)
                select 'S2020198627344', 'INV-1', 'replay_requested', 'operator' from generate_series(1, 300);";
    let mut session = database.connect().await;
    // A trigger of the deployment that writes one more row after each.
    run(
        &mut session,
        "create function public.echo() returns trigger language plpgsql as $$ begin
             insert into payout.history (merchant_code, order_num, event, source)
             values (new.merchant_code, new.order_num, 'contradicted', 'query');
             return null;
         end $$;
         create trigger echo after insert on payout.history for each row
         when (new.event = 'replay_requested' and new.source = 'echoed') execute function public.echo();",
    )
    .await;
    run(
        &mut session,
        &format!("begin; {many} savepoint s; {many} rollback to s; {many} release s;"),
    )
    .await;
    let mut copy = session
        .copy_in_raw("copy payout.history (merchant_code, order_num, event, source) from stdin")
        .await
        .unwrap();
    copy.send(
        "S2020198627344\tINV-1\treplay_requested\toperator\n"
            .repeat(300)
            .as_bytes(),
    )
    .await
    .unwrap();
    assert_eq!(copy.finish().await.unwrap(), 300);
    run(
        &mut session,
        &format!(
            "insert into payout.history (merchant_code, order_num, event, source)
             select 'S2020198627344', 'INV-1', 'replay_requested', 'echoed' from generate_series(1, 10);
             do $$ begin begin {many} raise exception 'undone'; exception when others then null; end; end $$;
             {many} {} select payout.cancel('INV-2', 'test'); commit",
            insert("INV-2")
        ),
    )
    .await;
    let expected = 300 + 300 + 300 + 20 + 300 + 2;
    let found = "select count(*) || ' ' || min(seq & 1048575) || ' ' || max(seq & 1048575) || ' ' || count(distinct seq >> 20)
                 from payout.history where event <> 'enqueued' or order_num <> 'INV-1'";
    assert_eq!(
        database.text(found).await,
        format!("{expected} 1 {expected} 1")
    );
    let in_order = "select bool_and(at >= before) from (
                        select at, lag(at) over (order by seq) before from payout.history) h";
    assert_eq!(database.text(in_order).await, "true");
}

#[tokio::test]
#[rustfmt::skip]
async fn a_worker_chooses_neither_the_number_nor_the_transaction_nor_the_author_of_a_row() {
    let database = Database::with_steps().await;
    database.insert_in("pending", "INV-1").await;
    let login = database.login(&["payout_worker"]).await;
    let mut session = database.connect_as(&login).await;
    for statement in [
        "insert into payout.history (seq, merchant_code, order_num, event, source)
         values (1, 'S2020198627344', 'INV-1', 'contradicted', 'query')",
        "insert into payout.history (actor, merchant_code, order_num, event, source)
         values ('siti', 'S2020198627344', 'INV-1', 'contradicted', 'query')",
        "insert into payout.evidence (xid, merchant_code, order_num, attempt, source, kind, detail)
         values (1, 'S2020198627344', 'INV-1', 1, 'worker', 'lease_expired', '{}')",
        "insert into payout.attempts (xid, merchant_code, order_num, attempt, send_by, lease_until, worker, request_sha256)
         values (1, 'S2020198627344', 'INV-1', 2, now(), now(), 'w', sha256(''))",
        "insert into payout.ledger (xid, merchant_code, order_num, kind, attempt)
         values (1, 'S2020198627344', 'INV-1', 'fee_known', 1)",
        "update payout.evidence set xid = 1",
        "create or replace function payout.xid_base() returns bigint language sql stable return 0",
    ] {
        let tried = sqlx::raw_sql(statement).execute(&mut session).await.map(drop);
        Refusal::expected(statement, tried).is(statement, DENIED, "");
    }
    // Nor does it reach the accounts by a trigger of its own, which runs as deep as that of the ledger.
    run(&mut session, "create temp table door (x int);
        create function pg_temp.through() returns trigger language plpgsql as
        $$ begin update payout.accounts set available = available + 1; return null; end $$;
        create trigger through after insert on door for each row execute function pg_temp.through()").await;
    let through = "insert into door values (1)";
    let tried = sqlx::raw_sql(through).execute(&mut session).await.map(drop);
    Refusal::expected(through, tried).is(through, "23514", "");
}

/// How many transaction IDs carry a restored row.
const PLANTED: i64 = 400;

/// Payouts `ROW-0`, `ROW-1`, … and a row for each, as a restore brings them: from the transaction that has the ID
/// `first`, `first + 1`, … on the new server.
fn restored(table: &str, first: i64) -> String {
    let row = match table {
        "evidence" => {
            "insert into payout.evidence (merchant_code, order_num, attempt, source, kind, status, detail, xid)
             select merchant_code, order_num, attempt, 'submit', 'acknowledged', 0, '{}', "
        }
        "attempt" => {
            "insert into payout.attempts (merchant_code, order_num, attempt, send_by, lease_until, worker, request_sha256,
                                          address, gateway, xid)
             select merchant_code, order_num, 1, now(), now(), 'restored', sha256('body'),
                    (select min(d.address) from payout.addresses d),
                    (select m.gateway from payout.merchants m where m.code = merchant_code), "
        }
        "ledger" => {
            "insert into payout.ledger (merchant_code, kind, order_num, attempt, available, held, xid)
             select merchant_code, 'hold', order_num, 1, -amount, amount, "
        }
        _ => unreachable!(),
    };
    format!(
        "set session_replication_role = replica;
         {row} {first} + substr(order_num, 5)::bigint from payout.payouts where order_num like 'ROW-%';
         set session_replication_role = origin;
         update payout.numbered_for set server = 'another server'"
    )
}

/// Begins a transaction that has the ID of a restored row, and returns that row's payout.
async fn begin_as_a_restored_one(session: &mut PgConnection, first: i64) -> String {
    loop {
        run(session, "begin").await;
        let xid: String = sqlx::query_scalar("select pg_current_xact_id()::text")
            .fetch_one(&mut *session)
            .await
            .unwrap();
        let ahead = xid.parse::<i64>().unwrap() - first;
        assert!(
            ahead < PLANTED,
            "other tests used up {ahead} transaction IDs"
        );
        if ahead >= 0 {
            return format!("ROW-{ahead}");
        }
        run(session, "rollback").await;
    }
}

/// Each move is accepted without the row that it needs while a restored row carries the ID of its transaction.
#[tokio::test]
async fn a_restored_row_is_not_taken_for_one_of_the_running_transaction() {
    for (table, event) in [
        ("evidence", "acknowledged"),
        ("attempt", "claimed"),
        ("ledger", "claimed"),
    ] {
        let database = Database::with_steps().await;
        database
            .run(&format!(
                "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
                 select 'ROW-' || n, 1000, 0, '014', '0012345678', 'Siti Rahayu' from generate_series(0, {}) n",
                PLANTED - 1
            ))
            .await;
        if table == "evidence" {
            database
                .run("select public.step(order_num, 'claimed') from payout.payouts")
                .await;
        }
        let now: i64 = database
            .text("select pg_current_xact_id()")
            .await
            .parse()
            .unwrap();
        let first = now + 20;
        database.run(&restored(table, first)).await;
        let without =
            |order_num: &str| format!("select public.step('{order_num}', '{event}', '{table}')");

        // The damage.
        let mut session = database.connect().await;
        let order_num = begin_as_a_restored_one(&mut session, first).await;
        run(&mut session, &without(&order_num)).await;
        run(&mut session, "rollback").await;

        database.run("select payout.continue_seq()").await;
        let order_num = begin_as_a_restored_one(&mut session, first).await;
        let above = format!("select payout.current_xid() >= {first} + {PLANTED}");
        let above: bool = sqlx::query_scalar(AssertSqlSafe(above))
            .fetch_one(&mut session)
            .await
            .unwrap();
        assert!(
            above,
            "{table}: a later transaction would have the number of a restored row"
        );
        let tried = sqlx::raw_sql(AssertSqlSafe(without(&order_num)))
            .execute(&mut session)
            .await
            .map(drop);
        Refusal::expected(table, tried).is(table, "PW012", "");
    }
}

/// It has an older ID than the transaction that raises the base, and would be numbered like one before the restore.
#[tokio::test]
async fn a_transaction_that_was_open_when_the_numbers_were_continued_takes_none_of_the_past() {
    let database = Database::with_merchant().await;
    database.insert("before", 1000).await;
    let mut open = database.connect().await;
    run(&mut open, "begin; select pg_current_xact_id()").await;
    database
        .run(
            "select pg_current_xact_id();
             insert into payout.history (seq, merchant_code, order_num, event, source)
             select ((pg_current_xact_id()::text::bigint + 5000000) << 20) + 1, merchant_code, order_num,
                    'replay_requested', 'operator'
             from payout.payouts",
        )
        .await;
    database.run("select payout.continue_seq()").await;
    run(&mut open, &format!("{} commit", insert("after"))).await;
    let rising = "select min(seq) filter (where order_num = 'after') > max(seq) filter (where order_num = 'before')
                  from payout.history";
    assert_eq!(database.text(rising).await, "true");
}

/// A dump restored into a newer server: transaction ids start below those in the history.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_with_numbers_of_the_past_and_a_starting_worker_continues_them() {
    let mut world = World::with(Wishes {
        workers: 0,
        ..Wishes::default()
    })
    .await;
    let database = &world.database;
    database.insert("before", 50_000).await;
    database
        .run(
            "insert into payout.history (seq, merchant_code, order_num, event, source)
             select ((pg_current_xact_id()::text::bigint + 5000000) << 20) + 1, merchant_code, order_num,
                    'replay_requested', 'operator'
             from payout.payouts",
        )
        .await;
    for statement in [
        insert("early"),
        "select payout.cancel('before', 'test')".to_owned(),
    ] {
        Refusal::expected(&statement, database.try_run(&statement).await).is(
            &statement,
            "PW040",
            "after a restore",
        );
    }
    world.add_worker().await;
    world.until_state("before", "paid").await;
    world.enqueue("after", 50_000, 0).await;
    world.until_state("after", "paid").await;
    let rising = "select min(seq) filter (where order_num = 'after') > max(seq) filter (where order_num = 'before' and event = 'replay_requested')
                  from payout.history";
    assert_eq!(world.database.text(rising).await, "true");
}
