//! The control query: "not found" proves something only while the gateway finds an order that it must know (I10).

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How long a control order that was found vouches for the gateway's "not found".
const GOOD_FOR: Duration = Duration::from_mins(5);
/// How long to wait after a failed control query before the next one.
const BAD_FOR: Duration = Duration::from_secs(10);

/// The latest control query of one merchant.
#[derive(Debug, Default)]
pub(super) struct ControlQuery(Mutex<Option<(bool, Instant)>>);

impl ControlQuery {
    /// Records whether the gateway found an order that it must know.
    pub(super) fn record(&self, found: bool, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((found, now));
    }

    /// Whether the gateway found its control order recently; `None` when a new control query is due.
    pub(super) fn recent(&self, now: Instant) -> Option<bool> {
        let (found, at) = (*self.0.lock().unwrap_or_else(PoisonError::into_inner))?;
        let lasts = if found { GOOD_FOR } else { BAD_FOR };
        (now.saturating_duration_since(at) < lasts).then_some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_found_control_order_vouches_for_a_while_and_a_missing_one_is_queried_again_soon() {
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
