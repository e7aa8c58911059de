//! `payout reconcile`: the books against the gateway's balance, or against a statement of it.

mod balance;
mod compare;
mod statement;

use std::{fs, path::PathBuf, process::ExitCode};

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use sqlx::PgConnection;

use self::compare::{Difference, Ours, differences};
use crate::cli::{
    exit::{Failure, say},
    finance::report,
    global::Global,
    output::{self, Format},
    words,
};
use crate::{
    domain::payout::PayoutKey,
    store::{find, report::settled_between},
};

/// A statement is read into memory.
const STATEMENT_BYTES_MAX: u64 = 256 * 1024 * 1024;

#[derive(Debug, Args)]
#[command(after_help = "\
A statement is CSV whose first line names the columns, in any order: order_num (or orderNum) and amount (or money),
and if there are any, status (0-5 as the gateway counts, or paid, failed, pending, returned) and fee. Without status
every line counts as paid.

Exits with 1 when money is missing at the gateway that payouts under way do not explain, or when a line differs.")]
pub(crate) struct Options {
    /// The gateway's statement; each of its lines is looked up by its order number
    #[arg(long, value_name = "FILE.csv")]
    statement: Option<PathBuf>,
    /// The day (WIB) that the statement covers; what was settled as paid on it must be there
    #[arg(long, requires = "statement", value_parser = report::midnight)]
    day: Option<DateTime<Utc>>,
}

pub(crate) async fn reconcile(global: &Global, options: &Options) -> Result<ExitCode, Failure> {
    let mut db = global.connect().await?;
    let agrees = match &options.statement {
        None => balance::look(global, &mut db).await?,
        Some(file) => {
            let name = file.display().to_string();
            let wrong = |error: &dyn std::fmt::Display| Failure::Usage(format!("{name}: {error}"));
            let length = fs::metadata(file).map_err(|error| wrong(&error))?.len();
            if length > STATEMENT_BYTES_MAX {
                return Err(wrong(&"too large: split it by days"));
            }
            let text = fs::read_to_string(file).map_err(|error| wrong(&error))?;
            let lines = statement::read(&text).map_err(|error| wrong(&error))?;
            against(global, &mut db, &lines, options.day).await?
        }
    };
    Ok(if agrees {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn against(
    global: &Global,
    db: &mut PgConnection,
    lines: &[statement::Line],
    day: Option<DateTime<Utc>>,
) -> Result<bool, Failure> {
    let merchant = global.one_merchant(db).await?;
    let keys: Vec<PayoutKey> = lines
        .iter()
        .map(|line| PayoutKey {
            merchant_code: merchant.clone(),
            order_num: line.order_num.clone(),
        })
        .collect();
    let named = find::statuses(db, &keys).await?;
    let due = match day {
        Some(from) => {
            let to = from.checked_add_signed(TimeDelta::days(1)).unwrap_or(from);
            settled_between(db, &merchant, from, to).await?
        }
        None => Vec::new(),
    };
    let found = differences(lines, &Ours::of(named), &due);
    let total = lines
        .iter()
        .fold(0_i64, |sum, line| sum.saturating_add(line.amount));
    let heading = format!(
        "{} lines, {}; {} differences{}",
        lines.len(),
        words::rupiah(total),
        found.len(),
        if day.is_none() {
            "; what is missing there is only found with --day"
        } else {
            ""
        }
    );
    match global.output {
        Format::Table if found.is_empty() => output::print(&format!("{heading}\n"))?,
        Format::Table => output::print(&format!("{heading}\n\n{}", compare::table(&found)))?,
        Format::Json => {
            say(&heading);
            output::print(&output::json::<Difference>(&found))?;
        }
        Format::Csv => {
            say(&heading);
            output::print(&output::csv::<Difference>(&found))?;
        }
    }
    Ok(found.is_empty())
}
