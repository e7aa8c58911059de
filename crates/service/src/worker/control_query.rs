//! The control queries: "not found" proves something only while the gateway finds orders that it must know (I10).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Mutex as Turn;

/// How long a control order that was found vouches for the gateway's "not found".
const GOOD_FOR: Duration = Duration::from_mins(1);
/// How long to wait after a failed control query before the next one.
const BAD_FOR: Duration = Duration::from_secs(10);

/// The answer to a control query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Whether the gateway found the order.
    pub(super) found: bool,
    sent_at: Instant,
    /// From then on a copy that lags is not older than this.
    pub(super) answered_at: Instant,
}

impl Known {
    fn is_fresh(&self, now: Instant) -> bool {
        let lasts = if self.found { GOOD_FOR } else { BAD_FOR };
        now.saturating_duration_since(self.sent_at) < lasts
    }
}

/// The latest control queries of one merchant. Of each order one runs at a time.
#[derive(Debug, Default)]
pub(super) struct ControlQueries(Mutex<HashMap<String, Arc<Turn<Option<Known>>>>>);

impl ControlQueries {
    /// Whether the gateway finds this order; as `query` says if it was not queried within the last minute.
    pub(super) async fn known(
        &self,
        order_num: &str,
        now: Instant,
        query: impl Future<Output = bool>,
    ) -> Known {
        let order = self.order(order_num, now);
        let mut known = order.lock().await;
        if let Some(fresh) = known.filter(|known| known.is_fresh(now)) {
            return fresh;
        }
        let found = query.await;
        let answer = Known {
            found,
            sent_at: now,
            answered_at: Instant::now(),
        };
        *known = Some(answer);
        answer
    }

    /// Its entry; forgets those of other orders that nobody waits for and that are not fresh.
    fn order(&self, order_num: &str, now: Instant) -> Arc<Turn<Option<Known>>> {
        let mut orders = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        orders.retain(|_, order| {
            let is_fresh = |known: &Option<Known>| known.is_some_and(|known| known.is_fresh(now));
            order.try_lock().map_or(true, |known| is_fresh(&known))
        });
        Arc::clone(orders.entry(order_num.to_owned()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_found_control_order_vouches_for_a_minute_and_a_missing_one_is_queried_again_soon() {
        let (controls, start) = (ControlQueries::default(), Instant::now());
        let finds = async |order, at, now_found| {
            let known = controls.known(order, at, async move { now_found }).await;
            known.found
        };
        assert!(finds("INV-1", start, true).await);
        assert!(finds("INV-1", start + GOOD_FOR / 2, false).await);
        let later = start + GOOD_FOR;
        assert!(!finds("INV-1", later, false).await);
        assert!(!finds("INV-1", later + BAD_FOR / 2, true).await);
        assert!(finds("INV-1", later + BAD_FOR, true).await);
        assert!(!finds("INV-2", later + BAD_FOR, false).await);
    }
}
