//! A merchant lane: the client of one merchant's gateway, its slots, and what allows or stops its claims.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use payout_config::Merchant;
use payout_domain::stop::StopReason;
use payout_gateway::Client;
use payout_store::registration::Gateway;
use tokio::sync::{Notify, Semaphore, watch};

use super::{
    breaker::Breaker, claims::Claims, control_query::ControlQueries, recording::Recording,
};

/// The worker's state for one merchant.
pub struct Lane {
    /// The merchant's configuration.
    pub merchant: Merchant,
    /// The client of the merchant's gateway.
    pub client: Arc<Client>,
    /// The gateway that this worker is configured with.
    pub(super) gateway: Gateway,
    /// One permit per request that may be in flight. A fixed share, so one slow merchant never takes every slot.
    pub(super) slots: Arc<Semaphore>,
    pub(super) slots_total: usize,
    /// Slots that a claim holds before it knows how many payouts it gets.
    reserved: AtomicUsize,
    pub(super) breaker: Breaker,
    /// Whether the database takes its evidence.
    pub(super) recording: Recording,
    /// Whether it claims and, if not, why.
    pub claims: Claims,
    /// Which orders that it must know the gateway found recently.
    pub(super) control_queries: ControlQueries,
    /// The gateway states less than the books although nothing is in flight: claims stop (I13).
    pub(super) books_short: AtomicBool,
    /// The gateway states a balance that cannot be true.
    pub(super) balance_refused: AtomicBool,
    /// The gateway is the one registered for the merchant. What another one says about its payouts means nothing.
    /// `None` until that was compared once.
    is_registered: watch::Sender<Option<bool>>,
    /// The keys are proven (I12). Nothing is claimed before that.
    pub(super) proven: AtomicBool,
    /// A `platSign` has verified at least once.
    pub(super) sign_seen: AtomicBool,
    /// Payouts are waiting for funds, so the gateway's balance is read more often.
    pub(super) short_of_funds: AtomicBool,
    /// Something may be due, or may be claimed again.
    pub(super) claim_now: Notify,
    /// A slot came back.
    pub(super) slot_free: Notify,
    pub(super) query_now: Notify,
    pub(super) prove_now: Notify,
}

impl Lane {
    /// Creates a lane with at most `slots` requests in flight.
    pub fn new(merchant: Merchant, client: Arc<Client>, slots: usize) -> Arc<Self> {
        Arc::new(Self {
            sign_seen: AtomicBool::new(client.dialect().capabilities().balance_is_signed),
            slots: Arc::new(Semaphore::new(slots.max(1))),
            slots_total: slots.max(1),
            reserved: AtomicUsize::new(0),
            breaker: Breaker::default(),
            recording: Recording::default(),
            claims: Claims::new(&merchant.code),
            control_queries: ControlQueries::default(),
            books_short: AtomicBool::new(false),
            balance_refused: AtomicBool::new(false),
            is_registered: watch::Sender::new(None),
            proven: AtomicBool::new(false),
            short_of_funds: AtomicBool::new(false),
            claim_now: Notify::new(),
            slot_free: Notify::new(),
            query_now: Notify::new(),
            prove_now: Notify::new(),
            gateway: Gateway {
                merchant_code: merchant.code.clone(),
                dialect: merchant.dialect.clone(),
                base_url: merchant.base_url.clone(),
                platform_keys: client.platform_fingerprints(),
            },
            merchant,
            client,
        })
    }

    /// The merchant's code.
    pub fn code(&self) -> &str {
        &self.merchant.code
    }

    /// Whether this worker is configured with the gateway that is registered for the merchant. It sends, queries, stores
    /// and acknowledges nothing for the merchant while it is not.
    pub fn is_registered(&self) -> bool {
        self.registration() == Some(true)
    }

    /// The same; `None` until it was compared once.
    pub(super) fn registration(&self) -> Option<bool> {
        *self.is_registered.borrow()
    }

    /// Waits until it is.
    pub(super) async fn registered(&self) {
        // This value itself keeps the channel open.
        self.is_registered
            .subscribe()
            .wait_for(|registered| *registered == Some(true))
            .await
            .ok();
    }

    /// Compares the configuration with the registered gateways, and says so when the answer changes.
    pub(super) fn compare_registration(&self, gateways: &[Gateway]) {
        let registered = gateways.contains(&self.gateway);
        let before = self.is_registered.send_replace(Some(registered));
        if before == Some(registered) {
            return;
        }
        if registered {
            tracing::info!(
                merchant = self.code(),
                "the gateway of merchant {} is the registered one",
                self.code()
            );
            self.claim_now.notify_one();
        } else {
            tracing::error!(
                merchant = self.code(),
                "stopped for merchant {}: the database has another gateway or platform key registered, so this worker \
                 sends, queries and stores nothing for it; `payout config check` and `payout doctor` show the difference",
                self.code()
            );
        }
    }

    /// How many payouts are being sent.
    pub(super) fn in_flight(&self) -> usize {
        let free = self.slots.available_permits();
        let reserved = self.reserved.load(Ordering::Relaxed);
        self.slots_total
            .saturating_sub(free)
            .saturating_sub(reserved)
    }

    /// Notes that a claim holds this many slots. A lane makes one claim at a time.
    pub(super) fn reserve(&self, slots: usize) -> Reserved<'_> {
        self.reserved.store(slots, Ordering::Relaxed);
        Reserved(&self.reserved)
    }

    /// Why the database does not take the merchant's evidence, if it does not.
    pub fn why_not_recorded(&self) -> Option<String> {
        self.recording.why_stopped(Instant::now())
    }

    /// Whether one payout may try whether the database takes evidence again.
    pub(super) fn begin_recording_trial(&self) -> bool {
        self.recording.begin_trial(Instant::now())
    }

    /// Wakes the poll loop: a query is due now.
    pub fn query_now(&self) {
        self.query_now.notify_one();
    }

    /// Stops claims until the keys are proven again.
    pub(super) fn doubt_keys(&self) {
        self.proven.store(false, Ordering::Relaxed);
        self.claims.stop(StopReason::Keys, "");
        self.prove_now.notify_one();
    }
}

/// Slots of a claim in progress that no payout uses yet.
pub(super) struct Reserved<'a>(&'a AtomicUsize);

impl Reserved<'_> {
    /// A claimed payout takes one.
    pub(super) fn takes_one(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Relaxed);
    }
}
