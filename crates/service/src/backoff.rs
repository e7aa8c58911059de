//! Pauses between attempts to reach the database, or to prove a merchant's keys. Never between submits: a payout's
//! schedule is durable, in `domain::schedule`.

use std::time::Duration;

use backoff::{ExponentialBackoff, ExponentialBackoffBuilder, backoff::Backoff as _};

/// Pauses that double from 100 ms to 5 s, with jitter, without end.
#[derive(Debug)]
pub struct Pauses(ExponentialBackoff);

impl Default for Pauses {
    fn default() -> Self {
        Self(
            ExponentialBackoffBuilder::new()
                .with_initial_interval(Duration::from_millis(100))
                .with_multiplier(2.0)
                .with_max_interval(Duration::from_secs(5))
                .with_max_elapsed_time(None)
                .build(),
        )
    }
}

impl Pauses {
    /// The next pause.
    pub fn next_pause(&mut self) -> Duration {
        self.0.next_backoff().unwrap_or(Duration::from_secs(5))
    }

    /// Starts with a short pause again, after a success.
    pub fn reset(&mut self) {
        self.0.reset();
    }
}
