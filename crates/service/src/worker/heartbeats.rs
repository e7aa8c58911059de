//! Heartbeats distinguish a loop that has stalled or died from one that has nothing to do.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::metrics;

/// A loop without a heartbeat for this long is stalled. Waiting for a full disk or an unreachable database counts: no
/// work is done then either.
const STALLED_AFTER: Duration = Duration::from_secs(90);

/// When each loop last completed a round. Each merchant has loops of its own.
#[derive(Debug, Default)]
pub struct Heartbeats(Mutex<HashMap<(&'static str, String), Beat>>);

#[derive(Clone, Copy, Debug)]
struct Beat {
    at: Instant,
    /// The loop has nothing to do, so its being alive says nothing about the others.
    resting: bool,
}

impl Heartbeats {
    /// Records that loop `name` is alive. `merchant` is empty for a loop that all merchants share.
    pub fn beat(&self, name: &'static str, merchant: &str) {
        self.note(name, merchant, false);
    }

    /// The same for a loop that has nothing to do.
    pub fn rest(&self, name: &'static str, merchant: &str) {
        self.note(name, merchant, true);
    }

    fn note(&self, name: &'static str, merchant: &str, resting: bool) {
        let mut heartbeats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = Instant::now();
        heartbeats.insert((name, merchant.to_owned()), Beat { at, resting });
        let same = heartbeats.iter().filter(|((other, _), _)| *other == name);
        let oldest = same.map(|(_, beat)| beat.at.elapsed()).max();
        metrics::loop_beat(name, oldest.unwrap_or_default());
    }

    /// The loops in which the process as a whole has stalled, as in `poll`. A loop that has stalled for one merchant and
    /// works for another is that merchant's trouble: taking the process out of service would take it from all of them.
    pub fn stalled(&self) -> Vec<&'static str> {
        self.stalled_at(Instant::now())
    }

    fn stalled_at(&self, now: Instant) -> Vec<&'static str> {
        let heartbeats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let names: BTreeSet<&'static str> = heartbeats.keys().map(|(name, _)| *name).collect();
        let late = |beat: &&Beat| now.saturating_duration_since(beat.at) > STALLED_AFTER;
        names
            .into_iter()
            .filter(|name| {
                let beats = heartbeats.iter().filter(|((other, _), _)| other == name);
                let (resting, busy): (Vec<_>, Vec<_>) =
                    beats.map(|(_, beat)| beat).partition(|beat| beat.resting);
                let of_interest = if busy.is_empty() { resting } else { busy };
                of_interest.iter().all(late)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The loops of `a` and `b`, as they beat or rest now, and the time at which whoever is silent since has stalled.
    fn two(beat: fn(&Heartbeats)) -> (Heartbeats, Instant) {
        let heartbeats = Heartbeats::default();
        beat(&heartbeats);
        (
            heartbeats,
            Instant::now() + STALLED_AFTER + Duration::from_secs(1),
        )
    }

    /// Makes this merchant's last heartbeat look as if it came at `at`.
    fn beats_at(heartbeats: &Heartbeats, name: &'static str, merchant: &str, at: Instant) {
        let mut beats = heartbeats.0.lock().unwrap();
        beats.get_mut(&(name, merchant.to_owned())).unwrap().at = at;
    }

    #[test]
    fn one_merchants_stalled_loop_does_not_stall_the_process_but_everybodys_does() {
        let (heartbeats, later) = two(|heartbeats| {
            heartbeats.beat("poll", "a");
            heartbeats.beat("poll", "b");
        });
        assert_eq!(heartbeats.stalled_at(later), ["poll"]);
        beats_at(&heartbeats, "poll", "b", later);
        assert!(heartbeats.stalled_at(later).is_empty());
    }

    #[test]
    fn a_loop_that_all_merchants_share_stalls_the_process() {
        let (heartbeats, later) = two(|heartbeats| {
            heartbeats.beat("watch", "");
            heartbeats.beat("poll", "a");
        });
        beats_at(&heartbeats, "poll", "a", later);
        assert_eq!(heartbeats.stalled_at(later), ["watch"]);
    }

    #[test]
    fn loops_that_rest_do_not_vouch_for_those_that_have_work() {
        let (heartbeats, later) = two(|heartbeats| {
            heartbeats.beat("record", "a");
            heartbeats.rest("record", "b");
        });
        beats_at(&heartbeats, "record", "b", later);
        assert_eq!(heartbeats.stalled_at(later), ["record"]);
        heartbeats.rest("record", "a");
        beats_at(&heartbeats, "record", "a", later);
        assert!(heartbeats.stalled_at(later).is_empty());
    }
}
