//! `payout reveal`: one beneficiary in full. The database records who looked.

use clap::Args;
use payout_store::operator;
use serde::Serialize;

use crate::cli::{exit::Exit, global::Global, output};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The order number
    order: String,
    /// Why you must see it; recorded with your login
    #[arg(long)]
    reason: String,
}

#[derive(Default, Serialize)]
struct Revealed<'a> {
    order_num: &'a str,
    account_number: &'a str,
    account_name: &'a str,
}

pub(crate) async fn reveal(global: &Global, options: &Options) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let key = global.find(&mut db, &options.order).await?;
    let beneficiary = operator::reveal(&mut db, &key, &options.reason).await?;
    let revealed = Revealed {
        order_num: &key.order_num,
        account_number: beneficiary.account_number.reveal(),
        account_name: beneficiary.account_name.reveal(),
    };
    output::print(&global.output.row(revealed, |row| {
        let line = format!("{}  {}", row.account_number, row.account_name);
        output::plain(&line) + "\n"
    })?)
}
