//! `payout reconcile`: the books against the gateway's balance, or against a statement of it.

mod balance;

use std::{fs, path::PathBuf};

use chrono::{DateTime, Utc};
use clap::Args;
use payout_reports::statement::{
    compare::Difference,
    compared::{Compared, compared},
    lines::{self, Line},
    sums::Sums,
};
use payout_store::report::period::Period;
use sqlx::PgConnection;

use super::report::period::{Days, whole_day};
use crate::cli::{
    exit::{Exit, say},
    global::Global,
    output::{self, Format},
    words,
};

/// Of the rows and what they come to, in JSON.
const NAMES: [&str; 2] = ["differences", "sums"];
/// A statement is read into memory.
const STATEMENT_BYTES_MAX: u64 = 256 * 1024 * 1024;

#[derive(Debug, Args)]
#[command(after_help = "\
A statement is a CSV file whose first line names the columns, in any order: order_num (or orderNum) and amount (or
money); optionally status (0-5 as the gateway counts, or paid, failed, pending, returned) and fee. Without a status
column every line counts as paid. The sums of both sides come last; JSON has them as `sums` beside `differences`, and with
CSV they go to stderr.

Exits with 1 when the gateway lacks money that payouts under way do not explain, or when a line differs.

Examples:
  payout reconcile                                           the books against the gateway's balance
  payout reconcile --statement day.csv --day yesterday       one day
  payout reconcile --statement november.csv --month 2026-11  a month")]
pub(crate) struct Options {
    /// The gateway's statement; each line is looked up by its order number
    #[arg(long, value_name = "FILE.csv")]
    statement: Option<PathBuf>,
    /// The day (WIB) that the statement covers; everything paid on that day must be in it
    #[arg(long, requires = "statement", value_parser = words::day_begins, conflicts_with_all = ["from", "to", "month"])]
    day: Option<DateTime<Utc>>,
    #[command(flatten)]
    days: Days,
}

impl Options {
    /// What the statement covers, if that was said.
    fn period(&self) -> Result<Option<Period>, Exit> {
        match self.day {
            Some(day) => whole_day(day).map(Some),
            None if self.days.are_stated() => self.days.period().map(Some),
            None => Ok(None),
        }
    }
}

pub(crate) async fn reconcile(global: &Global, options: &Options) -> Result<(), Exit> {
    let period = options.period()?;
    if options.statement.is_none() && period.is_some() {
        return Err(Exit::Usage(
            "--from, --to and --month say which days a statement covers: name it with --statement FILE.csv".to_owned(),
        ));
    }
    let mut db = global.connect().await?;
    let Some(file) = &options.statement else {
        return balance::compare(global, &mut db).await;
    };
    let name = file.display();
    let wrong = |error: &dyn std::fmt::Display| Exit::Usage(format!("{name}: {error}"));
    let length = fs::metadata(file).map_err(|error| wrong(&error))?.len();
    if length > STATEMENT_BYTES_MAX {
        return Err(wrong(&"too large: split it by days"));
    }
    let text = fs::read_to_string(file).map_err(|error| wrong(&error))?;
    let lines = lines::read(&text).map_err(|error| wrong(&error))?;
    compare_lines(global, &mut db, &lines, period).await
}

async fn compare_lines(
    global: &Global,
    db: &mut PgConnection,
    lines: &[Line],
    period: Option<Period>,
) -> Result<(), Exit> {
    let merchant = global.one_merchant(db).await?;
    let Compared { found, sums } = compared(db, &merchant, lines, period).await?;
    let heading = heading(&sums, period.is_some());
    if global.output != Format::Table {
        say(&heading);
    }
    if global.output == Format::Csv {
        say(&totals(&sums));
    }
    let page = || {
        let list = if found.is_empty() {
            String::new()
        } else {
            format!("{}\n", table(&found))
        };
        format!("{heading}\n\n{list}{}", totals(&sums))
    };
    output::print(&global.output.rows_with(NAMES, &found, &sums, page)?)?;
    if found.is_empty() {
        Ok(())
    } else {
        Err(Exit::Findings)
    }
}

fn heading(sums: &Sums, covers_days: bool) -> String {
    let limit = if covers_days {
        ""
    } else {
        "; payouts that the statement lacks are found only with --day, --from or --month"
    };
    let lines = words::counted(&sums.lines, "line");
    let differences = words::counted(&sums.differences, "difference");
    format!("{lines}, {differences}{limit}")
}

/// What was paid, according to both sides.
fn totals(sums: &Sums) -> String {
    let or_none = |idr: Option<i64>| idr.map_or("not stated".to_owned(), words::rupiah);
    let row = |name: &str, there: Option<i64>, here: i64, difference: Option<i64>| {
        vec![
            name.to_owned(),
            or_none(there),
            words::rupiah(here),
            or_none(difference),
        ]
    };
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let more = count(sums.payouts_there).saturating_sub(count(sums.payouts_here));
    let rows = [
        vec![
            "payouts".to_owned(),
            sums.payouts_there.to_string(),
            sums.payouts_here.to_string(),
            more.to_string(),
        ],
        row(
            "gross",
            Some(sums.gross_there),
            sums.gross_here,
            Some(sums.gross_difference),
        ),
        row("fee", sums.fee_there, sums.fee_here, sums.fee_difference),
        row("net", sums.net_there, sums.net_here, sums.net_difference),
    ];
    let text = output::table("PAID|>STATEMENT|>HERE|>DIFFERENCE", rows);
    let idr = words::rupiah(sums.gross_other_days);
    let other_days = match sums.payouts_other_days {
        0 => String::new(),
        1 => format!(
            "1 payout ({idr}) was paid here on another day, and is in the report of that day.\n"
        ),
        count => format!(
            "{count} payouts ({idr}) were paid here on other days, and are in the reports of those days.\n"
        ),
    };
    text + &other_days
}

/// For people. The rupiah are those of the fee where the fee differs, and the instructed amount otherwise.
fn table(found: &[Difference]) -> String {
    let headings = "DIFFERENCE|ORDER|>LINE|HERE|THERE|>RUPIAH HERE|>RUPIAH THERE|NEXT";
    let none = || "-".to_owned();
    let cells = found.iter().map(|one| {
        let (here, there) = if one.kind == "fee" {
            (one.fee_here, one.fee_there)
        } else {
            (one.amount_here, one.amount_there)
        };
        vec![
            one.kind.to_owned(),
            one.order_num.clone(),
            one.line.map_or_else(none, |line| line.to_string()),
            one.here.clone().unwrap_or_else(none),
            one.there.map_or_else(none, |end| end.name().to_owned()),
            here.map_or_else(none, words::rupiah),
            there.map_or_else(none, words::rupiah),
            one.next.to_owned(),
        ]
    });
    output::table(headings, cells)
}
