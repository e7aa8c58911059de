//! Applies the outcome of our own submit.

use super::Draft;
use crate::{
    attention::Attention,
    evidence::{Doubt, GatewayStatus, SubmitAnswer},
    money::Rupiah,
    schedule,
    state::{Event, State},
};

impl Draft<'_> {
    /// Proof that nothing left puts the payout back into the queue, once, for the attempt that holds the claim.
    pub(super) fn not_sent(&mut self, attempt: i32, request_sha256: &[u8; 32]) {
        let payout = &self.out.after;
        let is_of_attempt =
            attempt == payout.attempt && payout.request_sha256.as_ref() == Some(request_sha256);
        let holds_claim =
            is_of_attempt && matches!(payout.state, State::Submitting | State::Unknown);
        let only_send = payout.sends_that_may_have_left() == 1;
        let known_to_gateway = payout.platform_order_num.is_some() || payout.declined_at.is_some();
        if is_of_attempt && only_send && payout.state == State::Paid {
            // A person said that it was paid, and it never left.
            self.contradict_statement();
        } else if holds_claim && known_to_gateway {
            // We sent nothing, yet the gateway knows the number: the order is somebody else's.
            self.contradict(Attention::ForeignOrder);
        } else if holds_claim && only_send && self.move_by(Event::NotSent, None) {
            let times = u32::try_from(self.out.after.not_sent).unwrap_or(u32::MAX);
            let pause = super::delta(schedule::not_sent_pause(times));
            let due_at = self.now.checked_add_signed(pause).unwrap_or(self.now);
            let payout = self.payout();
            payout.not_sent = payout.not_sent.saturating_add(1);
            payout.due_at = due_at;
            payout.next_query_at = None;
        }
    }

    /// The lease of `attempt` expired in `submitting`: the payout may have been sent (I2).
    pub(super) fn lease_expired(&mut self, attempt: i32) {
        if attempt == self.out.after.attempt {
            self.unanswered();
        }
    }

    pub(super) fn submitted(&mut self, answer: &SubmitAnswer, request_sha256: &[u8; 32]) {
        if matches!(answer, SubmitAnswer::Doubt(Doubt::NumberInUse)) {
            // Whichever request it answers: the gateway has an order.
            self.found_under_number_in_use();
        }
        // A negative answer to a claim that a failover lost says nothing about the claim after it. A positive one
        // counts whichever request it answers: the gateway has the order.
        let of_lost_claim = Some(request_sha256) != self.out.after.request_sha256.as_ref();
        if of_lost_claim && !matches!(answer, SubmitAnswer::Acknowledged { .. }) {
            return;
        }
        match answer {
            SubmitAnswer::Acknowledged {
                platform_order_num,
                fee,
                status,
            } => {
                self.acknowledged(platform_order_num.as_deref(), *fee, status);
            }
            SubmitAnswer::Declined { message } => self.declined(message),
            SubmitAnswer::Doubt(_) => self.unanswered(),
        }
    }

    fn unanswered(&mut self) {
        if self.out.after.state == State::Submitting && self.move_by(Event::Unanswered, None) {
            self.query_by_schedule_or_sooner();
        }
    }

    fn acknowledged(
        &mut self,
        platform_order_num: Option<&str>,
        fee: Option<Rupiah>,
        status: &GatewayStatus,
    ) {
        let was_known = self.out.after.platform_order_num.is_some();
        if !self.learn_platform_order_num(platform_order_num) {
            return;
        }
        match self.out.after.state {
            State::Submitting | State::Unknown => {
                self.prove_ours();
                self.move_by(Event::Acknowledged, None);
                self.announce_fee(fee);
                // A final status in an acceptance settles nothing (P12); it is a reason to query at once.
                if status.is_terminal() {
                    self.query_at(self.now);
                } else {
                    self.query_by_schedule_or_sooner();
                }
            }
            State::Pending => {
                self.prove_ours();
                self.announce_fee(fee);
            }
            State::Failed if !was_known => self.contradict(Attention::Contradiction),
            State::Queued | State::Cancelled => self.contradict(Attention::Contradiction),
            State::Failed => self.contradict_statement(),
            // Whether it came back before or after this, a query tells.
            State::Returned if self.out.after.by_statement => self.query_at(self.now),
            State::Paid | State::Returned => {}
        }
    }

    fn declined(&mut self, message: &str) {
        // After more than one send a FAIL may only mean that the first one was accepted (protocol trap 8).
        let proves = self.out.after.sends_that_may_have_left() == 1 && !self.out.after.proven_ours;
        match self.out.after.state {
            State::Submitting | State::Unknown => {
                self.move_by(Event::Declined, None);
                self.payout().failure_reason = Some(message.to_owned());
                if proves {
                    let now = self.now;
                    self.payout().declined_at = Some(now);
                    self.or_sooner(|draft| draft.query_in(draft.rules.poll.decline_confirm));
                } else {
                    self.query_by_schedule_or_sooner();
                }
            }
            // A query found the number before our own FAIL arrived, so the order may be somebody else's.
            State::Pending if proves => {
                let now = self.now;
                self.payout().declined_at = Some(now);
                self.contradict(Attention::ForeignOrder);
            }
            // Likewise if that query already settled it: the order of two answers decides nothing.
            State::Paid if proves && !self.out.after.by_statement => {
                self.contradict(Attention::ForeignOrder);
            }
            State::Queued => self.contradict(Attention::Contradiction),
            State::Paid => self.contradict_statement(),
            State::Pending | State::Failed | State::Cancelled | State::Returned => {}
        }
    }

    /// The order that the gateway has may be another payout's, which has its number: a person decides. What is settled
    /// stays, but it is in question, and only people end that.
    pub(super) fn found_under_number_in_use(&mut self) {
        self.contradict(Attention::ForeignOrder);
        if self.out.after.state.is_final() {
            self.raise(Attention::Contradiction);
        }
    }

    /// Keeps the gateway's order number. Returns false for a number other than the recorded one: that is another order, from
    /// which nothing follows.
    pub(super) fn learn_platform_order_num(&mut self, stated: Option<&str>) -> bool {
        let Some(stated) = stated else {
            return true;
        };
        if self
            .out
            .after
            .platform_order_num
            .as_deref()
            .is_some_and(|held| held != stated)
        {
            self.contradict(Attention::Contradiction);
            if self.out.after.state == State::Paid {
                // What is said of another order must not pass for the return of this one (`payout.return_is_reported`).
                self.raise(Attention::ForeignOrder);
            }
            return false;
        }
        let payout = self.payout();
        payout.platform_order_num = Some(stated.to_owned());
        payout.called_back = None;
        true
    }
}
