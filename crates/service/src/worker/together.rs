//! Brings the work of several merchants together, so that it shares one transaction.
//!
//! A commit costs the database nearly as much for one payout as for a hundred, so work that arrives while other work is
//! under way shares the next transaction. A merchant's trouble stays its own: if anything in a shared transaction is locked
//! or refused, none of it is done, and each merchant does its work alone.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Semaphore, oneshot},
    time::sleep,
};

/// Shared transactions at a time: one runs while another one waits for its commit.
const TURNS: usize = 2;
/// Maximum payouts, or pieces of evidence, in one transaction, unless a single merchant has more.
const PIECES_MAX: usize = 256;
/// How long work waits until a transaction begins. If those under way take longer, something is wrong with them.
const BEGUN_WITHIN: Duration = Duration::from_secs(2);

/// Where the work `W` of all merchants meets. Each gets a result `R`.
pub(super) struct Together<W, R> {
    turns: Semaphore,
    waiting: Mutex<Vec<Waiting<W, R>>>,
    next_number: AtomicU64,
    pieces: fn(&W) -> usize,
}

/// One merchant's work.
struct Waiting<W, R> {
    number: u64,
    work: W,
    /// Receives the result, or nothing if the work has to be done alone.
    result: oneshot::Sender<R>,
}

impl<W, R> Together<W, R> {
    /// `pieces` says how many payouts or pieces of evidence some work is about.
    pub(super) fn new(pieces: fn(&W) -> usize) -> Self {
        Self {
            turns: Semaphore::new(TURNS),
            waiting: Mutex::default(),
            next_number: AtomicU64::default(),
            pieces,
        }
    }

    /// Has a merchant's work done by `all`, together with that of other merchants that waits. `all` returns one result per
    /// merchant, or nothing if each has to do its work alone; then this returns nothing.
    pub(super) async fn share<F>(&self, work: W, all: impl FnOnce(Vec<W>) -> F) -> Option<R>
    where
        F: Future<Output = Option<Vec<R>>>,
    {
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let (sender, mut result) = oneshot::channel();
        self.waiting().push(Waiting {
            number,
            work,
            result: sender,
        });
        tokio::select! {
            biased;
            result = &mut result => return result.ok(),
            turn = self.turns.acquire() => {
                // Otherwise another one has begun with this work, and its result comes from there.
                if let Some(shared) = self.take(number) {
                    let (work, senders): (Vec<W>, Vec<_>) =
                        shared.into_iter().map(|one| (one.work, one.result)).unzip();
                    let results = all(work).await.into_iter().flatten();
                    for (sender, result) in senders.into_iter().zip(results) {
                        sender.send(result).ok();
                    }
                }
                drop(turn);
            }
            () = sleep(BEGUN_WITHIN) => {
                self.waiting().retain(|one| one.number != number);
            }
        }
        result.await.ok()
    }

    /// This work and the oldest of the rest, as much as fits into one transaction; nothing if another one has taken this
    /// work. What nobody waits for any more is left out.
    fn take(&self, number: u64) -> Option<Vec<Waiting<W, R>>> {
        let mut waiting = self.waiting();
        waiting.retain(|one| !one.result.is_closed());
        let own = waiting.iter().position(|one| one.number == number)?;
        // Its result must not wait for another transaction.
        waiting[..=own].rotate_right(1);
        let mut pieces = 0_usize;
        let fitting = waiting.iter().take_while(|one| {
            let is_first = pieces == 0;
            pieces = pieces.saturating_add((self.pieces)(&one.work).max(1));
            is_first || pieces <= PIECES_MAX
        });
        let fitting = fitting.count();
        Some(waiting.drain(..fitting).collect())
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting<W, R>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::{sync::Barrier, task::JoinSet};

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn everybody_gets_the_result_of_their_own_work_however_full_the_transactions_are() {
        for pieces in [1, PIECES_MAX / 3, PIECES_MAX - 1] {
            let together = Arc::new(Together::<(usize, usize), usize>::new(|(_, pieces)| {
                *pieces
            }));
            let mut merchants = JoinSet::new();
            for number in 0..200 {
                let together = Arc::clone(&together);
                merchants.spawn(async move {
                    let all = |work: Vec<(usize, usize)>| async move {
                        assert!(!work.is_empty(), "a transaction for nothing");
                        tokio::task::yield_now().await;
                        Some(work.into_iter().map(|(number, _)| number + 1).collect())
                    };
                    let result = together.share((number, pieces), all).await;
                    assert_eq!(result, Some(number + 1));
                });
            }
            merchants.join_all().await;
        }
    }

    #[tokio::test]
    async fn work_that_arrives_meanwhile_shares_the_next_transaction_and_what_fails_is_done_alone()
    {
        let together = Together::<usize, usize>::new(|_| 1);
        let (transactions, under_way) = (AtomicUsize::new(0), Barrier::new(TURNS));
        let (meeting, counted, both) = (&together, &transactions, &under_way);
        let all = |work: Vec<usize>| async move {
            if counted.fetch_add(1, Ordering::Relaxed) < TURNS {
                while meeting.waiting().len() < 3 {
                    tokio::task::yield_now().await;
                }
                both.wait().await;
                return Some(work);
            }
            assert_eq!(work.len(), 3);
            None
        };
        let share = |number| together.share(number, all);
        let done = tokio::join!(share(0), share(1), share(2), share(3), share(4));
        assert_eq!(done, (Some(0), Some(1), None, None, None));
        assert_eq!(transactions.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn work_whose_turn_does_not_come_is_done_alone() {
        let together = Together::<usize, usize>::new(|_| 1);
        let hung = |_| std::future::pending();
        let share = |number| together.share(number, hung);
        tokio::select! {
            biased;
            _ = share(0) => panic!("it hangs"),
            _ = share(1) => panic!("it hangs"),
            done = share(2) => assert_eq!(done, None),
        }
        assert!(together.waiting().is_empty());
    }
}
