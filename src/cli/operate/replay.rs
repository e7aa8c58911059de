//! `payout replay`: queries the gateway now. It never sends.

use clap::{Args, builder::PossibleValuesParser};
use payout_domain::{payout::PayoutKey, state::State};
use payout_store::{act, find, is_locked};
use sqlx::PgConnection;

use crate::cli::{
    exit::{Exit, say},
    global::Global,
    inspect::list,
    output::{self, Format},
    paste,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The order numbers
    #[arg(required_unless_present = "state", conflicts_with = "state")]
    order: Vec<String>,
    /// All in one of these states, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "STATE", value_parser = sent_states())]
    state: Vec<String>,
    /// With --state: maximum payouts to query; those longest in their state come first
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(i64).range(1..=1_000_000))]
    limit: i64,
}

/// The gateway knows nothing of what was never sent.
fn sent_states() -> PossibleValuesParser {
    let sent = State::ALL.into_iter();
    let sent = sent.filter(|state| !matches!(state, State::Queued | State::Cancelled));
    list::one_of(&sent.map(State::name).collect::<Vec<_>>())
}

pub(crate) async fn replay(global: &Global, options: &Options) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let mut queried = Vec::new();
    let mut failure = None;
    let merchant = global.merchant.as_deref();
    let listed = act::in_states(&mut db, &options.state, merchant, options.limit).await?;
    let locked = replay_listed(&mut db, listed, &mut queried).await?;
    for order in &options.order {
        match replay_one(global, &mut db, order).await {
            Ok(key) => queried.push(key),
            Err(Exit::Unreachable(message)) => return Err(Exit::Unreachable(message)),
            // The others are still queried; the first failure gives the exit code, and is reported last.
            Err(other) if failure.is_none() => failure = Some(other),
            Err(other) => say(&format!("error: {}", other.parts().1)),
        }
    }
    if !queried.is_empty() || failure.is_none() {
        report(global, &mut db, &queried).await?;
    }
    let skipped = match locked {
        0 => None,
        1 => Some("1 payout was not queried, because another transaction has locked it".to_owned()),
        _ => Some(format!(
            "{locked} payouts were not queried, because other transactions have locked them"
        )),
    };
    if let Some(skipped) = skipped {
        failure = Some(Exit::Failed(format!(
            "{skipped}\n  Run this again in a moment; pg_locks and pg_stat_activity name the transactions."
        )));
    }
    failure.map_or(Ok(()), Err)
}

/// Replays each that can be, and returns how many are locked by others.
async fn replay_listed(
    db: &mut PgConnection,
    listed: Vec<PayoutKey>,
    queried: &mut Vec<PayoutKey>,
) -> Result<usize, Exit> {
    let mut locked: usize = 0;
    for key in listed {
        match act::replay(db, &key).await {
            Ok(()) => queried.push(key),
            Err(error) if is_locked(&error) => locked = locked.saturating_add(1),
            Err(error) => {
                let failed = Exit::from(error);
                // Refused if an answer or a worker moved it since it was listed: that is what a replay is for.
                if !matches!(failed, Exit::Refused(_)) {
                    return Err(failed);
                }
            }
        }
    }
    Ok(locked)
}

async fn replay_one(
    global: &Global,
    db: &mut PgConnection,
    order: &str,
) -> Result<PayoutKey, Exit> {
    let key = global.find(db, order).await?;
    act::replay(db, &key).await?;
    Ok(key)
}

async fn report(global: &Global, db: &mut PgConnection, queried: &[PayoutKey]) -> Result<(), Exit> {
    match queried {
        _ if global.output != Format::Table => {
            let rows = find::statuses(db, queried).await?;
            output::print(&list::render(global.output, &rows)?)?;
        }
        [] => say("there is nothing to query"),
        [one] => output::print(&format!(
            "{}: the gateway is queried now. Watch it: {}\n",
            one.order_num,
            paste::about("show", &one.order_num, "-w")
        ))?,
        many => output::print(&format!(
            "{} payouts are queried, as fast as queries_per_second allows. Nothing is sent.\n",
            many.len()
        ))?,
    }
    Ok(())
}
