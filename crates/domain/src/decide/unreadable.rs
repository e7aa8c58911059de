//! Answers to queries that came whole and yet say nothing.

use chrono::{DateTime, Utc};

use super::Draft;
use crate::{attention::Attention, finding::Finding, policy::UNREADABLE_ANSWERS, state::State};

impl Draft<'_> {
    /// The same unreadable answer time after time, and none that can be read: nothing else will tell a person that the
    /// gateway changed its format. What is settled waits for nothing.
    pub(super) fn unreadable(&mut self, sent_at: DateTime<Utc>) {
        let payout = &self.out.after;
        let waits = matches!(
            payout.state,
            State::Queued | State::Unknown | State::Pending
        );
        let last = self.observed_before().map(|observed| observed.last_at);
        let is_readable = |finding: &Finding| !matches!(finding, Finding::Doubt(_));
        let was_readable = payout.observed.iter().any(|(finding, observed)| {
            is_readable(finding) && last.is_some_and(|last| observed.last_at > last)
        });
        if waits && !was_readable && self.times_observed(sent_at) >= UNREADABLE_ANSWERS {
            self.raise(Attention::UnreadableAnswers);
        }
    }
}
