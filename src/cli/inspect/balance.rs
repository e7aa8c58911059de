//! `payout balance`

use clap::Args;

use crate::cli::{
    exit::Failure,
    global::Global,
    output::{self, Column, Format},
    watch, words,
};
use crate::store::balances::{self, Balance, Stated};

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Look again every two seconds until Ctrl-C
    #[arg(short, long)]
    watch: bool,
}

pub(crate) async fn balance(global: &Global, options: &Options) -> Result<(), Failure> {
    watch::show(options.watch, async || {
        let mut db = global.connect().await?;
        let merchant = global.merchant.as_deref();
        let rows = balances::balances(&mut db, merchant).await?;
        match merchant {
            Some(code) if rows.is_empty() => {
                return Err(Failure::NotFound(format!("merchant {code} is not registered")));
            }
            _ => {}
        }
        Ok(match global.output {
            Format::Json => output::json(&rows),
            Format::Csv => output::csv(&rows),
            Format::Table if rows.is_empty() => {
                "no merchant is registered: `payout migrate -c FILE` registers the configured ones\n".to_owned()
            }
            Format::Table => table(&rows, &balances::stated_balances(&mut db, merchant).await?),
        })
    })
    .await
}

fn table(rows: &[Balance], stated: &[Stated]) -> String {
    let columns = [
        Column::Left("MERCHANT"),
        Column::Left("ACCOUNT"),
        Column::Right("BALANCE"),
        Column::Left("MEANS"),
    ];
    let cells = rows.iter().map(|row| {
        vec![
            row.merchant_code.clone(),
            row.account.clone(),
            words::rupiah(row.balance),
            meaning(&row.account).to_owned(),
        ]
    });
    let said = stated.iter().map(|said| {
        let proof = if said.signed { "" } else { ", unsigned" };
        format!(
            "\nThe gateway said for {} at {} WIB{proof}: balance {}, frozen {}, pending {}.\n",
            output::plain(&said.merchant_code),
            words::time(said.read_at),
            words::rupiah(said.balance),
            words::rupiah(said.frozen),
            words::rupiah(said.pending),
        )
    });
    let books = output::table(&columns, cells.collect());
    std::iter::once(books).chain(said).collect()
}

fn meaning(account: &str) -> &'static str {
    match account {
        "available" => "can be spent",
        "held" => "for payouts that may have left",
        "paid_out" => "reached beneficiaries",
        "fees" => "kept by the gateway",
        "funding" => "where it came from: the negative side",
        _ => "",
    }
}
