//! A payout of a transaction that is prepared first and committed later, as transaction managers (XA) do.

use sqlx::PgConnection;

use crate::support::{database::Database, refusal::Refusal, server::run, world::World};

const INSERT: &str = "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
                      values ('XA-1', 250000, 1, '014', '0012345678', 'Siti Rahayu')";

/// Whether the server prepares transactions; one that is not ours may not.
async fn prepares(database: &Database) -> bool {
    let prepares = database
        .text("select current_setting('max_prepared_transactions')")
        .await
        != "0";
    if !prepares {
        eprintln!("SKIPPED: the server has max_prepared_transactions = 0");
    }
    prepares
}

/// The name of a prepared transaction belongs to the whole server.
async fn prepare(session: &mut PgConnection, database: &Database) -> Result<String, sqlx::Error> {
    let name = database.text("select 'xa-' || current_database()").await;
    let prepare = format!("prepare transaction '{name}'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(prepare))
        .execute(session)
        .await?;
    Ok(name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_of_a_prepared_transaction_is_paid_once_that_is_committed() {
    let world = World::start().await;
    let database = &world.database;
    if !prepares(database).await {
        return;
    }
    let login = database.login(&["payout_enqueuer"]).await;
    let mut session = database.connect_as(&login).await;
    run(&mut session, "begin; set local payout.wake = off").await;
    run(&mut session, INSERT).await;
    let name = prepare(&mut session, database).await.unwrap();
    assert_eq!(
        database.text("select count(*) from payout.payouts").await,
        "0"
    );
    let mut later = database.connect_as(&login).await;
    run(&mut later, &format!("commit prepared '{name}'")).await;
    world.until_state("XA-1", "paid").await;
    assert_eq!(world.submits_of("XA-1"), 1);
    let shown = "select count(*) from payout.events where event = 'enqueued'";
    world.until(shown, "1").await;
}

#[tokio::test]
async fn with_the_wake_up_off_every_act_of_a_backend_can_be_prepared_and_without_postgres_refuses()
{
    let database = Database::with_merchant().await;
    if !prepares(&database).await {
        return;
    }
    database.insert("INV-1", 10_000).await;
    let login = database.login(&["payout_enqueuer"]).await;
    for act in [
        INSERT,
        "select payout.enqueue('XA-2', 250000, 1, '014', '0012345678', 'Siti Rahayu')",
        "select payout.cancel('INV-1', 'ordered twice')",
    ] {
        let mut session = database.connect_as(&login).await;
        run(&mut session, &format!("begin; {act}")).await;
        let refused = prepare(&mut session, &database).await.unwrap_err();
        assert_eq!(Refusal::of(&refused).code, "0A000", "{act}");

        run(&mut session, "rollback; set payout.wake = off; begin").await;
        run(&mut session, act).await;
        let name = prepare(&mut session, &database).await.unwrap();
        run(&mut session, &format!("commit prepared '{name}'")).await;
    }
    let states =
        "select string_agg(order_num || ' ' || state, ', ' order by order_num) from payout.payouts";
    let states = database.text(states).await;
    assert_eq!(states, "INV-1 cancelled, XA-1 queued, XA-2 queued");
}

/// The setting concerns whoever makes it.
#[tokio::test]
async fn others_wake_the_workers_while_a_transaction_that_does_not_is_prepared() {
    let database = Database::with_merchant().await;
    if !prepares(&database).await {
        return;
    }
    let mut listener = database.listen("payout_queued").await;
    let mut session = database.connect().await;
    run(&mut session, "begin; set local payout.wake = off").await;
    run(&mut session, INSERT).await;
    let name = prepare(&mut session, &database).await.unwrap();
    database.insert("INV-1", 10_000).await;
    let woken = tokio::time::timeout(crate::support::database::DEADLINE, listener.recv()).await;
    woken.expect("nobody was woken").unwrap();
    run(&mut session, &format!("rollback prepared '{name}'")).await;
}
