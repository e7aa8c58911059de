//! Applies a verified callback: a bound success settles, everything else is a reason to query (protocol P20).

use super::Draft;
use crate::{
    attention::Attention,
    callback::{Binding, Callback},
    evidence_words::Mismatch,
    finding::Finding,
    gateway_status::GatewayStatus,
    money::Rupiah,
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
                self.note_called_back(callback, &binding);
                self.callback_while_open(&binding);
            }
            State::Failed if callback.status() == GatewayStatus::Paid => {
                // Fields can be shifted until a 4 reads as a 2 (protocol P9), so unless every field matches, only a
                // query counts.
                if !matches!(binding, Binding::Unbound(_)) {
                    self.contradict(Attention::LateSuccess);
                }
                self.query_by(self.now);
            }
            // It was never sent, so we have no gateway number to compare. If any other field differs, the callback is
            // for somebody else's order and must not hold up this payout.
            State::Queued | State::Cancelled => {
                let other_fields_match = match binding {
                    Binding::BoundPaid { .. } | Binding::Bound => true,
                    Binding::Unbound(field) => field == Mismatch::PlatOrderNum,
                };
                if other_fields_match {
                    self.contradict(Attention::Contradiction);
                }
            }
            State::Paid => self.callback_when_paid(callback, &binding),
            State::Failed | State::Returned => {
                self.callback_against_statement(callback, &binding);
            }
        }
    }

    /// Before the gateway's number is known, a callback cannot bind. If only the number keeps it from that and it reports the
    /// payment, its number is kept: a query that names the same one finds our order. A callback of an identical order that
    /// somebody placed earlier can be repeated, so it never settles alone.
    fn note_called_back(&mut self, callback: &Callback, binding: &Binding) {
        let is_ours_but_the_number = *binding == Binding::Unbound(Mismatch::PlatOrderNum)
            && self.out.after.platform_order_num.is_none();
        if is_ours_but_the_number && callback.status() == GatewayStatus::Paid {
            self.payout().called_back = Some(callback.platform_order_num().to_owned());
        }
    }

    /// Final, so the callback moves nothing (protocol P19). If it disagrees, the payout is queried, and that answer
    /// counts.
    fn callback_when_paid(&mut self, callback: &Callback, binding: &Binding) {
        let is_failure = match callback.status() {
            GatewayStatus::New | GatewayStatus::Processing | GatewayStatus::AtBank => return,
            GatewayStatus::Cancelled | GatewayStatus::Failed => true,
            GatewayStatus::Paid | GatewayStatus::Other(_) => false,
        };
        match binding {
            Binding::BoundPaid { fee } if self.settles(*fee) => {
                self.prove_ours();
                self.confirm_statement();
            }
            Binding::Bound if is_failure => self.contradict_statement(),
            Binding::BoundPaid { .. } | Binding::Bound | Binding::Unbound(_) => {}
        }
        let same = callback.status() == GatewayStatus::Paid && callback.fee() == self.out.after.fee;
        if !same || self.out.after.by_statement {
            self.query_by(self.now);
        }
    }

    /// People stated that the beneficiary does not have the money, and the callback may say that it is on its way.
    fn callback_against_statement(&mut self, callback: &Callback, binding: &Binding) {
        let agrees = matches!(
            callback.status(),
            GatewayStatus::Cancelled | GatewayStatus::Failed
        );
        if !self.out.after.by_statement || agrees {
            return;
        }
        if !matches!(binding, Binding::Unbound(_)) {
            self.contradict_statement();
        }
        self.query_by(self.now);
    }

    /// Whether a bound callback with this fee settles. A fee that cannot be true says that more may be wrong: the query
    /// decides.
    fn settles(&self, fee: Rupiah) -> bool {
        self.rules.callbacks_settle && self.is_plausible(fee)
    }

    fn callback_while_open(&mut self, binding: &Binding) {
        if matches!(binding, Binding::Bound | Binding::BoundPaid { .. }) {
            self.prove_ours();
        }
        match binding {
            Binding::BoundPaid { fee } if self.settles(*fee) => self.pay(Some(*fee)),
            Binding::BoundPaid { .. } | Binding::Bound | Binding::Unbound(_) => {
                self.query_by(self.now);
            }
        }
    }
}
