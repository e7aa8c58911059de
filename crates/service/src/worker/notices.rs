//! Tells approvers of each request that waits for a second person, once.

use std::{sync::Arc, time::Duration};

use payout_store::notices::{Notice, note_told, take_notices};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Worker;
use crate::{metrics, notifier::Notifier};

/// How often to look for such requests.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How many are told in one round.
const AT_ONCE: i64 = 8;

pub(super) async fn run(worker: Arc<Worker>, notifier: Arc<Notifier>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        worker.heartbeats.beat("notices", "");
        if worker.store.reach.is_open()
            && let Err(error) = tell_all(&worker, &notifier).await
        {
            tracing::warn!(%error, "could not read the requests that wait for a second person; retrying");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

async fn tell_all(worker: &Worker, notifier: &Notifier) -> Result<(), sqlx::Error> {
    for notice in take_notices(&worker.store.results, AT_ONCE).await? {
        let told = notifier.tell(&notice).await;
        report(&notice, &told);
        let failure = told.as_ref().err().map(String::as_str);
        note_told(&worker.store.results, notice.request_id, failure).await?;
    }
    Ok(())
}

fn report(notice: &Notice, told: &Result<(), String>) {
    metrics::approvers_told(told.is_ok());
    let request = notice.request_id;
    match told {
        Ok(()) => tracing::info!(request, "approvers were told of request {request}"),
        Err(why) => tracing::error!(
            request,
            why,
            "could not tell approvers of request {request}: {why}; retrying until it expires"
        ),
    }
}
