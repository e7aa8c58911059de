//! `payout fund`

use clap::Args;

use crate::{
    cli::{confirm, exit::Exit, global::Global, output, words},
    store::{act, balances::balances},
};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Whole rupiah in digits, such as 1250000; negative for money taken out
    #[arg(allow_negative_numbers = true, value_parser = digits)]
    amount: i64,
    /// The bank's transfer number; a reference is booked once
    #[arg(long)]
    reference: String,
}

/// Refuses a dot, which could separate thousands or a fraction.
fn digits(text: &str) -> Result<i64, String> {
    let wrong = "write whole rupiah in digits only, such as 1250000";
    text.parse().map_err(|_| wrong.to_owned())
}

pub(crate) async fn fund(global: &Global, options: &Options) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let merchant = global.one_merchant(&mut db).await?;
    let booked_before = act::is_funded(&mut db, &merchant, &options.reference).await?;
    if !booked_before {
        let question = format!(
            "{} is booked for {merchant} with reference {}. An entry is never deleted.",
            words::rupiah(options.amount),
            options.reference,
        );
        confirm::confirm(global, &output::plain(&question))?;
    }
    let available = act::fund(&mut db, &merchant, options.amount, &options.reference).await?;
    let rows = balances(&mut db, Some(&merchant)).await?;
    output::print(&global.output.rows(&rows, "", |_| {
        let done = if booked_before {
            "was booked before, nothing changed"
        } else {
            "booked"
        };
        let available = words::rupiah(available);
        format!("{merchant}: {done}; available {available}\n")
    })?)
}
