//! The demonstration on one machine: a throw-away Postgres, the sandbox gateway and two workers.

// Why: the demonstration speaks to who started it.
#![allow(clippy::print_stdout)]

mod break_it;
pub mod cluster;
mod screen;
mod stage;
mod traffic;
mod verdict;
mod workers;

use std::{process::ExitCode, time::Duration};

use anyhow::Result;
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, interval, sleep, sleep_until},
};

pub use break_it::{BreakOptions, break_it};

use self::{screen::Screen, stage::Stage, traffic::Traffic, workers::Workers};
use crate::sandbox::Fault;

/// The demo's options.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// How long to enqueue, as in 30s or 2m; without it until Ctrl-C.
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub duration: Option<Duration>,
    /// Payouts enqueued per second.
    #[arg(long, default_value_t = 2.0)]
    pub rate: f64,
    /// Starts with a fault: unknown, lost, slow, down, badsig or another word of the sandbox.
    #[arg(long = "break", value_name = "FAULT")]
    pub fault: Option<Fault>,
    /// Heals that fault after this time.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub heal_after: Option<Duration>,
    /// A Postgres server of your own; a database `payout_demo`_… is made there and dropped at the end.
    /// The command line's `--database-url` gives it.
    #[arg(skip)]
    pub server: Option<String>,
    /// How long to wait for open payouts at the end.
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = humantime::parse_duration)]
    pub drain: Duration,
    /// Of a hundred payouts, how many the sandbox lets fail.
    #[arg(long, default_value_t = 5)]
    pub fail_percent: u8,
}

/// Runs the demo; the exit code says whether anything was sent twice, lost or out of balance.
pub async fn run(options: Options) -> Result<ExitCode> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stage = tokio::select! {
        stage = Stage::build(&options) => stage?,
        _ = interrupt.recv() => return Ok(ExitCode::from(130)),
    };
    let result = tokio::select! {
        result = play(&options, &stage, &mut interrupt) => result,
        _ = terminate.recv() => Ok(ExitCode::from(143)),
    };
    stage.tear_down().await;
    result
}

async fn play(
    options: &Options,
    stage: &Stage,
    interrupt: &mut tokio::signal::unix::Signal,
) -> Result<ExitCode> {
    let mut workers = Workers::start(stage)?;
    let mut traffic = Traffic::start(stage.pool.clone(), options.rate);
    let mut screen = Screen::new(stage);
    let begun = Instant::now();
    let far = begun
        .checked_add(Duration::from_hours(24 * 365))
        .unwrap_or(begun);
    let end = options
        .duration
        .and_then(|time| begun.checked_add(time))
        .unwrap_or(far);
    let heal = options
        .heal_after
        .and_then(|time| begun.checked_add(time))
        .unwrap_or(far);
    let mut healed = false;
    let mut tick = interval(Duration::from_millis(500));
    loop {
        tokio::select! {
            _ = tick.tick() => {
                workers.revive(stage, &screen);
                screen.draw(stage, &workers, traffic.enqueued()).await?;
            }
            () = sleep_until(heal), if !healed => {
                healed = true;
                stage.sandbox.heal();
            }
            () = sleep_until(end) => break,
            _ = interrupt.recv() => break,
        }
    }
    traffic.stop().await;
    screen.say("no more payouts are enqueued; waiting for the open ones");
    let drained_by = Instant::now().checked_add(options.drain).unwrap_or(far);
    while verdict::open(&stage.pool).await.unwrap_or(1) > 0 && Instant::now() < drained_by {
        workers.revive(stage, &screen);
        screen.draw(stage, &workers, traffic.enqueued()).await?;
        if !healed && Instant::now() >= heal {
            healed = true;
            stage.sandbox.heal();
        }
        tokio::select! {
            () = sleep(Duration::from_millis(500)) => {}
            _ = interrupt.recv() => break,
        }
    }
    screen.draw(stage, &workers, traffic.enqueued()).await?;
    workers.stop().await;
    let verdict = verdict::reach(stage).await?;
    screen.leave();
    println!("{verdict}");
    Ok(if verdict.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
