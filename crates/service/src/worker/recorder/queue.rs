//! The evidence of one merchant: gathered into batches, and stored. What another transaction has locked waits with a
//! pace of its own, and the rest is stored meanwhile.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use payout_domain::{
    decide::Rules,
    evidence::{Evidence, Fact},
};
use payout_store::{
    Store,
    record::{LOCKED_IN_A_ROW, Lock, Outcome, record, record_beside_locks, record_once},
};
use tokio::{
    sync::{Semaphore, mpsc, oneshot},
    time::{sleep, sleep_until, timeout},
};

use super::{Piece, Shared};
use crate::{
    backoff::Pauses,
    metrics,
    worker::{Lane, log},
};

/// Maximum pieces of evidence in one transaction.
const BATCH_MAX: usize = 256;
/// How long a batch waits for more evidence. One commit for many pays off, and the wait is no longer than a disk write.
const GATHER: Duration = Duration::from_millis(3);
/// The same while something that the merchant's payouts share is locked: each try takes a connection for a while.
const GATHER_BESIDE_LOCKS: Duration = Duration::from_millis(250);
/// How often an idle queue reports that it is alive.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);
/// Maximum time to store one batch, including the attempts piece by piece.
const STORED_WITHIN: Duration = Duration::from_mins(2);

/// One merchant's evidence that is not stored yet.
pub(super) struct Queue {
    merchant: String,
    /// Where it is served; nowhere, if this worker only records that its leases expired.
    lane: Option<Arc<Lane>>,
    receiver: mpsc::UnboundedReceiver<Piece>,
    /// Closed when the queue ends, so that nobody waits for a place in it.
    room: Arc<Semaphore>,
    shared: Shared,
    /// What is to be stored next.
    batch: Vec<Piece>,
    /// What was locked when it was tried last.
    held_up: VecDeque<(Piece, Lock)>,
    /// When it is tried again, while anything waits for that. Other evidence that is stored meanwhile does not put it off.
    retry_at: Option<Instant>,
    /// Something that the merchant's payouts share is locked.
    beside_locks: bool,
    pauses: Pauses,
}

impl Queue {
    pub(super) fn new(
        merchant: &str,
        receiver: mpsc::UnboundedReceiver<Piece>,
        room: Arc<Semaphore>,
        shared: Shared,
    ) -> Self {
        let lane = shared.lanes.iter().find(|lane| lane.code() == merchant);
        Self {
            merchant: merchant.to_owned(),
            lane: lane.cloned(),
            receiver,
            room,
            shared,
            batch: Vec::new(),
            held_up: VecDeque::new(),
            retry_at: None,
            beside_locks: false,
            pauses: Pauses::default(),
        }
    }

    /// Stores what arrives, until every sender is gone and everything is stored, or until it is time to give up.
    pub(super) async fn run(mut self) {
        let give_up = self.shared.give_up.clone();
        let all_stored = give_up.run_until_cancelled(self.store_all()).await;
        self.room.close();
        if all_stored.is_none() {
            self.abandon();
        }
    }

    async fn store_all(&mut self) {
        while self.gather().await {
            self.publish();
            self.store_batch().await;
        }
        self.shared.heartbeats.rest("record", &self.merchant);
    }

    /// Fills the batch with what arrived and with what is to be tried again. Returns false once all is stored and nothing
    /// can arrive any more.
    async fn gather(&mut self) -> bool {
        self.publish();
        loop {
            if self.retry_at.is_some_and(|at| at <= Instant::now()) {
                self.retry();
                // Callbacks whose callers have left are gone now, and nothing else may arrive for long.
                self.publish();
            }
            if !self.batch.is_empty() {
                break;
            }
            let arrived = self.receiver.recv_many(&mut self.batch, BATCH_MAX);
            let next_look = self.retry_at.map_or(HEARTBEAT_INTERVAL, |at| {
                at.saturating_duration_since(Instant::now())
            });
            match (timeout(next_look, arrived).await, self.retry_at) {
                (Ok(0), None) => return false,
                (Ok(0), Some(at)) => sleep_until(at.into()).await,
                (Err(_), None) => self.shared.heartbeats.rest("record", &self.merchant),
                (Ok(_), _) | (Err(_), Some(_)) => {}
            }
        }
        self.shared.heartbeats.beat("record", &self.merchant);
        let wait = if self.beside_locks {
            GATHER_BESIDE_LOCKS
        } else {
            GATHER
        };
        // Evidence that arrives within moments shares the transaction.
        timeout(wait, self.fill()).await.ok();
        true
    }

    async fn fill(&mut self) {
        while self.batch.len() < BATCH_MAX {
            match self.receiver.recv().await {
                Some(piece) => self.batch.push(piece),
                None => return,
            }
        }
    }

    /// Moves what was held up into the batch. A callback whose caller has left was answered with an error, so the gateway
    /// sends it again: keeping it too would let callers fill the memory.
    fn retry(&mut self) {
        self.retry_at = None;
        self.held_up.retain(|(piece, _)| {
            let stored = piece.stored.as_ref();
            piece.callback.is_none() || !stored.is_some_and(oneshot::Sender::is_closed)
        });
        // Not the same ones first each time: once a few in a row are locked, the rest of a batch is not tried.
        let first = self.held_up.len().min(LOCKED_IN_A_ROW);
        self.held_up.rotate_left(first);
        let again = self.held_up.len().min(BATCH_MAX);
        let again = self.held_up.drain(..again);
        self.batch.extend(again.map(|(piece, _)| piece));
    }

    /// Stores the batch. What is locked or refused moves to `held_up`.
    async fn store_batch(&mut self) {
        let outcomes = self.outcomes().await;
        let (mut is_released, mut is_held_up_again) = (false, false);
        for (mut piece, outcome) in std::mem::take(&mut self.batch).into_iter().zip(outcomes) {
            let held_up_by = match &outcome {
                Outcome::Locked(lock) => Some(*lock),
                Outcome::Unstorable(code) if !self.is_to_be_set_aside(&mut piece, code) => {
                    Some(Lock::Payout)
                }
                Outcome::Recorded(_)
                | Outcome::UnknownPayout
                | Outcome::Refused(_)
                | Outcome::Unstorable(_) => None,
            };
            if let Some(lock) = held_up_by {
                is_held_up_again |= piece.was_held_up;
                piece.was_held_up = true;
                self.held_up.push_back((piece, lock));
                continue;
            }
            is_released |= piece.was_held_up;
            self.report(&piece.evidence, &outcome);
            if let Some(stored) = piece.stored {
                // The caller may have given up waiting.
                stored.send(outcome).ok();
            }
        }
        self.beside_locks = self.held_up.iter().any(|(_, lock)| *lock == Lock::Shared);
        if is_released {
            self.pauses.reset();
        }
        if self.held_up.is_empty() {
            self.retry_at = None;
        } else if self.retry_at.is_none() {
            let now = Instant::now();
            // The rest of what a lock held up follows at once when the lock is gone.
            let is_over = is_released && !is_held_up_again;
            let pause = if is_over {
                Duration::ZERO
            } else {
                self.pauses.next_pause()
            };
            self.retry_at = Some(now.checked_add(pause).unwrap_or(now));
        }
    }

    /// Whether the database has refused the piece for so long that nobody can be expected to see to it. It is tried again
    /// until then, beside the others.
    fn is_to_be_set_aside(&self, piece: &mut Piece, code: &str) -> bool {
        let Some(since) = piece.refused_since else {
            piece.refused_since = Some(Instant::now());
            let Evidence { key, fact, .. } = &piece.evidence;
            self.shared.refused().note(key.clone());
            metrics::refused(&self.merchant, "evidence");
            if let Some(lane) = &self.lane {
                lane.recording.refused(&key.order_num, code, Instant::now());
            }
            tracing::error!(payout = %key, finding = %fact.finding(), code, "the database refuses to store evidence about \
                payout {} ({code}); trying again", key.order_num);
            return false;
        };
        since.elapsed() >= self.shared.set_aside.after
    }

    /// Stores the batch, retrying for as long as the database cannot be reached.
    async fn outcomes(&mut self) -> Vec<Outcome> {
        let evidence: Arc<[Evidence]> = self.batch.iter().map(|one| one.evidence.clone()).collect();
        let mut pauses = Pauses::default();
        loop {
            self.shared.heartbeats.beat("record", &self.merchant);
            let reach = &self.shared.store.reach;
            let may_store = async {
                reach.opened().await;
                if let Some(lane) = &self.lane {
                    lane.registered().await;
                }
            };
            if timeout(HEARTBEAT_INTERVAL, may_store).await.is_err() {
                continue;
            }
            let begun = Instant::now();
            // Bounded, because a server that vanished silently would block for ever. Storing twice is safe.
            match timeout(STORED_WITHIN, self.record(&evidence)).await {
                Ok(Ok(outcomes)) => {
                    let locked =
                        |one: &&Outcome| matches!(one, Outcome::Locked(_) | Outcome::Unstorable(_));
                    let stored = outcomes
                        .len()
                        .saturating_sub(outcomes.iter().filter(locked).count());
                    metrics::recorded(stored, begun.elapsed());
                    self.note_answered(&outcomes);
                    return outcomes;
                }
                Ok(Err(error)) => {
                    self.note_failed();
                    tracing::warn!(merchant = self.merchant, %error, waiting = evidence.len(),
                        "could not store evidence of merchant {}; retrying", self.merchant);
                }
                Err(_) => {
                    self.note_failed();
                    tracing::warn!(
                        merchant = self.merchant,
                        waiting = evidence.len(),
                        "could not store evidence of merchant {}: the database does not answer; retrying",
                        self.merchant
                    );
                }
            }
            sleep(pauses.next_pause()).await;
        }
    }

    fn note_answered(&self, outcomes: &[Outcome]) {
        let Some(lane) = &self.lane else {
            return;
        };
        lane.recording.answered();
        let is_stored = |one: &Outcome| !matches!(one, Outcome::Locked(_) | Outcome::Unstorable(_));
        if outcomes.iter().any(is_stored) {
            lane.recording.stored();
        }
    }

    fn note_failed(&self) {
        if let Some(lane) = &self.lane {
            lane.recording.failed(Instant::now());
        }
    }

    async fn record(&self, evidence: &Arc<[Evidence]>) -> Result<Vec<Outcome>, sqlx::Error> {
        let Shared {
            store,
            rules,
            together,
            ..
        } = &self.shared;
        if !self.beside_locks {
            let all = |batches| record_all(store, rules, batches);
            return match together.share(Arc::clone(evidence), all).await {
                Some(outcomes) => Ok(outcomes),
                None => record(store, rules, evidence).await,
            };
        }
        let _turn = store.result_turn().await;
        record_beside_locks(store, rules, evidence).await
    }

    fn publish(&self) {
        let held_up = self.held_up.iter().map(|(piece, _)| piece);
        let waiting = self.batch.iter().chain(held_up);
        let oldest = waiting.clone().map(|piece| piece.received_at).min();
        metrics::evidence_waiting(&self.merchant, waiting.count(), oldest);
    }

    fn report(&self, evidence: &Evidence, outcome: &Outcome) {
        let order_num = &evidence.key.order_num;
        match outcome {
            Outcome::Recorded(change) => {
                log::changed(change);
                if let Some(lane) = self.lane.as_ref().filter(|_| change.query_now) {
                    lane.query_now();
                }
            }
            // Kept until it is stored.
            Outcome::Locked(_) => {}
            Outcome::UnknownPayout => {
                tracing::error!(payout = %evidence.key, finding = %evidence.fact.finding(), "stored no evidence about {order_num}: \
                    there is no such payout");
            }
            Outcome::Unstorable(code) => {
                // An expired lease is found again.
                if !matches!(evidence.fact, Fact::LeaseExpired { .. }) {
                    self.shared.set_aside.keep(evidence, code);
                }
            }
            Outcome::Refused(error) => {
                metrics::refused(&self.merchant, "change");
                tracing::error!(payout = %evidence.key, finding = %evidence.fact.finding(), error, "the database refused the change \
                    that follows from evidence about payout {order_num}; the evidence is stored");
            }
        }
    }

    /// Leaves what is not stored to the next worker, which finds it as after a crash (I2).
    fn abandon(mut self) {
        self.receiver.close();
        while let Ok(piece) = self.receiver.try_recv() {
            self.batch.push(piece);
        }
        let waiting = self.batch.len().saturating_add(self.held_up.len());
        if waiting > 0 {
            tracing::error!(
                merchant = self.merchant,
                waiting,
                "{waiting} pieces of evidence of merchant {} could not be stored \
                before the worker stopped; the status of their payouts will be queried",
                self.merchant
            );
        }
    }
}

/// Stores the batches of several merchants in one transaction, if nothing of it is locked or refused. Returns the outcomes
/// of each batch.
async fn record_all(
    store: &Store,
    rules: &Rules,
    batches: Vec<Arc<[Evidence]>>,
) -> Option<Vec<Vec<Outcome>>> {
    let pieces: Vec<&Evidence> = batches.iter().flat_map(|batch| batch.iter()).collect();
    let mut outcomes = record_once(store, rules, &pieces).await.ok()?.into_iter();
    let of = |batch: &Arc<[Evidence]>| outcomes.by_ref().take(batch.len()).collect();
    Some(batches.iter().map(of).collect())
}
