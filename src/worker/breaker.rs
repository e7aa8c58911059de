//! Stops a merchant's claims when answers say that something systematic is wrong, and half-opens with one payout
//! (I13). Money stops faster than people read alarms.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::domain::evidence::{Doubt, SubmitAnswer};

/// The first pause; it doubles with each half-open try that fails.
const PAUSE_MIN: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_mins(1);

/// What a submit came to, as far as the breaker cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The gateway took it.
    Good,
    /// It was declined.
    Declined,
    /// Nothing was sent.
    NotSent,
    /// The answer's signature did not verify.
    BadSignature,
    /// Any other doubt: a growing exposure.
    Doubt,
}

impl Sign {
    /// Reads an answer.
    pub fn of(answer: &SubmitAnswer) -> Self {
        match answer {
            SubmitAnswer::Acknowledged { .. } => Self::Good,
            SubmitAnswer::Declined { .. } => Self::Declined,
            SubmitAnswer::Doubt(Doubt::BadSignature) => Self::BadSignature,
            SubmitAnswer::Doubt(_) => Self::Doubt,
        }
    }

    /// How many in a row stop the claims. One bad signature is enough: a key may have been changed unannounced.
    const fn limit(self) -> u32 {
        match self {
            Self::Good => u32::MAX,
            Self::BadSignature => 1,
            Self::NotSent => 4,
            Self::Declined => 8,
            Self::Doubt => 16,
        }
    }

    /// The word for the metric's `reason`.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Good => "none",
            Self::BadSignature => "signatures",
            Self::NotSent => "not_sent",
            Self::Declined => "declines",
            Self::Doubt => "doubts",
        }
    }
}

#[derive(Debug, Default)]
struct Inner {
    /// The kind of the last bad answers and how many there were in a row.
    row: Option<(Sign, u32)>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    until: Instant,
    pause: Duration,
    trying: bool,
    reason: &'static str,
}

/// How many may be claimed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// As many as there are slots.
    All,
    /// One, to see whether it is over.
    One,
    /// None, for this reason.
    None(&'static str),
}

/// The breaker of one merchant.
#[derive(Debug, Default)]
pub struct Breaker(Mutex<Inner>);

impl Breaker {
    /// What may be claimed at `now`. [`Allowance::One`] needs a [`Try`], which gives it back when nothing came of it.
    pub fn allowance(&self, now: Instant) -> Allowance {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut inner.open {
            None => Allowance::All,
            Some(open) if open.trying || now < open.until => Allowance::None(open.reason),
            Some(open) => {
                open.trying = true;
                Allowance::One
            }
        }
    }

    /// Holds the one allowed try. Dropped by whatever way out, it lets the next one try.
    pub fn begin_try(&self) -> Try<'_> {
        Try {
            breaker: self,
            sent: false,
        }
    }

    fn nothing_tried(&self) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &mut inner.open {
            open.trying = false;
        }
    }

    /// A submit came to this. Returns the reason when claims stop by it.
    pub fn saw(&self, sign: Sign, now: Instant) -> Option<&'static str> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sign == Sign::Good {
            // What was in flight when it opened says nothing about now.
            let is_straggler = inner.open.as_ref().is_some_and(|open| !open.trying);
            if !is_straggler {
                *inner = Inner::default();
            }
            return None;
        }
        let count = match inner.row {
            Some((last, count)) if last == sign => count.saturating_add(1),
            _ => 1,
        };
        inner.row = Some((sign, count));
        match &mut inner.open {
            Some(open) if open.trying => {
                open.pause = open.pause.saturating_mul(2).min(PAUSE_MAX);
                open.until = now.checked_add(open.pause).unwrap_or(now);
                open.trying = false;
                None
            }
            None if count >= sign.limit() => {
                let until = now.checked_add(PAUSE_MIN).unwrap_or(now);
                let reason = sign.reason();
                inner.open = Some(Open {
                    until,
                    pause: PAUSE_MIN,
                    trying: false,
                    reason,
                });
                Some(reason)
            }
            // Below the limit, or a straggler that was in flight when it opened.
            Some(_) | None => None,
        }
    }
}

/// The right to try with one payout.
#[derive(Debug)]
pub struct Try<'a> {
    breaker: &'a Breaker,
    sent: bool,
}

impl Try<'_> {
    /// A payout is being sent: its answer, told to [`Breaker::saw`], decides.
    pub fn is_sent(mut self) {
        self.sent = true;
    }
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        if !self.sent {
            self.breaker.nothing_tried();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_doubts_stops_claims_and_one_good_answer_opens_them() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..15 {
            assert_eq!(breaker.saw(Sign::Doubt, start), None);
        }
        assert_eq!(breaker.allowance(start), Allowance::All);
        assert_eq!(breaker.saw(Sign::Doubt, start), Some("doubts"));
        assert_eq!(breaker.allowance(start), Allowance::None("doubts"));
        let later = start + PAUSE_MIN;
        assert_eq!(breaker.allowance(later), Allowance::One);
        assert_eq!(
            breaker.allowance(later),
            Allowance::None("doubts"),
            "one at a time"
        );
        breaker.saw(Sign::Doubt, later);
        assert_eq!(
            breaker.allowance(later + PAUSE_MIN),
            Allowance::None("doubts"),
            "the pause doubles"
        );
        assert_eq!(breaker.allowance(later + 2 * PAUSE_MIN), Allowance::One);
        breaker.saw(Sign::Good, later);
        assert_eq!(breaker.allowance(later), Allowance::All);
    }

    #[test]
    fn a_try_that_came_to_nothing_lets_the_next_one_try() {
        let (breaker, start) = (Breaker::default(), Instant::now());
        breaker.saw(Sign::BadSignature, start);
        let later = start + PAUSE_MIN;
        assert_eq!(breaker.allowance(later), Allowance::One);
        drop(breaker.begin_try());
        assert_eq!(breaker.allowance(later), Allowance::One);
        breaker.begin_try().is_sent();
        assert_eq!(breaker.allowance(later), Allowance::None("signatures"));
        breaker.saw(Sign::Good, later);
        assert_eq!(breaker.allowance(later), Allowance::All);
    }

    #[test]
    fn a_good_answer_of_before_does_not_end_the_pause() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        breaker.saw(Sign::BadSignature, now);
        breaker.saw(Sign::Good, now);
        assert_eq!(breaker.allowance(now), Allowance::None("signatures"));
    }

    #[test]
    fn one_bad_signature_is_enough_and_mixed_answers_are_not() {
        let (breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..40 {
            breaker.saw(Sign::Doubt, now);
            breaker.saw(Sign::Good, now);
        }
        assert_eq!(breaker.allowance(now), Allowance::All);
        assert_eq!(breaker.saw(Sign::BadSignature, now), Some("signatures"));
    }
}
