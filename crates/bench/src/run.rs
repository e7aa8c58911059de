//! Runs cases.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use sqlx::PgConnection;
use tokio::time::sleep;

use crate::{
    Options,
    cases::{self, Case, Load},
    check, drain, enqueue,
    enqueue::Inserted,
    figures::{Figures, Rounds},
    history, machine, pages, profile,
    report::Table,
    running::{Run, Running, settled},
    slow_disk::SlowDisk,
    stage::Stage,
};

/// Runs the chosen cases, prints the table and writes the record.
pub(crate) async fn all(options: &Options) -> Result<()> {
    let mut table = Table::new(options)?;
    for case in cases::chosen(&options.cases, options.short, &options.scale)? {
        if let Some(why) = why_not(&case)? {
            println!("{}: SKIPPED: {why}", case.name);
            continue;
        }
        for _ in 0..options.times.unwrap_or(1).max(1) {
            let rounds = measure(&case, &options.payout, options, &mut table).await?;
            table.add(&case, rounds);
            if let Some(against) = &options.against {
                let rounds = measure(&case, against, options, &mut table).await?;
                table.add_other(&case, rounds);
            }
        }
        table.print_new();
    }
    table.finish()
}

async fn measure(
    case: &Case,
    payout: &Path,
    options: &Options,
    table: &mut Table,
) -> Result<Rounds> {
    let stage = Stage::build(case, payout, options.profile).await?;
    let mut db = stage.owner().await?;
    describe_machine(table, &stage, &mut db).await?;
    if options.profile {
        profile::begin(&mut db).await?;
    }
    let run = Run {
        case,
        payout,
        stage: &stage,
        spoil: options.spoil,
    };
    let measured = match case.load {
        Load::Drain => drain::rounds(&run).await,
        Load::Callbacks => drain::callbacks(&run, &mut db).await,
        Load::Paced(per_second) => paced(&run, &mut db, per_second).await,
        Load::Pages => pages::rounds(&run, &mut db).await,
        Load::Enqueue(clients) => enqueued(&run, &mut db, clients).await,
    };
    if options.profile {
        profile::print(&mut db, case).await?;
    }
    measured.with_context(|| format!("case {}", case.name))
}

/// Tells the table about the machine, once.
pub(crate) async fn describe_machine(
    table: &mut Table,
    stage: &Stage,
    db: &mut PgConnection,
) -> Result<()> {
    if !table.knows_machine() {
        table.set_machine(machine::describe(&stage.platform_key()?, db).await?)?;
    }
    Ok(())
}

/// Payouts come at an even pace, and the worker waits for them.
async fn paced(run: &Run<'_>, db: &mut PgConnection, per_second: u32) -> Result<Rounds> {
    let (case, stage) = (run.case, run.stage);
    let mut workers = Running::start(case, run.payout, stage).await?;
    let before = workers.meter(stage, db).await?;
    let tenth = Duration::from_secs_f64(case.payouts as f64 / f64::from(per_second) / 10.0);
    let early = async {
        sleep(tenth).await;
        workers.largest_peak_memory()
    };
    let (inserted, early): (Vec<Inserted>, u64) =
        tokio::try_join!(enqueue::paced(stage, case, per_second), early)?;
    workers.until_settled(stage, case.payouts).await?;
    let (cost, settled) = (
        workers.meter(stage, db).await?.since(before),
        settled(stage).await?,
    );
    check::spoil(run.spoil, stage, db).await?;
    workers.until_none_is_open(db).await?;
    let seen = workers.stop_when_quiet(stage).await?;
    check::all_is_right(db, case, case.payouts, &seen).await?;
    let memory = workers.peak_memory_bytes;
    let figures = Figures::of_paced(&inserted, &seen, settled, &cost, memory)
        .with("memory_to_first_tenth_ratio", memory as f64 / early as f64);
    Ok(vec![(case.name.to_owned(), figures)])
}

/// The same inserts into `payout.payouts` and into a bare table, in turns.
async fn enqueued(run: &Run<'_>, db: &mut PgConnection, clients: usize) -> Result<Rounds> {
    let (case, stage) = (run.case, run.stage);
    enqueue::create_bare_table(db).await?;
    let (ours, bare) = enqueue::speeds(stage, case, clients).await?;
    check::spoil(run.spoil, stage, db).await?;
    check::all_is_queued(db, case, clients).await?;
    let figures = Figures::of_enqueue(ours, bare);
    Ok(vec![(case.name.to_owned(), figures)])
}

/// Why a case cannot run here, if it cannot.
pub(crate) fn why_not(case: &Case) -> Result<Option<String>> {
    if case.fsync_ms > 0
        && let Some(why) = SlowDisk::why_not()
    {
        return Ok(Some(why.to_owned()));
    }
    let free = rustix::fs::statvfs(std::env::temp_dir())?;
    let free_mb = free.f_bavail.saturating_mul(free.f_frsize) >> 20;
    let needed_mb = history::mb_on_disk(case.history);
    Ok((needed_mb > free_mb).then(|| {
        format!(
            "its history needs {needed_mb} MB of disk, and {free_mb} MB are free: --history N makes it smaller"
        )
    }))
}
