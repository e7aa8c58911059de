//! `payout approvals`: what waits for a second person.

use chrono::{DateTime, Utc};
use clap::Args;
use payout_store::decisions::{self, Request};

use crate::cli::{exit::Exit, global::Global, output, watch::Watch, words};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Also requests that were decided or have expired
    #[arg(long)]
    all: bool,
    /// Maximum rows to print; the latest are kept
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    limit: i64,
    #[command(flatten)]
    pub(crate) watch: Watch,
}

pub(crate) async fn approvals(global: &Global, options: &Options) -> Result<String, Exit> {
    let mut db = global.connect().await?;
    let merchant = global.merchant.as_deref();
    let found = decisions::requests(&mut db, options.all, merchant, options.limit).await?;
    let nothing = "nothing waits for a second person";
    Ok(global.output.rows(&found, nothing, table)?)
}

fn table(found: &[Request]) -> String {
    let now = Utc::now();
    let cells = found.iter().map(|request| {
        vec![
            request.request_id.to_string(),
            request.kind.clone(),
            orders(request),
            amount(request),
            request.requested_by.clone(),
            words::time(request.requested_at),
            request.reason.clone() + &words::evidence(request.evidence.as_deref()),
            status(request, now),
            next(request),
        ]
    });
    let headings = ">REQUEST|WHAT|ON|>AMOUNT|REQUESTED BY|AT (WIB)|REASON|STATUS|NEXT";
    output::table(headings, cells)
}

/// The amount, and what the request states beside it.
fn amount(request: &Request) -> String {
    let amount = request.amount.map(words::rupiah);
    let stated = words::stated(&request.kind, request.stated);
    let stated = Some(stated).filter(|stated| !stated.is_empty());
    let parts: Vec<String> = [amount, stated].into_iter().flatten().collect();
    parts.join(", ")
}

/// The first few; the others are counted. Without payouts, what it is about.
fn orders(request: &Request) -> String {
    if let Some(subject) = &request.subject {
        return subject.clone();
    }
    let mut numbers = request.order_nums.split(' ');
    let shown: Vec<&str> = numbers.by_ref().take(3).collect();
    match numbers.count() {
        0 => shown.join(" "),
        more => format!("{} and {more} more", shown.join(" ")),
    }
}

fn status(request: &Request, now: DateTime<Utc>) -> String {
    match (&request.decided_by, request.status.as_str()) {
        (None, "waiting") => {
            let left = words::age(now, request.expires_at);
            match (&request.told_at, &request.told_failure) {
                (Some(_), _) => format!("waiting, {left} left; approvers were told"),
                (None, Some(why)) => {
                    format!("waiting, {left} left; approvers were not told: {why}")
                }
                (None, None) => format!("waiting, {left} left"),
            }
        }
        (Some(who), status) => format!("{status}, by {who}"),
        (None, status) => status.to_owned(),
    }
}

fn next(request: &Request) -> String {
    match (request.status.as_str(), request.yours) {
        ("waiting", true) => "yours: somebody else must approve".to_owned(),
        ("waiting", false) => format!("payout approve {}", request.request_id),
        ("approved", _) => format!(
            "a worker carries it out; to withdraw it: payout reject {} --reason …",
            request.request_id
        ),
        ("expired", _) => "request it again".to_owned(),
        _ => String::new(),
    }
}
