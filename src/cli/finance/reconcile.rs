//! `payout reconcile`: the books against the gateway's balance, or against a statement of it.

mod balance;

use std::{fs, path::PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use sqlx::PgConnection;

use crate::{
    cli::{
        exit::{Exit, say},
        global::Global,
        output::{self, Format},
        words,
    },
    domain::payout::PayoutKey,
    statement::{
        compare::{Difference, differences},
        lines::{self, Line},
    },
    store::{find, report::settled_between},
};

/// A statement is read into memory.
const STATEMENT_BYTES_MAX: u64 = 256 * 1024 * 1024;

#[derive(Debug, Args)]
#[command(after_help = "\
A statement is a CSV file whose first line names the columns, in any order: order_num (or orderNum) and amount (or
money); optionally status (0-5 as the gateway counts, or paid, failed, pending, returned) and fee. Without a status
column every line counts as paid.

Exits with 1 when the gateway lacks money that payouts in progress do not explain, or when a line differs.")]
pub(crate) struct Options {
    /// The gateway's statement; each line is looked up by its order number
    #[arg(long, value_name = "FILE.csv")]
    statement: Option<PathBuf>,
    /// The day (WIB) that the statement covers; everything settled as paid on that day must be in it
    #[arg(long, requires = "statement", value_parser = words::day_begins)]
    day: Option<DateTime<Utc>>,
}

pub(crate) async fn reconcile(global: &Global, options: &Options) -> Result<(), Exit> {
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
    compare_lines(global, &mut db, &lines, options.day).await
}

async fn compare_lines(
    global: &Global,
    db: &mut PgConnection,
    lines: &[Line],
    day: Option<DateTime<Utc>>,
) -> Result<(), Exit> {
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
    let found = differences(lines, &named, &due);
    let total = lines
        .iter()
        .try_fold(0, |sum: i64, line| sum.checked_add(line.amount))
        .map_or("an unknown amount".to_owned(), words::rupiah);
    let limit = if day.is_none() {
        "; payouts missing from the statement are found only with --day"
    } else {
        ""
    };
    let heading = format!(
        "{} lines, {total}; {} differences{limit}",
        lines.len(),
        found.len(),
    );
    if global.output != Format::Table {
        say(&heading);
    }
    let page = |found: &[_]| format!("{heading}\n\n{}", table(found));
    output::print(&global.output.rows(&found, &heading, page)?)?;
    if found.is_empty() {
        Ok(())
    } else {
        Err(Exit::Findings)
    }
}

/// For people.
fn table(found: &[Difference]) -> String {
    let headings = "DIFFERENCE|ORDER|>LINE|HERE|THERE|>AMOUNT HERE|>AMOUNT THERE|NEXT";
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
