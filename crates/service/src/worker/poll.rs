//! Queries the status of open payouts for as long as they are open, within one budget per merchant.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use payout_domain::{
    evidence::{Doubt, Evidence, Fact, QueryAnswer},
    payout::PayoutKey,
};
use payout_gateway::QueryReply;
use payout_store::{
    queries::{Controls, UNPLANNED_EVERY, control_orders, take_due},
    recent::Recent,
};
use serde_json::json;
use tokio::{sync::Semaphore, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Lane, Worker, control_query::Known, looks};
use crate::metrics;

/// How often to check for due queries without a wake-up.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// Slow looks that find nothing may take this part of the time: one of so many.
const SHARE_OF_SLOW_LOOKS: u32 = 20;
/// How long no look follows a slow one, at most: it may have waited for a connection instead.
const SLOW_LOOKS_APART: Duration = Duration::from_secs(5);
/// How long it may take to commit an answer, after the client's own timeout.
const STORED_WITHIN: Duration = Duration::from_secs(5);
/// Queries in flight per merchant.
const IN_FLIGHT_MAX: usize = 32;
/// Pieces of a merchant's evidence that wait for the database, beyond which nothing is queried: the answers could not be
/// stored either.
const UNSTORED_MAX: usize = 256;

pub(super) async fn run(
    worker: Arc<Worker>,
    lane: Arc<Lane>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let slots = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    let mut unplanned = Recent::new(UNPLANNED_EVERY);
    while !stop.is_cancelled() {
        worker.heartbeats.beat("poll", lane.code());
        let is_stuck = worker.recorder.waiting(lane.code()) > UNSTORED_MAX;
        let free = if is_stuck || !worker.may_work_for(&lane) {
            0
        } else {
            slots.available_permits()
        };
        let limit = i64::try_from(free).unwrap_or(0);
        let begun = Instant::now();
        let due = if limit > 0 {
            take_due(
                &worker.store.claims,
                lane.code(),
                limit,
                worker.poll.queries_per_second,
                worker.submit.timeout.saturating_add(STORED_WITHIN),
                &mut unplanned,
            )
            .await
        } else {
            Ok(Vec::new())
        };
        let took = begun.elapsed();
        let is_slow = took > looks::SLOW && matches!(&due, Ok(due) if due.is_empty());
        match due {
            Ok(due) => {
                for query in due {
                    let Ok(slot) = slots.clone().acquire_owned().await else {
                        return;
                    };
                    let (worker, lane) = (Arc::clone(&worker), Arc::clone(&lane));
                    tasks.spawn(async move {
                        query_and_record(&worker, &lane, query.key).await;
                        drop(slot);
                    });
                }
            }
            Err(error) => {
                tracing::warn!(merchant = lane.code(), %error, "could not take the due queries of merchant {}; retrying", lane.code());
            }
        }
        let pause = if is_slow {
            took.saturating_mul(SHARE_OF_SLOW_LOOKS)
                .clamp(CHECK_INTERVAL, SLOW_LOOKS_APART)
        } else {
            CHECK_INTERVAL
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = lane.query_now.notified(), if !is_slow => let_burst_gather(&stop).await,
            () = sleep(pause) => {}
        }
    }
}

/// Changes come in bursts. A short pause lets one round serve them all.
async fn let_burst_gather(stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = sleep(Duration::from_millis(50)) => {}
    }
}

async fn query_and_record(worker: &Worker, lane: &Lane, key: PayoutKey) {
    let evidence = query(worker, lane, key).await;
    worker.recorder.keep(evidence).await;
}

/// Queries a payout's status now. "Not found" counts only while the gateway finds orders that it must know (I10).
pub(super) async fn query(worker: &Worker, lane: &Lane, key: PayoutKey) -> Evidence {
    let mut sent_at = Instant::now();
    let mut reply = send_query(lane, &key.order_num).await;
    if reply.answer == QueryAnswer::NotFound {
        match is_vouched_for(worker, lane, &key).await {
            Vouched::Always => {}
            Vouched::Since(since) if since <= sent_at => {}
            // A copy that lags may have caught up between the two queries. What it says now counts.
            Vouched::Since(_) => {
                sent_at = Instant::now();
                reply = send_query(lane, &key.order_num).await;
            }
            Vouched::ByNothing(why) => {
                reply = QueryReply {
                    answer: QueryAnswer::NotVouchedFor,
                    detail: json!({ "reason": why }),
                };
            }
            Vouched::No => {
                reply = QueryReply {
                    answer: QueryAnswer::Doubt(Doubt::GatewayUnsure),
                    detail: json!({ "reason": "not found, but neither is an order that the gateway has paid" }),
                };
            }
        }
    }
    Evidence {
        key,
        fact: Fact::Queried {
            answer: reply.answer,
            sent_at,
        },
        detail: reply.detail,
    }
}

async fn send_query(lane: &Lane, order_num: &str) -> QueryReply {
    let begun = Instant::now();
    let reply = lane.client.query(order_num).await;
    metrics::queried(lane.code(), &result(&reply.answer), begun.elapsed());
    reply
}

/// What the gateway's "not found" is worth.
enum Vouched {
    /// Nothing was ever paid that could show otherwise.
    Always,
    /// A query that is sent from now on is answered by the gateway as it was after this order.
    Since(Instant),
    /// There is no order that could show it, for this reason.
    ByNothing(&'static str),
    /// It does not find one that it must know.
    No,
}

/// Whether the gateway finds what it must know beside this order: one that it has paid and that was sent after the quiet
/// horizon, and one that was sent before. A copy that lags does not know the later one, and one that forgets not the
/// earlier one.
async fn is_vouched_for(worker: &Worker, lane: &Lane, key: &PayoutKey) -> Vouched {
    let controls = match control_orders(&worker.store.claims, key).await {
        Ok(controls) => controls,
        Err(error) => {
            tracing::warn!(merchant = lane.code(), %error, "could not look up the orders for control queries; \"not found\" does not count");
            return Vouched::No;
        }
    };
    let (later, earlier) = match controls {
        Controls::Newest(None) => return Vouched::Always,
        Controls::Newest(Some(newest)) => (newest, None),
        Controls::Around {
            after: Some(after),
            before,
        } => (after, before),
        Controls::Around { after: None, .. } => {
            return Vouched::ByNothing(
                "not found, but no order that was sent after its quiet horizon has been paid yet: it proves nothing",
            );
        }
    };
    let known = control_query(lane, &later).await;
    if !known.found {
        return Vouched::No;
    }
    // A merchant's first payouts have no earlier one.
    if let Some(earlier) = earlier
        && !control_query(lane, &earlier).await.found
    {
        return Vouched::ByNothing(
            "not found, but neither is an order that was paid before: the gateway forgets, so it proves nothing",
        );
    }
    Vouched::Since(known.answered_at)
}

/// Whether the gateway finds an order that it has paid.
async fn control_query(lane: &Lane, order_num: &str) -> Known {
    let query = async {
        let answer = send_query(lane, order_num).await.answer;
        let found = matches!(answer, QueryAnswer::Found(_));
        if !found {
            tracing::error!(
                merchant = lane.code(),
                order_num,
                "the gateway does not find order {order_num}, which it has paid: its \"not found\" answers prove nothing for now"
            );
        }
        found
    };
    let controls = &lane.control_queries;
    controls.known(order_num, Instant::now(), query).await
}

/// The value of the metric's `result` label.
fn result(answer: &QueryAnswer) -> String {
    match answer {
        QueryAnswer::Found(_) => "found".to_owned(),
        QueryAnswer::NotFound | QueryAnswer::NotVouchedFor => "not_found".to_owned(),
        QueryAnswer::Doubt(doubt) => format!("doubt_{}", doubt.name()),
    }
}
