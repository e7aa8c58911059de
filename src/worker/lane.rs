//! One merchant's way to its gateway: the client, the slots, and what allows or stops its claims.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{Notify, Semaphore};

use super::{breaker::Breaker, control_query::ControlQuery};
use crate::{config::Merchant, gateway::Client, metrics};

/// One merchant.
pub struct Lane {
    /// As configured.
    pub merchant: Merchant,
    /// Its gateway.
    pub client: Arc<Client>,
    /// Requests that may be in flight for it. A fixed share, so that one slow merchant never takes all.
    pub(super) slots: Arc<Semaphore>,
    pub(super) slots_total: usize,
    pub(super) breaker: Breaker,
    /// Whether its gateway knows what it must know.
    pub(super) control_query: ControlQuery,
    /// The gateway has less than the books although nothing is under way: nothing is claimed (I13).
    pub(super) books_short: AtomicBool,
    /// Keys proven (I12); until then nothing is claimed.
    pub(super) proven: AtomicBool,
    /// A first platSign has verified.
    pub(super) sign_seen: AtomicBool,
    /// Payouts wait for funds: the gateway's balance is looked at more often.
    pub(super) short_of_funds: AtomicBool,
    pub(super) claim_now: Notify,
    pub(super) query_now: Notify,
    pub(super) prove_now: Notify,
}

impl Lane {
    /// A lane with `slots` requests in flight at most.
    pub fn new(merchant: Merchant, client: Arc<Client>, slots: usize) -> Arc<Self> {
        Arc::new(Self {
            sign_seen: AtomicBool::new(client.dialect().capabilities().balance_is_signed),
            slots: Arc::new(Semaphore::new(slots.max(1))),
            slots_total: slots.max(1),
            breaker: Breaker::default(),
            control_query: ControlQuery::default(),
            books_short: AtomicBool::new(false),
            proven: AtomicBool::new(false),
            short_of_funds: AtomicBool::new(false),
            claim_now: Notify::new(),
            query_now: Notify::new(),
            prove_now: Notify::new(),
            merchant,
            client,
        })
    }

    /// The merchant's code.
    pub fn code(&self) -> &str {
        &self.merchant.code
    }

    /// Wakes the questions, for something is to be asked at once.
    pub fn query_now(&self) {
        self.query_now.notify_one();
    }

    /// Stops claims until the keys are proven again.
    pub(super) fn doubt_keys(&self) {
        self.proven.store(false, Ordering::Relaxed);
        metrics::claims_stopped(self.code(), Some("keys"));
        self.prove_now.notify_one();
    }
}
