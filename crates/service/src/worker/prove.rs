//! Proves a merchant's keys before its first claim, and again after every bad signature (I12).

use std::sync::{Arc, atomic::Ordering};

use payout_domain::{
    evidence::{Doubt, QueryAnswer},
    stop::StopReason,
};
use rand::RngExt;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Lane, Worker, reconcile};
use crate::backoff::Pauses;

pub(super) async fn run(worker: Arc<Worker>, lane: Arc<Lane>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if !lane.proven.load(Ordering::Relaxed) {
            tokio::select! {
                () = stop.cancelled() => return,
                () = until_proven(&worker, &lane) => {}
            }
            lane.proven.store(true, Ordering::Relaxed);
            lane.claims.open();
            tracing::info!(
                merchant = lane.code(),
                "the keys are proven; claims may start"
            );
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
        worker.store.reach.opened().await;
        lane.registered().await;
        match prove(worker, lane).await {
            Ok(()) => return,
            Err(reason) => {
                lane.claims.stop(StopReason::Gateway, &reason);
                tracing::warn!(
                    merchant = lane.code(),
                    reason,
                    "claims stopped: the keys are not proven ({reason}); retrying"
                );
                sleep(pauses.next_pause()).await;
            }
        }
    }
}

/// Signs and verifies with our own key, reads a balance, and queries an order that never existed.
async fn prove(worker: &Worker, lane: &Lane) -> Result<(), String> {
    lane.client
        .self_check()
        .map_err(|error| error.to_string())?;
    reconcile::read_and_keep(worker, lane).await?;
    let nonexistent = format!("PROBE-{:016x}", rand::rng().random::<u64>());
    match lane.client.query(&nonexistent).await.answer {
        QueryAnswer::NotFound | QueryAnswer::NotVouchedFor => Ok(()),
        // A dialect without a proven code for "not found": any readable answer will do.
        QueryAnswer::Doubt(Doubt::GatewayUnsure)
            if !lane.client.dialect().capabilities().not_found_is_proof =>
        {
            Ok(())
        }
        QueryAnswer::Doubt(doubt) => Err(format!(
            "the query of a nonexistent order: {}",
            doubt.name()
        )),
        QueryAnswer::Found(_) => Err("the gateway found an order that never existed".to_owned()),
    }
}
