//! The loads that are queued before the worker may claim.

use std::ops::Range;

use anyhow::Result;
use sqlx::{Connection, PgConnection};
use tokio::time::Instant;

use crate::{
    cases::{Before, Round},
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
pub(crate) async fn rounds(run: &Run<'_>) -> Result<Rounds> {
    let mut drain = Drain::begin(run).await?;
    let mut figures = Vec::new();
    for round in run.case.rounds {
        figures.push((
            run.case.name_of(round),
            drain.round(round, round.before).await?,
        ));
    }
    drain.end().await?;
    Ok(figures)
}

/// A case whose payouts are queued before the worker may claim, between two rounds.
pub(crate) struct Drain<'a> {
    run: &'a Run<'a>,
    db: PgConnection,
    /// How many payouts were enqueued, and how many of these were sent.
    enqueued: usize,
    sent: usize,
    snapshot: Option<PgConnection>,
}

impl<'a> Drain<'a> {
    /// Stops claims, and loads the history.
    pub(crate) async fn begin(run: &'a Run<'a>) -> Result<Self> {
        let case = run.case;
        let mut db = run.stage.owner().await?;
        execute(&mut db, PAUSE).await?;
        if case.history > 0 {
            let begun = Instant::now();
            let mut beside = run.stage.owner().await?;
            history::load(&mut db, &mut beside, case.history).await?;
            println!(
                "{}: {} payouts loaded in {:.0} s",
                case.name,
                case.history,
                begun.elapsed().as_secs_f64()
            );
        }
        Ok(Self {
            run,
            db,
            enqueued: 0,
            sent: 0,
            snapshot: None,
        })
    }

    /// Queues the payouts of a round, sends and settles them.
    pub(crate) async fn round(&mut self, round: &Round, before: Before) -> Result<Figures> {
        let case = self.run.case;
        let to = self.sent.saturating_add(case.payouts_of(round));
        let enqueued = to.saturating_add(case.backlog);
        enqueue::queue(&mut self.db, case, self.enqueued..enqueued).await?;
        self.enqueued = enqueued;
        match before {
            Before::Nothing => {}
            Before::Analyze => execute(&mut self.db, "analyze").await?,
            Before::Vacuum => execute(&mut self.db, "vacuum (analyze)").await?,
            Before::Snapshot => {
                execute(&mut self.db, "analyze").await?;
                self.snapshot = Some(hold_snapshot(self.run.stage).await?);
            }
        }
        let (figures, sent) = one_round(self.run, &mut self.db, self.sent..to).await?;
        self.sent = sent;
        Ok(figures)
    }

    /// Checks that the history was like what was sent, and that the snapshot lasted.
    pub(crate) async fn end(mut self) -> Result<()> {
        if self.run.case.history > 0 {
            check::history_is_like_the_rest(&mut self.db).await?;
        }
        if let Some(snapshot) = self.snapshot {
            // An error says that it did not last, so it was not held open.
            snapshot.close().await?;
        }
        Ok(())
    }
}

/// A transaction that sees what there is now, for as long as it lasts.
async fn hold_snapshot(stage: &Stage) -> Result<PgConnection> {
    let mut holder = stage.owner().await?;
    execute(&mut holder, "begin isolation level repeatable read").await?;
    execute(&mut holder, "select from payout.payouts limit 1").await?;
    Ok(holder)
}

/// Sends and settles these orders, and says how many were sent since the case began.
async fn one_round(
    run: &Run<'_>,
    db: &mut PgConnection,
    orders: Range<usize>,
) -> Result<(Figures, usize)> {
    let (case, stage) = (run.case, run.stage);
    let mut workers = Running::start(case, run.payout, stage).await?;
    execute(db, "checkpoint").await?;
    claims::begin(db, case).await?;
    let before = workers.meter(stage, db).await?;
    let began_us = now_us();
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
        payouts: orders.len(),
        began_us,
        ended_us,
    };
    let figures = Figures::of_drain(&settled, &cost, workers.peak_memory_bytes)
        .with_some("claim_us", claim_us);
    Ok((figures, seen.sent()))
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
        payouts: case.payouts,
        began_us: 0,
        ended_us: i64::MAX,
    };
    let figures = Figures::of_callbacks(&settled, &cost, workers.peak_memory_bytes);
    Ok(vec![(case.name.to_owned(), figures)])
}
