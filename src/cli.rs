//! The command line: `payout COMMAND`. Data goes to stdout, talk to stderr.

mod confirm;
mod exit;
mod finance;
mod global;
mod inspect;
mod operate;
mod output;
mod rows;
mod sandbox;
mod setup;
mod start;
mod watch;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

pub use self::exit::Failure;
use self::{
    exit::Outcome,
    finance::{reconcile, report},
    global::Global,
    inspect::{approvals, audit, balance, list, show, stuck},
    operate::{pause, replay, second_person},
    setup::{configuration, doctor, keys, migrate, pages},
};

const AFTER_HELP: &str = "\
Examples:
  payout stuck                               what needs a person, oldest first
  payout show INV-77                         what we know, what we don't, what happens next
  payout replay --state unknown              ask the gateway again; never sends
  payout resubmit INV-77 --reason T-5512     send it once more; a second person: payout approve 118
  payout list --state failed --since today -o csv

Exit codes:
  0 ok   1 failed   2 usage   3 not found   4 refused by a safety rule   5 recorded, waits for approval
  69 database or gateway unreachable   78 bad configuration or schema";

/// Durable payout worker: never paid twice, never lost, never guessed.
#[derive(Debug, Parser)]
#[command(name = "payout", version, after_help = AFTER_HELP, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The worker, callbacks and metrics in one process; any number of them share the work
    Run,
    /// Apply the migrations, and register the merchants of the configuration
    Migrate(migrate::Options),
    /// Everything on this machine with a throw-away database and a sandbox gateway
    Demo(Box<start::DemoOptions>),
    /// The sandbox gateway alone, with faults and an admin page
    Sandbox(sandbox::Options),
    /// Find payouts, newest first
    List(list::Options),
    /// One payout: what we know, what we don't, what happens next, and its timeline
    Show(show::Options),
    /// What needs a person, oldest first
    Stuck(stuck::Options),
    /// Ask the gateway again now. Always safe: it never sends
    Replay(replay::ReplayOptions),
    /// Withdraw a payout that is still queued
    Cancel(replay::CancelOptions),
    /// Ask a second person to allow that the same order number is sent once more
    Resubmit(second_person::ResubmitOptions),
    /// State with evidence how a payout ended; `failed` takes a second person
    Resolve(second_person::ResolveOptions),
    /// What waits for a second person
    Approvals(approvals::Options),
    /// Say yes to somebody else's request. The gateway is asked first, in the same step
    Approve(second_person::ApproveOptions),
    /// Say no to a request
    Reject(second_person::RejectOptions),
    /// Send nothing more for now
    Pause(pause::Options),
    /// Send again what a pause stopped
    Resume(pause::Options),
    /// What is paused, since when and by whom
    Pauses,
    /// Who did what, when and why
    Audit(audit::Options),
    /// Show a beneficiary in full; recorded with your login
    Reveal(audit::RevealOptions),
    /// Look at everything that a worker needs, and say how to repair it
    Doctor,
    /// The books against the gateway's balance, or against its statement
    Reconcile(reconcile::Options),
    /// A day in the books
    #[command(subcommand)]
    Report(report::Command),
    /// Book a top-up; once per reference
    Fund(replay::FundOptions),
    /// The books, and what the gateway said last
    Balance(balance::Options),
    /// Check a configuration file, or print one to start from
    #[command(subcommand)]
    Config(configuration::Command),
    /// Make the merchant's keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Manual pages into a folder
    Man(pages::ManOptions),
}

/// Reads the command line, does what it says, and returns the exit code of the contract.
pub async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            // Nobody is left to tell when this cannot be printed.
            usage.print().ok();
            return u8::try_from(usage.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    match perform(cli).await {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}

async fn perform(cli: Cli) -> Result<ExitCode, Failure> {
    let global = cli.global;
    match cli.command {
        Command::Run => start::run(&global).await,
        Command::Demo(options) => start::demo(&global, *options).await,
        Command::Migrate(options) => migrate::migrate(&global, &options).await.done(),
        Command::Sandbox(options) => sandbox::sandbox(&options).await.done(),
        Command::List(options) => list::list(&global, &options).await.done(),
        Command::Show(options) => show::show(&global, &options).await.done(),
        Command::Stuck(options) => stuck::stuck(&global, &options).await.done(),
        Command::Replay(options) => replay::replay(&global, &options).await.done(),
        Command::Cancel(options) => replay::cancel(&global, &options).await.done(),
        Command::Resubmit(options) => second_person::resubmit(&global, &options).await,
        Command::Resolve(options) => second_person::resolve(&global, &options).await,
        Command::Approvals(options) => approvals::approvals(&global, &options).await.done(),
        Command::Approve(options) => second_person::approve(&global, &options).await,
        Command::Reject(options) => second_person::reject(&global, &options).await.done(),
        Command::Pause(options) => pause::pause(&global, &options).await.done(),
        Command::Resume(options) => pause::resume(&global, &options).await.done(),
        Command::Pauses => pause::pauses(&global).await.done(),
        Command::Audit(options) => audit::audit(&global, &options).await.done(),
        Command::Reveal(options) => audit::reveal(&global, &options).await.done(),
        Command::Doctor => doctor::doctor(&global).await,
        Command::Reconcile(options) => reconcile::reconcile(&global, &options).await,
        Command::Report(command) => report::perform(&global, &command).await.done(),
        Command::Fund(options) => replay::fund(&global, &options).await.done(),
        Command::Balance(options) => balance::balance(&global, &options).await.done(),
        Command::Config(command) => configuration::perform(&global, &command).done(),
        Command::Keys(command) => keys::perform(&global, &command).done(),
        Command::Completions { shell } => pages::completions(shell, Cli::command()).done(),
        Command::Man(options) => pages::man(&options, Cli::command()).done(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_does_not_contradict_itself() {
        Cli::command().debug_assert();
    }
}
