//! `payout list`

use chrono::{DateTime, TimeDelta, Utc};
use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser},
};
use payout_domain::{attention::Attention, state::State};
use payout_store::{
    find::{self, Filter, Status},
    workers,
};

use crate::cli::{
    exit::{Exit, say},
    global::Global,
    output::{self, Format},
    watch::Watch,
    words,
};

/// Maximum rows of a table that nobody limited: more than a screen is read by nobody.
const TABLE_ROWS: i64 = 50;
/// `--attention` without a reason.
const ANY: &str = "any";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// In one of these states, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "STATE", value_parser = one_of(&State::ALL.map(State::name)))]
    state: Vec<String>,
    /// Needing attention, for any reason or for this one
    #[arg(long, value_name = "REASON", num_args = 0..=1, default_missing_value = ANY, value_parser = reasons())]
    attention: Option<String>,
    /// Inserted since 30m, 2h, today, yesterday, 2026-11-21 (WIB) or an RFC 3339 time
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<String>,
    /// Settled on this day (WIB): today, yesterday or 2026-11-21
    #[arg(long, value_name = "DAY", value_parser = day, conflicts_with_all = ["settled_from", "settled_to"])]
    settled: Option<String>,
    /// Settled on this day (WIB) or later
    #[arg(long, value_name = "DAY", value_parser = day)]
    settled_from: Option<String>,
    /// Settled on this day (WIB) or before
    #[arg(long, value_name = "DAY", value_parser = day)]
    settled_to: Option<String>,
    /// In its current state for longer than 90s, 30m, 4h or 2d
    #[arg(long, value_name = "TIME", value_parser = words::seconds)]
    older_than: Option<i64>,
    /// To the bank with this code
    #[arg(long, value_name = "CODE")]
    bank: Option<String>,
    /// Of at least this amount in rupiah: 1250000, 1.250.000, 250rb or 1jt
    #[arg(long, value_name = "RUPIAH", value_parser = words::about)]
    min: Option<i64>,
    /// With this text in the order number, the gateway's number or the failure reason; case does not matter
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// Maximum rows to print; without it 50 in a table, and every row as json or csv
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    limit: Option<i64>,
    #[command(flatten)]
    pub(crate) watch: Watch,
}

/// Accepts these words; help and errors list them.
pub(crate) fn one_of(words: &[&'static str]) -> PossibleValuesParser {
    PossibleValuesParser::new(words.iter().map(PossibleValue::new))
}

fn reasons() -> PossibleValuesParser {
    one_of(&[&[ANY][..], &Attention::ALL.map(Attention::name)].concat())
}

/// Only checks the text: what `2h` means changes while one watches.
fn since(text: &str) -> Result<String, String> {
    words::since(text, Utc::now()).map(|_| text.to_owned())
}

/// The same for a day.
fn day(text: &str) -> Result<String, String> {
    words::day_begins(text).map(|_| text.to_owned())
}

impl Options {
    /// When the settled days that are wanted begin, and when they are over.
    fn settled(&self) -> Result<[Option<DateTime<Utc>>; 2], Exit> {
        let begins = |day: Option<&String>| day.map(|day| words::day_begins(day)).transpose();
        let from = begins(self.settled.as_ref().or(self.settled_from.as_ref()));
        let last = begins(self.settled.as_ref().or(self.settled_to.as_ref()));
        let after = |last: DateTime<Utc>| last.checked_add_signed(TimeDelta::days(1));
        let from = from.map_err(Exit::Usage)?;
        let last = last.map_err(Exit::Usage)?;
        Ok([from, last.and_then(after)])
    }
}

pub(crate) async fn list(global: &Global, options: &Options) -> Result<String, Exit> {
    let now = Utc::now();
    let since = options.since.as_deref().map(|text| words::since(text, now));
    let limit = options.limit.unwrap_or(match global.output {
        Format::Table => TABLE_ROWS,
        Format::Json | Format::Csv => i64::MAX,
    });
    let [settled_from, settled_to] = options.settled()?;
    let filter = Filter {
        states: options.state.clone(),
        merchant: global.merchant.clone(),
        needs_attention: options.attention.is_some(),
        attention: options.attention.clone().filter(|reason| reason != ANY),
        since: since.transpose().map_err(Exit::Usage)?,
        settled_from,
        settled_to,
        older_than_seconds: options.older_than,
        bank: options.bank.clone(),
        min_amount: options.min,
        text: options.text.clone(),
        // One row more than printed shows whether there are more.
        limit: limit.saturating_add(1),
    };
    let mut db = global.connect().await?;
    let mut rows = find::list(&mut db, &filter).await?;
    if rows.is_empty() {
        // A merchant that nobody knows has no payouts either, and that must not look like good news.
        global.registered(workers::claims(&mut db, global.merchant.as_deref()).await?)?;
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if rows.len() > limit {
        rows.truncate(limit);
        say(&format!(
            "showing only the newest {limit}: raise --limit, or narrow the search"
        ));
    }
    render(global.output, &rows)
}

/// Rows of `payout.status` in any format.
pub(crate) fn render(format: Format, rows: &[Status]) -> Result<String, Exit> {
    Ok(format.rows(rows, "no payouts match", table)?)
}

fn table(rows: &[Status]) -> String {
    let headings =
        "ORDER|MERCHANT|>AMOUNT|BANK|STATE|SINCE (WIB)|>FEE|GATEWAY NO.|WAITS FOR|ATTENTION";
    let cells = rows.iter().map(|row| {
        vec![
            row.order_num.clone(),
            row.merchant_code.clone(),
            words::rupiah(row.amount),
            row.bank_code.clone(),
            row.state.clone(),
            words::time(row.state_since),
            row.fee.map_or("-".to_owned(), words::rupiah),
            row.platform_order_num.clone().unwrap_or("-".to_owned()),
            row.waits_for.clone().unwrap_or_default(),
            row.attention_reasons.clone(),
        ]
    });
    output::table(headings, cells)
}
