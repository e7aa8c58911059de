//! The sandbox gateway: the other side of the wire, for the demo and for tests.
//!
//! It implements the protocol independently and shares no code with the gateway client, so that a mistake on one side
//! shows on the other. It keeps balance and freeze, moves orders 0 → 1 → 5 → 2, 3 or 4 on its own clock, sends
//! callbacks, misbehaves on demand ([`Fault`]) and remembers every submit.

// Only tests may panic; without `cfg(test)` the lints still apply.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::unwrap_used
    )
)]

mod account;
mod admin;
mod answer;
mod booking;
mod callback;
mod chance;
mod clock;
mod connection;
mod event_queue;
mod fault;
mod forms;
mod keys;
mod order;
mod page;
mod query;
mod record;
mod request;
mod script;
mod settings;
mod shared;
mod state;
mod submit;
#[cfg(test)]
mod tests;
mod view;
mod wire;

use std::{io, net::SocketAddr, sync::Arc};

use axum::{Router, extract::DefaultBodyLimit, routing::post};
use tokio::{net::TcpListener, task::JoinHandle, time::Instant};
use tokio_util::sync::DropGuard;

pub use self::{
    account::BalanceView,
    fault::Fault,
    keys::{parse_private_key, parse_public_key},
    script::{Ending, Script},
    settings::{Dialect, Pace, Settings},
    view::{OrderView, SeenSubmit},
};
use self::{
    connection::{Listener, Peer},
    event_queue::DueCallback,
    shared::Shared,
};

/// Far above any request of this protocol.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// A running sandbox. Dropping it stops it; [`Sandbox::stop`] also waits until it has stopped.
pub struct Sandbox {
    shared: Arc<Shared>,
    address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
    stops: DropGuard,
}

impl Sandbox {
    /// Binds the address and starts to serve.
    pub async fn start(settings: Settings, listen: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::new(settings, client()?));
        let routes = Router::new()
            .route(submit::PATH, post(submit::handle))
            .route(query::QUERY_PATH, post(query::query))
            .route(query::BALANCE_PATH, post(query::balance))
            .merge(admin::routes())
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(Arc::clone(&shared))
            .into_make_service_with_connect_info::<Peer>();
        let listener = Listener {
            listener,
            shared: Arc::clone(&shared),
        };
        let stopping = shared.stopping.clone();
        let server = tokio::spawn(async move {
            let serve =
                axum::serve(listener, routes).with_graceful_shutdown(stopping.cancelled_owned());
            if let Err(error) = serve.await {
                tracing::warn!(%error, "sandbox stopped serving after an error");
            }
        });
        let clock = tokio::spawn(clock::run(Arc::clone(&shared)));
        Ok(Self {
            stops: shared.stopping.clone().drop_guard(),
            shared,
            address,
            tasks: [server, clock],
        })
    }

    /// The base URL, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every submit ever received, in order of arrival.
    pub fn submits(&self) -> Vec<SeenSubmit> {
        self.shared.read(|state| state.submits.clone())
    }

    /// Every booked order, in booking order.
    pub fn orders(&self) -> Vec<OrderView> {
        self.shared.read(admin::orders)
    }

    /// One booked order.
    pub fn order(&self, order_num: &str) -> Option<OrderView> {
        self.shared
            .read(|state| state.orders.get(order_num).map(OrderView::from))
    }

    /// How often an order was queried, booked or not.
    pub fn queries(&self, order_num: &str) -> u32 {
        self.shared
            .read(|state| state.queries.get(order_num).copied().unwrap_or(0))
    }

    /// The merchant's money.
    pub fn balance(&self) -> BalanceView {
        self.shared.read(|state| state.account)
    }

    /// Sets a fault, effective at once.
    pub fn set_fault(&self, fault: Fault) {
        self.shared.set_fault(Some(fault));
    }

    /// Clears the fault. Scripts of single orders stay.
    pub fn heal(&self) {
        self.shared.set_fault(None);
    }

    /// Scripts one order, preferably before it arrives. Replaces an earlier script of that order.
    pub fn script(&self, order_num: impl Into<String>, script: Script) {
        self.shared
            .update(|state| state.set_script(order_num.into(), script, Instant::now()));
    }

    /// Waits until `condition` holds; it is checked after each change.
    pub async fn until(&self, mut condition: impl FnMut(&Self) -> bool) {
        let mut changes = self.shared.changes.subscribe();
        while !condition(self) {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Sends one more callback about this order, in whatever state it is. Returns whether it was acknowledged.
    pub async fn call_back(&self, order_num: &str) -> bool {
        callback::deliver(Arc::clone(&self.shared), DueCallback::extra(order_num)).await
    }

    /// Closes every connection and stops.
    pub async fn stop(self) {
        drop(self.stops);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::warn!(%error, "a task of the sandbox panicked");
            }
        }
    }
}

/// The client that sends callbacks: directly, without a proxy or redirects.
fn client() -> io::Result<reqwest::Client> {
    // An `Err` means that a provider is already installed, which is fine.
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(io::Error::other)
}
