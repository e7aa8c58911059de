//! Passes the database's wake-ups on to the loops. A lost wake-up costs half a second, because every loop also polls.

use std::sync::Arc;

use payout_store::wake::{Wake, Waker};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Worker;
use crate::backoff::Pauses;

pub(super) async fn run(worker: Arc<Worker>, stop: CancellationToken) {
    let mut pauses = Pauses::default();
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => {}
            ended = listen(&worker, &mut pauses) => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "wake-ups are interrupted; the loops continue by polling");
                }
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = sleep(pauses.next_pause()) => {}
                }
            }
        }
    }
}

async fn listen(worker: &Worker, pauses: &mut Pauses) -> Result<(), sqlx::Error> {
    worker.store.reach.opened().await;
    let mut waker = Waker::listen(&worker.store.results).await?;
    pauses.reset();
    loop {
        let wake = waker.next().await?;
        for lane in &worker.lanes {
            if wake != Wake::Changed {
                lane.claim_now.notify_one();
            }
            if wake != Wake::Queued {
                lane.query_now();
            }
        }
    }
}
