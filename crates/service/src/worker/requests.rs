//! Carries out what operators requested and approved. Queries the gateway first and acts only on its answer (I10).

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use payout_domain::{
    evidence::{Evidence, Fact, Found, GatewayStatus, QueryAnswer, Resolution},
    payout::PayoutKey,
    policy::PROOF_FRESH_FOR,
    state::{Event, State},
};
use payout_permit::SendBy;
use payout_store::{
    claim::{Granted, NotGranted, claim_resubmit},
    queries::failed_originals,
    record::Outcome,
    requests::{Action, Approved, finish_refused, take_approved},
};
use tokio::{task::JoinSet, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Lane, Worker, breaker::Allowance, claim::terms, log, poll, submit};

/// How often to check for approved requests.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// Maximum payouts of requests carried out at a time, per merchant.
const AT_ONCE: i64 = 8;
/// How long to wait for an answer to be stored.
const STORED_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn run(
    worker: Arc<Worker>,
    lane: Arc<Lane>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    while !stop.is_cancelled() {
        worker.heartbeats.beat("requests", lane.code());
        if worker.may_work_for(&lane)
            && lane.proven.load(Ordering::Relaxed)
            && let Err(error) = carry_out_approved(&worker, &lane, &tasks).await
        {
            tracing::warn!(merchant = lane.code(), %error, "could not take the approved requests of merchant {}; retrying", lane.code());
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(CHECK_INTERVAL) => {}
        }
    }
}

async fn carry_out_approved(
    worker: &Arc<Worker>,
    lane: &Arc<Lane>,
    tasks: &TaskTracker,
) -> Result<(), sqlx::Error> {
    let allowance = lane.breaker.allowance(Instant::now());
    if allowance == Allowance::One {
        // The trial belongs to a payout that was never sent.
        drop(lane.breaker.begin_trial());
    }
    let may_send = allowance == Allowance::All && worker.database_is_safe.load(Ordering::Relaxed);
    let mut carrying = JoinSet::new();
    for approved in take_approved(&worker.store.claims, lane.code(), may_send, AT_ONCE).await? {
        let (worker, lane, tasks) = (Arc::clone(worker), Arc::clone(lane), tasks.clone());
        carrying.spawn(async move {
            if let Err(undone) = carry_out(&worker, &lane, &approved, &tasks).await {
                finish(&worker, &lane, &approved, &undone).await;
            }
        });
    }
    while let Some(ended) = carrying.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "carrying out a request panicked; retrying");
        }
    }
    Ok(())
}

/// Why an approved request was not carried out for a payout.
enum Undone {
    /// A rule or the gateway's answer forbids it: people decide again.
    Refused(String),
    /// The database or another transaction was in the way. It is tried again in a minute, until the approval expires.
    NotYet(String),
}

/// Uses the request up where it was refused, so that people see why.
async fn finish(worker: &Worker, lane: &Lane, approved: &Approved, undone: &Undone) {
    let (request, order_num) = (approved.request_id, &approved.key.order_num);
    match undone {
        Undone::NotYet(why) => tracing::warn!(
            merchant = lane.code(),
            order_num,
            request,
            why,
            "request {request} could not be carried out for payout {order_num}, and is tried again: {why}"
        ),
        Undone::Refused(why) => {
            tracing::warn!(
                merchant = lane.code(),
                order_num,
                request,
                why,
                "request {request} was refused for payout {order_num}: {why}"
            );
            if let Err(error) = finish_refused(&worker.store.claims, approved, why).await {
                tracing::warn!(merchant = lane.code(), %error, "could not record the refusal of request {request}; retrying");
            }
        }
    }
}

/// Carries out one payout of a request.
async fn carry_out(
    worker: &Arc<Worker>,
    lane: &Arc<Lane>,
    approved: &Approved,
    tasks: &TaskTracker,
) -> Result<(), Undone> {
    if let Some(why) = why_too_late(approved) {
        return Err(Undone::Refused(why));
    }
    match approved.action {
        Action::Resubmit => resubmit(worker, lane, approved, tasks).await,
        Action::Resolve(Resolution::Failed) => {
            prove(worker, lane, approved, is_not_paid).await?;
            resolve(worker, approved, Resolution::Failed).await
        }
        Action::Resolve(resolution) => resolve(worker, approved, resolution).await,
    }
}

/// Why an approved request is not carried out any more.
fn why_too_late(approved: &Approved) -> Option<String> {
    match approved {
        Approved {
            known: Some(known),
            key,
            ..
        } if *known != key.order_num => Some(format!(
            "stopped: the gateway knows {known} of the same request, which was not sent again"
        )),
        Approved {
            expired: true,
            awaited: Some(awaited),
            ..
        } => Some(format!(
            "the approval expired while {awaited} of the same request was sent first and not found"
        )),
        Approved { expired: true, .. } => {
            Some("the approval expired before a worker could carry it out".to_owned())
        }
        _ => None,
    }
}

/// The proof that a resubmit needs: the gateway does not know the order.
fn is_not_found(answer: &QueryAnswer) -> bool {
    *answer == QueryAnswer::NotFound
}

/// The proof that resolving as failed needs. A failure at the gateway is enough. It did not settle the payout by
/// itself, because for a declined order it does not prove that the order is ours (protocol trap 8).
fn is_not_paid(answer: &QueryAnswer) -> bool {
    match answer {
        // Whether it counts, the database decides (`payout.has_fresh_proof`).
        QueryAnswer::NotFound | QueryAnswer::NotVouchedFor => true,
        QueryAnswer::Found(found) => {
            matches!(
                found.status,
                GatewayStatus::Cancelled | GatewayStatus::Failed
            )
        }
        QueryAnswer::Doubt(_) => false,
    }
}

/// Queries the gateway now. Returns the attempt that the answer is about and until when the answer is fresh, if it is the
/// proof that is needed and was stored.
async fn prove(
    worker: &Worker,
    lane: &Lane,
    approved: &Approved,
    proves: fn(&QueryAnswer) -> bool,
) -> Result<(i32, SendBy), Undone> {
    // Counted from before the query, so the proof is never older than it claims.
    let proven_until = SendBy::after(PROOF_FRESH_FOR.min(worker.submit.send_window()));
    let evidence = poll::query(worker, lane, approved.key.clone()).await;
    let refusal = why_not_proven(&evidence.fact, proves);
    let outcome = worker.recorder.keep_within(evidence, STORED_WITHIN).await;
    if let Some(why) = refusal {
        return Err(Undone::Refused(why));
    }
    match outcome {
        Some(Outcome::Recorded(change)) if change.moved.is_none() => {
            Ok((change.attempt, proven_until))
        }
        Some(Outcome::Recorded(_)) => Err(Undone::Refused(
            "the gateway's answer settled the payout".to_owned(),
        )),
        Some(Outcome::Refused(why) | Outcome::Unstorable(why)) => Err(Undone::Refused(why)),
        Some(Outcome::UnknownPayout) => Err(Undone::Refused("there is no such payout".to_owned())),
        Some(Outcome::Locked(_)) | None => Err(Undone::NotYet(
            "the gateway's answer could not be stored in time".to_owned(),
        )),
    }
}

fn why_not_proven(fact: &Fact, proves: fn(&QueryAnswer) -> bool) -> Option<String> {
    match fact {
        Fact::Queried { answer, .. } if proves(answer) => None,
        Fact::Queried {
            answer: QueryAnswer::Found(Found { status, .. }),
            ..
        } => Some(format!(
            "the gateway knows this order and reports {}",
            status.name()
        )),
        Fact::Queried {
            answer: QueryAnswer::Doubt(doubt),
            ..
        } => Some(format!(
            "the gateway gave no usable answer: {}",
            doubt.name().replace('_', " ")
        )),
        Fact::Queried { .. }
        | Fact::NotSent { .. }
        | Fact::Submitted { .. }
        | Fact::LeaseExpired { .. }
        | Fact::Callback(_)
        | Fact::Resolved(_) => Some("the gateway gave no usable answer".to_owned()),
    }
}

/// Queries what this payout pays again, if it is a replacement. The database judges the answers.
async fn query_originals(worker: &Worker, lane: &Lane, key: &PayoutKey) -> Result<(), Undone> {
    let originals = failed_originals(&worker.store.claims, key).await;
    for original in originals.map_err(|error| Undone::NotYet(error.to_string()))? {
        let evidence = poll::query(worker, lane, original).await;
        worker.recorder.keep_within(evidence, STORED_WITHIN).await;
    }
    Ok(())
}

async fn resubmit(
    worker: &Arc<Worker>,
    lane: &Arc<Lane>,
    approved: &Approved,
    tasks: &TaskTracker,
) -> Result<(), Undone> {
    // Before the query, because a proof must not age while it waits for a slot.
    let slot = lane.slots.clone().acquire_owned().await;
    // Counted from before the first query, so no proof is older than it claims.
    let confirmed_until = SendBy::after(PROOF_FRESH_FOR);
    query_originals(worker, lane, &approved.key).await?;
    let (attempt, proven_until) = prove(worker, lane, approved, is_not_found).await?;
    let granted = Granted {
        request_id: approved.request_id,
        detail: approved.detail.clone(),
        key: approved.key.clone(),
        attempt,
        proven_until: proven_until.or_earlier(confirmed_until),
    };
    let (claims, order) = (&worker.store.claims, submit::order(lane));
    let (permit, last) = match claim_resubmit(claims, &terms(worker), &order, &granted).await {
        Ok(claimed) => claimed,
        Err(NotGranted::Refused(why)) => return Err(Undone::Refused(why)),
        // Nothing is sent. If the claim was committed after all, its lease expires.
        Err(NotGranted::Claim(error)) => {
            tracing::warn!(merchant = lane.code(), %error, "could not claim the resubmit of payout {}; nothing is sent", granted.key.order_num);
            return Ok(());
        }
    };
    let (from, to) = (State::Unknown, State::Submitting);
    log::moved(
        permit.key(),
        permit.attempt(),
        Event::ResubmitGranted,
        from,
        to,
    );
    if let Err(error) = worker.witness.keep(last).await {
        tracing::error!(%error, "could not write the witness file; the resubmit is not sent");
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

/// Records the resolution. The database checks the request and uses it up with the move.
async fn resolve(
    worker: &Worker,
    approved: &Approved,
    resolution: Resolution,
) -> Result<(), Undone> {
    let evidence = Evidence {
        key: approved.key.clone(),
        fact: Fact::Resolved(resolution),
        detail: approved.detail.clone(),
    };
    match worker.recorder.keep_within(evidence, STORED_WITHIN).await {
        Some(Outcome::Recorded(change)) if change.moved.is_some() => Ok(()),
        Some(Outcome::Recorded(_)) => Err(Undone::Refused(
            "its state, its fee or the quiet horizon does not allow it now".to_owned(),
        )),
        Some(Outcome::Refused(why) | Outcome::Unstorable(why)) => Err(Undone::Refused(why)),
        Some(Outcome::UnknownPayout) => Err(Undone::Refused("there is no such payout".to_owned())),
        // It may still be stored. The next worker that takes the request finds out.
        Some(Outcome::Locked(_)) | None => Ok(()),
    }
}
