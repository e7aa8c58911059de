//! `payout show`

use chrono::{DateTime, Utc};
use clap::Args;

use crate::cli::{
    exit::Failure,
    global::Global,
    inspect::history,
    inspect::situation::{self, Story},
    output::{self, Format},
    watch, words,
};
use crate::{
    domain::{money::FeeType, state::State},
    store::{
        decisions,
        find::{
            self, Status,
            history::{Detail, detail},
            waits,
        },
    },
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The order number
    order: String,
    /// Only the timeline; with -o json or csv every recorded line with its redacted message
    #[arg(long)]
    timeline: bool,
    /// Look again every two seconds until Ctrl-C
    #[arg(short, long)]
    watch: bool,
}

pub(crate) async fn show(global: &Global, options: &Options) -> Result<(), Failure> {
    watch::show(options.watch, async || look(global, options).await).await
}

async fn look(global: &Global, options: &Options) -> Result<String, Failure> {
    let mut db = global.connect().await?;
    let key = global.find(&mut db, &options.order).await?;
    if options.timeline {
        let lines = history::read(&mut db, &key).await?;
        return Ok(match global.output {
            Format::Json => output::json(&lines),
            Format::Csv => output::csv(&lines),
            Format::Table => history::table(&lines),
        });
    }
    let rows = find::statuses(&mut db, std::slice::from_ref(&key)).await?;
    let Some(status) = rows.first() else {
        return Err(Failure::NotFound(format!(
            "there is no payout {}",
            key.order_num
        )));
    };
    match global.output {
        Format::Json => Ok(format!("{}\n", output::object(status))),
        Format::Csv => Ok(output::csv(&rows)),
        Format::Table => {
            let detail = detail(&mut db, &key).await?;
            let lines = history::read(&mut db, &key).await?;
            let proof = if status.state == State::Unknown.name() {
                Some(decisions::resubmit_proof(&mut db, &key).await?)
            } else {
                None
            };
            let mut story = situation::tell(status, &detail, proof.as_ref(), Utc::now());
            if status.state == State::Queued.name() {
                story.held_back(&waits::pauses_over(&mut db, &key).await?);
            }
            if let Some(request) = waits::open_request(&mut db, &key).await? {
                story.asked_for(&request);
            }
            Ok(page(status, &detail, story, &lines, Utc::now()))
        }
    }
}

fn page(
    status: &Status,
    detail: &Detail,
    story: Story,
    lines: &[history::Line],
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
    for (question, answer) in [
        ("What we know", story.known),
        ("What we don't know", story.unknown),
        ("What happens next", story.next),
    ] {
        page.extend([String::new(), question.to_owned(), format!("  {answer}")]);
    }
    page.extend([String::new(), "Timeline".to_owned()]);
    page.extend(history::table(lines).lines().map(str::to_owned));
    for (command, what) in story.commands {
        page.extend([String::new(), format!("next:  {command}     {what}")]);
    }
    page.iter().map(|line| output::plain(line) + "\n").collect()
}

/// What belongs to it beside its state.
fn facts(status: &Status, detail: &Detail) -> Vec<String> {
    let fee = status.fee.map_or("not known yet".to_owned(), words::rupiah);
    let bearer = match FeeType::from_code(status.fee_type) {
        Some(FeeType::OutOfAmount) => "out of the amount",
        Some(FeeType::OnTop) => "on top",
        None => "of an unknown kind",
    };
    let mut lines = vec![format!(
        "merchant {}; fee {bearer}: {fee}",
        status.merchant_code
    )];
    if let (Some(debit), Some(received)) = (status.debit_total, status.beneficiary_amount)
        && debit > 0
    {
        lines.push(format!(
            "the beneficiary receives {}, we are debited {}",
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
        lines.push(format!("pays {replaced} again"));
    }
    lines
}
