//! Applies a person's statement. The database accepts such a move only with an approved request.

use super::{Booking, Draft, NotComputable};
use crate::{
    evidence::Resolution, ledger::Entry, money::Rupiah, payout::Instruction, state::Event,
};

impl Draft<'_> {
    pub(super) fn resolved(&mut self, resolution: Resolution) {
        match resolution {
            Resolution::Paid { fee } => self.resolved_paid(fee),
            Resolution::Failed => self.resolved_failed(),
            Resolution::Returned { amount } => self.resolved_returned(amount),
        }
    }

    /// Captures the hold, or takes the money from the available balance if the hold was released.
    fn resolved_paid(&mut self, fee: Option<Rupiah>) {
        self.pay_by(Event::ResolvedPaid, fee);
        if self.out.event.is_some() {
            self.payout().failure_reason = None;
        }
    }

    /// Never before the quiet horizon: a request that was sent may still arrive (I10).
    fn resolved_failed(&mut self) {
        if self.now >= self.quiet_until() {
            self.fail(
                Event::ResolvedFailed,
                Some("resolved as failed by two people".into()),
            );
        }
    }

    /// Returns the amount that the beneficiary received, or the stated part of it. The fee stays spent.
    fn resolved_returned(&mut self, stated: Option<Rupiah>) {
        let payout = &self.out.after;
        let Instruction {
            fee_type, amount, ..
        } = &payout.instruction;
        let Some(received) = fee_type.beneficiary_amount(*amount, payout.fee.unwrap_or_default())
        else {
            return;
        };
        let amount = stated.unwrap_or(received);
        // While the fee is unknown its reserve is held, and a returned payout must hold nothing.
        if amount <= Rupiah::ZERO || amount > received || payout.held != Rupiah::ZERO {
            return;
        }
        let is_moved = self.move_with(Event::ResolvedReturned, |_, posting| {
            let kind = posting.name();
            let entry = Entry::returned(amount).ok_or(NotComputable)?;
            Ok(Some(Booking { kind, entry }))
        });
        if is_moved && self.out.after.by_statement {
            self.query_when_final();
        }
    }
}
