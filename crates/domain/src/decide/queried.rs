//! Applies the answer to a query.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Booking, Draft, Note, delta};
use crate::{
    attention::Attention,
    evidence::{Doubt, Found, GatewayStatus, QueryAnswer},
    evidence_words::Proves,
    finding::Finding,
    ledger::Entry,
    money::{FeeType, Rupiah},
    payout::Observed,
    policy::{NOT_FOUND_ANSWERS, UNSIGNED_SECOND_READ},
    schedule,
    state::{Event, State},
};

impl Draft<'_> {
    /// `sent_at` is when the query was sent. An answer counts by that time, not by when it is stored.
    pub(super) fn queried(&mut self, answer: &QueryAnswer, sent_at: DateTime<Utc>) {
        self.payout().queries = self.out.after.queries.saturating_add(1);
        let unanswered = match answer {
            QueryAnswer::Doubt(doubt) => *doubt != Doubt::NumberInUse,
            QueryAnswer::NotVouchedFor => true,
            QueryAnswer::Found(_) | QueryAnswer::NotFound => false,
        };
        if self.out.after.state.is_final() && !unanswered {
            self.query_when_final();
        } else {
            // A final payout too: somebody may have requested this query, or a replacement may be waiting for its answer.
            let later_look = self.out.after.later_look;
            self.query_by_schedule();
            self.payout().later_look = later_look;
        }
        if !matches!(answer, QueryAnswer::Doubt(_)) {
            self.clear(Attention::UnreadableAnswers);
        }
        match answer {
            QueryAnswer::Found(found) => self.found(found, sent_at),
            QueryAnswer::NotFound => self.not_found(sent_at),
            QueryAnswer::Doubt(Doubt::NumberInUse) => self.found_under_number_in_use(),
            QueryAnswer::NotVouchedFor => self.not_vouched_for(sent_at),
            QueryAnswer::Doubt(doubt) if doubt.is_unreadable() => self.unreadable(sent_at),
            // A query without an answer says nothing about the order (protocol P17).
            QueryAnswer::Doubt(_) => {}
        }
        self.miss_fee();
    }

    /// No query is scheduled any more that could state the fee on top.
    fn miss_fee(&mut self) {
        let payout = &self.out.after;
        let is_on_top = payout.instruction.fee_type == FeeType::OnTop;
        if payout.state == State::Paid
            && is_on_top
            && payout.fee.is_none()
            && payout.next_query_at.is_none()
        {
            self.raise(Attention::FeeUnknown);
        }
    }

    /// How often the current finding was observed before, since this attempt began.
    pub(super) fn observed_before(&self) -> Option<Observed> {
        self.out.after.observed.get(&self.out.finding).copied()
    }

    /// How often the current finding was observed, including now. An answer to a query that was sent before the
    /// previous answer was stored adds nothing.
    pub(super) fn times_observed(&self, sent_at: DateTime<Utc>) -> u32 {
        self.observed_before().map_or(1, |observed| {
            let is_new = sent_at > observed.last_at;
            observed.times.saturating_add(u32::from(is_new))
        })
    }

    /// Records what this "not found" proves.
    fn counts_as(&mut self, proves: Proves, valid_from: Option<DateTime<Utc>>) {
        self.out.finding = Finding::NotFound { proves, valid_from };
    }

    /// "Not found" from a copy that may be old says nothing about the order (I10). The next one may count: once the horizon
    /// is over, and then soon after a later order is paid.
    fn not_vouched_for(&mut self, sent_at: DateTime<Utc>) {
        if self.out.after.state != State::Unknown {
            return;
        }
        let quiet_until = self.quiet_until();
        let soon = self.later_by(self.rules.poll.quiet_horizon);
        self.query_by(if sent_at < quiet_until {
            quiet_until
        } else {
            soon
        });
    }

    fn not_found(&mut self, sent_at: DateTime<Utc>) {
        match self.out.after.state {
            State::Unknown => match self.out.after.declined_at {
                // Nor is a refusal confirmed against a callback that reports our payment.
                Some(declined_at)
                    if self.out.after.platform_order_num.is_none()
                        && self.out.after.called_back.is_none() =>
                {
                    self.not_found_after_decline(declined_at, sent_at);
                }
                _ => self.not_found_after_silence(sent_at),
            },
            // The gateway found it before. It never moves back, but repeated "not found" answers need a person.
            State::Pending | State::Paid => {
                self.counts_as(Proves::Contradiction, None);
                if self.times_observed(sent_at) >= NOT_FOUND_ANSWERS {
                    self.contradict(Attention::Contradiction);
                } else if sent_at >= self.quiet_until() {
                    // One is enough against people's word: nothing that was sent can still arrive.
                    self.contradict_statement();
                }
            }
            State::Failed if self.out.after.platform_order_num.is_some() => {
                self.counts_as(Proves::Contradiction, None);
                self.payout().reaffirmed_at = None;
                if self.times_observed(sent_at) >= NOT_FOUND_ANSWERS {
                    self.contradict(Attention::Contradiction);
                } else {
                    self.query_in(schedule::confirm_interval(&self.rules.poll));
                }
            }
            State::Failed => self.still_not_found_after_refusal(sent_at),
            State::Queued => self.not_found_before_claim(sent_at),
            // The request may be leaving right now, so this answer proves nothing.
            State::Submitting | State::Cancelled | State::Returned => {}
        }
    }

    /// For a refused payout, "not found" confirms the failure, and so releases a replacement, only once nothing can be
    /// on its way.
    fn still_not_found_after_refusal(&mut self, sent_at: DateTime<Utc>) {
        let valid_from = self.quiet_until();
        if sent_at < valid_from {
            self.query_at(valid_from);
        } else {
            self.counts_as(Proves::Absence, Some(valid_from));
            self.reaffirm(sent_at);
        }
    }

    /// The gateway confirms the failure as of `queried_at`, unless the answer to a later query was another one.
    fn reaffirm(&mut self, queried_at: DateTime<Utc>) {
        let is_contrary = |finding: &Finding| {
            matches!(finding, Finding::Found { status, .. } if !matches!(status, Some(3 | 4)))
                || matches!(finding, Finding::NotFound { proves, .. } if *proves == Proves::Contradiction)
        };
        let observed = &self.out.after.observed;
        let is_outdated = observed
            .iter()
            .any(|(finding, seen)| is_contrary(finding) && seen.last_sent_at > queried_at);
        if !is_outdated {
            self.payout().reaffirmed_at = Some(queried_at);
        }
    }

    /// A failed payout is reported as failed once more. An unsigned answer counts only with an earlier one that agrees
    /// (protocol P17), and as of that one.
    fn reported_failed_again(&mut self, found: &Found, sent_at: DateTime<Utc>) {
        let is_second = |earlier: &DateTime<Utc>| {
            sent_at.signed_duration_since(*earlier) >= delta(UNSIGNED_SECOND_READ)
        };
        let earlier = self.observed_before().map(|observed| observed.last_sent_at);
        let confirmed = if found.signed {
            Some(sent_at)
        } else {
            earlier.filter(is_second)
        };
        if let Some(queried_at) = confirmed {
            self.reaffirm(queried_at);
        }
        let is_ours = self.out.after.declined_at.is_none() || self.out.after.proven_ours;
        if self.out.after.by_statement && is_ours && self.is_believed(found, sent_at) {
            self.confirm_statement();
        }
    }

    /// The payout was queried because commits may be lost (I11). Once nothing can be on its way, "not found" makes it
    /// claimable.
    fn not_found_before_claim(&mut self, sent_at: DateTime<Utc>) {
        let trusted_after = self.out.after.trusted_after;
        match trusted_after {
            Some(from) if sent_at <= from => {
                let scheduled = self.out.after.next_query_at.unwrap_or(from);
                let just_after = from
                    .checked_add_signed(TimeDelta::seconds(1))
                    .unwrap_or(from);
                self.query_at(scheduled.min(just_after));
            }
            Some(_) | None => {
                self.counts_as(Proves::Absence, trusted_after);
                self.payout().next_query_at = None;
            }
        }
    }

    /// A refusal is final after two "not found" answers, the first at least `decline_confirm` after the `FAIL`.
    fn not_found_after_decline(&mut self, declined_at: DateTime<Utc>, sent_at: DateTime<Utc>) {
        let rules = self.rules.poll;
        let valid_from = declined_at
            .checked_add_signed(delta(rules.decline_confirm))
            .unwrap_or(declined_at);
        let valid_from = self.not_before_trusted(valid_from);
        if sent_at < valid_from {
            self.query_at(valid_from);
            return;
        }
        self.counts_as(Proves::Refusal, Some(valid_from));
        let second = schedule::decline_second_after(&rules);
        match self.observed_before() {
            Some(first) if sent_at.signed_duration_since(first.first_at) >= delta(second) => {
                self.fail(Event::RefusalConfirmed, None);
            }
            _ => self.query_in(second),
        }
    }

    /// Until when something that was sent may still arrive: the send-by time plus the quiet horizon (I10). A failover may
    /// have lost a later send, and a jump of the clock is not elapsed time.
    pub(super) fn quiet_until(&self) -> DateTime<Utc> {
        let sent_by = self.out.after.send_by.unwrap_or(self.now);
        let quiet_until = sent_by
            .checked_add_signed(delta(self.rules.poll.quiet_horizon))
            .unwrap_or(sent_by);
        self.not_before_trusted(quiet_until)
    }

    /// The same time, or the one from which answers count again if that is later.
    fn not_before_trusted(&self, time: DateTime<Utc>) -> DateTime<Utc> {
        let trusted_after = self.out.after.trusted_after;
        trusted_after.map_or(time, |trusted| trusted.max(time))
    }

    /// Without an answer to the submit, "not found" means nothing before the quiet horizon. After it, a person must
    /// decide (I10).
    fn not_found_after_silence(&mut self, sent_at: DateTime<Utc>) {
        let rules = self.rules.poll;
        let valid_from = self.quiet_until();
        if sent_at < valid_from {
            self.query_by(valid_from);
            return;
        }
        self.counts_as(Proves::Absence, Some(valid_from));
        let interval = schedule::confirm_interval(&rules);
        let Some(first) = self.observed_before() else {
            self.query_in(interval);
            return;
        };
        let span = sent_at.signed_duration_since(first.first_at);
        let enough = self.times_observed(sent_at) >= NOT_FOUND_ANSWERS;
        if enough && span >= delta(interval.saturating_mul(2)) {
            self.raise(Attention::NotFound);
        } else {
            self.query_in(interval);
        }
    }

    fn found(&mut self, found: &Found, sent_at: DateTime<Utc>) {
        let queued = self.out.after.state == State::Queued;
        if queued && !self.out.after.commits_may_be_lost {
            // We sent nothing, so somebody else used the number.
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
        let called_back = self.out.after.called_back.clone();
        let is_called_back = called_back.is_some() && called_back == found.platform_order_num;
        if !self.learn_platform_order_num(found.platform_order_num.as_deref()) {
            return;
        }
        if is_called_back {
            self.prove_ours();
        }
        if self.out.after.declined_at.is_some() && !self.out.after.proven_ours {
            // Declined and yet known: the order may be somebody else's. Only a callback with every field matching, before
            // or after, proves otherwise.
            if self.out.after.state != State::Failed {
                self.contradict(Attention::ForeignOrder);
                return;
            }
        }
        match &found.status {
            GatewayStatus::Paid => self.says_paid(found, sent_at),
            GatewayStatus::Cancelled | GatewayStatus::Failed => self.says_failed(found, sent_at),
            GatewayStatus::New
            | GatewayStatus::Processing
            | GatewayStatus::AtBank
            | GatewayStatus::Other(_) => self.says_in_progress(found.fee),
        }
    }

    /// The gateway knows the order, so the lost commits included its claim, and it was sent (I11). It takes a new
    /// attempt, as the lost claim did. It is queried once more, and that answer settles it.
    fn found_before_claim(&mut self) {
        if self.move_by(Event::FoundAfterFailover, None) {
            let now = self.now;
            let payout = self.payout();
            payout.attempt = payout.attempt.saturating_add(1);
            payout.request_sha256 = None;
            payout.send_by = Some(now);
            self.query_at(now);
        }
    }

    /// Whether the stated amount is ours: the amount itself, or amount ± fee if the gateway's number matches (protocol
    /// P16b). A final answer must state an amount.
    fn amount_fits(&self, found: &Found) -> bool {
        let payout = &self.out.after;
        let amount = payout.instruction.amount;
        let Some(stated) = found.amount else {
            return !found.status.is_terminal();
        };
        let numbers_match = found.platform_order_num.is_some()
            && found.platform_order_num == payout.platform_order_num;
        let stated_fee = found.fee.filter(|fee| self.is_plausible(*fee));
        let fee = stated_fee.or(payout.fee).unwrap_or_default();
        let net_or_gross = [amount.minus(fee), amount.plus(fee)].contains(&Some(stated));
        stated == amount || (numbers_match && net_or_gross)
    }

    fn says_in_progress(&mut self, fee: Option<Rupiah>) {
        // A failed payout that is in progress is not confirmed to have failed.
        self.payout().reaffirmed_at = None;
        match self.out.after.state {
            State::Submitting | State::Unknown => {
                self.move_by(Event::Acknowledged, None);
                self.announce_fee(fee);
            }
            State::Pending => self.announce_fee(fee),
            // The refusal was confirmed, and now the order is in progress after all.
            State::Failed if self.out.after.declined_at.is_some() => {
                self.contradict(Attention::Contradiction);
            }
            // A person said that the money had come back, and it is on its way again.
            State::Cancelled | State::Returned => self.contradict(Attention::Contradiction),
            // Two people said that it failed.
            State::Failed => self.contradict_statement(),
            State::Queued | State::Paid => {}
        }
    }

    fn says_paid(&mut self, found: &Found, sent_at: DateTime<Utc>) {
        match self.out.after.state {
            State::Submitting | State::Pending | State::Unknown => {
                if self.is_believed(found, sent_at) {
                    self.pay(found.fee);
                }
            }
            State::Paid => {
                if self.out.after.by_statement && self.is_believed(found, sent_at) {
                    self.confirm_paid();
                }
                self.correct_fee(found);
            }
            State::Failed => self.contradict(Attention::LateSuccess),
            State::Cancelled => self.contradict(Attention::Contradiction),
            // People said that it had been paid and came back, and the gateway pays it only now.
            State::Returned => self.contradict_statement(),
            State::Queued => {}
        }
    }

    fn says_failed(&mut self, found: &Found, sent_at: DateTime<Utc>) {
        match self.out.after.state {
            State::Submitting | State::Pending | State::Unknown => {
                if self.is_believed(found, sent_at) {
                    let reason = (!found.message.is_empty()).then(|| found.message.clone());
                    self.fail(
                        Event::ReportedFailed,
                        reason.or_else(|| Some(found.status.name().into())),
                    );
                }
            }
            State::Failed => self.reported_failed_again(found, sent_at),
            State::Paid => self.contradict(Attention::Contradiction),
            State::Queued | State::Cancelled | State::Returned => {}
        }
    }

    /// Confirms people's word that it was paid, unless the order that the gateway has may be another one.
    fn confirm_paid(&mut self) {
        let attention = self.out.after.attention;
        let doubts = [Attention::AmountMismatch, Attention::ForeignOrder];
        if !doubts.into_iter().any(|doubt| attention.contains(doubt)) {
            self.confirm_statement();
        }
    }

    /// Whether a final answer settles the payout now. An unsigned one needs a second answer that agrees, and none that says
    /// otherwise between the two.
    fn is_believed(&mut self, found: &Found, sent_at: DateTime<Utc>) -> bool {
        if found.signed {
            return true;
        }
        let second_read = delta(UNSIGNED_SECOND_READ);
        let is_second = |first_at| sent_at.signed_duration_since(first_at) >= second_read;
        let since = match (self.observed_before(), self.said_otherwise_at()) {
            (Some(before), otherwise) if otherwise.is_none_or(|at| at < before.first_at) => {
                if is_second(before.first_at) {
                    return true;
                }
                before.first_at
            }
            (Some(before), Some(otherwise))
                if otherwise < before.last_sent_at && is_second(before.last_sent_at) =>
            {
                return true;
            }
            // Of those since then, only the latest is known. The next read is far enough from this one.
            _ => self.now,
        };
        self.query_at(since.checked_add_signed(second_read).unwrap_or(since));
        false
    }

    /// When the gateway last answered a query, in this attempt, with another end than the current finding, or with none.
    fn said_otherwise_at(&self) -> Option<DateTime<Utc>> {
        // Cancelled and failed are one end.
        let end = |finding: &Finding| {
            let Finding::Found { status, .. } = finding else {
                return None;
            };
            Some(if *status == Some(3) { Some(4) } else { *status })
        };
        let is_answer =
            |finding: &Finding| matches!(finding, Finding::Found { .. } | Finding::NotFound { .. });
        let observed = self.out.after.observed.iter();
        observed
            .filter(|(finding, _)| is_answer(finding) && end(finding) != end(&self.out.finding))
            .map(|(_, seen)| seen.last_at)
            .max()
    }

    /// Corrects the fee of a paid payout that became known or that the gateway now states differently (protocol P23).
    fn correct_fee(&mut self, found: &Found) {
        let is_another = found.fee.is_some() && found.fee != self.out.after.fee;
        if self.out.after.fee_by_statement && is_another {
            self.contradict(Attention::Contradiction);
        }
        let Some(stated) = found.fee.filter(|_| found.signed) else {
            return;
        };
        if !self.judge_fee(stated) {
            return;
        }
        self.clear(Attention::FeeUnknown);
        let payout = &self.out.after;
        let fee_type = payout.instruction.fee_type;
        if fee_type == FeeType::OnTop && stated > payout.fee_reserve {
            self.raise(Attention::FeeAboveReserve);
        } else {
            self.clear(Attention::FeeAboveReserve);
        }
        let payout = &self.out.after;
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
        payout.fee_by_statement = false;
    }
}
