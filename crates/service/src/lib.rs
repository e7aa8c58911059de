//! The worker as a process: what `payout run` starts, from a configuration to running loops and listeners.

// Only tests may panic; without `cfg(test)` the lints still apply.
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::unwrap_used
    )
)]

pub mod backoff;
mod begin;
mod fitness;
pub mod inbound;
pub mod keyring;
pub mod metrics;
pub mod notifier;
pub mod telemetry;
mod unfit;
pub mod worker;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use axum::Router;
use payout_config::Config;
use payout_domain::stop::StopReason;
use payout_store::Store;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::{JoinError, JoinHandle},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

pub use self::unfit::{Away, Unfit};
use self::{
    inbound::{
        Listener,
        admin::{self, Admin},
        callback::{self, Callbacks},
    },
    notifier::Notifier,
    worker::{Heartbeats, Lane, Worker, recorder::Recorder, set_aside::SetAside, witness::Witness},
};

/// How long a stopping worker tries to store evidence that the database does not accept.
const STORE_FOR: Duration = Duration::from_secs(15);

/// A running worker.
pub struct Running {
    /// Where it receives callbacks.
    pub http: Option<SocketAddr>,
    /// Where it serves health and metrics.
    pub admin: Option<SocketAddr>,
    stop: CancellationToken,
    closing: CancellationToken,
    loops: JoinHandle<()>,
    listeners: Vec<Listener>,
    recorder: JoinHandle<()>,
    give_up: CancellationToken,
    /// How long requests in flight may take to be answered.
    in_flight_for: Duration,
    store: Store,
}

/// How long what gives up may take.
const GIVE_UP_WITHIN: Duration = Duration::from_secs(5);

/// How often a worker that waits for its database at the start says so.
const SAY_WAITING_EVERY: Duration = Duration::from_secs(5);

/// Runs until SIGTERM or SIGINT, then finishes what is in flight. A second signal exits at once, which is safe: the
/// status of everything that was claimed will be queried (I2).
pub async fn run(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let starting = async {
        tokio::pin! {
            let start = Running::start(&config);
        }
        loop {
            tokio::select! {
                started = &mut start => return started,
                () = sleep(SAY_WAITING_EVERY) => tracing::warn!(
                    "not started yet: the database has not answered; a commit may be waiting for a synchronous standby"
                ),
            }
        }
    };
    let started = tokio::select! {
        started = starting => Some(started?),
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
    };
    let Some(running) = started else {
        tracing::info!("worker stopped before it had started");
        return Ok(());
    };
    tracing::info!(http = ?running.http, admin = ?running.admin, pid = std::process::id(), "worker started");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("worker stopping: no new claims; requests in flight are finished first");
    tokio::select! {
        () = running.stop() => tracing::info!("worker stopped"),
        _ = terminate.recv() => abandoned(),
        _ = interrupt.recv() => abandoned(),
    }
    Ok(())
}

fn abandoned() {
    tracing::warn!("worker stopped at once; the status of payouts in flight will be queried");
}

impl Running {
    /// Checks that it may run here, and starts every part. Fails with [`Unfit`] where a person must change something.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        let exporter = metrics::install()?;
        let lanes = lanes(config)?;
        let notifier = Notifier::new(&config.approvals).map_err(Unfit)?;
        let store = Store::at(&config.database.url).map_err(|error| Unfit(error.to_string()))?;
        let witness = begin::begin_if_registered(&store, config).await?;
        if witness.is_none() {
            store.reach.close();
        }
        let rules = worker::rules(&config.poll, config.callbacks_settle);
        let heartbeats = Arc::new(Heartbeats::default());
        let give_up = CancellationToken::new();
        let (recorder, recording) = Recorder::start(
            store.clone(),
            rules,
            lanes.clone(),
            Arc::clone(&heartbeats),
            SetAside::beside(&config.witness_file),
            give_up.clone(),
        );
        let (stop, closing) = (CancellationToken::new(), CancellationToken::new());
        let callbacks = callback::routes(Callbacks {
            recorder: recorder.clone(),
            store: store.clone(),
            lanes: lanes.clone(),
        });
        let inside = admin::routes(Admin {
            store: store.clone(),
            exporter,
            lanes: lanes.clone(),
            heartbeats: Arc::clone(&heartbeats),
            draining: stop.clone(),
        });
        let http = listen("http", config.http_listen, callbacks, &closing).await?;
        let admin = listen("admin", config.admin_listen, inside, &closing).await?;
        let worker = Parts {
            store: store.clone(),
            recorder,
            lanes,
            config: config.clone(),
            heartbeats,
            notifier: notifier.map(Arc::new),
        };
        let loops = tokio::spawn(worker.run(witness, stop.clone()));
        Ok(Self {
            http: http.as_ref().map(|listener| listener.address),
            admin: admin.as_ref().map(|listener| listener.address),
            stop,
            closing,
            loops,
            listeners: http.into_iter().chain(admin).collect(),
            recorder: recording,
            give_up,
            in_flight_for: config.submit.timeout,
            store,
        })
    }

    /// Stops claiming, finishes what is in flight, accepts callbacks until the end, and stores everything.
    ///
    /// Evidence that the database does not accept for `STORE_FOR` is left behind: one locked payout must not keep a
    /// worker from stopping, and the next one queries whatever has no answer.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let in_flight = self.in_flight_for.saturating_add(STORE_FOR);
        if let Err(error) = ended(&mut self.loops, in_flight, &self.give_up).await {
            tracing::error!(%error, "worker loop panicked");
        }
        self.closing.cancel();
        for listener in std::mem::take(&mut self.listeners) {
            // A callback that waits for the database is not answered, and so comes again.
            timeout(self.patience(), listener.ended()).await.ok();
        }
        // Nothing can reach the recorder any more, so it ends when everything is stored.
        let patience = self.patience();
        if let Err(error) = ended(&mut self.recorder, patience, &self.give_up).await {
            tracing::error!(%error, "recorder panicked");
        }
        if timeout(self.patience(), self.store.close()).await.is_err() {
            tracing::warn!("the database does not answer; its connections are left open");
        }
    }

    /// How long the next part may take to end: not long once one has been given up.
    fn patience(&self) -> Duration {
        if self.give_up.is_cancelled() {
            GIVE_UP_WITHIN
        } else {
            STORE_FOR
        }
    }
}

/// What a worker is made of once it may begin.
struct Parts {
    store: Store,
    recorder: Recorder,
    lanes: Vec<Arc<Lane>>,
    config: Config,
    heartbeats: Arc<Heartbeats>,
    notifier: Option<Arc<Notifier>>,
}

impl Parts {
    /// Runs every loop until `stop`. Without a witness, the worker has not begun yet and waits until it may.
    async fn run(self, witness: Option<Witness>, stop: CancellationToken) {
        let witness = if witness.is_some() {
            witness
        } else {
            self.begin_later(&stop).await
        };
        let Some(witness) = witness else {
            return;
        };
        let Self {
            store,
            recorder,
            lanes,
            config,
            heartbeats,
            notifier,
        } = self;
        let worker = Worker::new(
            store, recorder, lanes, &config, witness, heartbeats, notifier,
        );
        worker.run(&stop).await;
    }

    /// `None` if it is stopped before.
    async fn begin_later(&self, stop: &CancellationToken) -> Option<Witness> {
        for lane in &self.lanes {
            lane.claims.stop(StopReason::Address, "");
        }
        let beginning = begin::begin_once_registered(&self.store, &self.config);
        stop.run_until_cancelled(beginning).await
    }
}

/// Waits for the task; makes the recorder give up if it takes longer than `within`, and leaves the task behind if it does
/// not end then either, as where a commit waits for a standby that is gone.
async fn ended(
    task: &mut JoinHandle<()>,
    within: Duration,
    give_up: &CancellationToken,
) -> Result<(), JoinError> {
    if let Ok(done) = timeout(within, &mut *task).await {
        return done;
    }
    give_up.cancel();
    if let Ok(done) = timeout(GIVE_UP_WITHIN, task).await {
        return done;
    }
    tracing::warn!(
        "the database does not answer; what waits for it is left behind, and the status of what was sent will be queried"
    );
    Ok(())
}

/// A lane per merchant, with an equal share of the concurrency.
fn lanes(config: &Config) -> Result<Vec<Arc<Lane>>, Unfit> {
    let share = config
        .submit
        .concurrency
        .checked_div(config.merchants.len());
    let open = |merchant: &payout_config::Merchant| {
        let client = keyring::client(merchant, config.submit.timeout)?;
        metrics::merchant(&merchant.code);
        Ok(Lane::new(
            merchant.clone(),
            Arc::new(client),
            share.unwrap_or(1),
        ))
    };
    config.merchants.iter().map(open).collect()
}

/// Serves `routes` at the address of this section, if it has one.
async fn listen(
    section: &str,
    address: Option<SocketAddr>,
    routes: Router,
    closing: &CancellationToken,
) -> anyhow::Result<Option<Listener>> {
    let Some(address) = address else {
        return Ok(None);
    };
    let listener = Listener::start(address, routes, closing.clone()).await;
    let context = || format!("[{section}] listen = \"{address}\" cannot be used");
    Ok(Some(listener.with_context(context)?))
}
