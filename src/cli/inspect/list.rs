//! `payout list`

use chrono::Utc;
use clap::Args;

use crate::cli::{
    exit::{Failure, say},
    global::Global,
    output::{self, Column, Format},
    watch, words,
};
use crate::{
    domain::{attention::Attention, state::State},
    store::find::{self, Filter, Status},
};

/// Most rows at once: more is a job for SQL.
const LIMIT_MAX: i64 = 100_000;
/// `--attention` without a reason.
const ANY: &str = "any";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// In one of these states, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "STATE", value_parser = state)]
    state: Vec<String>,
    /// With attention: any, or this reason
    #[arg(long, value_name = "REASON", num_args = 0..=1, default_missing_value = ANY, value_parser = attention)]
    attention: Option<String>,
    /// Inserted since 30m, 2h, today, yesterday, 2026-11-21 (WIB) or an RFC 3339 time
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<String>,
    /// In its state for longer than 90s, 30m, 4h or 2d
    #[arg(long, value_name = "TIME", value_parser = words::seconds)]
    older_than: Option<i64>,
    /// To the bank of this code
    #[arg(long, value_name = "CODE")]
    bank: Option<String>,
    /// Of at least this many rupiah: 1250000, 1.250.000, 250rb or 1jt
    #[arg(long, value_name = "RUPIAH", value_parser = words::about)]
    min: Option<i64>,
    /// With this in the order number, the gateway's number or the reason for a failure; upper or lower case
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=LIMIT_MAX))]
    limit: i64,
    /// Look again every two seconds until Ctrl-C
    #[arg(short, long)]
    watch: bool,
}

/// Reads a state; the error lists them.
pub(crate) fn state(text: &str) -> Result<String, String> {
    let known = State::ALL.map(State::name);
    if known.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("use one of {}", known.join(", ")))
}

fn attention(text: &str) -> Result<String, String> {
    let known = Attention::ALL.map(Attention::name);
    if text == ANY || known.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(format!("use {ANY}, or one of {}", known.join(", ")))
}

/// Only checks: what `2h` means moves on while one watches.
fn since(text: &str) -> Result<String, String> {
    words::since(text, Utc::now()).map(|_| text.to_owned())
}

pub(crate) async fn list(global: &Global, options: &Options) -> Result<(), Failure> {
    watch::show(options.watch, async || look(global, options).await).await
}

async fn look(global: &Global, options: &Options) -> Result<String, Failure> {
    let now = Utc::now();
    let since = options.since.as_deref().map(|text| words::since(text, now));
    let filter = Filter {
        states: options.state.clone(),
        merchant: global.merchant.clone(),
        needs_attention: options.attention.is_some(),
        attention: options.attention.clone().filter(|reason| reason != ANY),
        since: since.transpose().map_err(Failure::Usage)?,
        older_than_seconds: options.older_than,
        bank: options.bank.clone(),
        min_amount: options.min,
        text: options.text.clone(),
        // One more than is shown tells whether there are more.
        limit: options.limit.saturating_add(1),
    };
    let mut db = global.connect().await?;
    let mut rows = find::list(&mut db, &filter).await?;
    let shown = usize::try_from(options.limit).unwrap_or(usize::MAX);
    if rows.len() > shown {
        rows.truncate(shown);
        say(&format!(
            "the newest {shown} are shown; there are more: --limit N, or narrow it down"
        ));
    }
    Ok(render(global.output, &rows))
}

/// Rows of `payout.status` in any format.
pub(crate) fn render(format: Format, rows: &[Status]) -> String {
    match format {
        Format::Json => output::json(rows),
        Format::Csv => output::csv(rows),
        Format::Table if rows.is_empty() => "no payouts match\n".to_owned(),
        Format::Table => table(rows),
    }
}

fn table(rows: &[Status]) -> String {
    let columns = [
        Column::Left("ORDER"),
        Column::Left("MERCHANT"),
        Column::Right("AMOUNT"),
        Column::Left("BANK"),
        Column::Left("STATE"),
        Column::Left("SINCE (WIB)"),
        Column::Right("FEE"),
        Column::Left("GATEWAY NO."),
        Column::Left("ATTENTION"),
    ];
    let cells = rows.iter().map(|row| {
        vec![
            row.order_num.clone(),
            row.merchant_code.clone(),
            words::rupiah(row.amount),
            row.bank_code.clone(),
            row.state.clone(),
            words::time(row.state_since),
            row.fee.map_or("-".to_owned(), words::rupiah),
            row.platform_order_num
                .clone()
                .unwrap_or_else(|| "-".to_owned()),
            row.attention.clone().unwrap_or_default(),
        ]
    });
    output::table(&columns, cells.collect())
}
