//! Inserts payouts, as backends do.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use anyhow::Result;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgPoolOptions};
use tokio::{task::JoinSet, time::interval};

use crate::{
    cases::Case,
    gateway::now_us,
    order::{
        ACCOUNT_NAME, ACCOUNT_NUMBER, AMOUNT_IDR, BANK_CODE, DESCRIPTION, merchant_code,
        merchant_of, order_num,
    },
    sql::execute,
    stage::Stage,
};

const COLUMNS: &str = "order_num, merchant_code, amount, fee_type, bank_code, account_number, account_name, description";
/// How many connections the paced inserts share.
const CLIENTS: u32 = 16;
/// How many rows one statement inserts where speed is not what is measured.
const ROWS_AT_ONCE: usize = 10_000;

/// Queues these payouts in a few statements.
pub(crate) async fn queue(db: &mut PgConnection, case: &Case, orders: Range<usize>) -> Result<()> {
    for from in orders.clone().step_by(ROWS_AT_ONCE) {
        let to = orders.end.min(from.saturating_add(ROWS_AT_ONCE));
        let statement = format!(
            "insert into payout.payouts ({COLUMNS})
             select 'B' || to_char(n, 'FM00000000'), 'S2020' || to_char(n % $3, 'FM000000000'), {AMOUNT_IDR}, 0,
                    '{BANK_CODE}', '{ACCOUNT_NUMBER}', '{ACCOUNT_NAME}', '{DESCRIPTION}'
             from generate_series($1::int, $2::int) n"
        );
        sqlx::query(AssertSqlSafe(statement))
            .bind(i32::try_from(from)?)
            .bind(i32::try_from(to)?.saturating_sub(1))
            .bind(i32::try_from(case.merchants)?)
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// When an insert was started and when its commit was confirmed, in microseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Inserted {
    pub(crate) number: usize,
    pub(crate) began_at_us: i64,
    pub(crate) committed_at_us: i64,
}

/// Inserts once and takes it back. A connection's first insert takes some 30 ms, in which Postgres reads its catalog and
/// compiles the triggers; backends keep their connections.
async fn warm_up(db: &mut PgConnection, table: &str, case: &Case) -> Result<()> {
    let mut tx = db.begin().await?;
    insert(&mut *tx, table, case.payouts, case.merchants).await?;
    tx.rollback().await?;
    Ok(())
}

/// One insert per commit, at an even pace.
pub(crate) async fn paced(stage: &Stage, case: &Case, per_second: u32) -> Result<Vec<Inserted>> {
    let pool = PgPoolOptions::new()
        .min_connections(CLIENTS)
        .max_connections(CLIENTS)
        .connect(&stage.enqueuer_url())
        .await?;
    let mut connections = Vec::new();
    for _ in 0..CLIENTS {
        let mut db = pool.acquire().await?;
        warm_up(&mut db, "payout.payouts", case).await?;
        connections.push(db);
    }
    drop(connections);
    let mut ticks = interval(Duration::from_secs_f64(1.0 / f64::from(per_second)));
    let mut running = JoinSet::new();
    for number in 0..case.payouts {
        ticks.tick().await;
        let (pool, merchants) = (pool.clone(), case.merchants);
        running.spawn(async move {
            let began_at_us = now_us();
            insert(&pool, "payout.payouts", number, merchants).await?;
            anyhow::Ok(Inserted {
                number,
                began_at_us,
                committed_at_us: now_us(),
            })
        });
    }
    running.join_all().await.into_iter().collect()
}

/// Payouts per second that `clients` insert into `payout.payouts` and into a bare table, half of them at a time.
pub(crate) async fn speeds(stage: &Stage, case: &Case, clients: usize) -> Result<(f64, f64)> {
    let (mut ours, mut bare) = (Duration::ZERO, Duration::ZERO);
    let share = share_of_client(case, clients);
    let half = share / 2;
    for numbers in [0..half, half..share] {
        for (table, took) in [("public.bare", &mut bare), ("payout.payouts", &mut ours)] {
            let spent = insert_from(stage, case, clients, table, numbers.clone()).await?;
            *took = took.saturating_add(spent);
        }
    }
    let rows = share.saturating_mul(clients) as f64;
    Ok((rows / ours.as_secs_f64(), rows / bare.as_secs_f64()))
}

/// How many payouts each client inserts.
pub(crate) fn share_of_client(case: &Case, clients: usize) -> usize {
    case.payouts.checked_div(clients).unwrap_or(0)
}

/// How long the clients take to insert these of their payouts, one row per commit.
async fn insert_from(
    stage: &Stage,
    case: &Case,
    clients: usize,
    table: &'static str,
    numbers: Range<usize>,
) -> Result<Duration> {
    let mut connections = Vec::new();
    for _ in 0..clients {
        let mut db = PgConnection::connect(&stage.enqueuer_url()).await?;
        warm_up(&mut db, table, case).await?;
        connections.push(db);
    }
    let share = share_of_client(case, clients);
    let merchants = case.merchants;
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for (client, mut db) in connections.into_iter().enumerate() {
        let numbers = numbers.clone();
        running.spawn(async move {
            let from = client.saturating_mul(share);
            for number in numbers {
                insert(&mut db, table, from.saturating_add(number), merchants).await?;
            }
            anyhow::Ok(())
        });
    }
    let done: Result<Vec<()>> = running.join_all().await.into_iter().collect();
    done?;
    Ok(begun.elapsed())
}

async fn insert<'c>(
    db: impl sqlx::PgExecutor<'c>,
    table: &str,
    number: usize,
    merchants: usize,
) -> Result<()> {
    let statement =
        format!("insert into {table} ({COLUMNS}) values ($1, $2, $3::bigint, $4, $5, $6, $7, $8)");
    sqlx::query(AssertSqlSafe(statement))
        .bind(order_num(number))
        .bind(merchant_code(merchant_of(number, merchants)))
        .bind(AMOUNT_IDR)
        .bind(0_i16)
        .bind(BANK_CODE)
        .bind(ACCOUNT_NUMBER)
        .bind(ACCOUNT_NAME)
        .bind(DESCRIPTION)
        .execute(db)
        .await?;
    Ok(())
}

/// A table with the columns, defaults and primary key of `payout.payouts`, and nothing else.
pub(crate) async fn create_bare_table(db: &mut PgConnection) -> Result<()> {
    execute(
        db,
        "create table public.bare (like payout.payouts including defaults including generated,
                                   primary key (merchant_code, order_num));
         grant insert on public.bare to bench_backend",
    )
    .await
}
