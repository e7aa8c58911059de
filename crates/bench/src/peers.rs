//! Other queues do the same job, with the same guarantees, in the same run (`benches/peers`).

mod check;
mod install;
mod proof;
mod scene;

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use crate::{
    cases::{Case, DRAIN},
    drain,
    figures::{Figures, Settled, median, ratio, shown},
    gateway::now_us,
    machine,
    running::{Run, Running},
    sql::execute,
    stage::Stage,
};
use install::{Install, Program};
use scene::{Scene, Setting};

/// Payouts of a run that only looks for the best setting.
const SWEEP_PAYOUTS: usize = 1_000;
/// How many requests payout is tried with in flight.
const IN_FLIGHT: [usize; 3] = [64, 128, 256];
/// What is printed of both.
const FIGURES: &[&str] = &[
    "payouts_per_second",
    "worker_cpu_us",
    "postgres_cpu_us",
    "cpu_us",
    "commits",
    "wal_bytes",
    "worker_memory_mb",
    "callbacks_refused",
];

/// What to compare.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Names of peers; none runs all of them.
    peers: Vec<String>,
    /// How many pairs of runs each ratio is the median of.
    #[arg(long, default_value_t = 7)]
    times: usize,
    /// Payouts of each run.
    #[arg(long, default_value_t = DRAIN.payouts)]
    payouts: usize,
    /// The program to compare with the peers.
    #[arg(long)]
    payout: PathBuf,
    /// Where the peers are.
    #[arg(long)]
    folder: PathBuf,
}

/// A queue, and how a careful user would set it.
struct Peer {
    name: &'static str,
    about: &'static str,
    install: Install,
    settings: &'static [Setting],
}

const fn setting(concurrency: usize, batch: usize) -> Setting {
    Setting { concurrency, batch }
}

/// One job at a time, and several.
const SINGLE_AND_BATCHED: &[Setting] = &[
    setting(16, 1),
    setting(64, 1),
    setting(16, 16),
    setting(64, 16),
    setting(64, 64),
];

const PEERS: &[Peer] = &[
    Peer {
        name: "graphile-worker",
        about: "graphile-worker 0.18.0 on Node 22",
        install: install::node,
        settings: SINGLE_AND_BATCHED,
    },
    Peer {
        name: "pg-boss",
        about: "pg-boss 12.38.0 on Node 22",
        install: install::node,
        // Workers that fetch one job at a time wait half a second between two.
        settings: &[
            setting(16, 16),
            setting(64, 8),
            setting(64, 16),
            setting(64, 32),
            setting(64, 64),
        ],
    },
    Peer {
        name: "river",
        about: "riverqueue 0.5.0, River for Rust",
        install: install::rust,
        settings: SINGLE_AND_BATCHED,
    },
];

/// A peer that runs here, at its best setting.
struct Contender {
    peer: &'static Peer,
    program: Program,
    best: Setting,
    runs: Vec<Figures>,
}

/// Proves each peer, finds its best setting, and then runs payout and all peers in turns.
pub(crate) async fn all(options: &Options) -> Result<()> {
    if let Some(name) = options
        .peers
        .iter()
        .find(|name| PEERS.iter().all(|peer| peer.name != **name))
    {
        bail!("there is no peer {name}: they are graphile-worker, pg-boss and river");
    }
    let mut contenders = Vec::new();
    for peer in PEERS {
        if !options.peers.is_empty() && options.peers.iter().all(|name| name != peer.name) {
            continue;
        }
        match (peer.install)(&options.folder, peer.name) {
            Ok(program) => contenders.push(enter(peer, program, options).await?),
            Err(why) => println!("{} cannot run here: {why:#}", peer.name),
        }
    }
    ensure!(!contenders.is_empty(), "no peer can run here");
    let case = Case {
        payouts: options.payouts,
        ..DRAIN
    };
    let our_case = Case {
        in_flight: best_in_flight(options).await?,
        ..case
    };
    let mut ours = Vec::new();
    for round in 1..=options.times.max(1) {
        println!("round {round} of {}", options.times.max(1));
        ours.push(payout(options, &our_case, round == 1).await?);
        for contender in &mut contenders {
            let figures = measure(options, &contender.program, contender.best, &case).await;
            contender
                .runs
                .push(figures.with_context(|| contender.peer.name)?);
        }
    }
    for contender in &contenders {
        print(contender, &ours);
    }
    Ok(())
}

/// A peer that breaks the promise is worth no figure.
async fn enter(peer: &'static Peer, program: Program, options: &Options) -> Result<Contender> {
    println!("{}", peer.about);
    proof::holds(&options.payout, &program)
        .await
        .with_context(|| format!("{} does not keep the promise", peer.name))?;
    let case = Case {
        payouts: options.payouts.min(SWEEP_PAYOUTS),
        ..DRAIN
    };
    let mut best: Option<(Setting, f64)> = None;
    for setting in peer.settings {
        let figures = measure(options, &program, *setting, &case)
            .await
            .with_context(|| format!("{}, {setting}", peer.name))?;
        let speed = figures.get("payouts_per_second").unwrap_or(0.0);
        println!("  {setting}: {speed:.0} payouts/s");
        if best.is_none_or(|(_, most)| speed > most) {
            best = Some((*setting, speed));
        }
    }
    let (best, _) = best.context("a peer needs a setting")?;
    Ok(Contender {
        peer,
        program,
        best,
        runs: Vec::new(),
    })
}

/// The setting of payout itself is looked for like those of the peers.
async fn best_in_flight(options: &Options) -> Result<usize> {
    println!("payout");
    let mut best = (DRAIN.in_flight, 0.0);
    for in_flight in IN_FLIGHT {
        let case = Case {
            payouts: options.payouts.min(SWEEP_PAYOUTS),
            in_flight,
            ..DRAIN
        };
        let figures = payout(options, &case, false).await?;
        let speed = figures.get("payouts_per_second").unwrap_or(0.0);
        println!("  {in_flight} in flight: {speed:.0} payouts/s");
        if speed > best.1 {
            best = (in_flight, speed);
        }
    }
    Ok(best.0)
}

async fn payout(options: &Options, case: &Case, describe: bool) -> Result<Figures> {
    let stage = Stage::build(case, &options.payout, false).await?;
    if describe {
        let mut db = stage.owner().await?;
        let machine = machine::describe(&stage.platform_key()?, &mut db).await?;
        println!(
            "{}; one signature and two verifications take {:.0} µs",
            machine.in_words(),
            machine.rsa_floor_us
        );
    }
    let run = Run {
        case,
        payout: &options.payout,
        stage: &stage,
        spoil: None,
    };
    let rounds = drain::rounds(&run).await?;
    let figures = rounds.into_iter().next().context("a run has figures")?;
    Ok(figures.1)
}

/// One run of a peer, from the first job to the last callback.
async fn measure(
    options: &Options,
    program: &Program,
    setting: Setting,
    case: &Case,
) -> Result<Figures> {
    let mut scene = Scene::build(&options.payout, program, setting, case).await?;
    let mut running = Running::of(scene.start().await?);
    execute(&mut scene.db, "checkpoint").await?;
    let before = running.meter(&scene.stage, &mut scene.db).await?;
    let began_us = now_us();
    scene.open().await?;
    running.until_settled(&scene.stage, case.payouts).await?;
    let ended_us = now_us();
    let after = running.meter(&scene.stage, &mut scene.db).await?;
    let seen = running.stop_when_quiet(&scene.stage).await?;
    check::all_is_right(&mut scene.db, case, &seen, None).await?;
    let settled = Settled {
        seen: &seen,
        payouts: case.payouts,
        began_us,
        ended_us,
    };
    Ok(Figures::of_drain(
        &settled,
        &after.since(before),
        running.peak_memory_bytes,
    ))
}

/// What both took, and payout's figure divided by the peer's.
fn print(contender: &Contender, ours: &[Figures]) {
    let peer = contender.peer;
    println!("\n{}, {}", peer.about, contender.best);
    println!("  {:24} {:>12} {:>12}", "figure", "payout", peer.name);
    let (middle, middle_of_peer) = (median(ours), median(&contender.runs));
    for name in FIGURES {
        let value = |figures: &Figures| figures.get(name).map_or_else(String::new, shown);
        println!(
            "  {name:24} {:>12} {:>12} {} of the other's",
            value(&middle),
            value(&middle_of_peer),
            ratio(name, ours, &contender.runs)
        );
    }
}
