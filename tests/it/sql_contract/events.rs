//! A consumer of `payout.events` with a cursor misses nothing, and notifications arrive when promised.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection, postgres::PgListener};

use crate::support::{
    database::{DEADLINE, Database},
    refusal::Refusal,
};

async fn run(session: &mut PgConnection, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(session)
        .await
        .unwrap();
}

fn insert(order_num: &str) -> String {
    format!(
        "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
         values ('{order_num}', 1000, 0, '014', '0012345678', 'Siti Rahayu');"
    )
}

/// What every consumer does: read above the cursor, handle the rows, advance the cursor.
#[derive(Default)]
struct Consumer {
    cursor: i64,
    seen: Vec<String>,
}

impl Consumer {
    async fn read(&mut self, session: &mut PgConnection) -> usize {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "select seq, order_num from payout.events where seq > $1 order by seq limit 7",
        )
        .bind(self.cursor)
        .fetch_all(session)
        .await
        .unwrap();
        for (seq, order_num) in &rows {
            assert!(*seq > self.cursor);
            self.cursor = *seq;
            self.seen.push(order_num.clone());
        }
        rows.len()
    }
}

#[tokio::test]
async fn a_row_is_not_shown_while_an_older_transaction_could_still_add_one_before_it() {
    let database = Database::with_merchant().await;
    let (mut older, mut newer, mut reader) = (
        database.connect().await,
        database.connect().await,
        database.connect().await,
    );
    let mut consumer = Consumer::default();

    run(&mut older, &format!("begin; {}", insert("older-1"))).await;
    run(
        &mut newer,
        &format!("begin; {} {} commit", insert("newer-1"), insert("newer-2")),
    )
    .await;
    assert_eq!(consumer.read(&mut reader).await, 0, "{:?}", consumer.seen);
    run(&mut older, &format!("{} commit", insert("older-2"))).await;

    database
        .until("select (select count(*) from payout.events) = 4")
        .await;
    assert_eq!(consumer.read(&mut reader).await, 4);
    assert_eq!(consumer.seen, ["older-1", "older-2", "newer-1", "newer-2"]);
}

#[tokio::test]
async fn a_consumer_misses_nothing_while_many_commit_in_any_order() {
    const WRITERS: usize = 4;
    const EACH: usize = 25;
    let database = Database::with_merchant().await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let mut session = database.connect().await;
        writers.spawn(async move {
            for number in 0..EACH {
                let (first, second) = (
                    format!("w{writer}-{number}-a"),
                    format!("w{writer}-{number}-b"),
                );
                run(&mut session, &format!("begin; {}", insert(&first))).await;
                // The test is about other writers' statements between these two.
                tokio::task::yield_now().await;
                let end = if number % 5 == 4 {
                    "rollback"
                } else {
                    "commit"
                };
                run(
                    &mut session,
                    &format!("savepoint s; {} {end}", insert(&second)),
                )
                .await;
            }
        });
    }
    let mut reader = database.connect().await;
    let mut consumer = Consumer::default();
    let expected = WRITERS * EACH / 5 * 4 * 2;
    let reading = async {
        while consumer.seen.len() < expected {
            consumer.read(&mut reader).await;
        }
    };
    tokio::time::timeout(DEADLINE, reading)
        .await
        .expect("a row never came");
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    assert_eq!(consumer.read(&mut reader).await, 0);
    let stored = "select count(distinct order_num) from payout.payouts";
    assert_eq!(database.text(stored).await, consumer.seen.len().to_string());
}

/// A dump restored into a newer server: transaction ids start below those in the history.
#[tokio::test]
async fn after_a_restore_numbers_keep_rising_and_every_event_is_shown() {
    let database = Database::with_steps().await;
    database.insert("before", 1000).await;
    database
        .run(
            "insert into payout.history (seq, merchant_code, order_num, event, source)
             select ((pg_current_xact_id()::text::bigint + 5000000) << 20) + 1, merchant_code, order_num,
                    'replay_requested', 'operator'
             from payout.payouts;",
        )
        .await;
    let early = insert("too-early");
    Refusal::expected(&early, database.try_run(&early).await).is(
        &early,
        "PW040",
        "after a restore",
    );
    let rising = "select coalesce((select min(seq) from payout.events where order_num = 'after')
                     > (select max(seq) from payout.events where order_num = 'before'), false)";
    let complete =
        "select (select count(*) from payout.events) = (select count(*) from payout.history)";
    assert_eq!(
        database.text(complete).await,
        "false",
        "the trap that this test is about"
    );

    let base: i64 = sqlx::query_scalar("select payout.continue_seq()")
        .fetch_one(database.pool())
        .await
        .unwrap();
    let again: i64 = sqlx::query_scalar("select payout.continue_seq()")
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert!(base > 4_000_000 && base == again, "{base} {again}");
    database.insert("after", 1000).await;
    database.step("after", "claimed").await;
    database.until(complete).await;
    assert_eq!(database.text(rising).await, "true");
}

#[tokio::test]
async fn continuing_without_a_restore_changes_nothing() {
    let database = Database::with_merchant().await;
    assert_eq!(database.text("select payout.continue_seq()").await, "0");
    database.insert("INV-1", 1000).await;
    assert_eq!(database.text("select payout.continue_seq()").await, "0");
}

/// Everything that has arrived on the two channels, as `channel payload`.
async fn received(database: &Database, listener: &mut PgListener) -> Vec<String> {
    database.run("notify until_here").await;
    let mut received = Vec::new();
    loop {
        let next = tokio::time::timeout(DEADLINE, listener.recv())
            .await
            .expect("no notification")
            .unwrap();
        if next.channel() == "until_here" {
            return received;
        }
        received.push(
            format!("{} {}", next.channel(), next.payload())
                .trim_end()
                .to_owned(),
        );
    }
}

#[tokio::test]
async fn an_insert_wakes_the_worker_and_each_later_change_wakes_the_readers() {
    let database = Database::with_steps().await;
    let mut listener = PgListener::connect(&database.url()).await.unwrap();
    listener
        .listen_all(["payout_queued", "payout_status", "until_here"])
        .await
        .unwrap();

    database.insert("INV-1", 1000).await;
    assert_eq!(received(&database, &mut listener).await, ["payout_queued"]);
    for event in [
        "claimed",
        "unanswered",
        "acknowledged",
        "reported_paid",
        "resolved_returned",
    ] {
        database.step("INV-1", event).await;
        assert_eq!(
            received(&database, &mut listener).await,
            ["payout_status INV-1"],
            "{event}"
        );
    }
    database.run("select payout.replay('INV-1')").await;
    assert_eq!(
        received(&database, &mut listener).await,
        ["payout_status INV-1"]
    );
    database.insert("INV-2", 1000).await;
    database.run("select payout.cancel('INV-2', 'test')").await;
    assert_eq!(
        received(&database, &mut listener).await,
        ["payout_queued", "payout_status INV-2"]
    );
    database
        .run(&format!("begin; {} rollback", insert("INV-3")))
        .await;
    assert_eq!(
        received(&database, &mut listener).await,
        Vec::<String>::new()
    );
}

/// NOTIFY takes a database-wide lock at commit, so only one of many inserters wakes a worker.
#[tokio::test]
async fn an_insert_does_not_wait_for_another_that_is_about_to_wake_the_worker() {
    let database = Database::with_merchant().await;
    let mut first = database.connect().await;
    run(&mut first, &format!("begin; {}", insert("INV-1"))).await;
    tokio::time::timeout(Duration::from_secs(10), database.insert("INV-2", 1000))
        .await
        .expect("it waited");
    run(&mut first, "commit").await;
}
