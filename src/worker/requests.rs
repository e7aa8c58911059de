//! Carries out what operators asked for and approved: asks the gateway itself, and acts only on its answer (I10).

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::{task::JoinSet, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Lane, Worker, breaker::Allowance, poll, submit};
use crate::{
    domain::evidence::{Evidence, Fact, Found, GatewayStatus, QueryAnswer, Resolution, Source},
    metrics,
    permit::SendBy,
    store::{
        claim::{ClaimOrder, Granted, NotGranted, claim_resubmit},
        record::Outcome,
        requests::{Approved, Wish, finish_refused, take_approved},
    },
};

/// How often to look.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Payouts of requests at a time.
const AT_ONCE: i64 = 8;
/// How old the gateway's "not known" may be when the request leaves (I10).
const FRESH_FOR: Duration = Duration::from_mins(1);
/// How long to wait until an answer is stored.
const STORED_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn run(
    worker: Arc<Worker>,
    lane: Arc<Lane>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let order = submit::order(&worker, &lane);
    while !stop.is_cancelled() {
        worker.heartbeats.beat("requests", lane.code());
        if lane.proven.load(Ordering::Relaxed)
            && let Err(error) = look(&worker, &lane, &order, &tasks).await
        {
            tracing::warn!(merchant = lane.code(), %error, "requests of operators cannot be taken now");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

async fn look(
    worker: &Arc<Worker>,
    lane: &Arc<Lane>,
    order: &ClaimOrder,
    tasks: &TaskTracker,
) -> Result<(), sqlx::Error> {
    let allowance = lane.breaker.allowance(Instant::now());
    if allowance == Allowance::One {
        // The try is for a payout that was never sent.
        drop(lane.breaker.begin_try());
    }
    let may_send = allowance == Allowance::All && worker.database_is_safe.load(Ordering::Relaxed);
    let mut carrying = JoinSet::new();
    for approved in take_approved(&worker.store.claims, lane.code(), may_send, AT_ONCE).await? {
        let (worker, lane, order, tasks) = (
            Arc::clone(worker),
            Arc::clone(lane),
            order.clone(),
            tasks.clone(),
        );
        carrying.spawn(async move {
            let Err(why) = carry_out(&worker, &lane, &order, &approved, &tasks).await else {
                return;
            };
            tracing::warn!(
                merchant = lane.code(), order_num = approved.key.order_num, request = approved.request_id, why,
                "an approved request is refused"
            );
            if let Err(error) = finish_refused(&worker.store.claims, &approved, &why).await {
                tracing::warn!(merchant = lane.code(), %error, "the refusal is not noted; it is tried again");
            }
        });
    }
    while let Some(ended) = carrying.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a request of an operator ended badly; it is tried again");
        }
    }
    Ok(())
}

/// Does it, or says why not.
async fn carry_out(
    worker: &Arc<Worker>,
    lane: &Arc<Lane>,
    order: &ClaimOrder,
    approved: &Approved,
    tasks: &TaskTracker,
) -> Result<(), String> {
    if approved.expired {
        return Err("the approval expired before a worker could carry it out".to_owned());
    }
    match approved.wish {
        Wish::Resubmit => resubmit(worker, lane, order, approved, tasks).await,
        Wish::Resolve(Resolution::Failed) => {
            let (attempt, _) = prove_not_paid(worker, lane, order, approved).await?;
            resolve(worker, approved, Resolution::Failed, Some(attempt)).await
        }
        Wish::Resolve(resolution) => resolve(worker, approved, resolution, None).await,
    }
}

/// Asks the gateway now. Gives the attempt that it does not know, and until when that proof is fresh.
async fn prove_not_known(
    worker: &Worker,
    lane: &Lane,
    order: &ClaimOrder,
    approved: &Approved,
) -> Result<(i32, SendBy), String> {
    prove(worker, lane, order, approved, |answer| {
        *answer == QueryAnswer::NotFound
    })
    .await
}

/// The same where a failure at the gateway will do: of an order that was declined it is no proof that it is ours, so it
/// did not settle the payout by itself (contract, `resolve`).
async fn prove_not_paid(
    worker: &Worker,
    lane: &Lane,
    order: &ClaimOrder,
    approved: &Approved,
) -> Result<(i32, SendBy), String> {
    prove(worker, lane, order, approved, |answer| match answer {
        QueryAnswer::NotFound => true,
        QueryAnswer::Found(found) => {
            matches!(
                found.status,
                GatewayStatus::Cancelled | GatewayStatus::Failed
            )
        }
        QueryAnswer::Doubt(_) => false,
    })
    .await
}

async fn prove(
    worker: &Worker,
    lane: &Lane,
    order: &ClaimOrder,
    approved: &Approved,
    proves: impl Fn(&QueryAnswer) -> bool,
) -> Result<(i32, SendBy), String> {
    // Counted from before the question: the proof is never older than it says.
    let proven_until = SendBy::after(FRESH_FOR.min(order.send_window));
    let evidence = poll::answer(worker, lane, approved.key.clone()).await;
    let Fact::Queried(answer) = evidence.fact.clone() else {
        return Err("the gateway was not asked".to_owned());
    };
    let outcome = worker.recorder.keep_within(evidence, STORED_WITHIN).await;
    match answer {
        answer if proves(&answer) => {}
        QueryAnswer::NotFound => {
            return Err("the gateway does not know this order".to_owned());
        }
        QueryAnswer::Found(Found { status, .. }) => {
            return Err(format!(
                "the gateway knows this order: it says {}. Sending again could pay twice",
                status.name()
            ));
        }
        QueryAnswer::Doubt(doubt) => {
            return Err(format!(
                "the gateway gave no answer that counts: {}",
                doubt.name()
            ));
        }
    }
    match outcome {
        Some(Outcome::Recorded(change)) if change.moved.is_none() => {
            Ok((change.attempt, proven_until))
        }
        Some(Outcome::Recorded(_)) => Err("the gateway's answer settled it".to_owned()),
        Some(Outcome::Refused(why)) => Err(why),
        Some(Outcome::UnknownPayout | Outcome::Locked) | None => {
            Err("the gateway's answer could not be stored in time".to_owned())
        }
    }
}

async fn resubmit(
    worker: &Arc<Worker>,
    lane: &Arc<Lane>,
    order: &ClaimOrder,
    approved: &Approved,
    tasks: &TaskTracker,
) -> Result<(), String> {
    // Before the question: a proof must not grow old in a queue.
    let slot = lane.slots.clone().acquire_owned().await;
    let (attempt, proven_until) = prove_not_known(worker, lane, order, approved).await?;
    let granted = Granted {
        request_id: approved.request_id,
        key: approved.key.clone(),
        attempt,
        proven_until,
    };
    let order = order.next(1, worker.witness.last());
    let (permit, last) = match claim_resubmit(&worker.store.claims, &order, &granted).await {
        Ok(claimed) => claimed,
        Err(NotGranted::Refused(why)) => return Err(why),
        // Nothing is sent. Whether it was noted shows when it is taken again, or by its lease.
        Err(NotGranted::Claim(error)) => {
            tracing::warn!(merchant = lane.code(), %error, "no resubmit");
            return Ok(());
        }
    };
    metrics::moved(lane.code(), "resubmit_granted");
    tracing::warn!(
        target: "payout::transition", merchant = lane.code(), order_num = granted.key.order_num,
        attempt = permit.attempt(), event = "resubmit_granted", from = "unknown", to = "submitting",
        source = "operator", request = granted.request_id, "moved"
    );
    if let Err(error) = worker.witness.keep(last).await {
        tracing::error!(%error, "the witness file cannot be written: the resubmit is not sent");
        submit::give_back(worker, permit, "the witness file cannot be written").await;
        return Ok(());
    }
    tasks.spawn(submit::send(
        Arc::clone(worker),
        Arc::clone(lane),
        permit,
        slot.ok(),
    ));
    Ok(())
}

/// Through the one door; the database checks the request and uses it up with the move.
async fn resolve(
    worker: &Worker,
    approved: &Approved,
    resolution: Resolution,
    attempt: Option<i32>,
) -> Result<(), String> {
    let evidence = Evidence {
        key: approved.key.clone(),
        attempt,
        source: Source::Operator,
        fact: Fact::Resolved(resolution),
        detail: approved.detail.clone(),
        claim: None,
        query_sent_ago: Duration::ZERO,
    };
    match worker.recorder.keep_within(evidence, STORED_WITHIN).await {
        Some(Outcome::Recorded(change)) if change.moved.is_some() => Ok(()),
        Some(Outcome::Recorded(_)) => {
            Err("its state, its fee or the quiet horizon does not allow it now".to_owned())
        }
        Some(Outcome::Refused(why)) => Err(why),
        Some(Outcome::UnknownPayout) => Err("there is no such payout".to_owned()),
        // It may still be stored; whoever takes it next sees.
        Some(Outcome::Locked) | None => Ok(()),
    }
}
