//! Proves a merchant's keys before its first claim, and again whenever a signature was bad (I12).

use std::sync::{Arc, atomic::Ordering};

use rand::RngExt;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Lane, Worker, reconcile};
use crate::{
    backoff::Pauses,
    domain::evidence::{Doubt, QueryAnswer},
    metrics,
};

pub(super) async fn run(worker: Arc<Worker>, lane: Arc<Lane>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if !lane.proven.load(Ordering::Relaxed) {
            tokio::select! {
                () = stop.cancelled() => return,
                () = until_proven(&worker, &lane) => {}
            }
            lane.proven.store(true, Ordering::Relaxed);
            metrics::claims_stopped(lane.code(), None);
            tracing::info!(merchant = lane.code(), "keys and gateway are proven");
            lane.claim_now.notify_one();
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = lane.prove_now.notified() => {}
        }
    }
}

async fn until_proven(worker: &Worker, lane: &Lane) {
    let mut pauses = Pauses::default();
    loop {
        match prove(worker, lane).await {
            Ok(()) => return,
            Err(reason) => {
                metrics::claims_stopped(lane.code(), Some("gateway"));
                tracing::warn!(
                    merchant = lane.code(),
                    reason,
                    "nothing is claimed until the gateway answers rightly"
                );
                sleep(pauses.next_pause()).await;
            }
        }
    }
}

/// A round trip with our own key, a balance that verifies, and the gateway's word for an order that never was.
async fn prove(worker: &Worker, lane: &Lane) -> Result<(), String> {
    lane.client
        .self_check()
        .map_err(|error| error.to_string())?;
    reconcile::read_and_keep(worker, lane).await?;
    let never_was = format!("PROBE-{:016x}", rand::rng().random::<u64>());
    match lane.client.query(&never_was).await.answer {
        QueryAnswer::NotFound => Ok(()),
        // A dialect without a proven word for "not known": any readable answer will do.
        QueryAnswer::Doubt(Doubt::GatewayUnsure)
            if !lane.client.dialect().capabilities().not_found_is_proof =>
        {
            Ok(())
        }
        QueryAnswer::Doubt(doubt) => Err(format!("an order that never was: {}", doubt.name())),
        QueryAnswer::Found(_) => {
            Err("the gateway claims to know an order that never was".to_owned())
        }
    }
}
