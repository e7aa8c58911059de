//! Takes evidence in and has it stored. Each merchant has a queue of its own, so evidence that waits for one merchant's
//! locks keeps nobody else's waiting; batches of several merchants share a transaction. Nothing is dropped before it is
//! stored, until the worker ends.

mod queue;

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use payout_domain::{decide::Rules, evidence::Evidence, payout::PayoutKey};
use payout_store::{Store, recent::Recent, record::Outcome};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::queue::Queue;
use super::{Heartbeats, Lane, set_aside::SetAside, together::Together};
use crate::metrics;

/// Maximum pieces of evidence of one merchant that wait in memory for the database. Senders block beyond that.
const ROOM: usize = 1024;
/// Maximum callbacks of one merchant that wait for the database. More are refused at once, so that the connections of
/// the listener stay free for other merchants; the gateway sends them again.
const CALLBACKS_MAX: usize = 64;
/// How soon evidence that can be found again is tried again after the database has refused it.
const OFFERED_AGAIN_AFTER: Duration = Duration::from_mins(5);

/// A piece of evidence on its way into the database.
struct Piece {
    evidence: Evidence,
    /// When we received it, in seconds since 1970.
    received_at: i64,
    /// Notified of the commit.
    stored: Option<oneshot::Sender<Outcome>>,
    /// It was locked or refused when it was tried last.
    was_held_up: bool,
    /// When the database first refused it.
    refused_since: Option<Instant>,
    /// Its place in the merchant's queue.
    _room: OwnedSemaphorePermit,
    /// A callback's place among the merchant's callbacks.
    callback: Option<OwnedSemaphorePermit>,
}

/// A handle of the recorder, which ends once the last handle is dropped and everything is stored.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    queues: Mutex<HashMap<String, Entrance>>,
    shared: Shared,
    tasks: TaskTracker,
    /// Dropped with the last handle.
    _open: oneshot::Sender<Infallible>,
}

/// The sender's side of one merchant's queue.
#[derive(Clone)]
struct Entrance {
    sender: mpsc::UnboundedSender<Piece>,
    room: Arc<Semaphore>,
    callbacks: Arc<Semaphore>,
}

/// What every queue needs.
#[derive(Clone)]
struct Shared {
    store: Store,
    rules: Rules,
    lanes: Vec<Arc<Lane>>,
    heartbeats: Arc<Heartbeats>,
    set_aside: SetAside,
    together: Arc<Together<Arc<[Evidence]>, Vec<Outcome>>>,
    /// The payouts about which the database refuses evidence.
    refused: Arc<Mutex<Recent<PayoutKey>>>,
    /// Whatever is not stored by then is left to the next worker.
    give_up: CancellationToken,
}

impl Shared {
    fn refused(&self) -> MutexGuard<'_, Recent<PayoutKey>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder {
    /// Starts the recorder. The task ends when the recorder does, or soon after `give_up`.
    pub fn start(
        store: Store,
        rules: Rules,
        lanes: Vec<Arc<Lane>>,
        heartbeats: Arc<Heartbeats>,
        set_aside: SetAside,
        give_up: CancellationToken,
    ) -> (Self, JoinHandle<()>) {
        let (open, closed) = oneshot::channel();
        let tasks = TaskTracker::new();
        let of_queues = tasks.clone();
        let task = tokio::spawn(async move {
            closed.await.ok();
            of_queues.close();
            of_queues.wait().await;
        });
        let shared = Shared {
            store,
            rules,
            lanes,
            heartbeats,
            set_aside,
            together: Arc::new(Together::new(|batch| batch.len())),
            refused: Arc::new(Mutex::new(Recent::new(OFFERED_AGAIN_AFTER))),
            give_up,
        };
        let recorder = Self(Arc::new(Inner {
            queues: Mutex::default(),
            shared,
            tasks,
            _open: open,
        }));
        for lane in &recorder.0.shared.lanes {
            recorder.entrance(lane.code());
        }
        (recorder, task)
    }

    /// Hands over evidence to be stored as soon as the database accepts it.
    pub async fn keep(&self, evidence: Evidence) {
        let entrance = self.entrance(&evidence.key.merchant_code);
        let key = evidence.key.clone();
        let kept = match Arc::clone(&entrance.room).acquire_owned().await {
            Ok(room) => entrance.hand_over(evidence, room, None, None),
            Err(_) => false,
        };
        if !kept {
            tracing::warn!(
                payout = %key,
                "evidence about payout {} was not stored before the worker stopped; its status will be queried",
                key.order_num
            );
        }
    }

    /// Hands over evidence that can be found again later. Returns false if the merchant's evidence waits already, or if the
    /// database refused evidence about this payout a short while ago.
    pub fn offer(&self, evidence: Evidence) -> bool {
        if self.0.shared.refused().has(&evidence.key) {
            return false;
        }
        let entrance = self.entrance(&evidence.key.merchant_code);
        if entrance.is_half_full() {
            return false;
        }
        let room = Arc::clone(&entrance.room).try_acquire_owned();
        room.is_ok_and(|room| entrance.hand_over(evidence, room, None, None))
    }

    /// Hands over evidence and waits for its commit. Returns `None` if that takes longer than `within`; the evidence
    /// may still be stored later.
    pub async fn keep_within(&self, evidence: Evidence, within: Duration) -> Option<Outcome> {
        let entrance = self.entrance(&evidence.key.merchant_code);
        let (stored, outcome) = oneshot::channel();
        let waiting = async {
            let room = Arc::clone(&entrance.room).acquire_owned().await.ok()?;
            entrance.hand_over(evidence, room, None, Some(stored));
            outcome.await.ok()
        };
        timeout(within, waiting).await.ok().flatten()
    }

    /// The same for a callback. Returns `None` at once if too many of the merchant's callbacks wait.
    pub async fn keep_callback(&self, evidence: Evidence, within: Duration) -> Option<Outcome> {
        let entrance = self.entrance(&evidence.key.merchant_code);
        let place = Arc::clone(&entrance.callbacks).try_acquire_owned().ok()?;
        let room = Arc::clone(&entrance.room).try_acquire_owned().ok()?;
        let (stored, outcome) = oneshot::channel();
        entrance.hand_over(evidence, room, Some(place), Some(stored));
        timeout(within, outcome).await.ok()?.ok()
    }

    /// Whether so much of a merchant's evidence waits that nothing may be begun that produces more.
    pub fn is_half_full(&self, merchant: &str) -> bool {
        self.entrance(merchant).is_half_full()
    }

    /// How many pieces of a merchant's evidence wait for the database.
    pub fn waiting(&self, merchant: &str) -> usize {
        self.entrance(merchant).waiting()
    }

    /// The merchant's queue, which is made when its first evidence arrives: a worker also records expired leases of
    /// merchants that it does not serve.
    fn entrance(&self, merchant: &str) -> Entrance {
        let mut queues = self.0.queues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entrance) = queues.get(merchant) {
            return entrance.clone();
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        let entrance = Entrance {
            sender,
            room: Arc::new(Semaphore::new(ROOM)),
            callbacks: Arc::new(Semaphore::new(CALLBACKS_MAX)),
        };
        let queue = Queue::new(
            merchant,
            receiver,
            Arc::clone(&entrance.room),
            self.0.shared.clone(),
        );
        self.0.tasks.spawn(queue.run());
        queues.insert(merchant.to_owned(), entrance.clone());
        entrance
    }
}

impl Entrance {
    /// Returns false if the queue has ended.
    fn hand_over(
        &self,
        evidence: Evidence,
        room: OwnedSemaphorePermit,
        callback: Option<OwnedSemaphorePermit>,
        stored: Option<oneshot::Sender<Outcome>>,
    ) -> bool {
        let piece = Piece {
            evidence,
            received_at: metrics::now_seconds(),
            stored,
            was_held_up: false,
            refused_since: None,
            _room: room,
            callback,
        };
        self.sender.send(piece).is_ok()
    }

    fn is_half_full(&self) -> bool {
        self.waiting() >= ROOM / 2
    }

    fn waiting(&self) -> usize {
        ROOM.saturating_sub(self.room.available_permits())
    }
}
