//! `payout audit`: who did what, when and why.

use chrono::{DateTime, Utc};
use clap::Args;
use payout_store::operator::{self, Act};

use crate::cli::{exit::Exit, global::Global, output, words};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only for this payout
    order: Option<String>,
    /// Only by this login
    #[arg(long, value_name = "LOGIN")]
    actor: Option<String>,
    /// Only since 30m, 2h, today, yesterday, 2026-11-21 (WIB) or an RFC 3339 time
    #[arg(long, value_name = "WHEN", value_parser = |text: &str| words::since(text, Utc::now()))]
    since: Option<DateTime<Utc>>,
    /// Maximum rows to print; the latest are kept
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    limit: i64,
}

pub(crate) async fn audit(global: &Global, options: &Options) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let key = match &options.order {
        Some(order) => Some(global.find(&mut db, order).await?),
        None => None,
    };
    let actor = options.actor.as_deref();
    let acts = operator::audit(&mut db, key.as_ref(), actor, options.since, options.limit).await?;
    output::print(&global.output.rows(&acts, "no act is recorded", table)?)
}

fn table(acts: &[Act]) -> String {
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
    output::table(
        "TIME (WIB)|WHO|ACT|ORDER|REQUEST|OUTCOME|REASON|MORE",
        cells,
    )
}
