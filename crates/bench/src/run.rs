//! Runs cases.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, bail};
use sqlx::PgConnection;
use tokio::time::{Instant, sleep};

use crate::{
    Options,
    cases::{self, Case, Load},
    check,
    cost::{Meter, peak_memory},
    enqueue::{self, Inserted},
    gateway::Report,
    machine, profile,
    report::{self, Figures},
    stage::{Stage, execute},
    worker::{Process, get},
};

/// How long nothing may settle.
const STALLED: Duration = Duration::from_mins(1);

/// Runs the chosen cases, prints the table and writes the record.
pub(crate) async fn all(options: &Options) -> Result<()> {
    let mut table = report::Table::new(options)?;
    for case in cases::chosen(&options.cases, options.short)? {
        for _ in 0..options.times.max(1) {
            let figures = measure(&case, &options.payout, options.profile, &mut table).await?;
            table.add(&case, figures);
            if let Some(against) = &options.against {
                let figures = measure(&case, against, options.profile, &mut table).await?;
                table.add_other(&case, figures);
            }
        }
        table.print_last();
    }
    table.finish()
}

async fn measure(
    case: &Case,
    payout: &Path,
    profiled: bool,
    table: &mut report::Table,
) -> Result<Figures> {
    let counting = if profiled { profile::SETTINGS } else { &[] };
    let stage = Stage::build(case, payout, counting).await?;
    let mut db = stage.owner().await?;
    if table.machine.is_none() {
        let postgres: String = sqlx::query_scalar("show server_version")
            .fetch_one(&mut db)
            .await?;
        table.machine = Some(machine::describe(&stage.platform_key()?, &postgres)?);
    }
    if profiled {
        profile::begin(&mut db).await?;
    }
    let measured = match case.load {
        Load::Drain => drain(case, payout, &stage, &mut db).await,
        Load::Paced(per_second) => paced(case, payout, &stage, &mut db, per_second).await,
        Load::Enqueue(clients) => enqueued(case, &stage, &mut db, clients).await,
    };
    if profiled {
        profile::print(&mut db, case).await?;
    }
    measured.with_context(|| format!("case {}", case.name))
}

/// Everything is queued first; then claims open.
async fn drain(
    case: &Case,
    payout: &Path,
    stage: &Stage,
    db: &mut PgConnection,
) -> Result<Figures> {
    execute(db, "select payout.pause('all', '', 'bench')").await?;
    enqueue::everything(db, case).await?;
    let mut workers = Running::start(case, payout, stage).await?;
    execute(db, "checkpoint").await?;
    let before = workers.meter(stage, db).await?;
    execute(db, "select payout.resume('all', '', 'bench')").await?;
    workers.until_settled(stage, case.payouts).await?;
    let (cost, settled) = (
        workers.meter(stage, db).await?.since(before),
        settled(stage).await?,
    );
    execute(db, "select payout.pause('all', '', 'bench')").await?;
    let seen = workers.stop_when_quiet(stage).await?;
    check::all_is_right(db, case, &seen).await?;
    Ok(Figures::of_drain(
        &seen,
        case.payouts,
        settled,
        &cost,
        workers.peak_memory_bytes,
    ))
}

/// Payouts come at an even pace, and the worker waits for them.
async fn paced(
    case: &Case,
    payout: &Path,
    stage: &Stage,
    db: &mut PgConnection,
    per_second: u32,
) -> Result<Figures> {
    let mut workers = Running::start(case, payout, stage).await?;
    let before = workers.meter(stage, db).await?;
    let inserted: Vec<Inserted> = enqueue::paced(stage, case, per_second).await?;
    workers.until_settled(stage, case.payouts).await?;
    let (cost, settled) = (
        workers.meter(stage, db).await?.since(before),
        settled(stage).await?,
    );
    let seen = workers.stop_when_quiet(stage).await?;
    check::all_is_right(db, case, &seen).await?;
    Ok(Figures::of_paced(
        &inserted,
        &seen,
        settled,
        &cost,
        workers.peak_memory_bytes,
    ))
}

/// The same inserts into `payout.payouts` and into a bare table, in turns.
async fn enqueued(
    case: &Case,
    stage: &Stage,
    db: &mut PgConnection,
    clients: usize,
) -> Result<Figures> {
    enqueue::create_bare_table(db).await?;
    let bare = enqueue::speed(stage, case, clients, "public.bare").await?;
    let ours = enqueue::speed(stage, case, clients, "payout.payouts").await?;
    Ok(Figures::of_enqueue(ours, bare))
}

async fn settled(stage: &Stage) -> Result<usize> {
    let text = get(stage.gateway_at, "/settled").await?;
    Ok(std::str::from_utf8(&text)?.parse()?)
}

/// The workers of a run.
struct Running {
    workers: Vec<Process>,
    /// Of the largest worker.
    peak_memory_bytes: u64,
}

impl Running {
    /// Starts them, and waits until each has proven its keys, so that only claims are left to do.
    async fn start(case: &Case, payout: &Path, stage: &Stage) -> Result<Self> {
        let running = Self {
            workers: stage.start_workers(payout).await?,
            peak_memory_bytes: 0,
        };
        for admin in &stage.admin {
            let begun = Instant::now();
            loop {
                let metrics = get(*admin, "/metrics").await?;
                if keys_are_proven(std::str::from_utf8(&metrics)?, case.merchants) {
                    break;
                }
                if begun.elapsed() > STALLED {
                    bail!("the keys were not proven within {STALLED:?}");
                }
                sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(running)
    }

    async fn meter(&self, stage: &Stage, db: &mut PgConnection) -> Result<Meter> {
        let pids: Vec<u32> = self.workers.iter().map(Process::pid).collect();
        Meter::read(db, &pids, stage.postmaster()?).await
    }

    async fn until_settled(&mut self, stage: &Stage, count: usize) -> Result<()> {
        let (mut last, mut since) = (0, Instant::now());
        loop {
            let now = settled(stage).await?;
            if now >= count {
                return Ok(());
            }
            if now > last {
                (last, since) = (now, Instant::now());
            }
            if since.elapsed() > STALLED {
                bail!("{now} of {count} payouts settled, and none for {STALLED:?}");
            }
            for worker in &mut self.workers {
                worker.ensure_runs()?;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until every payout that was submitted is settled, and ends the workers.
    async fn stop_when_quiet(&mut self, stage: &Stage) -> Result<Report> {
        let begun = Instant::now();
        let report = loop {
            let report: Report = serde_json::from_slice(&get(stage.gateway_at, "/bench").await?)?;
            let sent = report.submitted_at_us.iter().filter(|at| **at > 0).count();
            if usize::try_from(report.settled)? >= sent {
                break report;
            }
            if begun.elapsed() > STALLED {
                bail!(
                    "{sent} payouts were submitted, and only {} settled",
                    report.settled
                );
            }
            sleep(Duration::from_millis(50)).await;
        };
        for worker in self.workers.drain(..) {
            self.peak_memory_bytes = self.peak_memory_bytes.max(peak_memory(worker.pid())?);
            worker.stop()?;
        }
        Ok(report)
    }
}

/// Whether a worker says of each merchant that its gateway no longer keeps claims closed.
fn keys_are_proven(metrics: &str, merchants: usize) -> bool {
    let open = metrics.lines().filter(|line| {
        line.starts_with("payout_claims_stopped{")
            && line.contains("reason=\"gateway\"")
            && line.ends_with(" 0")
    });
    open.count() >= merchants
}
