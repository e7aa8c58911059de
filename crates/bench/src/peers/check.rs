//! The check at the end of every run of a peer, in its own tables.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use sqlx::PgConnection;

use crate::{
    cases::Case,
    gateway::Report,
    order::{AMOUNT_IDR, FEE_IDR, order_num},
    stage::FUNDS_IDR,
};

/// Fails on a duplicate send, a payout that is not paid, or books that are off by a rupiah. `killed_with` says how many
/// payouts were in flight when the peer was killed: so many may have been marked and never sent. Their money stays held.
pub(super) async fn all_is_right(
    db: &mut PgConnection,
    case: &Case,
    seen: &Report,
    killed_with: Option<usize>,
) -> Result<()> {
    let twice = &seen.duplicates;
    ensure!(twice.is_empty(), "submitted twice: {twice:?}");
    ensure!(
        seen.unknown_submits == 0,
        "{} submits of orders that nobody enqueued",
        seen.unknown_submits
    );
    let times = (0..).zip(&seen.submitted_at_us);
    let sent: BTreeSet<String> = times
        .filter(|(_, at)| **at > 0)
        .map(|(number, _)| order_num(number))
        .collect();
    let rows: Vec<(String, String, i64)> =
        sqlx::query_as("select order_num, state, fee_type::bigint from peer.payouts")
            .fetch_all(&mut *db)
            .await?;
    ensure!(rows.len() == case.payouts, "{} payouts", rows.len());
    let mut books = Books {
        available: FUNDS_IDR,
        ..Books::default()
    };
    let mut in_doubt = 0_usize;
    for (order, state, fee_type) in &rows {
        let fits = match state.as_str() {
            "paid" => sent.contains(order),
            "submitting" => !sent.contains(order),
            _ => false,
        };
        ensure!(
            fits,
            "{order} is {state}, and sent: {}",
            sent.contains(order)
        );
        if state == "paid" {
            books.pay(*fee_type);
        } else {
            in_doubt = in_doubt.saturating_add(1);
            books.hold();
        }
    }
    let excused = killed_with.unwrap_or(0);
    ensure!(
        in_doubt <= excused,
        "{in_doubt} payouts were marked and never sent, and {excused} were in flight"
    );
    books.are_right(db).await
}

/// Rupiah by account.
#[derive(Debug, Default, PartialEq, Eq)]
struct Books {
    available: i64,
    held: i64,
    paid_out: i64,
    fees: i64,
}

impl Books {
    /// A payout that was paid (protocol P22).
    fn pay(&mut self, fee_type: i64) {
        let on_top = fee_type.saturating_mul(FEE_IDR);
        let debit = AMOUNT_IDR.saturating_add(on_top);
        self.available = self.available.saturating_sub(debit);
        self.fees = self.fees.saturating_add(FEE_IDR);
        self.paid_out = self.paid_out.saturating_add(debit.saturating_sub(FEE_IDR));
    }

    /// A payout that was marked and not answered.
    fn hold(&mut self) {
        self.available = self.available.saturating_sub(AMOUNT_IDR);
        self.held = self.held.saturating_add(AMOUNT_IDR);
    }

    /// The account and the ledger both say this.
    async fn are_right(&self, db: &mut PgConnection) -> Result<()> {
        let account = "select available, held, paid_out, fees from peer.accounts";
        let ledger = format!(
            "select {FUNDS_IDR} + sum(available)::bigint, sum(held)::bigint, sum(paid_out)::bigint, sum(fees)::bigint
             from peer.ledger"
        );
        self.are(db, account).await?;
        self.are(db, &ledger).await
    }

    async fn are(&self, db: &mut PgConnection, statement: &str) -> Result<()> {
        let row = sqlx::query_as(sqlx::AssertSqlSafe(statement.to_owned()));
        let (available, held, paid_out, fees) = row.fetch_one(db).await?;
        let found = Self {
            available,
            held,
            paid_out,
            fees,
        };
        ensure!(
            found == *self,
            "the books say {found:?} instead of {self:?}"
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fee_comes_out_of_the_amount_or_on_top() {
        let mut books = Books::default();
        books.pay(0);
        assert_eq!(books.available, -AMOUNT_IDR);
        assert_eq!(books.paid_out, AMOUNT_IDR - FEE_IDR);
        books.pay(1);
        assert_eq!(books.available, -2 * AMOUNT_IDR - FEE_IDR);
        assert_eq!(books.paid_out, 2 * AMOUNT_IDR - FEE_IDR);
        assert_eq!(books.fees, 2 * FEE_IDR);
    }
}
