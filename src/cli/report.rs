//! `payout report day` and `payout reconcile`: what finance compares.

use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    error::Failure,
    global::Global,
    output::{self, Column, Format, Record},
    rows::instant,
    words,
};
use crate::store::report::{self, Compared, Day};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// One day in WIB: opening, top-ups, paid, fees, held, closing
    Day(DayOptions),
}

#[derive(Debug, Args)]
pub(super) struct DayOptions {
    /// The day: today, yesterday or 2026-11-21
    #[arg(default_value = "yesterday", value_parser = midnight)]
    day: DateTime<Utc>,
}

fn midnight(text: &str) -> Result<DateTime<Utc>, String> {
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
        } = self;
        let mut values = vec![json!(merchant_code)];
        values.extend(
            [opening, top_ups, returned, paid, fees, held_change, closing].map(|idr| json!(idr)),
        );
        values
    }
}

impl Record for Compared {
    const COLUMNS: &'static [&'static str] = &[
        "merchant_code",
        "available",
        "held",
        "gateway_balance",
        "gateway_frozen",
        "difference",
        "booked_since",
        "read_at",
    ];

    fn values(&self) -> Vec<Value> {
        vec![
            json!(self.merchant_code),
            json!(self.available),
            json!(self.held),
            json!(self.balance),
            json!(self.frozen),
            json!(self.difference),
            json!(self.booked_since),
            instant(self.read_at),
        ]
    }
}

pub(super) async fn perform(global: &Global, command: &Command) -> Result<(), Failure> {
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
    ];
    let cells = rows.map(|(name, idr)| vec![name.to_owned(), words::rupiah(idr)]);
    let date: String = words::time(begins).chars().take(10).collect();
    format!(
        "{}, {date} in WIB\n{}",
        output::plain(&day.merchant_code),
        output::table(&columns, cells.into())
    )
}

pub(super) async fn reconcile(global: &Global) -> Result<(), Failure> {
    let mut db = global.connect().await?;
    let merchant = global.merchant.as_deref();
    let rows = known(report::compare(&mut db, merchant).await?, global)?;
    output::print(&match global.output {
        Format::Json => output::json(&rows),
        Format::Csv => output::csv(&rows),
        Format::Table => table(&rows),
    })
}

fn known<T>(rows: Vec<T>, global: &Global) -> Result<Vec<T>, Failure> {
    match &global.merchant {
        Some(code) if rows.is_empty() => Err(Failure::NotFound(format!(
            "merchant {code} is not registered"
        ))),
        _ => Ok(rows),
    }
}

fn table(rows: &[Compared]) -> String {
    let columns = [
        Column::Left("MERCHANT"),
        Column::Right("BOOKS"),
        Column::Right("GATEWAY"),
        Column::Right("DIFFERENCE"),
        Column::Left("READ (WIB)"),
        Column::Left("MEANS"),
    ];
    let money = |idr: Option<i64>| idr.map_or_else(|| "not known".to_owned(), words::rupiah);
    let cells = rows.iter().map(|row| {
        vec![
            row.merchant_code.clone(),
            words::rupiah(row.available.saturating_add(row.held)),
            money(
                row.balance
                    .zip(row.frozen)
                    .map(|(a, b)| a.saturating_add(b)),
            ),
            money(row.difference),
            row.read_at.map_or_else(String::new, words::time),
            meaning(row).to_owned(),
        ]
    });
    output::table(&columns, cells.collect())
}

fn meaning(row: &Compared) -> &'static str {
    match row.difference {
        None => "the gateway was not asked yet: does a worker run?",
        Some(0) => "they agree",
        Some(_) if row.booked_since => {
            "the books have moved since the gateway was asked; look again"
        }
        Some(idr) if idr > 0 => "the gateway has more: a top-up, or a payout that failed there",
        Some(_) => "the gateway has less: find out before anything else is sent",
    }
}
