//! The control queries: "not found" proves something only while the gateway finds orders that it must know (I10).

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

/// How long a control order that was found vouches for the gateway's "not found".
const GOOD_FOR: Duration = Duration::from_mins(1);
/// How long to wait after a failed control query before the next one.
const BAD_FOR: Duration = Duration::from_secs(10);

/// The latest control queries of one merchant, by order number. One runs at a time.
#[derive(Debug, Default)]
pub(super) struct ControlQueries(Mutex<HashMap<String, (bool, Instant)>>);

impl ControlQueries {
    /// Whether the gateway finds this order; as `query` says if it was not queried within the last minute. `now` is before
    /// that query, so what is found is never older than it claims.
    pub(super) async fn finds(
        &self,
        order_num: &str,
        now: Instant,
        query: impl Future<Output = bool>,
    ) -> bool {
        let mut known = self.0.lock().await;
        let is_fresh = |found: bool, at: Instant| {
            let lasts = if found { GOOD_FOR } else { BAD_FOR };
            now.saturating_duration_since(at) < lasts
        };
        known.retain(|_, (found, at)| is_fresh(*found, *at));
        if let Some((found, _)) = known.get(order_num) {
            return *found;
        }
        let found = query.await;
        known.insert(order_num.to_owned(), (found, now));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_found_control_order_vouches_for_a_minute_and_a_missing_one_is_queried_again_soon() {
        let (controls, start) = (ControlQueries::default(), Instant::now());
        let finds =
            async |order, at, now_found| controls.finds(order, at, async move { now_found }).await;
        assert!(finds("INV-1", start, true).await);
        assert!(finds("INV-1", start + GOOD_FOR / 2, false).await);
        let later = start + GOOD_FOR;
        assert!(!finds("INV-1", later, false).await);
        assert!(!finds("INV-1", later + BAD_FOR / 2, true).await);
        assert!(finds("INV-1", later + BAD_FOR, true).await);
        assert!(!finds("INV-2", later + BAD_FOR, false).await);
    }
}
