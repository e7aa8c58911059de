//! Asks the gateway how payouts stand, for ever, within one budget per merchant.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{sync::Semaphore, time::sleep};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Lane, Worker};
use crate::{
    domain::{
        evidence::{Evidence, Fact, QueryAnswer, Source},
        payout::PayoutKey,
    },
    metrics,
    store::asks::take_due,
};

/// How often to look without a wake-up.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Questions of one merchant in flight.
const IN_FLIGHT_MAX: usize = 32;

pub(super) async fn run(
    worker: Arc<Worker>,
    lane: Arc<Lane>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let slots = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    while !stop.is_cancelled() {
        worker.beats.beat("ask");
        let free = slots.available_permits();
        let limit = i64::try_from(free).unwrap_or(0);
        let due = if limit > 0 {
            take_due(
                &worker.store.claims,
                lane.code(),
                limit,
                worker.poll.asks_per_second,
            )
            .await
        } else {
            Ok(Vec::new())
        };
        match due {
            Ok(due) => {
                for ask in due {
                    let Ok(slot) = slots.clone().acquire_owned().await else {
                        return;
                    };
                    let (worker, lane) = (Arc::clone(&worker), Arc::clone(&lane));
                    tasks.spawn(async move {
                        question(&worker, &lane, ask.key).await;
                        drop(slot);
                    });
                }
            }
            Err(error) => {
                tracing::warn!(merchant = lane.code(), %error, "no questions can be taken now");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = lane.ask_now.notified() => gather(&stop).await,
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

/// Changes come in crowds; one look serves them all.
async fn gather(stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = sleep(Duration::from_millis(50)) => {}
    }
}

async fn question(worker: &Worker, lane: &Lane, key: PayoutKey) {
    worker.recorder.keep(answer(lane, key).await).await;
}

/// Asks once, now.
pub(super) async fn answer(lane: &Lane, key: PayoutKey) -> Evidence {
    let begun = Instant::now();
    let reply = lane.client.query(&key.order_num).await;
    metrics::asked(lane.code(), &result(&reply.answer), begun.elapsed());
    let fact = Fact::Asked(reply.answer);
    Evidence {
        key,
        attempt: None,
        source: Source::Query,
        fact,
        detail: reply.detail,
    }
}

/// The word for the metric.
fn result(answer: &QueryAnswer) -> String {
    match answer {
        QueryAnswer::Found(_) => "found".to_owned(),
        QueryAnswer::NotFound => "not_found".to_owned(),
        QueryAnswer::Doubt(doubt) => format!("doubt_{}", doubt.name()),
    }
}
