//! `payout stuck`

use chrono::{DateTime, Utc};
use clap::Args;

use super::attention;
use crate::{
    cli::{exit::Exit, global::Global, output, watch::Watch, words},
    store::find::{self, Patience, Status, Stuck},
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Unknown for longer than this needs a person
    #[arg(long, default_value = "30m", value_name = "TIME", value_parser = words::seconds)]
    unknown_for: i64,
    /// Open for longer than this needs a person
    #[arg(long, default_value = "24h", value_name = "TIME", value_parser = words::seconds)]
    open_for: i64,
    /// Maximum rows to print
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=100_000))]
    limit: i64,
    #[command(flatten)]
    pub(crate) watch: Watch,
}

pub(crate) async fn stuck(global: &Global, options: &Options) -> Result<String, Exit> {
    let mut db = global.connect().await?;
    let patience = Patience {
        unknown_seconds: options.unknown_for,
        open_seconds: options.open_for,
    };
    let found = find::stuck(&mut db, patience, global.merchant.as_deref(), options.limit).await?;
    let keys: Vec<_> = found.iter().map(Stuck::key).collect();
    let rows = find::statuses(&mut db, &keys).await?;
    let page = |rows: &[Status]| page(&found, rows, Utc::now());
    Ok(global.output.rows(&rows, "nothing needs a person", page)?)
}

/// Every reason for attention, gravest first, or what else makes it stuck.
fn why(stuck: &Stuck, row: &Status) -> String {
    if row.attention.as_ref() == Some(&stuck.why) {
        row.attention_reasons.clone()
    } else {
        stuck.why.clone()
    }
}

fn page(found: &[Stuck], rows: &[Status], now: DateTime<Utc>) -> String {
    let Some(oldest) = found.first() else {
        return String::new();
    };
    let needs = match oldest.count {
        1 => "1 payout needs".to_owned(),
        count => format!("{count} payouts need"),
    };
    let is_cut = oldest.count > i64::try_from(found.len()).unwrap_or(i64::MAX);
    let beyond = if is_cut {
        "; only the oldest are shown (--limit N)"
    } else {
        ""
    };
    let headings = "ORDER|MERCHANT|>AMOUNT|BANK|STATE|FOR|WHY|SAFE NEXT STEP";
    // A payout is never deleted, so both lists have the same payouts in the same order.
    let cells = found.iter().zip(rows).map(|(stuck, row)| {
        vec![
            row.order_num.clone(),
            row.merchant_code.clone(),
            words::rupiah(row.amount),
            row.bank_code.clone(),
            row.state.clone(),
            words::age(stuck.since, now),
            why(stuck, row),
            attention::safe_step(&stuck.why, &row.state).to_owned(),
        ]
    });
    format!(
        "{needs} a person; {} may or may not have left; the oldest has waited {}{beyond}\n\n{}\n\
         next:  payout show ORDER     what we know, what we don't, what happens next\n",
        words::rupiah(oldest.exposed),
        words::age(oldest.since, now),
        output::table(headings, cells),
    )
}
