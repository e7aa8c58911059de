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

use super::{Heartbeats, Lane};
use crate::{
    backoff::Pauses,
    domain::{decide::Rules, evidence::Evidence},
    metrics,
    store::{
        Store,
        record::{Change, Outcome, record},
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
    /// When the question was sent, for an answer.
    asked: Option<Instant>,
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
        self.hand_over(evidence, None).await;
    }

    /// The same for an answer to a question that was sent at `asked`, however long it takes to be stored.
    pub async fn keep_answer(&self, evidence: Evidence, asked: Instant) {
        self.hand_over(evidence, Some(asked)).await;
    }

    async fn hand_over(&self, evidence: Evidence, asked: Option<Instant>) {
        let piece = Piece {
            evidence,
            asked,
            stored: None,
        };
        if self.0.send(piece).await.is_err() {
            tracing::error!("the recorder has ended before its callers");
        }
    }

    /// Hands evidence over and waits for its commit; `None` when that takes longer than `within`. It may still
    /// be stored later.
    pub async fn keep_within(&self, evidence: Evidence, within: Duration) -> Option<Outcome> {
        let (stored, outcome) = oneshot::channel();
        let asked = Instant::now().checked_sub(evidence.query_sent_ago);
        let piece = Piece {
            evidence,
            asked,
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
        let mut waiting = Vec::new();
        let (mut evidence, asked): (Vec<Evidence>, Vec<_>) = batch
            .drain(..)
            .map(|piece| {
                waiting.push(piece.stored);
                (piece.evidence, piece.asked)
            })
            .unzip();
        let outcomes = store_all(&store, &rules, &mut evidence, &asked, &heartbeats).await;
        let pieces = evidence.into_iter().zip(asked).zip(waiting);
        for (((evidence, asked), stored), outcome) in pieces.zip(outcomes) {
            if matches!(outcome, Outcome::Locked) {
                batch.push(Piece {
                    evidence,
                    asked,
                    stored,
                });
                continue;
            }
            tell(&evidence, &outcome, &lanes);
            if let Some(stored) = stored {
                // The caller may have given up waiting.
                stored.send(outcome).ok();
            }
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

/// Stores a batch, however long the database is away.
async fn store_all(
    store: &Store,
    rules: &Rules,
    evidence: &mut [Evidence],
    asked: &[Option<Instant>],
    heartbeats: &Heartbeats,
) -> Vec<Outcome> {
    let mut pauses = Pauses::default();
    loop {
        heartbeats.beat("record", "");
        let begun = Instant::now();
        // Anew with each try: what an earlier try stored unheard must be seen to be the same.
        for (piece, asked) in evidence.iter_mut().zip(asked) {
            piece.query_sent_ago = asked.map_or(Duration::ZERO, |asked| asked.elapsed());
        }
        // Bounded, as a server that vanished without a word would be waited for without end; storing twice is safe.
        match timeout(STORED_WITHIN, record(&store.results, rules, evidence)).await {
            Ok(Ok(outcomes)) => {
                metrics::recorded(evidence.len(), begun.elapsed());
                return outcomes;
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, waiting = evidence.len(), "evidence cannot be stored now; trying again");
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

fn tell(evidence: &Evidence, outcome: &Outcome, lanes: &[Arc<Lane>]) {
    match outcome {
        Outcome::Recorded(change) => tell_change(change, lanes),
        // Kept by the recorder until it is stored.
        Outcome::Locked => {}
        Outcome::UnknownPayout => {
            tracing::error!(payout = %evidence.key, finding = evidence.finding(), "evidence for no payout of ours");
        }
        Outcome::Refused(error) => {
            tracing::error!(payout = %evidence.key, finding = evidence.finding(), error, "the database refused what \
                the evidence would have changed; the evidence is stored");
        }
    }
}

fn tell_change(change: &Change, lanes: &[Arc<Lane>]) {
    let merchant = &change.key.merchant_code;
    let order_num = &change.key.order_num;
    let (attempt, source, finding) = (
        change.attempt,
        change.source.name(),
        change.finding.as_str(),
    );
    if let Some((from, event, to)) = change.moved {
        metrics::moved(merchant, event.name());
        tracing::info!(
            target: "payout::transition", %merchant, %order_num, attempt, event = event.name(), %from, %to, source, finding,
            "moved"
        );
    }
    for note in &change.notes {
        tracing::warn!(
            target: "payout::note", %merchant, %order_num, attempt, note = note.name(), detail = ?note, source, finding,
            "needs a look"
        );
    }
    if change.query_now
        && let Some(lane) = lanes.iter().find(|lane| lane.code() == merchant)
    {
        lane.query_now();
    }
}
