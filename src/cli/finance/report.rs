//! `payout report day`: what finance closes a day with.

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::{
    exit::Failure,
    global::Global,
    output::{self, Column, Format, Record},
    words,
};
use crate::store::report::{self, Day};

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

impl Record for Day {
    const COLUMNS: &'static [&'static str] = &[
        "merchant_code",
        "opening",
        "top_ups",
        "returned",
        "paid",
        "fees",
        "held_change",
        "closing",
        "held_closing",
    ];

    fn values(&self) -> Vec<Value> {
        let Self {
            merchant_code,
            opening,
            top_ups,
            returned,
            paid,
            fees,
            held_change,
            closing,
            held_closing,
        } = self;
        let mut values = vec![json!(merchant_code)];
        values.extend(
            [
                opening,
                top_ups,
                returned,
                paid,
                fees,
                held_change,
                closing,
                held_closing,
            ]
            .map(|idr| json!(idr)),
        );
        values
    }
}

pub(crate) async fn perform(global: &Global, command: &Command) -> Result<(), Failure> {
    let Command::Day(options) = command;
    let to = options
        .day
        .checked_add_signed(TimeDelta::days(1))
        .ok_or_else(|| Failure::Usage("that day is too far away".to_owned()))?;
    let mut db = global.connect().await?;
    let merchant = global.merchant.as_deref();
    let days = known(
        report::day(&mut db, options.day, to, merchant).await?,
        global,
    )?;
    output::print(&match global.output {
        Format::Json => output::json(&days),
        Format::Csv => output::csv(&days),
        Format::Table => days
            .iter()
            .map(|day| sheet(day, options.day))
            .collect::<Vec<_>>()
            .join("\n"),
    })
}

fn sheet(day: &Day, begins: DateTime<Utc>) -> String {
    let columns = [Column::Left("BOOKS"), Column::Right("RUPIAH")];
    let rows = [
        ("opening, available", day.opening),
        ("+ top-ups", day.top_ups),
        ("+ came back", day.returned),
        ("- paid", day.paid),
        ("- fees", day.fees),
        ("- more held", day.held_change),
        ("= closing, available", day.closing),
        ("held beside it", day.held_closing),
    ];
    let cells = rows.map(|(name, idr)| vec![name.to_owned(), words::rupiah(idr)]);
    let date: String = words::time(begins).chars().take(10).collect();
    format!(
        "{}, {date} in WIB\n{}",
        output::plain(&day.merchant_code),
        output::table(&columns, cells.into())
    )
}

/// A merchant that was named must be there.
pub(crate) fn known<T>(rows: Vec<T>, global: &Global) -> Result<Vec<T>, Failure> {
    match &global.merchant {
        Some(code) if rows.is_empty() => Err(Failure::NotFound(format!(
            "merchant {code} is not registered"
        ))),
        _ => Ok(rows),
    }
}
