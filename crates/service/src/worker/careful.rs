//! One payout whose claim the database refuses must not keep the others queued. After such a claim the worker claims one
//! payout at a time for a while, so that it finds the one and goes on behind it.

use std::time::{Duration, Instant};

use payout_store::{
    self,
    claim::{ClaimError, Claimed, Position, RefusedClaim, put_off, unpark_if_covered},
};
use tokio::time::sleep;

use super::{Lane, Worker, looks::Looks};
use crate::metrics;

/// Pause after a payout whose claim the database refuses.
const AFTER_REFUSAL: Duration = Duration::from_millis(100);
/// How long payouts are claimed one by one. What was refused is put off for as long.
const ONE_BY_ONE_FOR: Duration = Duration::from_mins(1);

#[derive(Default)]
pub(super) struct Careful {
    until: Option<Instant>,
    /// Claims go on behind this one.
    after: Option<Position>,
}

impl Careful {
    /// Whether to claim one payout at a time.
    pub(super) fn is_on(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Where the next of these claims begins; `None` is the beginning.
    pub(super) fn after(&self) -> Option<Position> {
        self.after.clone()
    }

    /// The database refused a claim. Returns whether that tells which payout it refuses.
    pub(super) fn note_refused(&mut self, refused: &RefusedClaim, now: Instant) -> bool {
        if !self.is_on(now) {
            self.until = now.checked_add(ONE_BY_ONE_FOR);
            self.after = None;
        }
        if refused.payouts > 1 {
            return false;
        }
        self.after = Some(refused.last.clone());
        true
    }

    /// What was refused is put off, so the others may be claimed together again.
    fn note_put_off(&mut self) {
        *self = Self::default();
    }

    /// A claim worked. Once nothing is due behind the last one, claims begin at the beginning again.
    pub(super) fn note(&mut self, claimed: &Claimed, now: Instant) {
        self.after = claimed.last_found.clone().filter(|_| self.is_on(now));
    }
}

/// Where a claim begins to look, and when parked payouts were looked at last.
#[derive(Default)]
pub(super) struct Begins {
    pub(super) behind: Looks,
    pub(super) careful: Careful,
    pub(super) unparked_at: Option<Instant>,
    /// The last claim failed.
    has_failed: bool,
    /// Something that the merchant's payouts share was locked, and no claim has got as far since.
    is_locked_out: bool,
}

impl Begins {
    pub(super) fn is_locked_out(&self) -> bool {
        self.is_locked_out
    }

    /// Whether a claim that begins `after` this place is one for this merchant alone, because it may hold up others.
    pub(super) fn is_alone(&self, after: Option<&Position>, now: Instant) -> bool {
        let may_fail = self.has_failed || self.is_locked_out || self.careful.is_on(now);
        may_fail || self.behind.is_alone(after)
    }

    /// A claim failed, perhaps because something was locked.
    pub(super) fn note_failed(&mut self, is_locked: bool) {
        self.has_failed = true;
        self.is_locked_out |= is_locked;
    }

    pub(super) fn note(&mut self, after: Option<&Position>, claimed: &Claimed) {
        let now = Instant::now();
        self.has_failed = false;
        if !claimed.permits.is_empty() || !claimed.uncovered.is_empty() {
            self.is_locked_out = false;
        }
        if self.careful.is_on(now) {
            self.careful.note(claimed, now);
        } else {
            self.behind.note(after, claimed, now);
        }
    }
}

/// A payout whose claim the database refuses is put off, and claims go on behind it. What our own rules refuse may be a
/// stop that holds for every payout, so that puts nothing off.
pub(super) async fn pass_refused(
    worker: &Worker,
    lane: &Lane,
    refused: &RefusedClaim,
    careful: &mut Careful,
) {
    let (code, order_num) = (&refused.code, &refused.last.order_num);
    if !careful.note_refused(refused, Instant::now()) {
        tracing::warn!(
            merchant = lane.code(),
            code,
            payouts = refused.payouts,
            "the database refused to have {} payouts \
            claimed together ({code}); claiming them one by one",
            refused.payouts
        );
        return;
    }
    metrics::refused(lane.code(), "claim");
    tracing::error!(
        merchant = lane.code(),
        order_num,
        code,
        "the database refuses to have payout {order_num} claimed ({code}); \
        trying again in a minute"
    );
    if !code.starts_with("PW") {
        match put_off(&worker.store.claims, lane.code(), order_num).await {
            Ok(()) => careful.note_put_off(),
            Err(error) => tracing::warn!(
                merchant = lane.code(),
                order_num,
                code = payout_store::refusal_code(&error),
                "could not put payout {order_num} off"
            ),
        }
    }
    sleep(AFTER_REFUSAL).await;
}

/// Payouts that cannot be made claimable again keep nothing else from being claimed.
pub(super) async fn unpark(worker: &Worker, lane: &Lane) -> Result<(), ClaimError> {
    match unpark_if_covered(&worker.store.claims, lane.code()).await {
        Err(error) if payout_store::is_refusal(&error) => {
            metrics::refused(lane.code(), "claim");
            tracing::error!(
                merchant = lane.code(),
                code = payout_store::refusal_code(&error),
                "the database refuses to have payouts \
                claimed that waited for funds"
            );
            Ok(())
        }
        unparked => Ok(unparked.map(drop)?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::looks::tests::at;

    fn refused(payouts: usize, second: i64) -> RefusedClaim {
        RefusedClaim {
            payouts,
            last: at(second),
            code: "P0001".into(),
        }
    }

    #[test]
    fn a_refused_batch_is_claimed_one_by_one_and_passes_the_one_that_is_refused_alone() {
        let (mut careful, now) = (Careful::default(), Instant::now());
        assert!(!careful.is_on(now));
        assert!(!careful.note_refused(&refused(64, 70), now));
        assert!(careful.is_on(now));
        assert_eq!(careful.after(), None, "from the beginning");
        assert!(careful.note_refused(&refused(1, 7), now));
        assert_eq!(careful.after(), Some(at(7)));
        let next = Claimed {
            last_found: Some(at(8)),
            ..Claimed::default()
        };
        careful.note(&next, now);
        assert_eq!(careful.after(), Some(at(8)));
        careful.note(&Claimed::default(), now);
        assert_eq!(careful.after(), None, "nothing is due behind it");
        assert!(!careful.is_on(now + ONE_BY_ONE_FOR));
        careful.note_put_off();
        assert!(!careful.is_on(now), "nothing is left to go past");
    }
}
