//! `payout report ageing`: how long what is open has been open.

use payout_store::report::ageing::{Ageing, ageing};

use crate::cli::{exit::Exit, global::Global, output, words};

pub(crate) async fn perform(global: &Global) -> Result<(), Exit> {
    let mut db = global.connect().await?;
    let rows = ageing(&mut db, global.merchant.as_deref()).await?;
    let rows = global.registered(rows)?;
    output::print(
        &global
            .output
            .rows(&rows, "no merchant is registered", table)?,
    )
}

fn table(rows: &[Ageing]) -> String {
    let headings = "MERCHANT|AGE|>PAYOUTS|>GROSS|>MAY HAVE LEFT|>GROSS OF THESE";
    let cells = rows.iter().map(|row| {
        vec![
            row.merchant_code.clone(),
            age(&row.age).to_owned(),
            row.payouts.to_string(),
            words::rupiah(row.gross),
            row.payouts_may_have_left.to_string(),
            words::rupiah(row.gross_may_have_left),
        ]
    });
    let as_of = rows.first().map(|row| words::time(row.as_of));
    let as_of = as_of.unwrap_or_default();
    format!("open at {as_of} WIB\n{}", output::table(headings, cells))
}

fn age(class: &str) -> &str {
    match class {
        "0-1h" => "0-1 h",
        "1-6h" => "1-6 h",
        "6-24h" => "6-24 h",
        "1-3d" => "1-3 d",
        other => other,
    }
}
