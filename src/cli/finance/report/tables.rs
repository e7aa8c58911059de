//! Reports as people read them.

use crate::{
    cli::{output, words},
    store::report::period::{Bank, Failure, Line},
};

/// A line per day or per merchant, and the sum of them if they are days of one merchant.
pub(super) fn lines(rows: &[Line], by_day: bool) -> String {
    let headings = "DAYS (WIB)|MERCHANT|>OPENING|>PAID|>FAILED|>RETURNED|>GROSS|>FEE|>FEE TYPE 0|>FEE TYPE 1|>NET|\
                    >DEBIT|>TOP-UPS|>CAME BACK|>MORE HELD|>CLOSING|>GATEWAY|>DIFFERENCE";
    let mut cells: Vec<_> = rows
        .iter()
        .map(|row| line(days(row.from_day, row.to_day), row))
        .collect();
    let several_days = by_day && rows.len() > 1;
    if let Some(sum) = several_days.then(|| sum(rows)).flatten() {
        cells.push(line("in all".to_owned(), &sum));
    }
    output::table(headings, cells)
}

fn line(days: String, row: &Line) -> Vec<String> {
    let or_none = |idr: Option<i64>| idr.map_or("-".to_owned(), words::rupiah);
    vec![
        days,
        row.merchant_code.clone(),
        words::rupiah(row.opening),
        row.payouts_paid.to_string(),
        row.payouts_failed.to_string(),
        row.payouts_returned.to_string(),
        words::rupiah(row.gross),
        words::rupiah(row.fee),
        words::rupiah(row.fee_out_of_amount),
        words::rupiah(row.fee_on_top),
        words::rupiah(row.net),
        words::rupiah(row.debit),
        words::rupiah(row.top_ups),
        words::rupiah(row.returned),
        words::rupiah(row.held_change),
        words::rupiah(row.closing),
        or_none(row.gateway),
        or_none(row.difference),
    ]
}

/// The days of one merchant as one line; `None` if there are several merchants, whose balances are not one.
fn sum(rows: &[Line]) -> Option<Line> {
    let (first, last) = (rows.first()?, rows.last()?);
    if first.merchant_code != last.merchant_code {
        return None;
    }
    let of = |column: fn(&Line) -> i64| rows.iter().map(column).fold(0, i64::saturating_add);
    Some(Line {
        from_day: first.from_day,
        opening: first.opening,
        payouts_paid: of(|row| row.payouts_paid),
        payouts_failed: of(|row| row.payouts_failed),
        payouts_returned: of(|row| row.payouts_returned),
        gross: of(|row| row.gross),
        fee: of(|row| row.fee),
        fee_out_of_amount: of(|row| row.fee_out_of_amount),
        fee_on_top: of(|row| row.fee_on_top),
        net: of(|row| row.net),
        debit: of(|row| row.debit),
        top_ups: of(|row| row.top_ups),
        returned: of(|row| row.returned),
        held_change: of(|row| row.held_change),
        ..last.clone()
    })
}

/// A line per merchant and bank.
pub(super) fn banks(rows: &[Bank]) -> String {
    let headings = "DAYS (WIB)|MERCHANT|BANK|>PAID|>FAILED|>RETURNED|>GROSS|>FEE|>FEE TYPE 0|>FEE TYPE 1|>NET|>DEBIT|\
                    >CAME BACK";
    let cells = rows.iter().map(|row| {
        vec![
            days(row.from_day, row.to_day),
            row.merchant_code.clone(),
            format!("{} {}", row.bank_code, row.bank_name),
            row.payouts_paid.to_string(),
            row.payouts_failed.to_string(),
            row.payouts_returned.to_string(),
            words::rupiah(row.gross),
            words::rupiah(row.fee),
            words::rupiah(row.fee_out_of_amount),
            words::rupiah(row.fee_on_top),
            words::rupiah(row.net),
            words::rupiah(row.debit),
            words::rupiah(row.returned),
        ]
    });
    output::table(headings, cells)
}

/// A line per merchant and reason.
pub(super) fn failures(rows: &[Failure]) -> String {
    let headings = "DAYS (WIB)|MERCHANT|>FAILED|>GROSS|>PAID AFTER ALL|REASON";
    let cells = rows.iter().map(|row| {
        let reason = match row.failure_reason.as_str() {
            "" => "-".to_owned(),
            stated => stated.to_owned(),
        };
        vec![
            days(row.from_day, row.to_day),
            row.merchant_code.clone(),
            row.payouts_failed.to_string(),
            words::rupiah(row.gross),
            row.paid_after_all.to_string(),
            reason,
        ]
    });
    output::table(headings, cells)
}

/// One day, or both ends of several.
fn days(from: chrono::NaiveDate, to: chrono::NaiveDate) -> String {
    if from == to {
        from.to_string()
    } else {
        format!("{from} to {to}")
    }
}
