//! The command line.

pub mod keyring;
pub mod run;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{config, demo, store::schema, telemetry};

#[derive(Parser)]
#[command(name = "payout", version)]
struct Line {
    #[arg(short = 'c', long = "config", global = true, env = "PAYOUT_CONFIG")]
    config: Option<PathBuf>,
    #[arg(
        long,
        global = true,
        env = "PAYOUT_DATABASE_URL",
        hide_env_values = true
    )]
    database_url: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run,
    Migrate,
    Demo(Demo),
}

#[derive(clap::Args)]
struct Demo {
    #[command(flatten)]
    options: demo::Options,
    #[command(subcommand)]
    act: Option<DemoAct>,
}

#[derive(Subcommand)]
enum DemoAct {
    Break(demo::BreakOptions),
}

/// Runs the command line.
pub async fn main() -> ExitCode {
    let line = Line::parse();
    match act(line).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("payout: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn act(line: Line) -> anyhow::Result<ExitCode> {
    let load = || -> anyhow::Result<config::Config> {
        Ok(config::load(
            &line.config.clone().unwrap_or("payout.toml".into()),
            line.database_url.clone(),
        )?)
    };
    match line.command {
        Command::Run => {
            telemetry::start(true);
            run::run(load()?).await?;
        }
        Command::Migrate => {
            let config = load()?;
            let merchants = config
                .merchants
                .iter()
                .map(keyring::registration)
                .collect::<Result<Vec<_>, _>>()?;
            for line in schema::migrate(&config.database.url, &merchants, &[], false).await? {
                println!("{line}");
            }
        }
        Command::Demo(demo) => match demo.act {
            Some(DemoAct::Break(options)) => demo::break_it(options).await?,
            None => return demo::run(demo.options).await,
        },
    }
    Ok(ExitCode::SUCCESS)
}
