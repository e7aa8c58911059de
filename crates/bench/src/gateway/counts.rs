//! What the gateway saw, by order.

use std::{
    sync::atomic::{AtomicI64, AtomicU32, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

/// Counters that every connection shares.
pub(super) struct Counts {
    orders: Vec<Seen>,
    unknown_submits: AtomicU32,
    queries: AtomicU32,
    balances: AtomicU32,
    callbacks_refused: AtomicU32,
    settled: AtomicU32,
}

#[derive(Default)]
struct Seen {
    submits: AtomicU32,
    /// Microseconds since 1970; 0 before.
    submitted_at_us: AtomicI64,
    settled_at_us: AtomicI64,
}

/// What the gateway says at the end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Orders that were submitted more than once.
    pub(crate) duplicates: Vec<String>,
    /// Submits of orders that nobody enqueued.
    pub(crate) unknown_submits: u32,
    /// Queries answered.
    pub(crate) queries: u32,
    /// Balances read.
    pub(crate) balances: u32,
    /// Callbacks that were not answered with SUCCESS.
    pub(crate) callbacks_refused: u32,
    /// Callbacks answered with SUCCESS, once per order.
    pub(crate) settled: u32,
    /// By order number: microseconds since 1970 at which its submit arrived; 0 if none did.
    pub(crate) submitted_at_us: Vec<i64>,
    /// The same for the acknowledgement of its callback.
    pub(crate) settled_at_us: Vec<i64>,
}

impl Report {
    /// How many orders were submitted.
    pub(crate) fn sent(&self) -> usize {
        self.submitted_at_us.iter().filter(|at| **at > 0).count()
    }
}

impl Counts {
    pub(super) fn of(orders: usize) -> Self {
        Self {
            orders: (0..orders).map(|_| Seen::default()).collect(),
            unknown_submits: AtomicU32::default(),
            queries: AtomicU32::default(),
            balances: AtomicU32::default(),
            callbacks_refused: AtomicU32::default(),
            settled: AtomicU32::default(),
        }
    }

    pub(super) fn submit(&self, number: Option<usize>) {
        let Some(seen) = number.and_then(|number| self.orders.get(number)) else {
            self.unknown_submits.fetch_add(1, Ordering::Relaxed);
            return;
        };
        if seen.submits.fetch_add(1, Ordering::Relaxed) == 0 {
            seen.submitted_at_us.store(now_us(), Ordering::Relaxed);
        }
    }

    pub(super) fn query(&self) {
        self.queries.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn balance(&self) {
        self.balances.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn callback(&self, number: usize, acknowledged: bool) {
        let Some(seen) = self.orders.get(number) else {
            return;
        };
        if !acknowledged {
            self.callbacks_refused.fetch_add(1, Ordering::Relaxed);
        } else if seen.settled_at_us.swap(now_us(), Ordering::Relaxed) == 0 {
            self.settled.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether the order was submitted, and whether its callback was acknowledged.
    pub(super) fn state(&self, number: usize) -> (bool, bool) {
        self.orders.get(number).map_or((false, false), |seen| {
            (
                seen.submits.load(Ordering::Relaxed) > 0,
                seen.settled_at_us.load(Ordering::Relaxed) > 0,
            )
        })
    }

    pub(super) fn settled(&self) -> u32 {
        self.settled.load(Ordering::Relaxed)
    }

    pub(super) fn report(&self) -> Report {
        let load = |time: fn(&Seen) -> &AtomicI64| {
            let times = self.orders.iter().map(time);
            times.map(|time| time.load(Ordering::Relaxed)).collect()
        };
        let duplicates = self.orders.iter().enumerate();
        Report {
            duplicates: duplicates
                .filter(|(_, seen)| seen.submits.load(Ordering::Relaxed) > 1)
                .map(|(number, _)| crate::order::order_num(number))
                .collect(),
            unknown_submits: self.unknown_submits.load(Ordering::Relaxed),
            queries: self.queries.load(Ordering::Relaxed),
            balances: self.balances.load(Ordering::Relaxed),
            callbacks_refused: self.callbacks_refused.load(Ordering::Relaxed),
            settled: self.settled(),
            submitted_at_us: load(|seen| &seen.submitted_at_us),
            settled_at_us: load(|seen| &seen.settled_at_us),
        }
    }
}

/// Microseconds since 1970.
pub(crate) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_micros()).unwrap_or(0))
}
