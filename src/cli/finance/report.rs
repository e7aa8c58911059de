//! `payout report`: what finance closes a day or a month with.

mod ageing;
mod day;
pub(super) mod period;
mod tables;

use clap::{Args, Subcommand, ValueEnum};
use payout_store::report::{
    period::{Period, banks, failures, lines},
    total::{of_banks, of_lines},
};

use self::period::{Days, day_of};
use crate::cli::{exit::Exit, global::Global, output};

const AFTER_HELP: &str = "\
gross is the instructed amount, net what beneficiaries received, debit what it cost: net + fee. Days are WIB.
docs/finance.md defines every sum. The last line is the total; JSON has it as `total` beside `lines`, CSV leaves it out.

Examples:
  payout report                                    this month so far, a line per day
  payout report --month 2026-11 -o csv             a month for a spreadsheet
  payout report --from 2026-11-01 --to 2026-11-15 --by bank
  payout report day yesterday                      one day as a sheet
  payout report failures --month last              why payouts failed, in rupiah
  payout report ageing                             what is open, by age";

const AGEING_HELP: &str = "\
The age counts from when a payout could first be sent: since it was inserted, or since its not_before.
Money may have left for what is submitting, pending or unknown; queued payouts have not been sent.

Examples:
  payout report ageing
  payout report ageing --merchant S2020198627344 -o json";

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    days: Days,
    /// One line for each day (also without this), or one for each merchant or bank over the whole time
    #[arg(long, value_name = "WHAT")]
    by: Option<By>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print one day as a sheet: opening, top-ups, net, fees, held, closing
    Day(day::Options),
    /// List why payouts failed: how many, and rupiah
    Failures(FailuresOptions),
    /// Show how long what is open has been open: how many, and rupiah
    #[command(after_help = AGEING_HELP)]
    Ageing,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  payout report failures                           this month so far
  payout report failures --month 2026-10 -o csv")]
struct FailuresOptions {
    #[command(flatten)]
    days: Days,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    /// A line per merchant and day
    Day,
    /// A line per merchant
    Merchant,
    /// A line per merchant and bank
    Bank,
}

pub(crate) async fn perform(global: &Global, options: &Options) -> Result<(), Exit> {
    if options.command.is_some() && (options.by.is_some() || options.days.are_stated()) {
        // They would be ignored.
        return Err(Exit::Usage(
            "write --from, --to, --month and --by behind the sub-command, if it has them"
                .to_owned(),
        ));
    }
    match &options.command {
        None => {
            over_time(
                global,
                options.days.period()?,
                options.by.unwrap_or(By::Day),
            )
            .await
        }
        Some(Command::Day(day)) => day::perform(global, day).await,
        Some(Command::Failures(failures)) => why_failed(global, failures.days.period()?).await,
        Some(Command::Ageing) => ageing::perform(global).await,
    }
}

/// Of the lines and their total, in JSON.
const NAMES: [&str; 2] = ["lines", "total"];

async fn over_time(global: &Global, period: Period, by: By) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let merchant = global.merchant.as_deref();
    let by_day = match by {
        By::Day => true,
        By::Merchant => false,
        By::Bank => {
            let rows = banks(&mut db, period, merchant).await?;
            let total = of_banks(&rows);
            let table = || match &total {
                Some(total) => tables::banks(&rows, total),
                None => format!("nothing ended {}\n", during(period)),
            };
            return output::print(&global.output.rows_with(NAMES, &rows, &total, table)?);
        }
    };
    let found = lines(&mut db, period, by_day, merchant).await?;
    let found = global.registered(found)?;
    let total = of_lines(&found);
    let table = || match &total {
        Some(total) => tables::lines(&found, total),
        None => "no merchant is registered\n".to_owned(),
    };
    output::print(&global.output.rows_with(NAMES, &found, &total, table)?)
}

async fn why_failed(global: &Global, period: Period) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let rows = failures(&mut db, period, global.merchant.as_deref()).await?;
    let nothing = format!("nothing failed {}", during(period));
    output::print(&global.output.rows(&rows, &nothing, tables::failures)?)
}

/// `from 2026-11-01 to 2026-11-29`
fn during(period: Period) -> String {
    let (from, to) = (day_of(period.from), period::last_day(period));
    format!("from {from} to {to} (WIB)")
}
