//! `payout resubmit`, `resolve`, `approve`, `reject`: what one person asks for and another one approves.

use std::{process::ExitCode, slice};

use clap::{Args, ValueEnum};
use sqlx::PgConnection;

use crate::cli::{
    confirm,
    exit::{Failure, say},
    global::Global,
    operate::proof,
    operate::request,
    output::{self, Format},
    words,
};
use crate::{
    domain::payout::PayoutKey,
    store::{
        decisions, find,
        operator::{self, Statement},
    },
};

#[derive(Debug, Args)]
pub(crate) struct ResubmitOptions {
    /// The order numbers; each is checked by itself
    #[arg(required = true)]
    order: Vec<String>,
    /// Why; recorded, at most 200 characters, without personal data
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveOptions {
    /// The request's number
    id: i64,
}

#[derive(Debug, Args)]
pub(crate) struct RejectOptions {
    /// The request's number
    id: i64,
    /// Why; recorded
    #[arg(long)]
    reason: String,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum End {
    /// The beneficiary has the money
    Paid,
    /// Nobody has it, and nothing may still arrive; takes a second person
    Failed,
    /// It was paid and came back
    Returned,
}

#[derive(Debug, Args)]
pub(crate) struct ResolveOptions {
    /// The order number
    order: String,
    /// How it ended
    #[arg(long = "as", value_name = "END")]
    end: End,
    /// Where that is written: a ticket, a bank statement; recorded
    #[arg(long)]
    evidence: String,
    /// Why; recorded, at most 200 characters, without personal data
    #[arg(long)]
    reason: String,
    /// With --as paid: the fee in rupiah, where it is known
    #[arg(long, value_name = "RUPIAH", value_parser = clap::value_parser!(i64).range(0..))]
    fee: Option<i64>,
    /// With --as returned: how much came back, if not all of it
    #[arg(long, value_name = "RUPIAH", value_parser = clap::value_parser!(i64).range(1..))]
    amount: Option<i64>,
}

pub(crate) async fn resubmit(
    global: &Global,
    options: &ResubmitOptions,
) -> Result<ExitCode, Failure> {
    let mut db = global.connect().await?;
    let merchant = global.merchant.as_deref();
    let mut described = Vec::new();
    let mut is_refused = false;
    for order in &options.order {
        let key = global.find(&mut db, order).await?;
        let found = decisions::resubmit_proof(&mut db, &key).await?;
        is_refused |= found.refusal.is_some();
        described.push(describe(&mut db, &key).await?);
        described.extend(proof::lines(&found));
    }
    let question = output::lines(&format!(
        "A second person is asked to allow that the same order numbers are sent once more:\n{}",
        described.join("\n")
    ));
    let word = match options.order.as_slice() {
        [one] => one.clone(),
        many => many.len().to_string(),
    };
    if is_refused {
        // The database refuses it and says why. Nobody types a number for that.
        if options.order.len() > 1 {
            say(&question);
        }
    } else {
        confirm::confirm_by_typing(global, &question, &word)?;
    }
    let id = operator::request_resubmit(&mut db, &options.order, &options.reason, merchant).await?;
    request::waits(global, &mut db, id).await
}

pub(crate) async fn resolve(
    global: &Global,
    options: &ResolveOptions,
) -> Result<ExitCode, Failure> {
    let stated = match options.end {
        End::Paid if options.amount.is_none() => options.fee,
        End::Returned if options.fee.is_none() => options.amount,
        End::Failed if options.fee.is_none() && options.amount.is_none() => None,
        End::Paid | End::Returned | End::Failed => {
            return Err(Failure::Usage(
                "--fee belongs to --as paid, --amount to --as returned".to_owned(),
            ));
        }
    };
    let mut db = global.connect().await?;
    let key = global.find(&mut db, &options.order).await?;
    let statement = Statement {
        evidence: &options.evidence,
        reason: &options.reason,
        stated,
    };
    let question = format!(
        "{}\nYou state that it ended otherwise than the gateway has told us. An entry of the books is never deleted.",
        describe(&mut db, &key).await?
    );
    confirm::confirm_by_typing(global, &question, &key.order_num)?;
    let outcome = match options.end {
        End::Failed => {
            let id = operator::request_resolve_failed(&mut db, &key, &statement).await?;
            return request::waits(global, &mut db, id).await;
        }
        End::Paid => "paid",
        End::Returned => "returned",
    };
    let id = operator::resolve(&mut db, &key, outcome, &statement).await?;
    request::carried_out(global, &mut db, id).await
}

pub(crate) async fn approve(
    global: &Global,
    options: &ApproveOptions,
) -> Result<ExitCode, Failure> {
    let mut db = global.connect().await?;
    let rows = request::read(&mut db, options.id).await?;
    let mut question = request::summary(options.id, &rows);
    if rows.iter().any(|row| row.kind == "resubmit") {
        for row in rows.iter().take(request::SHOWN) {
            let key = PayoutKey {
                merchant_code: row.merchant_code.clone(),
                order_num: row.order_num.clone(),
            };
            let found = decisions::resubmit_proof(&mut db, &key).await?;
            question = [
                vec![question],
                vec![row.order_num.clone()],
                proof::lines(&found),
            ]
            .concat()
            .join("\n");
        }
    }
    let question = output::lines(&question);
    confirm::confirm_by_typing(global, &question, &request::word(options.id, &rows))?;
    operator::approve(&mut db, options.id).await?;
    request::carried_out(global, &mut db, options.id).await
}

pub(crate) async fn reject(global: &Global, options: &RejectOptions) -> Result<(), Failure> {
    let mut db = global.connect().await?;
    operator::reject(&mut db, options.id, &options.reason).await?;
    let rows = request::read(&mut db, options.id).await?;
    output::print(&match global.output {
        Format::Table => format!("request {} is rejected; nothing is done\n", options.id),
        Format::Json => output::json(&rows),
        Format::Csv => output::csv(&rows),
    })
}

/// One payout in a line, the beneficiary masked.
async fn describe(db: &mut PgConnection, key: &PayoutKey) -> Result<String, Failure> {
    let rows = find::statuses(db, slice::from_ref(key)).await?;
    let detail = find::history::detail(db, key).await?;
    Ok(rows.first().map_or_else(String::new, |status| {
        output::plain(&format!(
            "{}: {} to {} {}, {}",
            key.order_num,
            words::rupiah(status.amount),
            detail.bank_name,
            detail.account_number,
            status.state
        ))
    }))
}
