//! Tells a loop that stalls from one that has nothing to do.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::metrics;

/// A loop that has not come round for this long is stalled: every wait inside of one is shorter.
const STALLED_AFTER: Duration = Duration::from_secs(90);

/// When each loop last came round.
#[derive(Debug, Default)]
pub struct Beats(Mutex<HashMap<&'static str, Instant>>);

impl Beats {
    /// This loop is alive.
    pub fn beat(&self, name: &'static str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name, Instant::now());
        metrics::loop_beat(name);
    }

    /// The loops that stalled.
    pub fn stalled(&self) -> Vec<&'static str> {
        let beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        beats
            .iter()
            .filter(|(_, at)| at.elapsed() > STALLED_AFTER)
            .map(|(name, _)| *name)
            .collect()
    }
}
