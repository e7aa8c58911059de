//! What a verified callback does: a bound success settles, everything else is a reason to query (protocol P20).

use super::Draft;
use crate::{
    attention::Attention,
    callback::{Binding, Callback, Mismatch},
    finding::Finding,
    gateway_status::GatewayStatus,
    state::State,
};

impl Draft<'_> {
    pub(super) fn callback(&mut self, callback: &Callback) {
        let payout = &self.out.after;
        let binding = callback.bind(&payout.instruction, payout.platform_order_num.as_deref());
        self.out.finding = Finding::Callback {
            status: callback.status().code(),
            mismatch: match binding {
                Binding::BoundPaid { .. } | Binding::Bound => None,
                Binding::Unbound(field) => Some(field),
            },
        };
        match self.out.after.state {
            State::Submitting | State::Pending | State::Unknown => {
                self.callback_while_open(&binding)
            }
            State::Failed if callback.status() == GatewayStatus::Paid => {
                // Fields can be shifted until a 4 reads as a 2 (protocol P9): unless every one is ours, only a query counts.
                if !matches!(binding, Binding::Unbound(_)) {
                    self.contradict(Attention::LateSuccess);
                }
                self.query_at(self.now);
            }
            // Never sent, so the gateway's number cannot be held; any other field that is not ours makes it somebody
            // else's callback, which must not be able to hold up a payout.
            State::Queued | State::Cancelled => {
                let fields_are_ours = match binding {
                    Binding::BoundPaid { .. } | Binding::Bound => true,
                    Binding::Unbound(field) => field == Mismatch::PlatOrderNum,
                };
                if fields_are_ours {
                    self.contradict(Attention::Contradiction);
                }
            }
            // Final: left alone (protocol P19). What disagrees is queried, and that answer counts.
            State::Paid => {
                let same = callback.status() == GatewayStatus::Paid
                    && callback.fee() == self.out.after.fee;
                let in_progress = matches!(
                    callback.status(),
                    GatewayStatus::New | GatewayStatus::Processing | GatewayStatus::AtBank
                );
                if !same && !in_progress {
                    self.query_at(self.now);
                }
            }
            State::Failed | State::Returned => {}
        }
    }

    fn callback_while_open(&mut self, binding: &Binding) {
        if matches!(binding, Binding::Bound | Binding::BoundPaid { .. }) {
            self.payout().proven_ours = true;
            if self.out.after.attention == Some(Attention::ForeignOrder) {
                self.payout().attention = None;
            }
        }
        match binding {
            Binding::BoundPaid { fee } if self.rules.callbacks_settle => self.pay(Some(*fee)),
            Binding::BoundPaid { .. } | Binding::Bound | Binding::Unbound(_) => {
                self.query_at(self.now);
            }
        }
    }
}
