//! The command line: `payout COMMAND`. Data goes to stdout, messages to stderr.

mod confirm;
mod console;
mod exit;
mod finance;
mod global;
mod inspect;
mod operate;
mod output;
mod paste;
mod sandbox;
mod setup;
mod start;
mod watch;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use payout_service::telemetry;

use self::{
    exit::Exit,
    finance::{fund, receipt, reconcile, report},
    global::Global,
    inspect::{approvals, audit, balance, list, pauses, show, status, stuck},
    operate::{address, cancel, failover, pause, replay, resubmit, reveal, second_person},
    setup::{configuration, doctor, keys, migrate, pages},
    watch::Watch,
};

const AFTER_HELP: &str = "\
Examples:
  payout status                              whether payouts are sent and, if not, why
  payout stuck                               what needs a person, oldest first
  payout show INV-77                         what we know, what we don't, what happens next
  payout replay --state unknown              query the gateway now; never sends
  payout resubmit INV-77 --reason T-5512     send it once more; a second person runs: payout approve 118
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
    /// Run the worker, callbacks and metrics in one process; any number of processes share the work
    Run,
    /// Serve the web console: pages for people, who sign in with their own database login
    Console(console::Options),
    /// Apply the migrations, and register the configured merchants
    Migrate(migrate::Options),
    /// Run everything on this machine, with a throw-away database and a sandbox gateway
    Demo(Box<start::DemoOptions>),
    /// Run the sandbox gateway alone, with faults and an admin page
    Sandbox(sandbox::Options),
    /// Show on one screen whether payouts are sent and, if not, why; exit 1 if something needs a person
    Status(status::Options),
    /// Find payouts, newest first
    List(list::Options),
    /// Show one payout: what we know, what we don't, what happens next, and its history
    Show(show::Options),
    /// List what needs a person, oldest first
    Stuck(stuck::Options),
    /// Query the gateway now. Always safe: it never sends
    Replay(replay::Options),
    /// Withdraw a payout that is still queued
    Cancel(cancel::Options),
    /// Request that the same order numbers are sent once more; a second person must approve
    Resubmit(resubmit::Options),
    /// State, with evidence, how a payout ended; `failed` needs a second person
    Resolve(second_person::ResolveOptions),
    /// List what waits for a second person
    Approvals(approvals::Options),
    /// Approve another operator's request; the gateway is queried first, in the same step
    Approve(second_person::ApproveOptions),
    /// Reject a request
    Reject(second_person::RejectOptions),
    /// Stop sending until it is resumed or, with --daily, between two times of each day
    Pause(pause::PauseOptions),
    /// End a pause
    Resume(pause::ResumeOptions),
    /// List what is paused, since when and by whom
    Pauses,
    /// List the addresses by which workers may reach the database, request a further one, or request that one goes
    #[command(subcommand)]
    Address(address::Command),
    /// After a failover, a restore or an older snapshot: show what is stopped, or request that claims continue
    #[command(subcommand)]
    Failover(failover::Command),
    /// List who did what, when and why
    Audit(audit::Options),
    /// Show a beneficiary in full; recorded with your login
    Reveal(reveal::Options),
    /// Check everything that a worker needs, and say how to repair it
    Doctor,
    /// Compare the books with the gateway's balance, or with its statement
    Reconcile(reconcile::Options),
    /// Report the books over days or a month: opening, gross, fee, net, debit, closing
    Report(report::Options),
    /// Print a paid payout's receipt as an HTML page for A4, with the beneficiary masked
    Receipt(receipt::Options),
    /// Book a top-up; once per reference
    Fund(fund::Options),
    /// Show the books, and the last balance that the gateway stated
    Balance(Watch),
    /// Check a configuration file, or print one to start from
    #[command(subcommand)]
    Config(configuration::Command),
    /// Generate the merchant's keys
    #[command(subcommand)]
    Keys(keys::Command),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    Man(pages::ManOptions),
}

/// Reads the command line, does what it says, and returns the exit code.
pub async fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => {
            // If this cannot be printed, nobody can be told.
            usage.print().ok();
            return u8::try_from(usage.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    let code = match perform(cli).await {
        Ok(code) => code,
        Err(exit) => exit.report(),
    };
    telemetry::finish();
    code
}

async fn perform(cli: Cli) -> Result<ExitCode, Exit> {
    let global = &cli.global;
    match &cli.command {
        Command::Run => start::run(global).await?,
        Command::Console(options) => console::run(global, options).await?,
        Command::Demo(options) => return start::demo(global, options).await,
        Command::Migrate(options) => migrate::migrate(global, options).await?,
        Command::Sandbox(options) => sandbox::sandbox(options).await?,
        Command::Status(options) => status::perform(global, options).await?,
        Command::List(options) => {
            let look = async || list::list(global, options).await;
            options.watch.show(look).await?;
        }
        Command::Show(options) => {
            let look = async || show::show(global, options).await;
            options.watch.show(look).await?;
        }
        Command::Stuck(options) => {
            let look = async || stuck::stuck(global, options).await;
            options.watch.show(look).await?;
        }
        Command::Replay(options) => replay::replay(global, options).await?,
        Command::Cancel(options) => cancel::cancel(global, options).await?,
        Command::Resubmit(options) => resubmit::resubmit(global, options).await?,
        Command::Resolve(options) => second_person::resolve(global, options).await?,
        Command::Approvals(options) => {
            let look = async || approvals::approvals(global, options).await;
            options.watch.show(look).await?;
        }
        Command::Approve(options) => second_person::approve(global, options).await?,
        Command::Reject(options) => second_person::reject(global, options).await?,
        Command::Pause(options) => pause::pause(global, options).await?,
        Command::Resume(options) => pause::resume(global, options).await?,
        Command::Pauses => pauses::pauses(global).await?,
        Command::Address(command) => address::perform(global, command).await?,
        Command::Failover(command) => failover::perform(global, command).await?,
        Command::Audit(options) => audit::audit(global, options).await?,
        Command::Reveal(options) => reveal::reveal(global, options).await?,
        Command::Doctor => doctor::doctor(global).await?,
        Command::Reconcile(options) => reconcile::reconcile(global, options).await?,
        Command::Report(options) => report::perform(global, options).await?,
        Command::Receipt(options) => receipt::receipt(global, options).await?,
        Command::Fund(options) => fund::fund(global, options).await?,
        Command::Balance(watch) => watch.show(async || balance::balance(global).await).await?,
        Command::Config(command) => configuration::perform(global, command)?,
        Command::Keys(command) => keys::perform(global, command)?,
        Command::Completions { shell } => pages::completions(*shell, Cli::command())?,
        Command::Man(options) => pages::man(options, Cli::command())?,
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_does_not_contradict_itself() {
        Cli::command().debug_assert();
    }
}
