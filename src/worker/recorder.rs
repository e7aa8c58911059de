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

use super::Lane;
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
    pub fn start(store: Store, rules: Rules, lanes: Vec<Arc<Lane>>) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let task = tokio::spawn(run(receiver, store, rules, lanes));
        (Self(sender), task)
    }

    /// Hands evidence over; it will be stored as soon as the database takes it.
    pub async fn keep(&self, evidence: Evidence) {
        self.hand_over(evidence, None).await;
    }

    /// The same for an answer to a question that was sent at `asked`, however long it takes to be stored.
    pub async fn keep_asked(&self, evidence: Evidence, asked: Instant) {
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
        let asked = Instant::now().checked_sub(evidence.asked_ago);
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
) {
    let mut batch = Vec::new();
    while receiver.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let room = BATCH_MAX.saturating_sub(batch.len());
        if room > 0
            && timeout(GATHER, fill(&mut receiver, &mut batch))
                .await
                .is_err()
        {
            // Nobody else came in time.
        }
        let mut waiting = Vec::new();
        let (mut evidence, asked): (Vec<Evidence>, Vec<_>) = batch
            .drain(..)
            .map(|piece| {
                waiting.push(piece.stored);
                (piece.evidence, piece.asked)
            })
            .unzip();
        let outcomes = store_all(&store, &rules, &mut evidence, &asked).await;
        for ((evidence, stored), outcome) in evidence.iter().zip(waiting).zip(outcomes) {
            tell(evidence, &outcome, &lanes);
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
) -> Vec<Outcome> {
    let mut pauses = Pauses::default();
    loop {
        let begun = Instant::now();
        // Anew with each try: what an earlier try stored unheard must be seen to be the same.
        for (piece, asked) in evidence.iter_mut().zip(asked) {
            piece.asked_ago = asked.map_or(Duration::ZERO, |asked| asked.elapsed());
        }
        match record(&store.results, rules, evidence).await {
            Ok(outcomes) => {
                metrics::recorded(evidence.len(), begun.elapsed());
                return outcomes;
            }
            Err(error) => {
                tracing::warn!(%error, waiting = evidence.len(), "evidence cannot be stored now; trying again");
                sleep(pauses.next_pause()).await;
            }
        }
    }
}

fn tell(evidence: &Evidence, outcome: &Outcome, lanes: &[Arc<Lane>]) {
    match outcome {
        Outcome::Recorded(change) => tell_change(change, lanes),
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
    if change.ask_now
        && let Some(lane) = lanes.iter().find(|lane| lane.code() == merchant)
    {
        lane.ask_now();
    }
}
