//! Measures the worker from outside: a real Postgres over TCP, a gateway in a process of its own, the release binary.
//!
//! Every run ends with a check: no order submitted twice, none lost, books right to the rupiah. A run that fails it
//! reports no figures.
// Why: a bench prints its table.
#![allow(
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::cast_precision_loss
)]

mod cases;
mod check;
mod claims;
mod cost;
mod drain;
mod enqueue;
mod figures;
mod gateway;
mod goals;
mod history;
mod machine;
mod order;
mod page;
mod pages;
mod pairs;
mod peers;
mod plot;
mod profile;
mod record;
mod report;
mod run;
mod running;
mod signature;
mod slow_disk;
mod sql;
mod stage;
mod worker;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use record::Record;

#[derive(Parser)]
#[command(about = "Measures the payout worker from outside")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run cases and print their figures.
    Run(Options),
    /// Run the cases that are compared with another one, in alternating rounds, and print the ratios.
    Pairs(Options),
    /// Write the plots of a record and its part of `performance.md`, without measuring.
    #[command(hide = true)]
    Render { record: PathBuf },
    /// Compare with other queues, in the same run.
    Peers(peers::Options),
    /// The gateway of a run; the other commands start it.
    #[command(hide = true)]
    Gateway(gateway::Settings),
}

/// What to run.
#[derive(Clone, Debug, clap::Args)]
struct Options {
    /// Names of cases; none runs all of them.
    cases: Vec<String>,
    /// Print the cases instead of running them.
    #[arg(long)]
    list: bool,
    /// Run the short form: under two minutes.
    #[arg(long, conflicts_with = "cases")]
    short: bool,
    #[command(flatten)]
    scale: cases::Scale,
    /// How often each case runs, and its median counts: once, or seven pairs, unless this says so.
    #[arg(long)]
    times: Option<usize>,
    /// The program to measure.
    #[arg(long)]
    payout: PathBuf,
    /// A second program: its runs alternate with those of the first, and the ratio is printed.
    #[arg(long)]
    against: Option<PathBuf>,
    /// Print after each run which statements and functions took the server's time. Counting slows the run down.
    #[arg(long)]
    profile: bool,
    /// Break something before the check, to show that the run then fails.
    #[arg(long, hide = true)]
    spoil: Option<check::Spoil>,
    /// Add these cases to the record, and draw its plots.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "docs/performance.json")]
    #[arg(conflicts_with_all = ["against", "profile", "spoil"])]
    record: Option<PathBuf>,
    /// Compare with this record.
    #[arg(long)]
    compare: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Run(options) if options.list => {
            for case in cases::ALL {
                println!("{:24} {}", case.name, case.about);
            }
            for (first, second) in cases::PAIRS {
                println!("--pairs {first:16} in turns with {second}");
            }
            Ok(())
        }
        Command::Run(options) => run::all(&options).await,
        Command::Pairs(options) => pairs::all(&options).await,
        Command::Render { record } => {
            let read = Record::read(&record)?.context("there is no such record")?;
            page::publish(&read, &record)
        }
        Command::Peers(options) => peers::all(&options).await,
        Command::Gateway(settings) => gateway::serve(settings).await,
    }
}
