//! Where a claim begins to look for due payouts.
//!
//! While somebody holds an old snapshot (a long report, a dump, a replica's query), Postgres keeps the index entries of
//! payouts that were claimed since, and each claim that looks from the beginning walks over all of them. So when that takes
//! long, the claims of the next seconds begin where the last one ended. A merchant for which it takes long looks from the
//! beginning alone, so that it holds up no other.

use std::time::{Duration, Instant};

use payout_store::claim::{Claimed, Position};

/// A look that takes longer walks over what is not due any more. One of an undisturbed queue takes less than a millisecond.
pub(super) const SLOW: Duration = Duration::from_millis(5);
/// Slow looks may take this part of the time: one of so many.
const SHARE: u32 = 200;
/// How long claims go on from the last one, at least and at most. So long waits a payout that became due before that place:
/// one that was inserted by a long transaction, or with a higher priority.
const GOING_ON: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

#[derive(Default)]
pub(super) struct Looks {
    /// The last payout that a claim found.
    last: Option<Position>,
    /// Until when claims go on from there, after a slow look from the beginning.
    until: Option<Instant>,
    /// The last look from the beginning was slow, perhaps because of another merchant.
    was_slow: bool,
}

impl Looks {
    /// Whether a look that begins `after` this place is one for this merchant alone.
    pub(super) fn is_alone(&self, after: Option<&Position>) -> bool {
        after.is_none() && self.was_slow
    }

    /// Where the next claim begins; `None` is the beginning.
    pub(super) fn after(&self, now: Instant) -> Option<Position> {
        self.last
            .clone()
            .filter(|_| self.until.is_some_and(|until| now < until))
    }

    /// Remembers what a claim found that began `after` this place.
    pub(super) fn note(&mut self, after: Option<&Position>, claimed: &Claimed, now: Instant) {
        if after.is_none() {
            let (least, most) = GOING_ON;
            let going_on = claimed.looked_for.saturating_mul(SHARE).clamp(least, most);
            self.was_slow = claimed.looked_for > SLOW;
            self.until = now
                .checked_add(going_on)
                .filter(|_| self.was_slow && claimed.looked_alone);
        }
        if let Some(last) = &claimed.last_found {
            self.last = Some(last.clone());
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use chrono::DateTime;

    use super::*;

    pub(in crate::worker) fn at(second: i64) -> Position {
        Position {
            priority: 0,
            due_at: DateTime::from_timestamp(second, 0).unwrap(),
            order_num: "INV-1".into(),
        }
    }

    fn claimed(second: Option<i64>, looked_for_ms: u64) -> Claimed {
        Claimed {
            last_found: second.map(at),
            looked_for: Duration::from_millis(looked_for_ms),
            looked_alone: true,
            ..Claimed::default()
        }
    }

    #[test]
    fn after_a_slow_look_with_others_a_merchant_looks_alone_and_finds_out_whether_it_is_the_slow_one()
     {
        let (mut looks, now) = (Looks::default(), Instant::now());
        let with_others = Claimed {
            looked_alone: false,
            ..claimed(Some(1), 20)
        };
        looks.note(None, &with_others, now);
        assert_eq!(looks.after(now), None);
        assert!(looks.is_alone(None));
        looks.note(None, &claimed(Some(2), 20), now);
        assert_eq!(looks.after(now), Some(at(2)));
        assert!(looks.is_alone(None) && !looks.is_alone(Some(&at(2))));
        looks.note(None, &claimed(Some(3), 1), now);
        assert!(!looks.is_alone(None));
    }

    #[test]
    fn a_quick_look_begins_at_the_beginning_again() {
        let (mut looks, now) = (Looks::default(), Instant::now());
        looks.note(None, &claimed(Some(1), 1), now);
        assert_eq!(looks.after(now), None);
    }

    #[test]
    fn after_a_slow_look_claims_go_on_where_the_last_one_ended_for_some_seconds() {
        let (mut looks, now) = (Looks::default(), Instant::now());
        looks.note(None, &claimed(Some(1), 20), now);
        assert_eq!(looks.after(now), Some(at(1)));
        looks.note(Some(&at(1)), &claimed(Some(2), 1), now);
        // One that finds nothing changes nothing.
        looks.note(Some(&at(2)), &claimed(None, 1), now);
        assert_eq!(looks.after(now), Some(at(2)));
        assert_eq!(looks.after(now + Duration::from_secs(3)), Some(at(2)));
        let later = now + Duration::from_secs(4);
        assert_eq!(looks.after(later), None);
        // Nothing is due any more, but the look is as long.
        looks.note(None, &claimed(None, 20), later);
        assert_eq!(looks.after(later), Some(at(2)));
        looks.note(None, &claimed(None, 1), later);
        assert_eq!(looks.after(later), None);
    }
}
