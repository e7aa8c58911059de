//! Stores batches of several merchants in one transaction.
//!
//! A commit costs the database nearly as much for one piece of evidence as for a hundred, so the batches that arrive while
//! others are being stored share the next transaction. A merchant's trouble stays its own: if anything in a shared
//! transaction is locked or refused, none of it is stored, and each merchant stores its batch alone.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, oneshot};

use crate::{
    domain::{decide::Rules, evidence::Evidence},
    store::{
        Store,
        record::{Outcome, record, record_once},
    },
};

/// Shared transactions at a time: one runs while another one waits for its commit.
const TURNS: usize = 2;
/// Maximum pieces of evidence in one transaction, unless a single batch has more.
const PIECES_MAX: usize = 256;

/// Where the batches of all merchants meet.
pub(super) struct Together {
    turns: Semaphore,
    waiting: Mutex<Vec<Batch>>,
}

/// One merchant's batch.
struct Batch {
    evidence: Arc<[Evidence]>,
    /// Receives one outcome per piece, or nothing if the batch has to be stored alone.
    outcomes: oneshot::Sender<Vec<Outcome>>,
}

impl Together {
    pub(super) fn new() -> Self {
        Self {
            turns: Semaphore::new(TURNS),
            waiting: Mutex::default(),
        }
    }

    /// Stores a merchant's batch, together with those of other merchants that wait. Returns one outcome per piece.
    pub(super) async fn record(
        &self,
        store: &Store,
        rules: &Rules,
        evidence: &Arc<[Evidence]>,
    ) -> Result<Vec<Outcome>, sqlx::Error> {
        let (sender, mut outcomes) = oneshot::channel();
        self.waiting().push(Batch {
            evidence: Arc::clone(evidence),
            outcomes: sender,
        });
        let stored = tokio::select! {
            biased;
            stored = &mut outcomes => stored,
            turn = self.turns.acquire() => {
                self.store_waiting(store, rules).await;
                drop(turn);
                outcomes.await
            }
        };
        match stored {
            Ok(outcomes) => Ok(outcomes),
            Err(_) => record(store, rules, evidence).await,
        }
    }

    /// Stores what waits now in one transaction. Whoever handed it in is told, if only by a dropped sender.
    async fn store_waiting(&self, store: &Store, rules: &Rules) {
        let batches = self.take();
        let pieces = batches.iter().flat_map(|batch| batch.evidence.iter());
        let Ok(outcomes) = record_once(store, rules, &pieces.collect::<Vec<_>>()).await else {
            return;
        };
        let mut outcomes = outcomes.into_iter();
        for batch in batches {
            let own = outcomes.by_ref().take(batch.evidence.len()).collect();
            batch.outcomes.send(own).ok();
        }
    }

    /// The batches of the next transaction, the oldest first. Those that nobody waits for any more are left out.
    fn take(&self) -> Vec<Batch> {
        let mut waiting = self.waiting();
        waiting.retain(|batch| !batch.outcomes.is_closed());
        let mut pieces = 0_usize;
        let fitting = waiting.iter().take_while(|batch| {
            let is_first = pieces == 0;
            pieces = pieces.saturating_add(batch.evidence.len());
            is_first || pieces <= PIECES_MAX
        });
        let fitting = fitting.count();
        waiting.drain(..fitting).collect()
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Batch>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
