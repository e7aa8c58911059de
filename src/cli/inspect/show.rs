//! `payout show`

use chrono::{DateTime, Utc};
use clap::Args;
use payout_domain::{money::FeeType, payout::PayoutKey, state::State};
use payout_store::{
    decisions,
    find::{
        self, Status,
        history::{Detail, detail},
        waits,
    },
    workers,
};
use serde::Serialize;
use sqlx::PgConnection;

use super::{
    history::{self, Line},
    situation::{self, Situation},
};
use crate::cli::{
    exit::Exit,
    global::Global,
    output::{self, Format},
    watch::Watch,
    words,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The order number
    order: String,
    /// Only the history; with -o json or csv every recorded line with its redacted message
    #[arg(long)]
    history: bool,
    #[command(flatten)]
    pub(crate) watch: Watch,
}

pub(crate) async fn show(global: &Global, options: &Options) -> Result<String, Exit> {
    let mut db = global.connect().await?;
    let key = global.find(&mut db, &options.order).await?;
    let lines = history::read(&mut db, &key).await?;
    if options.history {
        return Ok(history::render(global.output, lines)?);
    }
    let status = status(&mut db, &key).await?;
    let detail = detail(&mut db, &key).await?;
    let now = Utc::now();
    let situation = situation(&mut db, &key, &status, &detail, now).await?;
    match global.output {
        Format::Table => Ok(page(&status, &detail, situation, &lines, now)),
        Format::Json => Ok(serde_json::to_string(&Whole::of(&status, &lines))
            .map_err(anyhow::Error::from)?
            + "\n"),
        // A cell has no rows of its own: `--history -o csv` has them.
        Format::Csv => Ok(global.output.rows(&[status], "", |_| String::new())?),
    }
}

/// A payout for programs: the columns of `payout.status`, and everything that was recorded about it.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    status: &'a Status,
    history: Vec<&'a Line>,
    attempts: Vec<&'a Line>,
    evidence: Vec<&'a Line>,
}

impl<'a> Whole<'a> {
    fn of(status: &'a Status, lines: &'a [Line]) -> Self {
        let of = |kinds: &[&str]| lines.iter().filter(|line| line.is_a(kinds)).collect();
        Self {
            status,
            history: of(&["move", "note"]),
            attempts: of(&["attempt"]),
            evidence: of(&["evidence"]),
        }
    }
}

/// The row of `payout.status` of a payout that exists.
pub(crate) async fn status(db: &mut PgConnection, key: &PayoutKey) -> Result<Status, Exit> {
    let mut rows = find::statuses(db, std::slice::from_ref(key)).await?;
    rows.pop()
        .ok_or_else(|| Exit::NotFound(format!("there is no payout {}", key.order_num)))
}

async fn situation(
    db: &mut PgConnection,
    key: &PayoutKey,
    status: &Status,
    detail: &Detail,
    now: DateTime<Utc>,
) -> Result<Situation, sqlx::Error> {
    let proof = if status.state == State::Unknown.name() {
        Some(decisions::resubmit_proof(db, key).await?)
    } else {
        None
    };
    let mut situation = situation::explain(status, detail, proof.as_ref(), now);
    if status.state == State::Queued.name() {
        situation.add_pauses(&waits::pauses_over(db, key).await?);
        if let Some(reservation) = waits::reservation(db, key).await? {
            situation.add_reservation(&reservation, &key.order_num);
        }
    }
    for claims in workers::claims(db, Some(&key.merchant_code)).await? {
        situation.add_claims(&claims, &status.state);
    }
    if let Some(request) = waits::open_request(db, key).await? {
        situation.add_request(&request);
    }
    Ok(situation)
}

fn page(
    status: &Status,
    detail: &Detail,
    situation: Situation,
    lines: &[Line],
    now: DateTime<Utc>,
) -> String {
    let mut page = vec![format!(
        "{}   {}  ->  {} {} {}   {} for {}",
        status.order_num,
        words::rupiah(status.amount),
        detail.bank_name,
        detail.account_number,
        detail.account_name,
        status.state,
        words::age(status.state_since, now),
    )];
    page.extend(facts(status, detail));
    for (heading, answer) in [
        ("What we know", situation.known),
        ("What we don't know", situation.unknown),
        ("What happens next", situation.next),
    ] {
        page.extend([String::new(), heading.to_owned(), format!("  {answer}")]);
    }
    page.extend([String::new(), "History".to_owned()]);
    page.extend(history::table(lines).lines().map(str::to_owned));
    for (command, what) in situation.commands {
        page.extend([String::new(), format!("next:  {command}     {what}")]);
    }
    page.iter().map(|line| output::plain(line) + "\n").collect()
}

/// What is fixed or known about a payout besides its state.
fn facts(status: &Status, detail: &Detail) -> Vec<String> {
    let mut lines = vec![format!(
        "merchant {}; {}",
        status.merchant_code,
        fee(status)
    )];
    if let (Some(debit), Some(received)) = (status.debit_total, status.beneficiary_amount)
        && debit > 0
    {
        lines.push(format!(
            "the beneficiary receives {}; our balance is debited {}",
            words::rupiah(received),
            words::rupiah(debit)
        ));
    }
    if detail.held > 0 {
        lines.push(format!("held: {}", words::rupiah(detail.held)));
    }
    let number = status.platform_order_num.as_deref();
    lines.push(format!("gateway no.: {}", number.unwrap_or("none yet")));
    if let Some(replaced) = &detail.replaces {
        lines.push(format!("replaces {replaced}, which failed"));
    }
    lines
}

/// How its fee is paid, and how much it is.
fn fee(status: &Status) -> String {
    let bearer = match FeeType::from_code(status.fee_type) {
        Some(FeeType::OutOfAmount) => "deducted from the amount",
        Some(FeeType::OnTop) => "on top of the amount",
        None => "of an unknown type",
    };
    match status.fee {
        Some(fee) => format!("fee {bearer}: {}", words::rupiah(fee)),
        None if status.has_no_fee() => "fee: none".to_owned(),
        None => format!("fee {bearer}: not stated yet"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_or_was_withdrawn_has_no_fee_and_waits_for_none() {
        for state in State::ALL {
            let status = Status {
                state: state.name().to_owned(),
                ..Status::default()
            };
            let has_none = matches!(state, State::Failed | State::Cancelled);
            assert_eq!(fee(&status) == "fee: none", has_none, "{state:?}");
        }
    }
}
