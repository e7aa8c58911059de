//! Claims, sends once, records. A claimed payout never waits: the free slots decide how many are claimed.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use payout_domain::{
    evidence::{Evidence, Fact, SubmitAnswer},
    payout::Instruction,
    state::{Event, State},
    stop::StopReason,
};
use payout_permit::{Submission, SubmitPermit};
use payout_store::{
    self,
    claim::{ClaimError, ClaimOrder, Claimed, Seal},
    failover::note_lost_claim,
};
use serde_json::json;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Lane, Worker,
    breaker::SubmitResult,
    capacity::{Closed, capacity_to_claim},
    careful::{Begins, pass_refused, unpark},
    claim::{Got, claim_alone, claim_together},
    log,
};
use crate::{backoff::Pauses, metrics};

/// How often to check for due payouts without a wake-up.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// Pause after a failed claim.
const AFTER_ERROR: Duration = Duration::from_secs(1);
/// How long free slots gather for the next claim while more payouts are due than there are slots.
const GATHER: Duration = Duration::from_millis(5);
/// How often to look for parked payouts that the balance covers by now.
const UNPARK_INTERVAL: Duration = Duration::from_millis(500);

pub(super) async fn run(
    worker: Arc<Worker>,
    lane: Arc<Lane>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let order = order(&lane);
    let mut is_backlog = false;
    let mut pauses = Pauses::default();
    let mut looks = Begins::default();
    while !stop.is_cancelled() {
        worker.heartbeats.beat("claim", lane.code());
        if is_backlog {
            gather_slots(&lane).await;
        }
        let turn = if looks.is_locked_out() {
            worker.store.claim_turn().await
        } else {
            None
        };
        let claimed = claim_and_send(&worker, &lane, &order, &tasks, &mut looks).await;
        drop(turn);
        let is_locked =
            matches!(&claimed, Err(ClaimError::Database(error)) if payout_store::is_locked(error));
        if claimed.is_err() {
            looks.note_failed(is_locked);
        }
        let is_drained = matches!(claimed, Ok(After::Drained));
        let pause = match claimed {
            Ok(After::Full) => {
                is_backlog = true;
                continue;
            }
            Ok(After::NoSlot) => CHECK_INTERVAL,
            Ok(After::Drained | After::Stopped) => {
                is_backlog = false;
                CHECK_INTERVAL
            }
            Err(ClaimError::Refused(refused)) => {
                pass_refused(&worker, &lane, &refused, &mut looks.careful).await;
                continue;
            }
            Err(error) => {
                report_failed_claim(&worker, &lane, &error).await;
                AFTER_ERROR
            }
        };
        let pause = if is_locked {
            pause.max(pauses.next_pause())
        } else {
            pauses.reset();
            pause
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = lane.claim_now.notified() => {}
            // A slot that comes back makes nothing due.
            () = lane.slot_free.notified(), if !is_drained => {}
            () = sleep(pause) => {}
        }
    }
}

/// What a claim leaves to do.
enum After {
    /// It took as many as it could, so more may be due right away.
    Full,
    /// Every slot is taken, or the keys are not proven yet.
    NoSlot,
    /// It took all that was due.
    Drained,
    /// Nothing may be claimed.
    Stopped,
}

/// Waits until half of the slots are free, but not long. A claim of many payouts costs the database little more than a
/// claim of one, and slots come back one by one.
async fn gather_slots(lane: &Lane) {
    let enough = lane.slots_total.div_ceil(2);
    let gathered = async {
        while lane.slots.available_permits() < enough {
            lane.slot_free.notified().await;
        }
    };
    timeout(GATHER, gathered).await.ok();
}

/// Logs and counts why a claim failed. If commits were lost, stops the claims of every other worker too.
async fn report_failed_claim(worker: &Worker, lane: &Lane, error: &ClaimError) {
    tracing::warn!(merchant = lane.code(), %error, "claim failed for merchant {}: {error}", lane.code());
    match error {
        ClaimError::RegisteredOtherwise(_) => lane.claims.stop(StopReason::Config, ""),
        ClaimError::OtherAddress(_) => worker.store.reach.close(),
        ClaimError::FailoverNotAccepted => lane.claims.stop(StopReason::Failover, ""),
        ClaimError::CommitsLost(lost) => {
            lane.claims.stop(StopReason::Failover, "");
            if let Err(error) = note_lost_claim(&worker.store.results, lost).await {
                tracing::warn!(%error, "could not record that commits were lost; the next claim retries");
            }
        }
        ClaimError::NotDurable(why) => {
            // Nothing is tried again until the watch has found the server's settings safe.
            worker.database_is_safe.store(false, Ordering::Relaxed);
            lane.claims.stop(StopReason::Settings, why);
        }
        ClaimError::Refused(_)
        | ClaimError::Locked(_)
        | ClaimError::Database(_)
        | ClaimError::CommitUnknown(_) => {}
    }
}

pub(super) fn order(lane: &Lane) -> ClaimOrder {
    let client = Arc::clone(&lane.client);
    let seal: Arc<Seal> = Arc::new(move |instruction: &Instruction, now: DateTime<Utc>| {
        client
            .seal(instruction, now)
            .map_err(|error| error.to_string())
    });
    ClaimOrder {
        merchant_code: lane.code().to_owned(),
        dialect: lane.gateway.dialect.clone(),
        base_url: lane.gateway.base_url.clone(),
        platform_keys: lane.gateway.platform_keys.clone(),
        limit: 0,
        after: None,
        seal,
    }
}

/// Makes one claim and starts sending it.
async fn claim_and_send(
    worker: &Arc<Worker>,
    lane: &Arc<Lane>,
    order: &ClaimOrder,
    tasks: &TaskTracker,
    looks: &mut Begins,
) -> Result<After, ClaimError> {
    let capacity = match capacity_to_claim(worker, lane) {
        Ok(capacity) => capacity,
        Err(Closed::Stopped(reason, detail)) => {
            lane.claims.stop(reason, &detail);
            return Ok(After::Stopped);
        }
        Err(Closed::NoCapacity) => return Ok(After::NoSlot),
    };
    unpark_if_due(worker, lane, looks).await?;
    let now = Instant::now();
    let (wanted, after) = if looks.careful.is_on(now) {
        (1, looks.careful.after())
    } else {
        (capacity.wanted, looks.behind.after(now))
    };
    let limit = i32::try_from(wanted).unwrap_or(i32::MAX);
    let order = order.next(limit, after.clone());
    let is_alone = capacity.is_trial || looks.is_alone(after.as_ref(), now);
    let got = if is_alone {
        claim_alone(worker, order).await?
    } else {
        claim_together(worker, lane, order).await?
    };
    let claimed = match got {
        // The next look at the capacity finds out why.
        Got::Stopped => return Ok(After::Full),
        Got::Unwitnessed(claimed) => {
            looks.note(after.as_ref(), &claimed);
            give_all_back(worker, lane, claimed.permits).await;
            return Ok(After::Stopped);
        }
        Got::Claimed(claimed) => claimed,
    };
    looks.note(after.as_ref(), &claimed);
    if claimed.paused {
        lane.claims.stop(StopReason::Paused, "");
        return Ok(After::Stopped);
    }
    report_claim(lane, &claimed);
    // A trial opens nothing before its answer.
    match capacity.trial {
        None => lane.claims.open(),
        Some(trial) if !claimed.permits.is_empty() => trial.mark_used(),
        Some(_) => {}
    }
    // Payouts that were parked or put off count too: the next claim takes the ones behind them.
    let examined = [
        claimed.permits.len(),
        claimed.uncovered.len(),
        claimed.unsealed.len(),
    ];
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    let is_full = examined.iter().sum::<usize>() >= wanted;
    let mut slots = capacity.slots;
    for permit in claimed.permits {
        capacity.reserved.takes_one();
        begin_to_send(worker, lane, permit, slots.split(1), tasks);
    }
    Ok(if is_full { After::Full } else { After::Drained })
}

async fn unpark_if_due(worker: &Worker, lane: &Lane, looks: &mut Begins) -> Result<(), ClaimError> {
    let is_due = looks
        .unparked_at
        .is_none_or(|at| at.elapsed() >= UNPARK_INTERVAL);
    if is_due || lane.short_of_funds.load(Ordering::Relaxed) {
        unpark(worker, lane).await?;
        looks.unparked_at = Some(Instant::now());
    }
    Ok(())
}

fn begin_to_send(
    worker: &Arc<Worker>,
    lane: &Arc<Lane>,
    permit: SubmitPermit,
    slot: Option<OwnedSemaphorePermit>,
    tasks: &TaskTracker,
) {
    let (from, to) = (State::Queued, State::Submitting);
    log::moved(permit.key(), permit.attempt(), Event::Claimed, from, to);
    tasks.spawn(send(Arc::clone(worker), Arc::clone(lane), permit, slot));
}

/// Gives back what must not be sent, because the claim could not be witnessed.
async fn give_all_back(worker: &Worker, lane: &Lane, permits: Vec<SubmitPermit>) {
    // Proven unsent: no permit was used.
    for permit in permits {
        give_back(worker, permit, "the witness file cannot be written").await;
        lane.breaker.record(SubmitResult::NotSent, Instant::now());
    }
}

fn report_claim(lane: &Lane, claimed: &Claimed) {
    let permits = u64::try_from(claimed.permits.len()).unwrap_or(0);
    metrics::claimed(lane.code(), permits);
    lane.short_of_funds
        .store(!claimed.uncovered.is_empty(), Ordering::Relaxed);
    for key in &claimed.uncovered {
        tracing::warn!(
            merchant = lane.code(),
            order_num = key.order_num,
            "payout {} is waiting for funds",
            key.order_num
        );
    }
    for (key, reason) in &claimed.unsealed {
        tracing::error!(
            merchant = lane.code(),
            order_num = key.order_num,
            reason,
            "could not sign the request of payout {}: {reason}",
            key.order_num
        );
    }
}

/// Records that a permit was not used. Consuming it ensures that it never will be.
pub(super) async fn give_back(worker: &Worker, permit: SubmitPermit, reason: &str) {
    let evidence = Evidence {
        key: permit.key().clone(),
        fact: Fact::NotSent {
            attempt: permit.attempt(),
            request_sha256: permit.request().request_sha256,
        },
        detail: json!({ "reason": reason }),
    };
    drop(permit);
    worker.recorder.keep(evidence).await;
}

/// Sends one payout and hands the outcome to the recorder.
pub(super) async fn send(
    worker: Arc<Worker>,
    lane: Arc<Lane>,
    permit: SubmitPermit,
    slot: Option<OwnedSemaphorePermit>,
) {
    let key = permit.key().clone();
    let attempt = permit.attempt();
    let request_sha256 = permit.request().request_sha256;
    let begun = Instant::now();
    let submission = lane.client.submit(permit).await;
    let (fact, detail, submit_result) = match submission {
        Submission::Sent { answer, detail } => {
            metrics::submitted(lane.code(), &result(&answer), begun.elapsed());
            let submit_result = SubmitResult::of(&answer);
            let fact = Fact::Submitted {
                attempt,
                request_sha256,
                answer,
            };
            (fact, detail, submit_result)
        }
        Submission::NotSent { reason } => {
            metrics::submitted(lane.code(), "not_sent", begun.elapsed());
            let fact = Fact::NotSent {
                attempt,
                request_sha256,
            };
            (fact, json!({ "reason": reason }), SubmitResult::NotSent)
        }
    };
    note_result(&lane, submit_result);
    worker.recorder.keep(Evidence { key, fact, detail }).await;
    drop(slot);
    lane.slot_free.notify_one();
}

/// Informs the circuit breaker. Doubts the keys after a bad signature.
fn note_result(lane: &Lane, submit_result: SubmitResult) {
    if matches!(submit_result, SubmitResult::Good | SubmitResult::Declined) {
        lane.sign_seen.store(true, Ordering::Relaxed);
    }
    if let Some(reason) = lane.breaker.record(submit_result, Instant::now()) {
        tracing::error!(
            merchant = lane.code(),
            reason = reason.name(),
            "claims stopped for merchant {}: {reason}; one payout at a time tests whether the fault is over",
            lane.code()
        );
        lane.claims.stop(reason, "");
    }
    if submit_result == SubmitResult::BadSignature {
        lane.doubt_keys();
    }
}

/// The value of the metric's `result` label.
fn result(answer: &SubmitAnswer) -> String {
    match answer {
        SubmitAnswer::Acknowledged { .. } => "acknowledged".to_owned(),
        SubmitAnswer::Declined { .. } => "declined".to_owned(),
        SubmitAnswer::Doubt(doubt) => format!("doubt_{}", doubt.name()),
    }
}
