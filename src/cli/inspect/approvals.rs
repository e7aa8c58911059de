//! `payout approvals`: what waits for a second person.

use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::{Value, json};

use crate::cli::{
    exit::Failure,
    global::Global,
    output::{self, Column, Format, Record},
    watch, words,
};
use crate::store::decisions::{self, Request};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Also what was decided or has expired
    #[arg(long)]
    all: bool,
    /// The latest so many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    limit: i64,
    /// Look again every two seconds until Ctrl-C
    #[arg(short, long)]
    watch: bool,
}

impl Record for Request {
    const COLUMNS: &'static [&'static str] = &[
        "request_id",
        "kind",
        "status",
        "requested_by",
        "requested_at",
        "expires_at",
        "decided_by",
        "payouts",
        "amount",
        "order_nums",
        "reason",
        "evidence",
    ];

    fn values(&self) -> Vec<Value> {
        vec![
            json!(self.request_id),
            json!(self.kind),
            json!(self.status),
            json!(self.requested_by),
            json!(words::utc(self.requested_at)),
            json!(words::utc(self.expires_at)),
            json!(self.decided_by),
            json!(self.payouts),
            json!(self.amount),
            json!(self.order_nums),
            json!(self.reason),
            json!(self.evidence),
        ]
    }
}

pub(crate) async fn approvals(global: &Global, options: &Options) -> Result<(), Failure> {
    watch::show(options.watch, async || {
        let mut db = global.connect().await?;
        let merchant = global.merchant.as_deref();
        let found = decisions::requests(&mut db, options.all, merchant, options.limit).await?;
        Ok(match global.output {
            Format::Json => output::json(&found),
            Format::Csv => output::csv(&found),
            Format::Table if found.is_empty() => "nothing waits for a second person\n".to_owned(),
            Format::Table => table(&found, Utc::now()),
        })
    })
    .await
}

fn table(found: &[Request], now: DateTime<Utc>) -> String {
    let columns = [
        Column::Right("REQUEST"),
        Column::Left("WHAT"),
        Column::Left("ORDERS"),
        Column::Right("AMOUNT"),
        Column::Left("ASKED BY"),
        Column::Left("AT (WIB)"),
        Column::Left("REASON"),
        Column::Left("STATUS"),
        Column::Left("NEXT"),
    ];
    let cells = found.iter().map(|request| {
        vec![
            request.request_id.to_string(),
            request.kind.clone(),
            orders(request),
            words::rupiah(request.amount),
            request.requested_by.clone(),
            words::time(request.requested_at),
            request.reason.clone(),
            status(request, now),
            next(request),
        ]
    });
    output::table(&columns, cells.collect())
}

/// The first few; the others are counted.
fn orders(request: &Request) -> String {
    let mut numbers = request.order_nums.split(' ');
    let shown: Vec<&str> = numbers.by_ref().take(3).collect();
    match numbers.count() {
        0 => shown.join(" "),
        more => format!("{} and {more} more", shown.join(" ")),
    }
}

fn status(request: &Request, now: DateTime<Utc>) -> String {
    match (&request.decided_by, request.status.as_str()) {
        (None, "waiting") => format!("waiting, for {} more", words::age(now, request.expires_at)),
        (Some(who), status) => format!("{status}, by {who}"),
        (None, status) => status.to_owned(),
    }
}

fn next(request: &Request) -> String {
    match (request.status.as_str(), request.yours) {
        ("waiting", true) => "yours: somebody else must approve".to_owned(),
        ("waiting", false) => format!("payout approve {}", request.request_id),
        ("expired", _) => "ask again".to_owned(),
        _ => String::new(),
    }
}
