//! Gathers evidence into batches and stores them. Nothing is dropped before it is stored.

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

/// Maximum pieces of evidence in one transaction.
const BATCH_MAX: usize = 256;
/// How long a batch waits for more evidence. One commit for many pays off, and the wait is no longer than a disk write.
const GATHER: Duration = Duration::from_millis(3);
/// How often an idle recorder reports that it is alive.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);
/// Pause before evidence about a locked payout is stored again.
const LOCKED_PAUSE: Duration = Duration::from_millis(500);
/// Maximum time to store one batch, including the attempts piece by piece.
const STORED_WITHIN: Duration = Duration::from_mins(2);
/// Maximum pieces of evidence that wait in memory for the database. Senders block beyond that.
const QUEUE_MAX: usize = 4096;

struct Piece {
    evidence: Evidence,
    /// Notified of the commit.
    stored: Option<oneshot::Sender<Outcome>>,
}

/// A handle of the recorder, which ends once the last handle is dropped and everything is stored.
#[derive(Clone)]
pub struct Recorder(mpsc::Sender<Piece>);

impl Recorder {
    /// Starts the recorder. The task ends when the recorder does.
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

    /// Hands over evidence to be stored as soon as the database accepts it.
    pub async fn keep(&self, evidence: Evidence) {
        let piece = Piece {
            evidence,
            stored: None,
        };
        if self.0.send(piece).await.is_err() {
            tracing::error!("evidence is lost: the recorder ended before its callers");
        }
    }

    /// Hands over evidence and waits for its commit. Returns `None` if that takes longer than `within`; the evidence
    /// may still be stored later.
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
            HEARTBEAT_INTERVAL
        } else {
            LOCKED_PAUSE
        };
        let room = BATCH_MAX.saturating_sub(batch.len());
        match timeout(wait, receiver.recv_many(&mut batch, room.max(1))).await {
            // Every handle is gone and everything is stored.
            Ok(0) if batch.is_empty() => return,
            Ok(0) => sleep(LOCKED_PAUSE).await,
            Ok(_) => {
                // Evidence that arrives within moments shares the transaction.
                timeout(GATHER, fill(&mut receiver, &mut batch)).await.ok();
            }
            Err(_) if batch.is_empty() => continue,
            Err(_) => {}
        }
        store_and_report(&mut batch, &store, &rules, &lanes, &heartbeats).await;
    }
}

/// Stores the batch. Evidence about a payout that is locked elsewhere stays in it.
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

/// Stores a batch, retrying for as long as the database cannot be reached.
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
        // Bounded, because a server that vanished silently would block for ever. Storing twice is safe.
        match timeout(STORED_WITHIN, record(&store.results, rules, evidence)).await {
            Ok(Ok(outcomes)) => {
                metrics::recorded(evidence.len(), begun.elapsed());
                return outcomes;
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, waiting = evidence.len(), "could not store evidence; retrying");
            }
            Err(_) => {
                tracing::warn!(
                    waiting = evidence.len(),
                    "could not store evidence: the database does not answer; retrying"
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
        // Stays in the batch until it is stored.
        Outcome::Locked => {}
        Outcome::UnknownPayout => {
            tracing::error!(payout = %evidence.key, finding = %evidence.fact.finding(), "stored no evidence about {order_num}: \
                there is no such payout");
        }
        Outcome::Refused(error) => {
            tracing::error!(payout = %evidence.key, finding = %evidence.fact.finding(), error, "the database refused the change \
                that follows from evidence about payout {order_num}; the evidence is stored");
        }
    }
}
