//! The circuit breaker. It stops a merchant's claims when a run of answers points to a systematic fault, and half-opens
//! with a single payout (I13). Money leaves faster than people read alerts.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use payout_domain::{
    evidence::{Doubt, SubmitAnswer},
    stop::StopReason,
};

/// The first pause. It doubles each time the half-open trial fails.
const PAUSE_MIN: Duration = Duration::from_secs(5);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// The result of one submit, as far as the breaker cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubmitResult {
    /// The gateway accepted it.
    Good,
    /// The gateway declined it.
    Declined,
    /// Nothing was sent.
    NotSent,
    /// The signature of the answer did not verify.
    BadSignature,
    /// Any other doubt. Each one adds to the money at risk.
    Doubt,
}

impl SubmitResult {
    /// Classifies the answer to a submit.
    pub fn of(answer: &SubmitAnswer) -> Self {
        match answer {
            SubmitAnswer::Acknowledged { .. } => Self::Good,
            SubmitAnswer::Declined { .. } => Self::Declined,
            SubmitAnswer::Doubt(Doubt::BadSignature) => Self::BadSignature,
            SubmitAnswer::Doubt(_) => Self::Doubt,
        }
    }

    /// How many in a row stop the claims. One bad signature is enough: the gateway may have changed its key without
    /// notice.
    const fn limit(self) -> u32 {
        match self {
            Self::Good => u32::MAX,
            Self::BadSignature => 1,
            Self::NotSent => 4,
            Self::Declined => 8,
            Self::Doubt => 16,
        }
    }

    /// Why claims are stopped after a run of it.
    pub const fn reason(self) -> Option<StopReason> {
        match self {
            Self::Good => None,
            Self::BadSignature => Some(StopReason::Signatures),
            Self::NotSent => Some(StopReason::NotSent),
            Self::Declined => Some(StopReason::Declines),
            Self::Doubt => Some(StopReason::Doubts),
        }
    }
}

#[derive(Debug, Default)]
struct Inner {
    /// The latest kind of bad result and how many of it came in a row.
    streak: Option<(SubmitResult, u32)>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    until: Instant,
    pause: Duration,
    trial_running: bool,
    reason: StopReason,
}

/// How many payouts may be claimed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// As many as there are free slots.
    All,
    /// One, to test whether the fault is over.
    One,
    /// None, for this reason.
    None(StopReason),
}

/// The circuit breaker of one merchant.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<Inner>);

impl Breaker {
    /// How many payouts may be claimed at `now`. After [`Allowance::One`] call [`Breaker::begin_trial`]; an unused
    /// [`Trial`] lets the next claim try.
    pub fn allowance(&self, now: Instant) -> Allowance {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut inner.open {
            None => Allowance::All,
            Some(open) if open.trial_running || now < open.until => Allowance::None(open.reason),
            Some(open) => {
                open.trial_running = true;
                Allowance::One
            }
        }
    }

    /// Whether nothing has opened it.
    pub fn is_closed(&self) -> bool {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        inner.open.is_none()
    }

    /// Reserves the one trial that a half-open breaker allows. Dropping it unused releases it.
    pub fn begin_trial(&self) -> Trial<'_> {
        Trial {
            breaker: self,
            sent: false,
        }
    }

    fn release_trial(&self) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &mut inner.open {
            open.trial_running = false;
        }
    }

    /// Counts the result of a submit. Returns the reason if this result stops the claims.
    pub fn record(&self, result: SubmitResult, now: Instant) -> Option<StopReason> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if result == SubmitResult::Good {
            // A request that was in flight when the breaker opened says nothing about the gateway now.
            let is_straggler = inner.open.as_ref().is_some_and(|open| !open.trial_running);
            if !is_straggler {
                *inner = Inner::default();
            }
            return None;
        }
        let count = match inner.streak {
            Some((last, count)) if last == result => count.saturating_add(1),
            _ => 1,
        };
        inner.streak = Some((result, count));
        match &mut inner.open {
            Some(open) if open.trial_running => {
                open.pause = open.pause.saturating_mul(2).min(PAUSE_MAX);
                open.until = now.checked_add(open.pause).unwrap_or(now);
                open.trial_running = false;
                None
            }
            None if count >= result.limit() => {
                let until = now.checked_add(PAUSE_MIN).unwrap_or(now);
                let reason = result.reason()?;
                inner.open = Some(Open {
                    until,
                    pause: PAUSE_MIN,
                    trial_running: false,
                    reason,
                });
                Some(reason)
            }
            // Below the limit, or a request that was in flight when the breaker opened.
            Some(_) | None => None,
        }
    }
}

/// The right to test a half-open breaker with one payout.
#[derive(Debug)]
pub struct Trial<'a> {
    breaker: &'a Breaker,
    sent: bool,
}

impl Trial<'_> {
    /// Marks the trial as used: a payout is being sent, and [`Breaker::record`] decides by its result.
    pub fn mark_used(mut self) {
        self.sent = true;
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if !self.sent {
            self.breaker.release_trial();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_doubts_stops_claims_and_one_good_answer_resumes_them() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..15 {
            assert_eq!(breaker.record(SubmitResult::Doubt, start), None);
        }
        assert_eq!(breaker.allowance(start), Allowance::All);
        assert_eq!(
            breaker.record(SubmitResult::Doubt, start),
            Some(StopReason::Doubts)
        );
        assert_eq!(
            breaker.allowance(start),
            Allowance::None(StopReason::Doubts)
        );
        let later = start + PAUSE_MIN;
        assert_eq!(breaker.allowance(later), Allowance::One);
        assert_eq!(
            breaker.allowance(later),
            Allowance::None(StopReason::Doubts),
            "one at a time"
        );
        breaker.record(SubmitResult::Doubt, later);
        assert_eq!(
            breaker.allowance(later + PAUSE_MIN),
            Allowance::None(StopReason::Doubts),
            "the pause doubles"
        );
        assert_eq!(breaker.allowance(later + 2 * PAUSE_MIN), Allowance::One);
        breaker.record(SubmitResult::Good, later);
        assert_eq!(breaker.allowance(later), Allowance::All);
    }

    #[test]
    fn an_unused_trial_lets_the_next_claim_try() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        breaker.record(SubmitResult::BadSignature, start);
        let later = start + PAUSE_MIN;
        assert_eq!(breaker.allowance(later), Allowance::One);
        drop(breaker.begin_trial());
        assert_eq!(breaker.allowance(later), Allowance::One);
        breaker.begin_trial().mark_used();
        assert_eq!(
            breaker.allowance(later),
            Allowance::None(StopReason::Signatures)
        );
        breaker.record(SubmitResult::Good, later);
        assert_eq!(breaker.allowance(later), Allowance::All);
    }

    #[test]
    fn a_good_answer_from_before_the_breaker_opened_does_not_close_it() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        breaker.record(SubmitResult::BadSignature, now);
        breaker.record(SubmitResult::Good, now);
        assert_eq!(
            breaker.allowance(now),
            Allowance::None(StopReason::Signatures)
        );
    }

    #[test]
    fn one_bad_signature_is_enough_and_mixed_answers_are_not() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..40 {
            breaker.record(SubmitResult::Doubt, now);
            breaker.record(SubmitResult::Good, now);
        }
        assert_eq!(breaker.allowance(now), Allowance::All);
        assert_eq!(
            breaker.record(SubmitResult::BadSignature, now),
            Some(StopReason::Signatures)
        );
    }
}
