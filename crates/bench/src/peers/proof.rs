//! The promise of a peer, on trial: it is killed while requests are under way, and started again.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use tokio::time::{Duration, Instant, sleep};

use super::{
    check,
    install::Program,
    scene::{Scene, Setting},
};
use crate::{
    cases::{Case, DRAIN, Load},
    gateway::Report,
    running::{STALLED, settled},
    worker::{Process, get},
};

/// Answers are late enough that many requests are under way at any time, and no callback helps.
const TRIAL: Case = Case {
    load: Load::Enqueue(1),
    payouts: 600,
    answer_after_ms: 20,
    ..DRAIN
};
const SETTING: Setting = Setting {
    concurrency: 64,
    batch: 16,
};

/// Fails if the peer sends a payout twice, loses one, or books a rupiah wrongly.
pub(super) async fn holds(payout: &Path, program: &Program) -> Result<()> {
    let mut scene = Scene::build(payout, program, SETTING, &TRIAL).await?;
    let process = scene.start().await?;
    scene.open().await?;
    until_paid(&scene, process, TRIAL.payouts / 3).await?;
    let queued = count(&mut scene, "queued").await?;
    ensure!(queued > 0, "nothing was left to do when it was killed");
    // A queue gives the jobs of a killed process back after minutes or hours. Here they come at once.
    scene.enqueue()?;
    let mut process = scene.start().await?;
    scene.open().await?;
    let seen = until_settled(&mut scene, &mut process).await?;
    process.stop()?;
    check::all_is_right(&mut scene.db, &TRIAL, &seen, Some(SETTING.concurrency)).await?;
    println!(
        "  killed with {queued} of {} payouts queued: none lost, none sent twice, books right",
        TRIAL.payouts
    );
    Ok(())
}

/// Kills the process when the gateway has paid so many.
async fn until_paid(scene: &Scene<'_>, mut process: Process, enough: usize) -> Result<()> {
    let begun = Instant::now();
    while settled(&scene.stage).await? < enough {
        process.ensure_runs().with_context(|| scene.last_words())?;
        ensure!(
            begun.elapsed() < STALLED,
            "it stalled: {}",
            scene.last_words()
        );
        sleep(Duration::from_millis(5)).await;
    }
    drop(process);
    Ok(())
}

/// Waits until every payout that the gateway received is booked, and none is queued.
async fn until_settled(scene: &mut Scene<'_>, process: &mut Process) -> Result<Report> {
    let begun = Instant::now();
    loop {
        process.ensure_runs().with_context(|| scene.last_words())?;
        let queued = count(scene, "queued").await?;
        let paid = count(scene, "paid").await?;
        let seen: Report = serde_json::from_slice(&get(scene.stage.gateway_at, "/bench").await?)?;
        let sent = seen.submitted_at_us.iter().filter(|at| **at > 0).count();
        if queued == 0 && paid >= sent {
            return Ok(seen);
        }
        if begun.elapsed() > STALLED {
            bail!(
                "{queued} queued, {sent} sent, {paid} paid: {}",
                scene.last_words()
            );
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn count(scene: &mut Scene<'_>, state: &str) -> Result<usize> {
    let count: i64 = sqlx::query_scalar("select count(*) from peer.payouts where state = $1")
        .bind(state)
        .fetch_one(&mut scene.db)
        .await?;
    Ok(usize::try_from(count)?)
}
