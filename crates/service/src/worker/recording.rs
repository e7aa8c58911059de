//! Whether the database takes a merchant's evidence. While it does not, nothing is claimed: no answer could be stored.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// So long the database may fail before claims stop.
const FAILING_FOR: Duration = Duration::from_secs(5);
/// How long after the first refusal, or the last trial, one payout tries whether evidence is stored again.
const TRIAL_AFTER: Duration = Duration::from_secs(30);
/// So many payouts in a row, and none in between whose evidence is stored, are not the payouts' fault.
const REFUSED_IN_A_ROW: usize = 3;

/// What happened to the last pieces of evidence.
#[derive(Debug, Default)]
pub(super) struct Recording(Mutex<Last>);

#[derive(Debug, Default)]
struct Last {
    /// Since when no batch could be stored.
    failing_since: Option<Instant>,
    /// The orders about which the database has refused evidence since it last stored any; at most so many.
    refused: BTreeSet<String>,
    /// The SQLSTATE of the last of them.
    code: String,
    /// From when one payout may try again.
    trial_at: Option<Instant>,
}

impl Recording {
    /// A piece is stored.
    pub(super) fn stored(&self) {
        *self.last() = Last::default();
    }

    /// The database answers, whatever it says.
    pub(super) fn answered(&self) {
        self.last().failing_since = None;
    }

    /// A batch could not be stored.
    pub(super) fn failed(&self, now: Instant) {
        self.last().failing_since.get_or_insert(now);
    }

    /// The database refused evidence about this order.
    pub(super) fn refused(&self, order_num: &str, code: &str, now: Instant) {
        let mut last = self.last();
        // Refusals that keep coming do not put it off.
        if last.trial_at.is_none() {
            last.trial_at = now.checked_add(TRIAL_AFTER);
        }
        if last.refused.len() < REFUSED_IN_A_ROW {
            last.refused.insert(order_num.to_owned());
        }
        code.clone_into(&mut last.code);
    }

    /// Whether one payout may be claimed although the last ones were refused: nothing else would show that it is over. The
    /// next one may after another pause.
    pub(super) fn begin_trial(&self, now: Instant) -> bool {
        let mut last = self.last();
        let is_due = last.failing_since.is_none() && last.trial_at.is_some_and(|at| at <= now);
        if is_due {
            last.trial_at = now.checked_add(TRIAL_AFTER);
        }
        is_due
    }

    /// Why nothing may be claimed; `None` if evidence can be stored.
    pub(super) fn why_stopped(&self, now: Instant) -> Option<String> {
        let last = self.last();
        let failing_for = last
            .failing_since
            .map(|since| now.saturating_duration_since(since));
        if failing_for.is_some_and(|failing_for| failing_for >= FAILING_FOR) {
            return Some("the database fails".to_owned());
        }
        (last.refused.len() >= REFUSED_IN_A_ROW).then(|| {
            format!(
                "the database refused the evidence about the last {REFUSED_IN_A_ROW} payouts (SQLSTATE {})",
                last.code
            )
        })
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_refused_payout_stops_nothing_and_three_in_a_row_do() {
        let (recording, now) = (Recording::default(), Instant::now());
        for _ in 0..10 {
            recording.refused("INV-1", "23514 a_rule", now);
        }
        recording.refused("INV-2", "23514 a_rule", now);
        assert_eq!(recording.why_stopped(now), None);
        recording.stored();
        recording.refused("INV-3", "23514 a_rule", now);
        assert_eq!(recording.why_stopped(now), None);
        recording.refused("INV-4", "23514 a_rule", now);
        recording.refused("INV-5", "23514 a_rule", now);
        assert!(recording.why_stopped(now).unwrap().contains("23514 a_rule"));
        recording.answered();
        assert!(recording.why_stopped(now).is_some());
        recording.stored();
        assert_eq!(recording.why_stopped(now), None);
    }

    #[test]
    fn one_payout_at_a_time_tries_whether_refusals_are_over() {
        let (recording, now) = (Recording::default(), Instant::now());
        for order_num in ["INV-1", "INV-2", "INV-3"] {
            recording.refused(order_num, "23514 a_rule", now);
        }
        assert!(!recording.begin_trial(now + TRIAL_AFTER / 2));
        recording.refused("INV-4", "23514 a_rule", now + TRIAL_AFTER / 2);
        assert!(recording.begin_trial(now + TRIAL_AFTER));
        assert!(!recording.begin_trial(now + TRIAL_AFTER), "one at a time");
        assert!(recording.begin_trial(now + TRIAL_AFTER * 2));
        recording.failed(now);
        assert!(!recording.begin_trial(now + TRIAL_AFTER * 4));
        recording.stored();
        assert!(!recording.begin_trial(now + TRIAL_AFTER * 8));
    }

    #[test]
    fn a_database_that_fails_for_long_stops_claims_until_it_answers() {
        let (recording, now) = (Recording::default(), Instant::now());
        recording.failed(now);
        recording.failed(now + FAILING_FOR / 2);
        assert_eq!(recording.why_stopped(now + FAILING_FOR / 2), None);
        assert!(recording.why_stopped(now + FAILING_FOR).is_some());
        recording.answered();
        assert_eq!(recording.why_stopped(now + FAILING_FOR), None);
    }
}
