//! The demonstration on one machine: a throw-away Postgres, the sandbox gateway and two workers.

// Why: the demonstration speaks to who started it.
#![allow(clippy::print_stdout)]

mod break_it;
mod database;
mod score;
mod screen;
mod stage;
mod traffic;
mod workers;

use std::{process::ExitCode, time::Duration};

use anyhow::Result;
use payout_sandbox::Fault;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, interval, sleep, sleep_until},
};

pub use break_it::{BreakOptions, break_it};

use self::{screen::Screen, stage::Stage, traffic::Traffic, workers::Workers};

/// How often the workers are checked and the screen is redrawn.
const TICK: Duration = Duration::from_millis(500);

/// The demo's options.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// How long to enqueue payouts, as in 30s or 2m; by default until Ctrl-C.
    #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
    pub duration: Option<Duration>,
    /// Payouts enqueued per second.
    #[arg(long, default_value_t = 2.0)]
    pub rate: f64,
    /// Start with a fault: unknown, lost, slow, down, badsig or any other fault of the sandbox.
    #[arg(long = "break", value_name = "FAULT")]
    pub fault: Option<Fault>,
    /// Clear that fault after this time.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub heal_after: Option<Duration>,
    /// A Postgres server of your own. The demo creates a database `payout_demo`_… there and drops it at the end.
    /// Set by the command line's `--database-url`.
    #[arg(skip)]
    pub server: Option<String>,
    /// How long to wait for open payouts at the end.
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = humantime::parse_duration)]
    pub drain: Duration,
    /// How many of a hundred payouts fail at the sandbox.
    #[arg(long, default_value_t = 5)]
    pub fail_percent: u8,
}

/// Runs the demo. The exit code says whether anything was sent twice, lost or out of balance.
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

/// Enqueues payouts until the options' end, then waits for the open ones and compares.
async fn play(options: &Options, stage: &Stage, interrupt: &mut Signal) -> Result<ExitCode> {
    let mut show = Show {
        stage,
        workers: Workers::start(stage)?,
        traffic: Traffic::start(stage.pool.clone(), options.rate),
        screen: Screen::new(stage),
        heal: options.heal_after.and_then(from_now),
    };
    show.run(options.duration.and_then(from_now), interrupt)
        .await?;
    show.traffic.stop().await;
    show.screen
        .say("enqueueing has ended; waiting for the open payouts");
    show.drain(from_now(options.drain), interrupt).await?;
    show.workers.stop().await;
    let score = score::count(stage).await?;
    show.screen.leave();
    println!("{score}");
    Ok(if score.is_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A running demo.
struct Show<'a> {
    stage: &'a Stage,
    workers: Workers,
    traffic: Traffic,
    screen: Screen,
    /// When the fault is cleared; `None` if it already is or never will be.
    heal: Option<Instant>,
}

impl Show<'_> {
    /// Runs until `end` or Ctrl-C.
    async fn run(&mut self, end: Option<Instant>, interrupt: &mut Signal) -> Result<()> {
        let mut tick = interval(TICK);
        loop {
            tokio::select! {
                _ = tick.tick() => self.tick().await?,
                () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
            }
        }
    }

    /// Runs until no payout is open, `end`, or Ctrl-C.
    async fn drain(&mut self, end: Option<Instant>, interrupt: &mut Signal) -> Result<()> {
        let may_wait = || end.is_none_or(|end| Instant::now() < end);
        while score::open(&self.stage.pool).await.unwrap_or(1) > 0 && may_wait() {
            self.tick().await?;
            tokio::select! {
                () = sleep(TICK) => {}
                _ = interrupt.recv() => break,
            }
        }
        self.tick().await
    }

    async fn tick(&mut self) -> Result<()> {
        if self.heal.is_some_and(|at| at <= Instant::now()) {
            self.heal = None;
            self.stage.sandbox.heal();
        }
        for error in self.workers.revive(self.stage) {
            self.screen.say(&format!("{error:#}; retrying"));
        }
        self.screen
            .draw(self.stage, &self.workers, self.traffic.enqueued())
            .await
    }
}

/// `None` for a time beyond the clock's range, which never comes.
fn from_now(time: Duration) -> Option<Instant> {
    Instant::now().checked_add(time)
}
