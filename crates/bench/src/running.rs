//! The workers of a run, and what is waited for.

use std::{path::Path, time::Duration};

use anyhow::{Result, bail};
use sqlx::PgConnection;
use tokio::time::{Instant, sleep};

use crate::{
    cases::Case,
    check::Spoil,
    cost::{Meter, peak_memory},
    gateway::Report,
    stage::Stage,
    worker::{Process, get},
};

/// How long nothing may settle.
pub(crate) const STALLED: Duration = Duration::from_mins(1);

/// One run of a case.
pub(crate) struct Run<'a> {
    pub(crate) case: &'a Case,
    /// The program.
    pub(crate) payout: &'a Path,
    pub(crate) stage: &'a Stage,
    /// What is broken on purpose before the check.
    pub(crate) spoil: Option<Spoil>,
}

/// How many payouts have a callback that the worker answered.
pub(crate) async fn settled(stage: &Stage) -> Result<usize> {
    let text = get(stage.gateway_at, "/settled").await?;
    Ok(std::str::from_utf8(&text)?.parse()?)
}

/// The workers of a run.
pub(crate) struct Running {
    workers: Vec<Process>,
    /// Of the largest worker.
    pub(crate) peak_memory_bytes: u64,
}

impl Running {
    /// Another program instead, which is ready.
    pub(crate) fn of(program: Process) -> Self {
        Self {
            workers: vec![program],
            peak_memory_bytes: 0,
        }
    }

    /// Starts them, and waits until each has proven its keys, so that only claims are left to do.
    pub(crate) async fn start(case: &Case, payout: &Path, stage: &Stage) -> Result<Self> {
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

    /// Reads what workers and server have spent.
    pub(crate) async fn meter(&self, stage: &Stage, db: &mut PgConnection) -> Result<Meter> {
        let pids: Vec<u32> = self.workers.iter().map(Process::pid).collect();
        Meter::read(db, &pids, stage.postmaster()?).await
    }

    /// Waits until so many payouts are settled.
    pub(crate) async fn until_settled(&mut self, stage: &Stage, count: usize) -> Result<()> {
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
            self.ensure_all_run()?;
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the gateway has accepted every payout, and the worker has stored that.
    pub(crate) async fn until_pending(
        &mut self,
        db: &mut PgConnection,
        count: usize,
    ) -> Result<()> {
        let (mut last, mut since) = (0, Instant::now());
        loop {
            let now: i64 =
                sqlx::query_scalar("select count(*) from payout.payouts where state = 'pending'")
                    .fetch_one(&mut *db)
                    .await?;
            if usize::try_from(now)? >= count {
                return Ok(());
            }
            if now > last {
                (last, since) = (now, Instant::now());
            }
            if since.elapsed() > STALLED {
                bail!("{now} of {count} payouts are pending, and no further one for {STALLED:?}");
            }
            self.ensure_all_run()?;
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Waits until every payout that was submitted has its end here too.
    ///
    /// A callback that comes before the answer to the submit was stored settles nothing, although it is acknowledged: there
    /// is no order number of the gateway yet to compare with (protocol P20). The next query decides.
    pub(crate) async fn until_none_is_open(&mut self, db: &mut PgConnection) -> Result<()> {
        let begun = Instant::now();
        loop {
            let open: i64 = sqlx::query_scalar(
                "select count(*) from payout.payouts where state in ('submitting', 'pending', 'unknown')",
            )
            .fetch_one(&mut *db)
            .await?;
            if open == 0 {
                return Ok(());
            }
            if begun.elapsed() > STALLED {
                bail!(
                    "{open} payouts are still open after {STALLED:?}, the first of them:\n{}",
                    the_first_open(db).await?
                );
            }
            self.ensure_all_run()?;
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The most memory that one of them has used so far, in bytes.
    pub(crate) fn largest_peak_memory(&self) -> Result<u64> {
        let peaks = self.workers.iter().map(|worker| peak_memory(worker.pid()));
        Ok(peaks
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .max()
            .unwrap_or(0))
    }

    fn ensure_all_run(&mut self) -> Result<()> {
        self.workers.iter_mut().try_for_each(Process::ensure_runs)
    }

    /// Waits until every payout that was submitted is settled, and ends the workers.
    pub(crate) async fn stop_when_quiet(&mut self, stage: &Stage) -> Result<Report> {
        let begun = Instant::now();
        let report = loop {
            let report: Report = serde_json::from_slice(&get(stage.gateway_at, "/bench").await?)?;
            let sent = report.sent();
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
        self.peak_memory_bytes = self.largest_peak_memory()?.max(self.peak_memory_bytes);
        for worker in self.workers.drain(..) {
            worker.stop()?;
        }
        Ok(report)
    }
}

/// What somebody needs to find out why a payout stays open: its row, attempts, evidence and history, as JSON.
async fn the_first_open(db: &mut PgConnection) -> Result<String> {
    Ok(sqlx::query_scalar(
        "select jsonb_pretty(jsonb_build_object(
            'now', clock_timestamp(), 'payout', to_jsonb(p),
            'attempts', (select jsonb_agg(a) from payout.attempts a where (a.merchant_code, a.order_num) = (p.merchant_code, p.order_num)),
            'evidence', (select jsonb_agg(e) from payout.evidence e where (e.merchant_code, e.order_num) = (p.merchant_code, p.order_num)),
            'history', (select jsonb_agg(h) from payout.history h where (h.merchant_code, h.order_num) = (p.merchant_code, p.order_num))))
         from payout.payouts p where p.state in ('submitting', 'pending', 'unknown')
         limit 1",
    )
    .fetch_optional(db)
    .await?
    .unwrap_or_default())
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
