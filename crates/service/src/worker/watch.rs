//! Watches for expired leases, a failover and unsafe server settings, and publishes totals.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use payout_domain::{
    evidence::{Evidence, Fact},
    stop::StopReason,
};
use payout_store::{
    addresses, books, clock, expired_leases, failover, fitness, registration, snapshot,
};
use serde_json::json;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{Worker, presence::Presence};
use crate::metrics;

/// How often leases and the database's identity are checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// How often totals, settings and ages are read.
const TOTALS_EVERY: Duration = Duration::from_secs(10);
/// How often the accounts are compared with the ledger. What was booked since is read each time.
const BOOKS_EVERY: Duration = Duration::from_mins(10);
/// How soon after a difference or an error.
const BOOKS_AGAIN: Duration = Duration::from_mins(1);

pub(super) async fn run(worker: Arc<Worker>, stop: CancellationToken) {
    let mut totals_at = Instant::now();
    let mut presence = Presence::default();
    while !stop.is_cancelled() {
        worker.heartbeats.beat("watch", "");
        if worker.store.reach.is_open() {
            round(&worker, &mut totals_at).await;
            presence.say(&worker).await;
        } else {
            look(&worker).await;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(CHECK_INTERVAL) => {}
        }
    }
    Presence::end(&worker).await;
}

async fn round(worker: &Worker, totals_at: &mut Instant) {
    if let Err(error) = stop_if_removed(worker).await {
        tracing::warn!(%error, "could not look whether the worker's address is still registered; retrying");
    }
    if !worker.store.reach.is_open() {
        return;
    }
    if let Err(error) = compare_clock(worker).await {
        tracing::warn!(%error, "could not compare the database's clock; retrying");
    }
    if let Err(error) = registrations(worker).await {
        tracing::warn!(%error, "could not compare the registered gateways; retrying");
    }
    if let Err(error) = leases(worker).await {
        tracing::warn!(%error, "could not check for expired leases; retrying");
    }
    if let Err(error) = failover(worker).await {
        tracing::warn!(%error, "could not check whether this is still the workers' database; retrying");
    }
    if Instant::now() >= *totals_at {
        *totals_at = Instant::now()
            .checked_add(TOTALS_EVERY)
            .unwrap_or(*totals_at);
        if let Err(error) = totals(worker).await {
            tracing::warn!(%error, "could not read the totals; retrying");
        }
    }
}

/// Two people may have removed the address since the connections were checked.
async fn stop_if_removed(worker: &Worker) -> Result<(), sqlx::Error> {
    let reach = &worker.store.reach;
    let mut db = worker.store.results.acquire().await?;
    if !addresses::is_registered(&mut db, reach.address()).await? {
        reach.close();
    }
    Ok(())
}

/// Goes on once a new connection reaches a database where this worker's address is registered (I11).
async fn look(worker: &Worker) {
    let reach = &worker.store.reach;
    match reach.look().await {
        Ok(true) => reach.reopen(),
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(%error, "could not look whether the worker's address is registered; retrying");
        }
    }
}

/// Checks the accounts against the ledger, in a loop of its own because the first check of a large ledger takes long.
pub(super) async fn books(worker: Arc<Worker>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            () = worker.store.reach.opened() => {}
        }
        let mut next = BOOKS_EVERY;
        match books::check_books(&worker.store.results).await {
            Ok(checks) => {
                metrics::books_checked(&checks);
                // So that the alert ends soon after the repair.
                if checks.iter().any(|check| check.difference.idr() != 0) {
                    next = BOOKS_AGAIN;
                }
            }
            Err(error) => {
                tracing::warn!(%error, "could not compare the accounts with the ledger; retrying");
                next = BOOKS_AGAIN;
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = sleep(next) => {}
        }
    }
}

/// The database's clock must run as this machine's boot clock does: a jump is not elapsed time (I10).
async fn compare_clock(worker: &Worker) -> Result<(), sqlx::Error> {
    let (pool, known) = (&worker.store.results, &worker.store.clock);
    let reading = clock::read(pool).await?;
    match known.compare(&reading) {
        None => clock::note_steady(pool).await,
        Some(jump) => clock::note_jump(pool, known, &reading, jump).await,
    }
}

/// A worker that is configured with another gateway than the registered one believes it about nobody's payouts.
async fn registrations(worker: &Worker) -> Result<(), sqlx::Error> {
    let gateways = registration::registered_gateways(&worker.store.results).await?;
    for lane in &worker.lanes {
        lane.compare_registration(&gateways);
    }
    Ok(())
}

/// The worker that claimed these payouts is gone or slow. Nobody knows whether they were sent, so their status is
/// queried (I2).
async fn leases(worker: &Worker) -> Result<(), sqlx::Error> {
    for (key, attempt) in expired_leases::expired_leases(&worker.store.results).await? {
        let evidence = Evidence {
            key,
            fact: Fact::LeaseExpired { attempt },
            detail: json!({ "reason": "the lease expired before an answer was recorded" }),
        };
        // Without waiting for room, because this loop serves every merchant. The lease is found again in a second.
        worker.recorder.offer(evidence);
    }
    Ok(())
}

/// After a failover or a restore, every queued payout is queried before anything is claimed (I11).
async fn failover(worker: &Worker) -> Result<(), sqlx::Error> {
    let last = worker.witness.last();
    let same = failover::check_identity(&worker.store.results, last.as_ref()).await?;
    if !same {
        failover::continue_seq(&worker.store.results).await?;
    }
    if !same && !worker.failover_seen.swap(true, Ordering::Relaxed) {
        tracing::error!(
            "claims stopped: commits may be lost after a failover or a restore; two people must accept it: \
             payout failover accept --old-primary-dead-since TIME --reason ..., then payout approve"
        );
    } else if same && worker.failover_seen.swap(false, Ordering::Relaxed) {
        tracing::info!("claims continue: two people accepted the failover");
    }
    if failover::query_queued(&worker.store.results).await? > 0 {
        worker.lanes.iter().for_each(|lane| lane.query_now());
    }
    Ok(())
}

async fn totals(worker: &Worker) -> Result<(), sqlx::Error> {
    let fitness = fitness::fitness(&worker.store.results).await?;
    let why_unsafe = fitness.why_unsafe().join("; ");
    let safe = why_unsafe.is_empty();
    let was_safe = worker.database_is_safe.swap(safe, Ordering::Relaxed);
    if !safe {
        tracing::error!(
            why_unsafe,
            "claims stopped: this database cannot be relied on ({why_unsafe})"
        );
        for lane in &worker.lanes {
            let settings = StopReason::Settings;
            if lane
                .claims
                .stopped()
                .is_none_or(|stop| stop.reason == settings)
            {
                lane.claims.stop(settings, &why_unsafe);
            }
        }
    } else if !was_safe {
        tracing::info!("claims may go on: this database loses and hides nothing");
        worker
            .lanes
            .iter()
            .for_each(|lane| lane.claim_now.notify_one());
    }
    match expired_leases::raise_open_too_long(&worker.store.results).await {
        Ok(0) => {}
        Ok(raised) => tracing::warn!(
            raised,
            "{raised} payouts have been open for too long and need a person"
        ),
        // The figures must not stand still because of it.
        Err(error) => {
            tracing::warn!(%error, "could not look for payouts that have been open for too long; retrying");
        }
    }
    let in_flight = worker
        .lanes
        .iter()
        .fold(0_usize, |sum, lane| sum.saturating_add(lane.in_flight()));
    metrics::in_flight(i64::try_from(in_flight).unwrap_or(i64::MAX));
    metrics::snapshot(&snapshot::snapshot(&worker.store.results).await?);
    Ok(())
}
