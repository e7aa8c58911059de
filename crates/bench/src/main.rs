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
mod cost;
mod enqueue;
mod gateway;
mod machine;
mod order;
mod profile;
mod report;
mod run;
mod signature;
mod stage;
mod worker;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

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
    /// The gateway of a run; `run` starts it.
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
    /// How often each case runs; the median counts.
    #[arg(long, default_value_t = 1)]
    times: usize,
    /// The program to measure.
    #[arg(long)]
    payout: PathBuf,
    /// A second program: its runs alternate with those of the first, and the ratio is printed.
    #[arg(long)]
    against: Option<PathBuf>,
    /// Print after each run which statements and functions took the server's time. Counting slows the run down.
    #[arg(long)]
    profile: bool,
    /// Write the record here, as JSON.
    #[arg(long)]
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
            Ok(())
        }
        Command::Run(options) => run::all(&options).await,
        Command::Gateway(settings) => gateway::serve(settings).await,
    }
}
