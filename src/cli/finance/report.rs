//! `payout report day`: what finance closes a day with.

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand};

use crate::{
    cli::{exit::Exit, global::Global, output, words},
    store::report::{self, Day},
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// One day in WIB: opening, top-ups, paid, fees, held, closing
    Day(DayOptions),
}

#[derive(Debug, Args)]
pub(crate) struct DayOptions {
    /// The day: today, yesterday or 2026-11-21
    #[arg(default_value = "yesterday", value_parser = midnight)]
    day: DateTime<Utc>,
}

/// Reads a day in WIB as the instant at which it begins.
pub(crate) fn midnight(text: &str) -> Result<DateTime<Utc>, String> {
    let begins = words::since(text, Utc::now())?;
    // Lengths such as 2h are not days.
    if words::time(begins).ends_with(" 00:00:00") {
        Ok(begins)
    } else {
        Err("write today, yesterday or 2026-11-21".to_owned())
    }
}

pub(crate) async fn perform(global: &Global, command: &Command) -> Result<(), Exit> {
    let Command::Day(options) = command;
    let to = options
        .day
        .checked_add_signed(TimeDelta::days(1))
        .ok_or_else(|| Exit::Usage("that day is out of range".to_owned()))?;
    let mut db = global.connect().await?;
    let merchant = global.merchant.as_deref();
    let days = global.registered(report::day(&mut db, options.day, to, merchant).await?)?;
    let sheets = |days: &[Day]| {
        let sheets = days.iter().map(|day| sheet(day, options.day));
        sheets.collect::<Vec<_>>().join("\n")
    };
    output::print(
        &global
            .output
            .rows(&days, "no merchant is registered", sheets)?,
    )
}

fn sheet(day: &Day, begins: DateTime<Utc>) -> String {
    let rows = [
        ("opening, available", day.opening),
        ("+ top-ups", day.top_ups),
        ("+ returned", day.returned),
        ("- paid", day.paid),
        ("- fees", day.fees),
        ("- increase of held", day.held_change),
        ("= closing, available", day.closing),
        ("held besides", day.held_closing),
    ];
    let cells = rows.map(|(name, idr)| vec![name.to_owned(), words::rupiah(idr)]);
    let date: String = words::time(begins).chars().take(10).collect();
    format!(
        "{}, {date} in WIB\n{}",
        output::plain(&day.merchant_code),
        output::table("BOOKS|>RUPIAH", cells)
    )
}
