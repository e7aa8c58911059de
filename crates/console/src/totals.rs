//! The last row of the tables that the command line has no total for.

use payout_store::report::{ageing::Ageing, period::Failure};

/// Sums this part of every row.
fn sum<R>(rows: &[R], part: impl Fn(&R) -> i64) -> i64 {
    rows.iter()
        .fold(0, |sum: i64, row| sum.saturating_add(part(row)))
}

/// Of the reasons.
pub(super) fn of_failures(rows: &[Failure]) -> Failure {
    Failure {
        payouts_failed: sum(rows, |row| row.payouts_failed),
        gross: sum(rows, |row| row.gross),
        paid_after_all: sum(rows, |row| row.paid_after_all),
        ..Failure::default()
    }
}

/// Of what is open.
pub(super) fn of_ageing(rows: &[Ageing]) -> Ageing {
    Ageing {
        payouts: sum(rows, |row| row.payouts),
        gross: sum(rows, |row| row.gross),
        payouts_may_have_left: sum(rows, |row| row.payouts_may_have_left),
        gross_may_have_left: sum(rows, |row| row.gross_may_have_left),
        ..Ageing::default()
    }
}
