//! The last row of a report: the sum of what can be added up. Balances cannot, and stay 0.

use crate::store::report::{
    ageing::Ageing,
    period::{Bank, Failure, Line},
};

/// Sums this part of every row.
fn sum<R>(rows: &[R], part: impl Fn(&R) -> i64) -> i64 {
    rows.iter()
        .fold(0, |sum: i64, row| sum.saturating_add(part(row)))
}

/// Of the days of a report.
pub(super) fn of_days(rows: &[Line]) -> Line {
    Line {
        payouts_paid: sum(rows, |row| row.payouts_paid),
        payouts_failed: sum(rows, |row| row.payouts_failed),
        payouts_returned: sum(rows, |row| row.payouts_returned),
        gross: sum(rows, |row| row.gross),
        fee: sum(rows, |row| row.fee),
        net: sum(rows, |row| row.net),
        debit: sum(rows, |row| row.debit),
        top_ups: sum(rows, |row| row.top_ups),
        returned: sum(rows, |row| row.returned),
        held_change: sum(rows, |row| row.held_change),
        ..Line::default()
    }
}

/// Of the banks.
pub(super) fn of_banks(rows: &[Bank]) -> Bank {
    Bank {
        payouts_paid: sum(rows, |row| row.payouts_paid),
        payouts_failed: sum(rows, |row| row.payouts_failed),
        payouts_returned: sum(rows, |row| row.payouts_returned),
        gross: sum(rows, |row| row.gross),
        fee: sum(rows, |row| row.fee),
        net: sum(rows, |row| row.net),
        debit: sum(rows, |row| row.debit),
        returned: sum(rows, |row| row.returned),
        ..Bank::default()
    }
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
