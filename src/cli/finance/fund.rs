//! `payout fund`

use clap::Args;
use payout_store::{
    act::{self, Funded},
    balances::balances,
    operator,
};

use crate::cli::{
    confirm,
    exit::{Exit, say},
    global::Global,
    operate::request,
    output, words,
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Whole rupiah in digits, such as 1250000; negative for money taken out
    #[arg(allow_negative_numbers = true, value_parser = digits)]
    amount: i64,
    /// The bank's transfer number; a reference is booked once
    #[arg(long)]
    reference: String,
    /// Why, for the person who approves it where that takes two; without it they see the reference
    #[arg(long)]
    reason: Option<String>,
}

/// Refuses a dot, which could separate thousands or a fraction.
fn digits(text: &str) -> Result<i64, String> {
    let wrong = "write whole rupiah in digits only, such as 1250000";
    text.parse().map_err(|_| wrong.to_owned())
}

pub(crate) async fn fund(global: &Global, options: &Options) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let merchant = global.one_merchant(&mut db).await?;
    let before = act::funded(&mut db, &merchant, &options.reference).await?;
    let needs_two = before.is_none() && act::people_to_fund(&mut db, &merchant).await? > 1;
    if before.is_none() {
        let who = if needs_two {
            " once a second person approves it, because its books follow its balance at the gateway"
        } else {
            ""
        };
        let question = format!(
            "{} is booked for {merchant} with reference {}{who}. An entry is never deleted.",
            words::rupiah(options.amount),
            options.reference,
        );
        confirm::confirm(global, &output::plain(&question))?;
    }
    if needs_two {
        let (amount, reference) = (options.amount, &options.reference);
        let reason = options.reason.as_ref().unwrap_or(reference);
        let id = operator::request_fund(&mut db, &merchant, amount, reference, reason).await?;
        say(&format!(
            "The books of {merchant} follow its balance at the gateway: a top-up there is booked automatically, and booking by \
             hand takes two people."
        ));
        return request::waits(global, &mut db, id).await;
    }
    let available = act::fund(&mut db, &merchant, options.amount, &options.reference).await?;
    let rows = balances(&mut db, Some(&merchant)).await?;
    output::print(&global.output.rows(&rows, "", |_| {
        let done = before.as_ref().map_or_else(
            || "booked".to_owned(),
            |before| booked_before(before, &options.reference),
        );
        let available = words::rupiah(available);
        output::plain(&format!("{merchant}: {done}; available {available}")) + "\n"
    })?)
}

/// Why nothing was booked now.
fn booked_before(before: &Funded, reference: &str) -> String {
    let requested_by = before.requested_by.as_ref().unwrap_or(&before.actor);
    format!(
        "nothing was booked, because {reference} was booked already, on {} WIB, {}",
        words::time(before.at),
        words::people(requested_by, Some(&before.actor)),
    )
}
