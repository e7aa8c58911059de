//! Claim, then send once, then record. A claimed payout never waits: free slots decide how many are claimed.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::{sync::OwnedSemaphorePermit, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Lane, Worker,
    breaker::{Allowance, Sign},
};
use crate::{
    domain::{
        evidence::{Evidence, Fact, Source, SubmitAnswer},
        payout::Instruction,
    },
    metrics,
    permit::{Submission, SubmitPermit},
    store::{
        claim::{ClaimError, ClaimOrder, Seal, claim, unpark_if_covered},
        failover::note_lost_claim,
    },
};

/// How often to look without a wake-up.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The pause after an error of the database.
const AFTER_ERROR: Duration = Duration::from_secs(1);

pub(super) async fn run(
    worker: Arc<Worker>,
    lane: Arc<Lane>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let order = order(&worker, &lane);
    while !stop.is_cancelled() {
        worker.heartbeats.beat("claim", lane.code());
        let pause = match claim_and_send(&worker, &lane, &order, &tasks).await {
            Ok(true) => continue,
            Ok(false) => LOOK_EVERY,
            Err(error) => {
                no_claim(&worker, &lane, &error).await;
                AFTER_ERROR
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = lane.claim_now.notified() => {}
            () = sleep(pause) => {}
        }
    }
}

/// Says why nothing is claimed; where commits were lost, stops every other worker's claims too.
async fn no_claim(worker: &Worker, lane: &Lane, error: &ClaimError) {
    tracing::warn!(merchant = lane.code(), %error, "no claim");
    match error {
        ClaimError::RegisteredOtherwise(_) => metrics::claims_stopped(lane.code(), Some("config")),
        ClaimError::FailoverNotAccepted => metrics::claims_stopped(lane.code(), Some("failover")),
        ClaimError::CommitsLost(lost) => {
            metrics::claims_stopped(lane.code(), Some("failover"));
            if let Err(error) = note_lost_claim(&worker.store.results, lost).await {
                tracing::warn!(%error, "that commits were lost is not noted yet; the next claim tries again");
            }
        }
        ClaimError::Database(_) | ClaimError::CommitUnknown(_) => {}
    }
}

pub(super) fn order(worker: &Worker, lane: &Lane) -> ClaimOrder {
    let client = Arc::clone(&lane.client);
    let seal: Arc<Seal> = Arc::new(move |instruction: &Instruction, now: DateTime<Utc>| {
        client
            .seal(instruction, now)
            .map_err(|error| error.to_string())
    });
    ClaimOrder {
        merchant_code: lane.code().to_owned(),
        dialect: lane.merchant.dialect.clone(),
        base_url: lane.merchant.base_url.clone(),
        platform_keys: lane.client.platform_fingerprints(),
        limit: 0,
        lease: worker.submit.lease,
        send_window: worker.submit.lease.saturating_sub(worker.submit.timeout),
        quiet_horizon: worker.poll.quiet_horizon,
        last: None,
        worker: worker.name.clone(),
        seal,
    }
}

/// One claim. Says whether there may be more to take at once.
async fn claim_and_send(
    worker: &Arc<Worker>,
    lane: &Arc<Lane>,
    order: &ClaimOrder,
    tasks: &TaskTracker,
) -> Result<bool, ClaimError> {
    if !lane.proven.load(Ordering::Relaxed) {
        return Ok(false);
    }
    if !worker.database_is_safe.load(Ordering::Relaxed) {
        metrics::claims_stopped(lane.code(), Some("settings"));
        return Ok(false);
    }
    if lane.books_short.load(Ordering::Relaxed) {
        metrics::claims_stopped(lane.code(), Some("books"));
        return Ok(false);
    }
    let free = u32::try_from(lane.slots.available_permits())
        .unwrap_or(u32::MAX)
        .min(256);
    let allowance = lane.breaker.allowance(Instant::now());
    let trying = (allowance == Allowance::One).then(|| lane.breaker.begin_try());
    let wanted = match allowance {
        Allowance::None(reason) => {
            metrics::claims_stopped(lane.code(), Some(reason));
            return Ok(false);
        }
        Allowance::One => free.min(1),
        // Without a signed balance nothing has proven the platform's key yet: one payout finds out (I12).
        Allowance::All if !lane.sign_seen.load(Ordering::Relaxed) => {
            u32::from(lane.slots.available_permits() == lane.slots_total)
        }
        Allowance::All => free,
    };
    let taken = lane
        .slots
        .clone()
        .try_acquire_many_owned(wanted)
        .ok()
        .filter(|_| wanted > 0);
    let Some(mut slots) = taken else {
        return Ok(false);
    };
    unpark_if_covered(&worker.store.claims, lane.code()).await?;
    let order = order.next(i64::from(wanted), worker.witness.last());
    let mut claimed = claim(&worker.store.claims, &order).await?;
    if let Some(last) = claimed.last.take()
        && let Err(error) = worker.witness.keep(last).await
    {
        // Proven unsent, as nothing of them was handed to anybody.
        tracing::error!(%error, "the witness file cannot be written: what was claimed is not sent");
        for permit in std::mem::take(&mut claimed.permits) {
            give_back(worker, permit, "the witness file cannot be written").await;
            lane.breaker.saw(Sign::NotSent, Instant::now());
        }
        return Ok(false);
    }
    if claimed.paused {
        metrics::claims_stopped(lane.code(), Some("paused"));
        return Ok(false);
    }
    metrics::claims_stopped(lane.code(), None);
    metrics::claimed(
        lane.code(),
        u64::try_from(claimed.permits.len()).unwrap_or(0),
    );
    lane.short_of_funds
        .store(!claimed.uncovered.is_empty(), Ordering::Relaxed);
    for key in &claimed.uncovered {
        tracing::warn!(
            merchant = lane.code(),
            order_num = key.order_num,
            "waits for funds"
        );
    }
    for (key, reason) in &claimed.unsealed {
        tracing::error!(
            merchant = lane.code(),
            order_num = key.order_num,
            reason,
            "its request cannot be made"
        );
    }
    if let Some(trying) = trying
        && !claimed.permits.is_empty()
    {
        trying.is_sent();
    }
    // What was put aside is out of the way now: many that cannot go must not hold up those behind them.
    let looked_at = [
        claimed.permits.len(),
        claimed.uncovered.len(),
        claimed.unsealed.len(),
    ];
    let full = looked_at.iter().sum::<usize>() >= usize::try_from(wanted).unwrap_or(usize::MAX);
    for permit in claimed.permits {
        let instruction = permit.instruction();
        tracing::info!(
            target: "payout::transition", merchant = lane.code(), order_num = instruction.key.order_num,
            attempt = permit.attempt(), event = "claimed", from = "queued", to = "submitting", source = "worker", "moved"
        );
        metrics::moved(lane.code(), "claimed");
        let slot = slots.split(1);
        tasks.spawn(send(Arc::clone(worker), Arc::clone(lane), permit, slot));
    }
    Ok(full)
}

/// Records that a permit was not used and never will be.
pub(super) async fn give_back(worker: &Worker, permit: SubmitPermit, reason: &str) {
    let claim = permit.request().request_sha256;
    let evidence = Evidence {
        key: permit.key().clone(),
        attempt: Some(permit.attempt()),
        source: Source::Submit,
        fact: Fact::NotSent {
            reason: reason.to_owned(),
            claim,
        },
        detail: json!({ "reason": reason }),
        claim: Some(claim),
        query_sent_ago: Duration::ZERO,
    };
    drop(permit);
    worker.recorder.keep(evidence).await;
}

/// Spends one permit and hands what came of it to the recorder.
pub(super) async fn send(
    worker: Arc<Worker>,
    lane: Arc<Lane>,
    permit: SubmitPermit,
    slot: Option<OwnedSemaphorePermit>,
) {
    let key = permit.key().clone();
    let attempt = permit.attempt();
    let claim = permit.request().request_sha256;
    let begun = Instant::now();
    let submission = lane.client.submit(permit).await;
    let (fact, detail, sign) = match submission {
        Submission::Sent { answer, detail } => {
            metrics::submitted(lane.code(), &result(&answer), begun.elapsed());
            let sign = Sign::of(&answer);
            (Fact::Submitted(answer), detail, sign)
        }
        Submission::NotSent { reason } => {
            metrics::submitted(lane.code(), "not_sent", begun.elapsed());
            let detail = json!({ "reason": reason });
            (Fact::NotSent { reason, claim }, detail, Sign::NotSent)
        }
    };
    if matches!(sign, Sign::Good | Sign::Declined) {
        lane.sign_seen.store(true, Ordering::Relaxed);
    }
    if let Some(reason) = lane.breaker.saw(sign, Instant::now()) {
        tracing::error!(
            merchant = lane.code(),
            reason,
            "claims stop; one payout at a time will try whether it is over"
        );
        metrics::claims_stopped(lane.code(), Some(reason));
    }
    if sign == Sign::BadSignature {
        lane.doubt_keys();
    }
    worker
        .recorder
        .keep(Evidence {
            key,
            attempt: Some(attempt),
            source: Source::Submit,
            fact,
            detail,
            claim: Some(claim),
            query_sent_ago: Duration::ZERO,
        })
        .await;
    drop(slot);
    lane.claim_now.notify_one();
}

/// The word for the metric.
fn result(answer: &SubmitAnswer) -> String {
    match answer {
        SubmitAnswer::Acknowledged { .. } => "acknowledged".to_owned(),
        SubmitAnswer::Declined { .. } => "declined".to_owned(),
        SubmitAnswer::Doubt(doubt) => format!("doubt_{}", doubt.name()),
    }
}
