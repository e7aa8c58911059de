//! `payout run` and `payout demo`, as commands.

use std::{
    io::{self, IsTerminal},
    process::ExitCode,
};

use payout_service::telemetry;

use super::{
    exit::{Exit, say},
    global::Global,
};
use crate::demo;

/// A demo, or a command to the one that runs.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct DemoOptions {
    #[command(flatten)]
    options: demo::Options,
    #[command(subcommand)]
    command: Option<DemoCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum DemoCommand {
    /// Set a fault in the sandbox gateway of a running demo, or heal it (off)
    Break(demo::BreakOptions),
}

pub(super) async fn run(global: &Global) -> Result<(), Exit> {
    let config = global.configuration()?;
    log();
    for warning in &config.warnings {
        say(&format!("warning: {warning}"));
    }
    Ok(payout_service::run(config).await?)
}

pub(super) async fn demo(global: &Global, demo: &DemoOptions) -> Result<ExitCode, Exit> {
    if let Some(DemoCommand::Break(options)) = &demo.command {
        demo::break_it(options.clone()).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let server = global.database_flag();
    Ok(demo::run(demo::Options {
        server,
        ..demo.options.clone()
    })
    .await?)
}

/// People read plain lines, log collectors JSON.
pub(super) fn log() {
    telemetry::start(!io::stderr().is_terminal());
}
