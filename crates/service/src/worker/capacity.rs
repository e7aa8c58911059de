//! Whether a lane may claim, and how much.

use std::{sync::atomic::Ordering, time::Instant};

use payout_domain::stop::StopReason;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Lane, Worker,
    breaker::{Allowance, Trial},
    lane::Reserved,
};

/// Maximum payouts in one claim.
const CLAIM_MAX: u32 = 256;

/// The capacity for one claim. Its slots are held until their payouts have been answered.
pub(super) struct Capacity<'a> {
    pub(super) wanted: u32,
    pub(super) slots: OwnedSemaphorePermit,
    pub(super) reserved: Reserved<'a>,
    /// The trial of a half-open circuit breaker.
    pub(super) trial: Option<Trial<'a>>,
    /// Whether the claim tries something that may fail.
    pub(super) is_trial: bool,
}

/// Why nothing may be claimed.
pub(super) enum Closed {
    /// A precondition does not hold; with what this worker found, in words.
    Stopped(StopReason, String),
    /// The keys are not proven yet, which is reported elsewhere, every slot is taken, or much evidence waits.
    NoCapacity,
}

impl From<StopReason> for Closed {
    fn from(reason: StopReason) -> Self {
        Self::Stopped(reason, String::new())
    }
}

/// What has to hold before each claim, and is not tried by one.
fn why_closed(worker: &Worker, lane: &Lane) -> Result<(), Closed> {
    if !worker.store.reach.is_open() {
        return Err(StopReason::Address.into());
    }
    match lane.registration() {
        Some(true) => {}
        Some(false) => return Err(StopReason::Config.into()),
        None => return Err(Closed::NoCapacity),
    }
    if !lane.proven.load(Ordering::Relaxed) {
        return Err(Closed::NoCapacity);
    }
    if !worker.database_is_safe.load(Ordering::Relaxed) {
        return Err(StopReason::Settings.into());
    }
    if lane.books_short.load(Ordering::Relaxed) {
        return Err(StopReason::Books.into());
    }
    // Answers that cannot be stored would fill the queue, and leave no room for callbacks.
    if worker.recorder.is_half_full(lane.code()) {
        return Err(Closed::NoCapacity);
    }
    Ok(())
}

/// Whether nothing has stopped the lane since its capacity was looked at. Of a claim that tries nothing.
pub(super) fn is_still_open(worker: &Worker, lane: &Lane) -> bool {
    why_closed(worker, lane).is_ok()
        && lane.why_not_recorded().is_none()
        && lane.breaker.is_closed()
}

pub(super) fn capacity_to_claim<'a>(
    worker: &Worker,
    lane: &'a Lane,
) -> Result<Capacity<'a>, Closed> {
    why_closed(worker, lane)?;
    let not_recorded = lane.why_not_recorded();
    if let Some(why) = not_recorded
        .clone()
        .filter(|_| !lane.begin_recording_trial())
    {
        return Err(Closed::Stopped(StopReason::Evidence, why));
    }
    let all_free = lane.slots.available_permits() == lane.slots_total;
    let free = u32::try_from(lane.slots.available_permits())
        .unwrap_or(u32::MAX)
        .min(CLAIM_MAX);
    let allowance = lane.breaker.allowance(Instant::now());
    let trial = (allowance == Allowance::One).then(|| lane.breaker.begin_trial());
    let wanted = match allowance {
        Allowance::None(reason) => return Err(reason.into()),
        Allowance::One => free.min(1),
        // Without a signed balance nothing has proven the platform's key yet, so one payout must (I12).
        Allowance::All if !lane.sign_seen.load(Ordering::Relaxed) => u32::from(all_free),
        Allowance::All => free,
    };
    let wanted = if not_recorded.is_some() {
        wanted.min(1)
    } else {
        wanted
    };
    if wanted == 0 {
        return Err(Closed::NoCapacity);
    }
    let slots = lane.slots.clone().try_acquire_many_owned(wanted);
    Ok(Capacity {
        wanted,
        slots: slots.map_err(|_| Closed::NoCapacity)?,
        reserved: lane.reserve(usize::try_from(wanted).unwrap_or(usize::MAX)),
        is_trial: trial.is_some() || not_recorded.is_some(),
        trial,
    })
}
