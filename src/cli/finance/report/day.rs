//! `payout report day`: one day as a sheet.

use chrono::{DateTime, Utc};
use clap::Args;
use payout_store::report::period::{Line, lines};

use super::period::whole_day;
use crate::cli::{exit::Exit, global::Global, output, words};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  payout report day                                yesterday
  payout report day 2026-11-21 -o csv              one line, with the columns of payout report")]
pub(crate) struct Options {
    /// The day (WIB): today, yesterday or 2026-11-21
    #[arg(default_value = "yesterday", value_parser = words::day_begins)]
    day: DateTime<Utc>,
}

pub(crate) async fn perform(global: &Global, options: &Options) -> Result<(), Exit> {
    let period = whole_day(options.day)?;
    let mut db = global.connect().await?;
    let merchant = global.merchant.as_deref();
    let days = global.registered(lines(&mut db, period, true, merchant).await?)?;
    let sheets = |days: &[Line]| days.iter().map(sheet).collect::<Vec<_>>().join("\n");
    output::print(
        &global
            .output
            .rows(&days, "no merchant is registered", sheets)?,
    )
}

fn sheet(day: &Line) -> String {
    let idr = |name: &str, idr| vec![name.to_owned(), words::rupiah(idr)];
    let count = |name: &str, count: i64| vec![name.to_owned(), count.to_string()];
    let mut rows = vec![
        idr("opening, available", day.opening),
        idr("+ top-ups, less withdrawals", day.top_ups),
        idr("+ returned", day.returned),
        idr("- net: beneficiaries received", day.net),
        idr("- fees", day.fee),
        idr("- increase of held", day.held_change),
        idr("= closing, available", day.closing),
        idr("held besides", day.held_closing),
        vec![String::new(), String::new()],
        count("payouts paid", day.payouts_paid),
        count("payouts failed", day.payouts_failed),
        count("payouts returned", day.payouts_returned),
        idr("gross: the instructed amounts", day.gross),
        idr("debit: net + fees", day.debit),
        idr("fees out of the amount (type 0)", day.fee_out_of_amount),
        idr("fees on top (type 1)", day.fee_on_top),
    ];
    if let (Some(gateway), Some(difference), Some(at)) =
        (day.gateway_total, day.difference, day.gateway_read_at)
    {
        let stated = format!("gateway total, read {} WIB", words::time(at));
        rows.push(idr(&stated, gateway));
        rows.push(idr(
            "difference: gateway total less available and held then",
            difference,
        ));
    }
    format!(
        "{}, {} in WIB\n{}",
        output::plain(&day.merchant_code),
        day.from_day,
        output::table("BOOKS|>RUPIAH", rows)
    )
}
