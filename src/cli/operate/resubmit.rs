//! `payout resubmit`: requests that order numbers be sent once more. A second person approves.

use clap::Args;
use payout_domain::{attention::Attention, payout::PayoutKey, state::State};
use payout_store::{
    decisions::{self, Proof},
    find::{self, waits},
    operator,
};
use sqlx::PgConnection;

use super::{proof, request, second_person::describe};
use crate::cli::{
    confirm::confirm_by_typing,
    exit::{Exit, say},
    global::Global,
    output, words,
};

/// The most payouts of one request.
const REQUEST_MAX: usize = 500;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The order numbers; each is checked on its own
    #[arg(required_unless_present = "attention", conflicts_with = "attention")]
    order: Vec<String>,
    /// All unknown payouts with this attention that may be sent again, the oldest first, at most 500
    #[arg(long, value_parser = [Attention::NotFound.name()], value_name = "REASON")]
    attention: Option<String>,
    /// Why; recorded, at most 200 characters, without personal data
    #[arg(long)]
    reason: String,
}

pub(crate) async fn resubmit(global: &Global, options: &Options) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let keys = match &options.attention {
        Some(reason) => with_attention(global, &mut db, reason).await?,
        None => named(global, &mut db, &options.order).await?,
    };
    let proofs = proofs(&mut db, keys).await?;
    // A person who names a payout learns from the database why it is refused. Of many that share a reason, the rest goes.
    let (chosen, left_out): (Vec<_>, Vec<_>) = proofs
        .into_iter()
        .partition(|(_, found)| options.attention.is_none() || found.refusal.is_none());
    for (key, found) in &left_out {
        let why = found.refusal.as_deref().unwrap_or_default();
        say(&output::plain(&format!(
            "left out: {}: {why}",
            key.order_num
        )));
    }
    if chosen.is_empty() {
        let message = "no unknown payout with this attention may be sent again now";
        return Err(Exit::NotFound(message.to_owned()));
    }
    confirm(global, &mut db, &chosen).await?;
    let orders: Vec<String> = chosen.into_iter().map(|(key, _)| key.order_num).collect();
    let merchant = global.merchant.as_deref();
    let id = operator::request_resubmit(&mut db, &orders, &options.reason, merchant).await?;
    request::waits(global, &mut db, id).await
}

async fn named(
    global: &Global,
    db: &mut PgConnection,
    orders: &[String],
) -> Result<Vec<PayoutKey>, Exit> {
    let mut keys = Vec::new();
    for order in orders {
        keys.push(global.find(db, order).await?);
    }
    Ok(keys)
}

/// The oldest unknown payouts with this reason, of one merchant.
async fn with_attention(
    global: &Global,
    db: &mut PgConnection,
    reason: &str,
) -> Result<Vec<PayoutKey>, Exit> {
    let filter = find::Filter {
        states: vec![State::Unknown.name().to_owned()],
        merchant: global.merchant.clone(),
        attention: Some(reason.to_owned()),
        limit: i64::MAX,
        ..find::Filter::default()
    };
    let mut rows = find::list(db, &filter).await?;
    rows.reverse();
    if let [first, others @ ..] = rows.as_slice()
        && others
            .iter()
            .any(|row| row.merchant_code != first.merchant_code)
    {
        let rule = "several merchants have such payouts: name one with --merchant";
        return Err(Exit::Usage(rule.to_owned()));
    }
    if rows.len() > REQUEST_MAX {
        let count = rows.len();
        say(&format!(
            "of {count} such payouts, the {REQUEST_MAX} oldest are taken"
        ));
        rows.truncate(REQUEST_MAX);
    }
    Ok(rows.iter().map(find::Status::key).collect())
}

async fn proofs(
    db: &mut PgConnection,
    keys: Vec<PayoutKey>,
) -> Result<Vec<(PayoutKey, Proof)>, Exit> {
    let mut proofs = Vec::new();
    for key in keys {
        let mut found = decisions::resubmit_proof(db, &key).await?;
        if let Some(open) = waits::open_request(db, &key).await? {
            let why = format!("it is already waiting in request {}", open.request_id);
            found.refusal.get_or_insert(why);
        }
        proofs.push((key, found));
    }
    Ok(proofs)
}

async fn confirm(
    global: &Global,
    db: &mut PgConnection,
    chosen: &[(PayoutKey, Proof)],
) -> Result<(), Exit> {
    let mut described = Vec::new();
    for (key, found) in chosen.iter().take(request::SHOWN) {
        described.push(describe(db, key).await?);
        described.extend(proof::lines(found));
    }
    let keys: Vec<PayoutKey> = chosen.iter().map(|(key, _)| key.clone()).collect();
    let amounts = find::statuses(db, &keys).await?;
    let total: i64 = amounts.iter().map(|status| status.amount).sum();
    if let Some(more @ 1..) = chosen.len().checked_sub(request::SHOWN) {
        described.push(format!("and {more} more"));
    }
    if chosen.len() > 1 {
        described.push(format!(
            "{} payouts, {}. One is sent first; the others follow once the gateway is found to know it.",
            chosen.len(),
            words::rupiah(total)
        ));
    }
    let question = output::lines(&format!(
        "You are requesting that these order numbers be sent once more; a second person must approve:\n{}",
        described.join("\n")
    ));
    let is_refused = chosen.iter().any(|(_, found)| found.refusal.is_some());
    match chosen {
        // The database refuses it and says why. Nobody types a number for that.
        [_] if is_refused => Ok(()),
        _ if is_refused => {
            say(&question);
            Ok(())
        }
        [(one, _)] => confirm_by_typing(global, &question, &one.order_num),
        many => confirm_by_typing(global, &question, &many.len().to_string()),
    }
}
