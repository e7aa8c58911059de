//! `payout balance`

use payout_store::balances::{self, Balance, Stated};

use crate::cli::{exit::Exit, global::Global, output, words};

pub(crate) async fn balance(global: &Global) -> Result<String, Exit> {
    let mut db = global.connect().await?;
    let merchant = global.merchant.as_deref();
    let rows = global.registered(balances::balances(&mut db, merchant).await?)?;
    let stated = balances::stated_balances(&mut db, merchant).await?;
    let none = "no merchant is registered: `payout migrate -c FILE` registers the configured ones";
    Ok(global
        .output
        .rows(&rows, none, |rows| page(rows, &stated))?)
}

fn page(rows: &[Balance], stated: &[Stated]) -> String {
    let cells = rows.iter().map(|row| {
        vec![
            row.merchant_code.clone(),
            row.account.clone(),
            words::rupiah(row.balance),
            meaning(&row.account).to_owned(),
        ]
    });
    let stated = stated.iter().map(|stated| {
        let proof = if stated.signed { "" } else { ", unsigned" };
        let refused = stated.refused_since.map_or(String::new(), |since| {
            format!(
                " Since {} WIB it states what cannot be true: its figures are unknown.",
                words::time(since)
            )
        });
        format!(
            "\nThe gateway states for {} at {} WIB{proof}: available {}, frozen {}, total {}; pending {}.{refused}\n",
            output::plain(&stated.merchant_code),
            words::time(stated.read_at),
            words::rupiah(stated.available),
            words::rupiah(stated.frozen),
            words::rupiah(stated.available.saturating_add(stated.frozen)),
            words::rupiah(stated.pending),
        )
    });
    let books = output::table("MERCHANT|ACCOUNT|>BALANCE|MEANS", cells);
    std::iter::once(books).chain(stated).collect()
}

fn meaning(account: &str) -> &'static str {
    match account {
        "available" => "can be spent",
        "held" => "for payouts that may have left",
        "paid_out" => "net, less what came back",
        "fees" => "fee: kept by the gateway",
        "funding" => "where the money came from: withdrawals less top-ups, so mostly negative",
        _ => "",
    }
}
