//! `payout stuck`

use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;
use payout_store::{
    find::{self, Patience, Status, Stuck},
    overview::{self, OpenPayouts},
    workers::{self, Claims},
};

use super::{attention, claims};
use crate::cli::{
    exit::Exit,
    global::Global,
    output::{self, Format},
    watch::Watch,
    words,
};

/// How long a payout may be unknown before it needs a person: the default of `--unknown-for`.
pub(super) const UNKNOWN_FOR: Duration = Duration::from_mins(30);

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
    let merchant = global.merchant.as_deref();
    let claims = global.registered(workers::claims(&mut db, merchant).await?)?;
    // What stands still, and what is queried without anybody's help, is no row of this list.
    let beside = if global.output == Format::Table {
        beside(&claims, &overview::open_payouts(&mut db, merchant).await?)
    } else {
        String::new()
    };
    let nothing = format!("no payout needs a person\n{beside}");
    let page = |rows: &[Status]| page(&found, rows, Utc::now()) + &beside;
    Ok(global.output.rows(&rows, nothing.trim_end(), page)?)
}

/// Why payouts are not sent, and how many are in doubt, whether or not they need a person: the sum of `payout status`.
fn beside(claims: &[Claims], open: &[OpenPayouts]) -> String {
    let in_doubt = open.iter().filter(|open| open.what == "in_doubt");
    let queried: String = in_doubt
        .map(|open| {
            let (count, amount) = (open.payouts, words::rupiah(open.rupiah));
            let payouts = words::counted(&count, "payout");
            output::plain(&format!(
                "in doubt in all: {payouts} of {}, {amount}; queried, never resent automatically",
                open.merchant_code
            )) + "\n"
        })
        .collect();
    claims::lines(claims) + &queried
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
        "{needs} a person; in doubt of these: {}; the oldest has waited {}{beyond}\n\n{}\n\
         next:  payout show ORDER     what we know, what we don't, what happens next\n",
        words::rupiah(oldest.exposed),
        words::age(oldest.since, now),
        output::table(headings, cells),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payout_is_listed_when_show_says_that_it_needs_a_person() {
        #[derive(clap::Parser)]
        struct Stuck {
            #[command(flatten)]
            options: Options,
        }
        let parsed: Stuck = clap::Parser::parse_from(["stuck"]);
        let seconds = u64::try_from(parsed.options.unknown_for).unwrap();
        assert_eq!(Duration::from_secs(seconds), UNKNOWN_FOR);
    }
}
