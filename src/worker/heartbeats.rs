//! Heartbeats distinguish a loop that has stalled or died from one that has nothing to do.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::metrics;

/// A loop without a heartbeat for this long is stalled. Waiting for a full disk or an unreachable database counts: no
/// work is done then either.
const STALLED_AFTER: Duration = Duration::from_secs(90);

/// When each loop last completed a round. Each merchant has loops of its own.
#[derive(Debug, Default)]
pub struct Heartbeats(Mutex<HashMap<(&'static str, String), Instant>>);

impl Heartbeats {
    /// Records that loop `name` is alive. `merchant` is empty for a loop that all merchants share.
    pub fn beat(&self, name: &'static str, merchant: &str) {
        let mut heartbeats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heartbeats.insert((name, merchant.to_owned()), Instant::now());
        let same = heartbeats.iter().filter(|((other, _), _)| *other == name);
        let oldest = same.map(|(_, at)| at.elapsed()).max().unwrap_or_default();
        metrics::loop_beat(name, oldest);
    }

    /// The loops that have stalled, as in `poll S2020198627344`.
    pub fn stalled(&self) -> Vec<String> {
        let heartbeats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heartbeats
            .iter()
            .filter(|(_, at)| at.elapsed() > STALLED_AFTER)
            .map(|((name, merchant), _)| format!("{name} {merchant}").trim_end().to_owned())
            .collect()
    }
}
