//! What a question taught us.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Booking, Desk, Note, delta};
use crate::{
    attention::Attention,
    evidence::{Found, GatewayStatus, QueryAnswer},
    ledger::Entry,
    money::{FeeType, Rupiah},
    payout::Observed,
    schedule,
    state::{Event, State},
};

/// An unsigned final answer settles only when a second read this much later agrees (protocol P17).
const UNSIGNED_SECOND_READ: TimeDelta = TimeDelta::seconds(30);
/// "Not known" answers after the quiet horizon before a person is asked (I10).
const NOT_FOUND_TIMES: u32 = 3;

impl Desk<'_> {
    pub(super) fn queried(&mut self, answer: &QueryAnswer) {
        let queries = self.out.after.queries.saturating_add(1);
        self.payout().queries = queries;
        let unanswered = matches!(answer, QueryAnswer::Doubt(_));
        if self.out.after.state.is_final() && !unanswered {
            self.query_when_final();
        } else {
            // Also of a final one: somebody wanted to know, and a replacement may be waiting for it.
            self.query_by_schedule();
        }
        match answer {
            QueryAnswer::Found(found) => self.found(found),
            QueryAnswer::NotFound => self.not_found(),
            // An error to a question says nothing about the order (protocol P17).
            QueryAnswer::Doubt(_) => {}
        }
    }

    /// How often the current finding was heard before, counting from this attempt on.
    fn observed_before(&self) -> Option<Observed> {
        self.out.after.observed.get(&self.out.finding).copied()
    }

    /// How often the current finding was heard, this time included; an answer to a question that was sent before the
    /// last one was heard says nothing new.
    fn times_observed(&self) -> u32 {
        self.observed_before().map_or(1, |heard| {
            let is_new = self.query_sent_at > heard.last_at;
            heard.times.saturating_add(u32::from(is_new))
        })
    }

    fn not_found(&mut self) {
        match self.out.after.state {
            State::Unknown => match self.out.after.declined_at {
                Some(declined_at) if self.out.after.platform_order_num.is_none() => {
                    self.not_found_after_decline(declined_at);
                }
                _ => self.not_found_after_silence(),
            },
            // It was known before: never back, but a person should see it when it repeats.
            State::Pending | State::Paid => {
                if self.times_observed() >= NOT_FOUND_TIMES {
                    self.contradict(Attention::Contradiction);
                }
            }
            State::Failed if self.out.after.platform_order_num.is_some() => {
                if self.times_observed() >= NOT_FOUND_TIMES {
                    self.contradict(Attention::Contradiction);
                } else {
                    self.query_in(schedule::confirm_interval(&self.rules.poll));
                }
            }
            State::Failed => self.still_not_known_after_refusal(),
            State::Queued => self.not_found_before_claim(),
            // Asked while the request may be leaving: nothing of it counts towards the proof that comes after the horizon.
            State::Submitting => self.out.finding = "not_found_early".into(),
            State::Cancelled | State::Returned => {}
        }
    }

    /// Of a refused payout "not known" says that it failed only once nothing can be on its way: a replacement waits for it.
    fn still_not_known_after_refusal(&mut self) {
        let sent_by = self.out.after.send_by.unwrap_or(self.now);
        let from = sent_by
            .checked_add_signed(delta(self.rules.poll.quiet_horizon))
            .unwrap_or(sent_by);
        if self.query_sent_at < from {
            self.out.finding = "not_found_early".into();
            self.query_at(from);
        } else {
            let now = self.now;
            self.payout().reaffirmed_at = Some(now);
        }
    }

    /// Asked for because commits may be lost (I11). Once nothing can be on its way, "not known" frees it to be claimed.
    fn not_found_before_claim(&mut self) {
        match self.out.after.trusted_after {
            Some(from) if self.query_sent_at <= from => {
                self.out.finding = "not_found_early".into();
                let scheduled = self.out.after.next_query_at.unwrap_or(from);
                let just_after = from
                    .checked_add_signed(TimeDelta::seconds(1))
                    .unwrap_or(from);
                self.query_at(scheduled.min(just_after));
            }
            Some(_) | None => {
                self.payout().next_query_at = None;
                if self.out.after.attention == Some(Attention::Unproven) {
                    self.payout().attention = None;
                }
            }
        }
    }

    /// A refusal is final after two "not known", the first `decline_confirm` after the `FAIL`.
    fn not_found_after_decline(&mut self, declined_at: DateTime<Utc>) {
        let rules = self.rules.poll;
        let from = declined_at
            .checked_add_signed(delta(rules.decline_confirm))
            .unwrap_or(declined_at);
        if self.query_sent_at < from {
            self.out.finding = "not_found_early".into();
            self.query_at(from);
            return;
        }
        self.out.finding = "not_found_after_decline".into();
        let second = schedule::decline_second_after(&rules);
        match self.observed_before() {
            Some(first)
                if self.query_sent_at.signed_duration_since(first.first_at) >= delta(second) =>
            {
                self.fail(Event::RefusalConfirmed, None);
            }
            _ => self.query_in(second),
        }
    }

    /// Without an answer to the submit "not known" means nothing before the quiet horizon, and afterwards
    /// only that a person must look (I10).
    fn not_found_after_silence(&mut self) {
        let rules = self.rules.poll;
        let sent_by = self.out.after.send_by.unwrap_or(self.now);
        let mut from = sent_by
            .checked_add_signed(delta(rules.quiet_horizon))
            .unwrap_or(sent_by);
        // It may have been sent again in the part that a failover lost: what was heard before counts no more.
        if let Some(trusted) = self.out.after.trusted_after.filter(|at| *at > from) {
            from = trusted;
            self.out.finding = format!("not_found_since_{}", trusted.timestamp());
        }
        if self.query_sent_at < from {
            self.out.finding = "not_found_early".into();
            let scheduled = self.out.after.next_query_at.unwrap_or(from);
            self.query_at(scheduled.min(from));
            return;
        }
        let interval = schedule::confirm_interval(&rules);
        let Some(first) = self.observed_before() else {
            self.query_in(interval);
            return;
        };
        let span = self.query_sent_at.signed_duration_since(first.first_at);
        if self.times_observed() < NOT_FOUND_TIMES || span < delta(interval.saturating_mul(2)) {
            self.query_in(interval);
        } else {
            self.raise(Attention::NotFound);
        }
    }

    fn found(&mut self, found: &Found) {
        let queued = self.out.after.state == State::Queued;
        if queued && !self.out.after.commits_may_be_lost {
            // Nothing of ours can have left, so somebody else used the number.
            self.contradict(Attention::ForeignOrder);
            return;
        }
        if !self.amount_fits(found) {
            self.raise(Attention::AmountMismatch);
            return;
        }
        if queued {
            self.found_before_claim();
            return;
        }
        if !self.learn_platform_order_num(found.platform_order_num.as_deref()) {
            return;
        }
        if self.out.after.declined_at.is_some() && !self.out.after.proven_ours {
            // Declined and yet known: it may have been taken before us. Only a callback whose every
            // field is ours proves otherwise.
            if self.out.after.state != State::Failed {
                self.contradict(Attention::ForeignOrder);
                return;
            }
        }
        match &found.status {
            GatewayStatus::Paid => self.says_paid(found),
            GatewayStatus::Cancelled | GatewayStatus::Failed => self.says_failed(found),
            GatewayStatus::New
            | GatewayStatus::Processing
            | GatewayStatus::AtBank
            | GatewayStatus::Other(_) => self.says_in_progress(found.fee),
        }
    }

    /// Found at the gateway after lost commits: it was claimed and sent in the part that is gone (I11). It takes a new
    /// attempt, as the lost claim had one. What it is now is asked for once more and settled then.
    fn found_before_claim(&mut self) {
        if self.move_by(Event::FoundAfterFailover, None) {
            let now = self.now;
            let payout = self.payout();
            payout.attempt = payout.attempt.saturating_add(1);
            payout.claim = None;
            payout.send_by = Some(now);
            self.query_at(now);
        }
    }

    /// The stored money, or money ± fee when the gateway's number matches (protocol P16b). A final answer
    /// must state an amount.
    fn amount_fits(&self, found: &Found) -> bool {
        let payout = &self.out.after;
        let amount = payout.instruction.amount;
        let Some(stated) = found.amount else {
            let ends = matches!(
                found.status,
                GatewayStatus::Paid | GatewayStatus::Cancelled | GatewayStatus::Failed
            );
            return !ends;
        };
        let numbers_match = found.platform_order_num.is_some()
            && found.platform_order_num == payout.platform_order_num;
        let fee = found.fee.or(payout.fee).unwrap_or_default();
        let net_or_gross = [amount.minus(fee), amount.plus(fee)].contains(&Some(stated));
        stated == amount || (numbers_match && net_or_gross)
    }

    fn says_in_progress(&mut self, fee: Option<Rupiah>) {
        match self.out.after.state {
            State::Submitting | State::Unknown => {
                self.move_by(Event::Acknowledged, None);
                self.payout().fee = fee.or(self.out.after.fee);
            }
            State::Pending => self.payout().fee = fee.or(self.out.after.fee),
            // Confirmed as refused, and now it lives after all.
            State::Failed if self.out.after.declined_at.is_some() => {
                self.contradict(Attention::Contradiction);
            }
            State::Cancelled => self.contradict(Attention::Contradiction),
            State::Queued | State::Paid | State::Failed | State::Returned => {}
        }
    }

    fn says_paid(&mut self, found: &Found) {
        match self.out.after.state {
            State::Submitting | State::Pending | State::Unknown => {
                if self.is_believed(found) {
                    self.pay(found.fee);
                }
            }
            State::Paid => self.correct_fee(found),
            State::Failed => self.contradict(Attention::LateSuccess),
            State::Cancelled => self.contradict(Attention::Contradiction),
            State::Queued | State::Returned => {}
        }
    }

    fn says_failed(&mut self, found: &Found) {
        match self.out.after.state {
            State::Submitting | State::Pending | State::Unknown => {
                if self.is_believed(found) {
                    let reason = (!found.message.is_empty()).then(|| found.message.clone());
                    self.fail(
                        Event::ReportedFailed,
                        reason.or_else(|| Some(found.status.name().into())),
                    );
                }
            }
            State::Failed => {
                let now = self.now;
                self.payout().reaffirmed_at = Some(now);
            }
            State::Paid => self.contradict(Attention::Contradiction),
            State::Queued | State::Cancelled | State::Returned => {}
        }
    }

    /// Whether a final answer settles now; an unsigned one needs a second read that agrees.
    fn is_believed(&mut self, found: &Found) -> bool {
        if found.signed {
            return true;
        }
        match self.observed_before() {
            Some(first)
                if self.query_sent_at.signed_duration_since(first.first_at)
                    >= UNSIGNED_SECOND_READ =>
            {
                true
            }
            first => {
                let since = first.map_or(self.now, |heard| heard.first_at);
                self.query_at(
                    since
                        .checked_add_signed(UNSIGNED_SECOND_READ)
                        .unwrap_or(since),
                );
                false
            }
        }
    }

    /// A paid payout's fee became known, or the gateway states another one now (protocol P23).
    fn correct_fee(&mut self, found: &Found) {
        let payout = &self.out.after;
        let Some(stated) = found.fee.filter(|_| found.signed) else {
            return;
        };
        let fee_type = payout.instruction.fee_type;
        if fee_type == FeeType::OutOfAmount && stated >= payout.instruction.amount {
            self.raise(Attention::FeeMismatch);
            return;
        }
        let (kind, entry) = match payout.fee {
            None => ("fee_known", Entry::fee_known(fee_type, payout.held, stated)),
            Some(booked) if booked == stated => return,
            Some(booked) => (
                "fee_corrected",
                Entry::fee_corrected(fee_type, booked, stated),
            ),
        };
        let Some(entry) = entry else {
            return;
        };
        let held = payout.held.plus(entry.held).unwrap_or(payout.held);
        self.out.booking = (!entry.is_empty()).then_some(Booking { kind, entry });
        self.out.notes.push(Note::FeeCorrected);
        let payout = self.payout();
        payout.held = held;
        payout.fee = Some(stated);
    }
}
