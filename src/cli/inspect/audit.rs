//! `payout audit` and `payout reveal`: who did what, and one of the things that are done.

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use crate::cli::{
    exit::Failure,
    global::Global,
    output::{self, Column, Format, Record},
    words,
};
use crate::store::operator::{self, Act};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only of this payout
    order: Option<String>,
    /// Only by this login
    #[arg(long, value_name = "LOGIN")]
    actor: Option<String>,
    /// Only since 30m, 2h, today, yesterday, 2026-11-21 (WIB) or an RFC 3339 time
    #[arg(long, value_name = "WHEN", value_parser = |text: &str| words::since(text, Utc::now()))]
    since: Option<DateTime<Utc>>,
    /// The latest so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    limit: i64,
}

#[derive(Debug, Args)]
pub(crate) struct RevealOptions {
    /// The order number
    order: String,
    /// Why you must see it; recorded with your login
    #[arg(long)]
    reason: String,
}

impl Record for Act {
    /// Exactly the columns of `payout.audit`.
    const COLUMNS: &'static [&'static str] = &[
        "at",
        "actor",
        "act",
        "merchant_code",
        "order_num",
        "reason",
        "evidence",
        "request_id",
        "outcome",
        "detail",
    ];

    fn values(&self) -> Vec<Value> {
        vec![
            json!(words::utc(self.at)),
            json!(self.actor),
            json!(self.act),
            json!(self.merchant_code),
            json!(self.order_num),
            json!(self.reason),
            json!(self.evidence),
            json!(self.request_id),
            json!(self.outcome),
            json!(self.detail),
        ]
    }
}

pub(crate) async fn audit(global: &Global, options: &Options) -> Result<(), Failure> {
    let mut db = global.connect().await?;
    let key = match &options.order {
        Some(order) => Some(global.find(&mut db, order).await?),
        None => None,
    };
    let acts = operator::audit(
        &mut db,
        key.as_ref(),
        options.actor.as_deref(),
        options.since,
        options.limit,
    )
    .await?;
    output::print(&match global.output {
        Format::Json => output::json(&acts),
        Format::Csv => output::csv(&acts),
        Format::Table if acts.is_empty() => "no act is recorded\n".to_owned(),
        Format::Table => table(&acts),
    })
}

fn table(acts: &[Act]) -> String {
    let columns = [
        Column::Left("TIME (WIB)"),
        Column::Left("WHO"),
        Column::Left("ACT"),
        Column::Left("ORDER"),
        Column::Left("REQUEST"),
        Column::Left("OUTCOME"),
        Column::Left("REASON"),
        Column::Left("MORE"),
    ];
    let cells = acts.iter().map(|act| {
        let more = [act.evidence.as_deref(), act.detail.as_deref()];
        vec![
            words::time(act.at),
            act.actor.clone(),
            act.act.clone(),
            act.order_num.clone().unwrap_or_default(),
            act.request_id.map_or_else(String::new, |id| id.to_string()),
            act.outcome.clone(),
            act.reason.clone().unwrap_or_default(),
            more.into_iter().flatten().collect::<Vec<_>>().join("; "),
        ]
    });
    output::table(&columns, cells.collect())
}

pub(crate) async fn reveal(global: &Global, options: &RevealOptions) -> Result<(), Failure> {
    let mut db = global.connect().await?;
    let key = global.find(&mut db, &options.order).await?;
    let shown = operator::reveal(&mut db, &key, &options.reason).await?;
    let (number, name) = (shown.account_number.reveal(), shown.account_name.reveal());
    output::print(&match global.output {
        Format::Table => format!("{}  {}\n", output::plain(number), output::plain(name)),
        Format::Json => format!(
            "{}\n",
            json!({ "order_num": key.order_num, "account_number": number, "account_name": name })
        ),
        Format::Csv => format!(
            "order_num,account_number,account_name\n{},{number},{name}\n",
            key.order_num
        ),
    })
}
