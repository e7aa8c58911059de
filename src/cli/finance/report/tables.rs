//! Reports as people read them.

use payout_store::report::{
    period::{Bank, Failure, Line},
    total::{BankTotal, Total},
};

use crate::cli::{output, words};

/// A line per day or per merchant and, if there are several, what they come to.
pub(super) fn lines(rows: &[Line], total: &Total) -> String {
    let headings = "DAYS (WIB)|MERCHANT|>OPENING|>PAID|>FAILED|>RETURNED|>GROSS|>FEE|>FEE TYPE 0|>FEE TYPE 1|>NET|\
                    >DEBIT|>TOP-UPS|>CAME BACK|>MORE HELD|>CLOSING|>GATEWAY TOTAL|>DIFFERENCE|READ (WIB)";
    let mut cells: Vec<_> = rows.iter().map(line).collect();
    if let [first, _, ..] = rows {
        cells.push(in_all(total, &first.merchant_code));
    }
    output::table(headings, cells)
}

fn line(row: &Line) -> Vec<String> {
    let or_none = |idr: Option<i64>| idr.map_or("-".to_owned(), words::rupiah);
    vec![
        days(row.from_day, row.to_day),
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
        or_none(row.gateway_total),
        or_none(row.difference),
        row.gateway_read_at.map_or("-".to_owned(), words::time),
    ]
}

/// Opening and closing are those of the first and the last day. What the gateway stated is of a moment, and has no total.
fn in_all(total: &Total, merchant: &str) -> Vec<String> {
    vec![
        TOTAL.to_owned(),
        merchants(total.merchants, merchant),
        words::rupiah(total.opening),
        total.payouts_paid.to_string(),
        total.payouts_failed.to_string(),
        total.payouts_returned.to_string(),
        words::rupiah(total.gross),
        words::rupiah(total.fee),
        words::rupiah(total.fee_out_of_amount),
        words::rupiah(total.fee_on_top),
        words::rupiah(total.net),
        words::rupiah(total.debit),
        words::rupiah(total.top_ups),
        words::rupiah(total.returned),
        words::rupiah(total.held_change),
        words::rupiah(total.closing),
        "-".to_owned(),
        "-".to_owned(),
        "-".to_owned(),
    ]
}

/// In the first column of the last line.
const TOTAL: &str = "total";

/// Of one, its code.
fn merchants(count: usize, code: &str) -> String {
    match count {
        1 => code.to_owned(),
        count => format!("{count} merchants"),
    }
}

/// A line per merchant and bank and, if there are several, what they come to.
pub(super) fn banks(rows: &[Bank], total: &BankTotal) -> String {
    let headings = "DAYS (WIB)|MERCHANT|BANK|>PAID|>FAILED|>RETURNED|>GROSS|>FEE|>FEE TYPE 0|>FEE TYPE 1|>NET|>DEBIT|\
                    >CAME BACK";
    let mut cells: Vec<_> = rows.iter().map(bank).collect();
    if let [first, _, ..] = rows {
        cells.push(vec![
            TOTAL.to_owned(),
            merchants(total.merchants, &first.merchant_code),
            String::new(),
            total.payouts_paid.to_string(),
            total.payouts_failed.to_string(),
            total.payouts_returned.to_string(),
            words::rupiah(total.gross),
            words::rupiah(total.fee),
            words::rupiah(total.fee_out_of_amount),
            words::rupiah(total.fee_on_top),
            words::rupiah(total.net),
            words::rupiah(total.debit),
            words::rupiah(total.returned),
        ]);
    }
    output::table(headings, cells)
}

fn bank(row: &Bank) -> Vec<String> {
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
