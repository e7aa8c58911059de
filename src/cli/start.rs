//! `payout run` and `payout demo`, as commands.

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use super::{
    exit::{Failure, say},
    global::Global,
};
use crate::{
    demo,
    service::{self, Unfit},
    telemetry,
};

/// The demo, or a word to one that runs.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct DemoOptions {
    #[command(flatten)]
    options: demo::Options,
    #[command(subcommand)]
    act: Option<DemoAct>,
}

#[derive(Debug, clap::Subcommand)]
enum DemoAct {
    /// Set or heal (off) a fault of the sandbox of a running demo
    Break(demo::BreakOptions),
}

pub(super) async fn run(global: &Global) -> Result<ExitCode, Failure> {
    let config = global.configuration()?;
    log();
    for warning in &config.warnings {
        say(&format!("warning: {warning}"));
    }
    service::run(config).await.map_err(of_run)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn demo(global: &Global, demo: DemoOptions) -> Result<ExitCode, Failure> {
    if let Some(DemoAct::Break(options)) = demo.act {
        demo::break_it(options).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let server = global.database_flag();
    Ok(demo::run(demo::Options {
        server,
        ..demo.options
    })
    .await?)
}

/// People read plain lines, collectors JSON.
pub(super) fn log() {
    telemetry::start(!io::stderr().is_terminal());
}

fn of_run(error: anyhow::Error) -> Failure {
    match error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Unfit>())
    {
        Some(unfit) => Failure::Config(unfit.to_string()),
        None => error.into(),
    }
}
