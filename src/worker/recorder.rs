//! Gathers evidence into batches, stores them, and never lets go of any until it is stored.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{Heartbeats, Lane, log};
use crate::{
    backoff::Pauses,
    domain::{decide::Rules, evidence::Evidence},
    metrics,
    store::{
        Store,
        record::{Outcome, record},
    },
};

/// Most evidence in one transaction.
const BATCH_MAX: usize = 256;
/// How long a batch waits for company: group commit pays, and nobody waits longer than for a disk.
const GATHER: Duration = Duration::from_millis(3);
/// How often a recorder without work says that it is alive.
const BEAT_EVERY: Duration = Duration::from_secs(15);
/// Until a payout that somebody else holds locked is tried again.
const LOCKED_PAUSE: Duration = Duration::from_millis(500);
/// Longest wait for one batch, its single tries included.
const STORED_WITHIN: Duration = Duration::from_mins(2);
/// Evidence that may wait for the database in memory. Whoever has more waits with it.
const QUEUE_MAX: usize = 4096;

struct Piece {
    evidence: Evidence,
    /// Who waits for the commit.
    stored: Option<oneshot::Sender<Outcome>>,
}

/// The way to the recorder. It ends when the last clone is dropped and everything is stored.
#[derive(Clone)]
pub struct Recorder(mpsc::Sender<Piece>);

impl Recorder {
    /// Starts it.
    pub fn start(
        store: Store,
        rules: Rules,
        lanes: Vec<Arc<Lane>>,
        heartbeats: Arc<Heartbeats>,
    ) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let task = tokio::spawn(run(receiver, store, rules, lanes, heartbeats));
        (Self(sender), task)
    }

    /// Hands evidence over; it will be stored as soon as the database takes it.
    pub async fn keep(&self, evidence: Evidence) {
        let piece = Piece {
            evidence,
            stored: None,
        };
        if self.0.send(piece).await.is_err() {
            tracing::error!("the recorder ended before its callers; evidence is lost");
        }
    }

    /// Hands evidence over and waits for its commit; `None` when that takes longer than `within`. It may still
    /// be stored later.
    pub async fn keep_within(&self, evidence: Evidence, within: Duration) -> Option<Outcome> {
        let (stored, outcome) = oneshot::channel();
        let piece = Piece {
            evidence,
            stored: Some(stored),
        };
        let waiting = async {
            self.0.send(piece).await.ok()?;
            outcome.await.ok()
        };
        timeout(within, waiting).await.ok().flatten()
    }
}

async fn run(
    mut receiver: mpsc::Receiver<Piece>,
    store: Store,
    rules: Rules,
    lanes: Vec<Arc<Lane>>,
    heartbeats: Arc<Heartbeats>,
) {
    let mut batch = Vec::new();
    loop {
        heartbeats.beat("record", "");
        let wait = if batch.is_empty() {
            BEAT_EVERY
        } else {
            LOCKED_PAUSE
        };
        let room = BATCH_MAX.saturating_sub(batch.len());
        match timeout(wait, receiver.recv_many(&mut batch, room.max(1))).await {
            // Nobody can hand anything over any more.
            Ok(0) if batch.is_empty() => return,
            Ok(0) => sleep(LOCKED_PAUSE).await,
            Ok(_) => {
                // What comes within a moment shares the transaction.
                timeout(GATHER, fill(&mut receiver, &mut batch)).await.ok();
            }
            Err(_) if batch.is_empty() => continue,
            Err(_) => {}
        }
        store_and_report(&mut batch, &store, &rules, &lanes, &heartbeats).await;
    }
}

/// Stores the batch; what is locked elsewhere stays in it.
async fn store_and_report(
    batch: &mut Vec<Piece>,
    store: &Store,
    rules: &Rules,
    lanes: &[Arc<Lane>],
    heartbeats: &Heartbeats,
) {
    let (evidence, waiting): (Vec<Evidence>, Vec<_>) = batch
        .drain(..)
        .map(|piece| (piece.evidence, piece.stored))
        .unzip();
    let outcomes = store_all(store, rules, &evidence, heartbeats).await;
    for ((evidence, stored), outcome) in evidence.into_iter().zip(waiting).zip(outcomes) {
        if matches!(outcome, Outcome::Locked) {
            batch.push(Piece { evidence, stored });
            continue;
        }
        report(&evidence, &outcome, lanes);
        if let Some(stored) = stored {
            // The caller may have given up waiting.
            stored.send(outcome).ok();
        }
    }
}

async fn fill(receiver: &mut mpsc::Receiver<Piece>, batch: &mut Vec<Piece>) {
    while batch.len() < BATCH_MAX {
        match receiver.recv().await {
            Some(piece) => batch.push(piece),
            None => return,
        }
    }
}

/// Stores a batch, however long the database cannot be reached.
async fn store_all(
    store: &Store,
    rules: &Rules,
    evidence: &[Evidence],
    heartbeats: &Heartbeats,
) -> Vec<Outcome> {
    let mut pauses = Pauses::default();
    loop {
        heartbeats.beat("record", "");
        let begun = Instant::now();
        // Bounded, as a server that vanished silently would be waited for without end; storing twice is safe.
        match timeout(STORED_WITHIN, record(&store.results, rules, evidence)).await {
            Ok(Ok(outcomes)) => {
                metrics::recorded(evidence.len(), begun.elapsed());
                return outcomes;
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, waiting = evidence.len(), "cannot store evidence; trying again");
            }
            Err(_) => {
                tracing::warn!(
                    waiting = evidence.len(),
                    "the database does not answer; storing evidence again"
                );
            }
        }
        sleep(pauses.next_pause()).await;
    }
}

fn report(evidence: &Evidence, outcome: &Outcome, lanes: &[Arc<Lane>]) {
    let order_num = &evidence.key.order_num;
    match outcome {
        Outcome::Recorded(change) => {
            log::changed(change);
            let lane = lanes
                .iter()
                .find(|lane| lane.code() == change.key.merchant_code);
            if let Some(lane) = lane.filter(|_| change.query_now) {
                lane.query_now();
            }
        }
        // Kept by the recorder until it is stored.
        Outcome::Locked => {}
        Outcome::UnknownPayout => {
            tracing::error!(payout = %evidence.key, finding = %evidence.fact.finding(), "received evidence about {order_num}, \
                which is no payout of ours");
        }
        Outcome::Refused(error) => {
            tracing::error!(payout = %evidence.key, finding = %evidence.fact.finding(), error, "the database refused what \
                follows from evidence about payout {order_num}; the evidence is stored");
        }
    }
}
