//! `payout resolve`, `approve`, `reject`: what one person states or requests and another one approves.

use clap::{Args, ValueEnum};
use payout_domain::payout::PayoutKey;
use payout_store::{
    decisions, find,
    operator::{self, Statement},
};
use sqlx::PgConnection;

use super::{proof, request};
use crate::cli::{
    confirm::{confirm_by_repeating, confirm_by_typing, is_attended},
    exit::{Exit, say},
    global::Global,
    inspect::show::status,
    output, words,
};

#[derive(Debug, Args)]
pub(crate) struct ApproveOptions {
    /// The request's number, as `payout approvals` lists it
    #[arg(value_parser = number)]
    id: i64,
}

#[derive(Debug, Args)]
pub(crate) struct RejectOptions {
    /// The request's number, as `payout approvals` lists it
    #[arg(value_parser = number)]
    id: i64,
    /// Why; recorded
    #[arg(long)]
    reason: String,
}

fn number(text: &str) -> Result<i64, String> {
    let wrong = "give the number of the request, not of a payout; payout approvals lists it";
    text.parse().map_err(|_| wrong.to_owned())
}

/// How a payout ended, according to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatedEnd {
    /// The beneficiary has the money
    Paid,
    /// The beneficiary does not have it, and it can no longer arrive; needs a second person
    Failed,
    /// It was paid and came back
    Returned,
    /// Paid, with the fee of --fee, which the gateway never stated; needs a second person
    Fee,
    /// It ended as it is recorded, whatever contradicts that; needs a second person
    Unchanged,
}

impl StatedEnd {
    fn name(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Returned => "returned",
            Self::Fee => "fee",
            Self::Unchanged => "unchanged",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct ResolveOptions {
    /// The order number
    order: String,
    /// How it ended
    #[arg(long = "as", value_name = "END")]
    end: StatedEnd,
    /// Where that is written: a ticket, a bank statement; recorded
    #[arg(long)]
    evidence: String,
    /// Why; recorded, at most 200 characters, without personal data
    #[arg(long)]
    reason: String,
    /// With --as paid: the fee in rupiah, if known; with --as fee: the fee
    #[arg(long, value_name = "RUPIAH", value_parser = clap::value_parser!(i64).range(0..))]
    fee: Option<i64>,
    /// The order number once more, where nobody is at a terminal to type it
    #[arg(long, value_name = "ORDER")]
    confirm: Option<String>,
    /// With --as returned: how much came back, if not all of it
    #[arg(long, value_name = "RUPIAH", value_parser = clap::value_parser!(i64).range(1..))]
    amount: Option<i64>,
}

pub(crate) async fn resolve(global: &Global, options: &ResolveOptions) -> Result<(), Exit> {
    let stated = match (options.end, options.fee, options.amount) {
        (StatedEnd::Paid, stated, None)
        | (StatedEnd::Fee, stated @ Some(_), None)
        | (StatedEnd::Returned, None, stated) => stated,
        (StatedEnd::Failed | StatedEnd::Unchanged, None, None) => None,
        _ => {
            let rule =
                "--fee belongs to --as paid or --as fee, which needs it, --amount to --as returned";
            return Err(Exit::Usage(rule.to_owned()));
        }
    };
    let mut db = global.connect().await?;
    let key = global.find(&mut db, &options.order).await?;
    let statement = Statement {
        evidence: &options.evidence,
        reason: &options.reason,
        stated,
        confirm: &key.order_num,
    };
    let end = options.end.name();
    let question = format!(
        "{}\n{}\nYou state what the gateway has not. An entry in the books is never deleted.",
        describe(&mut db, &key).await?,
        contrary_answers(&mut db, &key, end).await?,
    );
    let confirm = options.confirm.as_deref();
    confirm_by_repeating(global, &question, &key.order_num, confirm)?;
    if options.end == StatedEnd::Failed {
        let id = operator::request_resolve_failed(&mut db, &key, &statement).await?;
        return request::waits(global, &mut db, id).await;
    }
    let id = operator::resolve(&mut db, &key, end, &statement).await?;
    let rows = request::read(&mut db, id).await?;
    if rows.iter().all(|row| row.is_approved) {
        request::carried_out(global, &mut db, id).await
    } else {
        request::waits(global, &mut db, id).await
    }
}

pub(crate) async fn approve(global: &Global, options: &ApproveOptions) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let rows = request::read(&mut db, options.id).await?;
    let mut question = vec![request::summary(options.id, &rows)];
    for row in rows.iter().take(request::SHOWN) {
        let (Some(merchant_code), Some(order_num)) = (&row.merchant_code, &row.order_num) else {
            continue;
        };
        let key = PayoutKey {
            merchant_code: merchant_code.clone(),
            order_num: order_num.clone(),
        };
        if row.kind == "resubmit" {
            let found = decisions::resubmit_proof(&mut db, &key).await?;
            question.push(order_num.clone());
            question.extend(proof::lines(&found));
        } else if let Some(end) = row.kind.strip_prefix("resolve_") {
            question.push(contrary_answers(&mut db, &key, end).await?);
        }
    }
    let question = output::lines(&question.join("\n"));
    // A script's log, too, says what was approved.
    if !is_attended(global) {
        say(&question);
    }
    confirm_by_typing(global, &question, &operator::to_type(options.id, &rows))?;
    operator::approve(&mut db, options.id).await?;
    request::carried_out(global, &mut db, options.id).await
}

pub(crate) async fn reject(global: &Global, options: &RejectOptions) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    operator::reject(&mut db, options.id, &options.reason).await?;
    let rows = request::read(&mut db, options.id).await?;
    let done = |_: &[_]| format!("request {} is rejected; nothing is done\n", options.id);
    output::print(&global.output.rows(&rows, "", done)?)
}

/// Everything that the gateway answered against this end, a line each.
async fn contrary_answers(
    db: &mut PgConnection,
    key: &PayoutKey,
    end: &str,
) -> Result<String, Exit> {
    let answers = decisions::contrary_answers(db, key, end).await?;
    if answers.is_empty() {
        return Ok("No answer of the gateway contradicts it.".to_owned());
    }
    let lines = answers.iter().map(|answer| {
        let parts = [
            Some(format!(
                "{}: {}",
                answer.source,
                answer.kind.replace('_', " ")
            )),
            answer.status.map(|status| format!("status {status}")),
            answer
                .mismatch
                .as_ref()
                .map(|field| format!("not ours: {field}")),
            Some(words::times(answer.times)),
            Some(format!("last at {} WIB", words::time(answer.last_at))),
        ];
        format!(
            "  {}",
            parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
        )
    });
    let lines: Vec<String> = lines.collect();
    Ok(format!(
        "The gateway has answered otherwise:\n{}",
        output::lines(&lines.join("\n"))
    ))
}

/// One payout in a line, the beneficiary masked.
pub(super) async fn describe(db: &mut PgConnection, key: &PayoutKey) -> Result<String, Exit> {
    let status = status(db, key).await?;
    let detail = find::history::detail(db, key).await?;
    Ok(output::plain(&format!(
        "{}: {} to {} {}, {}",
        key.order_num,
        words::rupiah(status.amount),
        detail.bank_name,
        detail.account_number,
        status.state
    )))
}
