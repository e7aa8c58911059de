//! What the database refused lately.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

/// What was tried a short while ago and is not to be tried again yet.
#[derive(Debug)]
pub struct Recent<K> {
    pause: Duration,
    tried: HashMap<K, Instant>,
}

impl<K: Eq + Hash> Recent<K> {
    /// Nothing yet. Each is left alone for this long.
    pub fn new(pause: Duration) -> Self {
        Self {
            pause,
            tried: HashMap::new(),
        }
    }

    /// It is tried now.
    pub fn note(&mut self, tried: K) {
        self.tried.retain(|_, at| at.elapsed() < self.pause);
        self.tried.insert(tried, Instant::now());
    }

    /// Whether it is to be left alone.
    pub fn has(&self, tried: &K) -> bool {
        self.tried
            .get(tried)
            .is_some_and(|at| at.elapsed() < self.pause)
    }
}
