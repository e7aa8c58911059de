//! Tells the database that this worker runs and for whom it claims, so that people need no metrics to see it.

use std::time::Duration;

use payout_domain::stop::StopReason;
use payout_store::workers::{self, LaneState};
use tokio::time::Instant;

use super::{Lane, Worker};

/// How often it is said while nothing changes. Three times as long without it, and the worker counts as gone.
const EVERY: Duration = Duration::from_secs(10);

/// What was said last.
#[derive(Default)]
pub(super) struct Presence {
    last: Option<(Instant, Vec<LaneState>)>,
}

impl Presence {
    /// Says it if it is time, or if claims stopped or opened.
    pub(super) async fn say(&mut self, worker: &Worker) {
        let lanes: Vec<LaneState> = worker.lanes.iter().map(|lane| state(lane)).collect();
        let is_said = self
            .last
            .as_ref()
            .is_some_and(|(at, said)| at.elapsed() < EVERY && stops(said).eq(stops(&lanes)));
        if is_said {
            return;
        }
        let is_first = self.last.is_none();
        match workers::beat(&worker.store.results, &worker.name, is_first, &lanes).await {
            Ok(()) => self.last = Some((Instant::now(), lanes)),
            Err(error) => tracing::warn!(%error, "could not say that this worker runs; retrying"),
        }
    }

    /// Says that the worker ends. If it cannot, it counts as gone half a minute later.
    pub(super) async fn end(worker: &Worker) {
        if !worker.store.reach.is_open() {
            return;
        }
        if let Err(error) = workers::end(&worker.store.results, &worker.name).await {
            tracing::warn!(%error, "could not say that this worker ends");
        }
    }
}

fn stops(lanes: &[LaneState]) -> impl Iterator<Item = (Option<StopReason>, &str)> {
    lanes
        .iter()
        .map(|lane| (lane.stopped_by, lane.detail.as_str()))
}

fn state(lane: &Lane) -> LaneState {
    let stop = lane.claims.stopped();
    let count = |slots: usize| i32::try_from(slots).unwrap_or(i32::MAX);
    LaneState {
        merchant_code: lane.code().to_owned(),
        slots: count(lane.slots_total),
        in_flight: count(lane.in_flight()),
        stopped_by: stop.as_ref().map(|stop| stop.reason),
        detail: stop.map_or_else(String::new, |stop| stop.detail),
    }
}
