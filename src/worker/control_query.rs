//! Whether the gateway still knows what it must know: only then does its "not known" prove anything (I10).

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a good answer about another order vouches.
const GOOD_FOR: Duration = Duration::from_mins(5);
/// How soon it is tried again after a bad one.
const BAD_FOR: Duration = Duration::from_secs(10);

/// One merchant's.
#[derive(Debug, Default)]
pub(super) struct ControlQuery(Mutex<Option<(bool, Instant)>>);

impl ControlQuery {
    /// The gateway was asked for an order that it must know, and did or did not.
    pub(super) fn record(&self, knows: bool, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((knows, now));
    }

    /// What was heard lately; `None` when somebody has to ask.
    pub(super) fn recent(&self, now: Instant) -> Option<bool> {
        let (knows, at) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        let lasts = if knows { GOOD_FOR } else { BAD_FOR };
        (now.saturating_duration_since(at) < lasts).then_some(knows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_answer_vouches_for_a_while_and_a_bad_one_is_tried_again_soon() {
        let (control_query, start) = (ControlQuery::default(), Instant::now());
        assert_eq!(control_query.recent(start), None);
        control_query.record(true, start);
        assert_eq!(control_query.recent(start + GOOD_FOR / 2), Some(true));
        assert_eq!(control_query.recent(start + GOOD_FOR), None);
        control_query.record(false, start);
        assert_eq!(control_query.recent(start + BAD_FOR / 2), Some(false));
        assert_eq!(control_query.recent(start + BAD_FOR), None);
    }
}
