//! `payout replay`, `payout cancel`, `payout fund`: what changes something. The rules are the database's.

use std::slice;

use clap::Args;
use sqlx::PgConnection;

use crate::cli::{
    confirm,
    exit::{Failure, say},
    global::Global,
    inspect::list,
    output::{self, Format},
    words,
};
use crate::{
    domain::{payout::PayoutKey, state::State},
    store::{
        act,
        balances::balances,
        find::{self, Status, history::detail},
    },
};

#[derive(Debug, Args)]
pub(crate) struct ReplayOptions {
    /// The order numbers
    #[arg(required_unless_present = "state", conflicts_with = "state")]
    order: Vec<String>,
    /// All in one of these states, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "STATE", value_parser = sent_state)]
    state: Vec<String>,
    /// With --state: at most so many, those longest in their state first
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    limit: i64,
}

#[derive(Debug, Args)]
pub(crate) struct CancelOptions {
    /// The order number
    order: String,
    /// Why; recorded, at most 200 characters, without personal data
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct FundOptions {
    /// Whole rupiah as digits, such as 1250000; negative for money taken out
    #[arg(allow_negative_numbers = true, value_parser = digits)]
    amount: i64,
    /// The bank's transfer number; a reference is booked once
    #[arg(long)]
    reference: String,
}

/// A dot could be meant as a thousand or as a fraction: it is asked back.
fn digits(text: &str) -> Result<i64, String> {
    let wrong = "write whole rupiah as digits alone, such as 1250000";
    text.parse().map_err(|_| wrong.to_owned())
}

/// A state in which there is something to ask for.
fn sent_state(text: &str) -> Result<String, String> {
    let state = list::state(text)?;
    let unsent = [State::Queued.name(), State::Cancelled.name()];
    if unsent.contains(&state.as_str()) {
        return Err("it was never sent: there is nothing to ask for".to_owned());
    }
    Ok(state)
}

pub(crate) async fn replay(global: &Global, options: &ReplayOptions) -> Result<(), Failure> {
    let mut db = global.connect().await?;
    let mut asked = Vec::new();
    let mut failure = None;
    let merchant = global.merchant.as_deref();
    for key in act::in_states(&mut db, &options.state, merchant, options.limit).await? {
        match act::replay(&mut db, &key).await.map_err(Failure::from) {
            Ok(()) => asked.push(key),
            // It has moved on since it was listed, by an answer or a worker: that is what a replay is for.
            Err(Failure::Refused(_)) => {}
            Err(other) => return Err(other),
        }
    }
    for order in &options.order {
        match replay_one(global, &mut db, order).await {
            Ok(key) => asked.push(key),
            Err(Failure::Unreachable(words)) => return Err(Failure::Unreachable(words)),
            // The others are still asked for; the first failure gives the exit code, and is said at the end.
            Err(other) if failure.is_none() => failure = Some(other),
            Err(other) => say(&format!("error: {}", other.words().unwrap_or_default())),
        }
    }
    if !asked.is_empty() || failure.is_none() {
        tell(global, &mut db, &asked).await?;
    }
    failure.map_or(Ok(()), Err)
}

async fn replay_one(
    global: &Global,
    db: &mut PgConnection,
    order: &str,
) -> Result<PayoutKey, Failure> {
    let key = global.find(db, order).await?;
    act::replay(db, &key).await?;
    Ok(key)
}

async fn tell(global: &Global, db: &mut PgConnection, asked: &[PayoutKey]) -> Result<(), Failure> {
    if global.output != Format::Table {
        return output::print(&list::render(
            global.output,
            &find::statuses(db, asked).await?,
        ));
    }
    match asked {
        [] => say("nothing was asked for"),
        [one] => output::print(&format!(
            "{}: the gateway is asked again now. Watch it: payout show -w {}\n",
            one.order_num, one.order_num
        ))?,
        many => output::print(&format!(
            "{} payouts are asked for again, as fast as queries_per_second allows. Nothing is sent.\n",
            many.len()
        ))?,
    }
    Ok(())
}

pub(crate) async fn cancel(global: &Global, options: &CancelOptions) -> Result<(), Failure> {
    let mut db = global.connect().await?;
    let key = global.find(&mut db, &options.order).await?;
    let status = status(&mut db, &key).await?;
    if status.state == State::Queued.name() {
        let detail = detail(&mut db, &key).await?;
        let question = format!(
            "{} ({} to {} {}) is withdrawn for ever; its order number is not used again.",
            key.order_num,
            words::rupiah(status.amount),
            detail.bank_name,
            detail.account_number,
        );
        confirm::confirm(global, &output::plain(&question))?;
    }
    act::cancel(&mut db, &key, &options.reason).await?;
    match global.output {
        Format::Table => {
            output::print(&format!("{}: cancelled, nothing was sent\n", key.order_num))
        }
        Format::Json => {
            let status = self::status(&mut db, &key).await?;
            output::print(&format!("{}\n", output::object(&status)))
        }
        Format::Csv => {
            let status = self::status(&mut db, &key).await?;
            output::print(&output::csv(slice::from_ref(&status)))
        }
    }
}

async fn status(db: &mut PgConnection, key: &PayoutKey) -> Result<Status, Failure> {
    let mut rows = find::statuses(db, slice::from_ref(key)).await?;
    rows.pop()
        .ok_or_else(|| Failure::NotFound(format!("there is no payout {}", key.order_num)))
}

pub(crate) async fn fund(global: &Global, options: &FundOptions) -> Result<(), Failure> {
    let mut db = global.connect().await?;
    let merchant = global.one_merchant(&mut db).await?;
    let booked_before = act::is_funded(&mut db, &merchant, &options.reference).await?;
    if !booked_before {
        let question = format!(
            "{} is booked for {merchant} under {}. An entry is never deleted.",
            words::rupiah(options.amount),
            options.reference,
        );
        confirm::confirm(global, &output::plain(&question))?;
    }
    let available = act::fund(&mut db, &merchant, options.amount, &options.reference).await?;
    match global.output {
        Format::Table => output::print(&format!(
            "{merchant}: {}; available {}\n",
            if booked_before {
                "was booked before, nothing changed"
            } else {
                "booked"
            },
            words::rupiah(available),
        )),
        Format::Json => output::print(&output::json(&balances(&mut db, Some(&merchant)).await?)),
        Format::Csv => output::print(&output::csv(&balances(&mut db, Some(&merchant)).await?)),
    }
}
