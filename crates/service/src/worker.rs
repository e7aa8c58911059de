//! The worker's loops: claim and send, poll, compare balances, watch leases. Each drives the store; none keeps state
//! that a crash could lose.

pub mod breaker;
mod capacity;
mod careful;
mod claim;
pub mod claims;
mod control_query;
mod heartbeats;
mod lane;
mod log;
mod looks;
mod notices;
mod poll;
mod presence;
mod prove;
mod reconcile;
pub mod recorder;
mod recording;
mod requests;
pub mod set_aside;
mod submit;
mod together;
mod wake;
mod watch;
pub mod witness;

use std::sync::{Arc, atomic::AtomicBool};

use payout_config::{Config, Poll, Submit};
use payout_domain::{decide::Rules, schedule::PollRules};
use payout_store::{
    Store,
    claim::{ClaimError, ClaimOrder},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{claim::Got, recorder::Recorder, together::Together, witness::Witness};
pub use self::{heartbeats::Heartbeats, lane::Lane};
use crate::notifier::Notifier;

/// What every loop shares.
pub struct Worker {
    /// The connections.
    pub store: Store,
    /// Hands evidence to `store::record`.
    pub recorder: Recorder,
    /// One per configured merchant.
    pub lanes: Vec<Arc<Lane>>,
    /// When each loop last made progress.
    pub heartbeats: Arc<Heartbeats>,
    /// `[poll]`
    pub poll: Poll,
    /// `[submit]`
    pub submit: Submit,
    /// The name stored with each attempt, for people: host name and process ID.
    pub name: String,
    /// Whether the server's settings keep a committed claim (I11). Claims stop while this is false.
    database_is_safe: AtomicBool,
    /// Whether a failover was detected that nobody has accepted yet.
    failover_seen: AtomicBool,
    /// Where the claims of all merchants meet.
    claims: Together<ClaimOrder, Result<Got, ClaimError>>,
    /// The last committed claim, remembered outside the database.
    witness: Witness,
    /// How approvers are told of requests, if they are.
    notifier: Option<Arc<Notifier>>,
}

/// The decision rules of a configuration.
pub fn rules(poll: &Poll, callbacks_settle: bool) -> Rules {
    Rules {
        poll: PollRules {
            first_after: poll.first_after,
            max_interval: poll.max_interval,
            quiet_horizon: poll.quiet_horizon,
            decline_confirm: poll.decline_confirm,
        },
        callbacks_settle,
    }
}

impl Worker {
    /// Whether this worker may send, query and store anything for this merchant: it reaches the database by a registered
    /// address, and the merchant's gateway is the registered one (I11).
    fn may_work_for(&self, lane: &Lane) -> bool {
        self.store.reach.is_open() && lane.is_registered()
    }

    /// Assembles a worker without starting anything.
    pub fn new(
        store: Store,
        recorder: Recorder,
        lanes: Vec<Arc<Lane>>,
        config: &Config,
        witness: Witness,
        heartbeats: Arc<Heartbeats>,
        notifier: Option<Arc<Notifier>>,
    ) -> Arc<Self> {
        let system = rustix::system::uname();
        let host = system.nodename().to_string_lossy();
        Arc::new(Self {
            store,
            recorder,
            lanes,
            heartbeats,
            poll: config.poll,
            submit: config.submit,
            name: format!("{host}/{}", std::process::id()),
            database_is_safe: AtomicBool::new(false),
            failover_seen: AtomicBool::new(false),
            claims: Together::new(|order| usize::try_from(order.limit).unwrap_or(usize::MAX)),
            witness,
            notifier,
        })
    }

    /// Runs every loop until `stop` is cancelled. Returns once every request in flight has been answered and handed to
    /// the recorder.
    pub async fn run(self: &Arc<Self>, stop: &CancellationToken) {
        let tasks = TaskTracker::new();
        tasks.spawn(watch::run(Arc::clone(self), stop.clone()));
        tasks.spawn(watch::books(Arc::clone(self), stop.clone()));
        tasks.spawn(wake::run(Arc::clone(self), stop.clone()));
        if let Some(notifier) = &self.notifier {
            tasks.spawn(notices::run(
                Arc::clone(self),
                Arc::clone(notifier),
                stop.clone(),
            ));
        }
        for lane in &self.lanes {
            tasks.spawn(prove::run(Arc::clone(self), Arc::clone(lane), stop.clone()));
            tasks.spawn(submit::run(
                Arc::clone(self),
                Arc::clone(lane),
                stop.clone(),
                tasks.clone(),
            ));
            tasks.spawn(poll::run(
                Arc::clone(self),
                Arc::clone(lane),
                stop.clone(),
                tasks.clone(),
            ));
            tasks.spawn(requests::run(
                Arc::clone(self),
                Arc::clone(lane),
                stop.clone(),
                tasks.clone(),
            ));
            tasks.spawn(reconcile::run(
                Arc::clone(self),
                Arc::clone(lane),
                stop.clone(),
            ));
        }
        tasks.close();
        tasks.wait().await;
    }
}
