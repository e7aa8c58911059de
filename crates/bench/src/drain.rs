//! The loads that are queued before the worker may claim.

use std::ops::Range;

use anyhow::Result;
use sqlx::{Connection, PgConnection};
use tokio::time::Instant;

use crate::{
    cases::Before,
    check, claims, enqueue,
    figures::{Figures, Rounds, Settled},
    gateway::now_us,
    history,
    running::{Run, Running},
    sql::execute,
    stage::Stage,
    worker::get,
};

const PAUSE: &str = "select payout.pause('all', '', 'bench')";
const RESUME: &str = "select payout.resume('all', '', 'bench')";

/// Each round queues its payouts; then claims open.
pub(crate) async fn rounds(run: &Run<'_>, db: &mut PgConnection) -> Result<Rounds> {
    let case = run.case;
    execute(db, PAUSE).await?;
    if case.history > 0 {
        let begun = Instant::now();
        let mut beside = run.stage.owner().await?;
        history::load(db, &mut beside, case.history).await?;
        println!(
            "{}: {} payouts loaded in {:.0} s",
            case.name,
            case.history,
            begun.elapsed().as_secs_f64()
        );
    }
    let mut figures = Vec::new();
    let mut snapshot = None;
    let mut from = 0_usize;
    for round in case.rounds {
        let to = from.saturating_add(case.payouts_of(round));
        enqueue::queue(db, case, from..to.saturating_add(case.backlog)).await?;
        match round.before {
            Before::Nothing => {}
            Before::Analyze => execute(db, "analyze").await?,
            Before::Vacuum => execute(db, "vacuum (analyze)").await?,
            Before::Snapshot => {
                execute(db, "analyze").await?;
                snapshot = Some(hold_snapshot(run.stage).await?);
            }
        }
        figures.push((case.name_of(round), one_round(run, db, from..to).await?));
        from = to;
    }
    if case.history > 0 {
        check::history_is_like_the_rest(db).await?;
    }
    if let Some(snapshot) = snapshot {
        // An error says that it did not last, so it was not held open.
        snapshot.close().await?;
    }
    Ok(figures)
}

/// A transaction that sees what there is now, for as long as it lasts.
async fn hold_snapshot(stage: &Stage) -> Result<PgConnection> {
    let mut holder = stage.owner().await?;
    execute(&mut holder, "begin isolation level repeatable read").await?;
    execute(&mut holder, "select from payout.payouts limit 1").await?;
    Ok(holder)
}

/// Sends and settles these orders.
async fn one_round(run: &Run<'_>, db: &mut PgConnection, orders: Range<usize>) -> Result<Figures> {
    let (case, stage) = (run.case, run.stage);
    let mut workers = Running::start(case, run.payout, stage).await?;
    execute(db, "checkpoint").await?;
    claims::begin(db, case).await?;
    let before = workers.meter(stage, db).await?;
    execute(db, RESUME).await?;
    workers.until_settled(stage, orders.end).await?;
    let ended_us = now_us();
    let cost = workers.meter(stage, db).await?.since(before);
    let claim_us = claims::us_per_payout(db, case, orders.len()).await?;
    execute(db, PAUSE).await?;
    check::spoil(run.spoil, stage, db).await?;
    workers.until_none_is_open(db).await?;
    let seen = workers.stop_when_quiet(stage).await?;
    check::all_is_right(db, case, orders.end, &seen).await?;
    let settled = Settled {
        seen: &seen,
        orders,
        ended_us,
    };
    Ok(
        Figures::of_drain(&settled, &cost, workers.peak_memory_bytes)
            .with_some("claim_us", claim_us),
    )
}

/// Everything is pending first; then the gateway reports it as paid.
pub(crate) async fn callbacks(run: &Run<'_>, db: &mut PgConnection) -> Result<Rounds> {
    let (case, stage) = (run.case, run.stage);
    enqueue::queue(db, case, 0..case.payouts).await?;
    execute(db, "analyze").await?;
    let mut workers = Running::start(case, run.payout, stage).await?;
    workers.until_pending(db, case.payouts).await?;
    execute(db, "checkpoint").await?;
    let before = workers.meter(stage, db).await?;
    get(stage.gateway_at, "/release").await?;
    workers.until_settled(stage, case.payouts).await?;
    let cost = workers.meter(stage, db).await?.since(before);
    check::spoil(run.spoil, stage, db).await?;
    workers.until_none_is_open(db).await?;
    let seen = workers.stop_when_quiet(stage).await?;
    check::all_is_right(db, case, case.payouts, &seen).await?;
    let settled = Settled {
        seen: &seen,
        orders: 0..case.payouts,
        ended_us: i64::MAX,
    };
    let figures = Figures::of_callbacks(&settled, &cost, workers.peak_memory_bytes);
    Ok(vec![(case.name.to_owned(), figures)])
}
