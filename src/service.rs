//! `payout run`: the worker, the callbacks and the metrics in one process.

pub mod keyring;

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    inbound::{
        Listener,
        admin::{self, Admin},
        callback::{self, Callbacks},
    },
    metrics,
    store::{Store, failover, fitness, schema},
    worker::{self, Heartbeats, Lane, Worker, recorder::Recorder, witness::Witness},
};

/// The configuration or the schema must be changed by a person first (exit 78).
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

/// A running worker.
pub struct Running {
    /// Where callbacks come in.
    pub http: Option<SocketAddr>,
    /// Where health and metrics are.
    pub admin: Option<SocketAddr>,
    stop: CancellationToken,
    closing: CancellationToken,
    loops: JoinHandle<()>,
    listeners: Vec<Listener>,
    recorder: JoinHandle<()>,
    store: Store,
}

/// Runs until SIGTERM or SIGINT, then finishes what is in flight. A second signal exits at once, which is safe:
/// whatever was claimed is asked for (I2).
pub async fn run(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let running = Running::start(&config).await?;
    tracing::info!(http = ?running.http, admin = ?running.admin, pid = std::process::id(), "the worker runs");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping: no new claims, what is in flight is finished");
    tokio::select! {
        () = running.stop() => tracing::info!("stopped"),
        _ = terminate.recv() => tracing::warn!("stopped at once; what was in flight will be asked for"),
        _ = interrupt.recv() => tracing::warn!("stopped at once; what was in flight will be asked for"),
    }
    Ok(())
}

impl Running {
    /// Checks that it may run here, and starts every part.
    pub async fn start(config: &Config) -> anyhow::Result<Self> {
        let share = config
            .submit
            .concurrency
            .checked_div(config.merchants.len())
            .unwrap_or(1);
        let mut lanes = Vec::new();
        let exporter = metrics::install()?;
        for merchant in &config.merchants {
            let client = keyring::client(merchant, config.submit.timeout)?;
            metrics::merchant(&merchant.code);
            lanes.push(Lane::new(merchant.clone(), Arc::new(client), share));
        }
        let store = Store::connect(&config.database.url)
            .await
            .context("the database cannot be reached")?;
        check_fit(&store, config).await?;
        let send_window = config.submit.lease.saturating_sub(config.submit.timeout);
        let quiet = config.poll.quiet_horizon.saturating_add(send_window);
        failover::register_identity(&store.results, quiet).await?;

        let rules = worker::rules(&config.poll, config.callbacks_settle);
        let heartbeats = Arc::new(Heartbeats::default());
        let (recorder, recording) =
            Recorder::start(store.clone(), rules, lanes.clone(), Arc::clone(&heartbeats));
        let worker = Worker::new(
            store.clone(),
            recorder.clone(),
            lanes.clone(),
            config.submit,
            config.poll,
            Witness::open(config.witness_file.clone()).map_err(Unfit)?,
            heartbeats,
        );
        let (stop, closing) = (CancellationToken::new(), CancellationToken::new());
        let mut listeners = Vec::new();
        let (mut http, mut admin) = (None, None);
        if let Some(address) = config.http_listen {
            let routes = callback::routes(Callbacks {
                recorder,
                store: store.clone(),
                lanes,
            });
            let listener = Listener::start(address, routes, closing.clone())
                .await
                .with_context(|| format!("[http] listen = \"{address}\" cannot be used"))?;
            http = Some(listener.address);
            listeners.push(listener);
        }
        if let Some(address) = config.admin_listen {
            let heartbeats = Arc::clone(&worker.heartbeats);
            let routes = admin::routes(Admin {
                store: store.clone(),
                exporter,
                heartbeats,
                draining: stop.clone(),
            });
            let listener = Listener::start(address, routes, closing.clone())
                .await
                .with_context(|| format!("[admin] listen = \"{address}\" cannot be used"))?;
            admin = Some(listener.address);
            listeners.push(listener);
        }
        let loops = tokio::spawn({
            let stop = stop.clone();
            async move { worker.run(&stop).await }
        });
        Ok(Self {
            http,
            admin,
            stop,
            closing,
            loops,
            listeners,
            recorder: recording,
            store,
        })
    }

    /// Stops claiming, finishes what is in flight, takes callbacks until the end, and stores everything.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Err(error) = self.loops.await {
            tracing::error!(%error, "a loop ended badly");
        }
        self.closing.cancel();
        for listener in self.listeners {
            listener.ended().await;
        }
        // Every way into the recorder is gone now, so it ends when all is stored.
        if let Err(error) = self.recorder.await {
            tracing::error!(%error, "the recorder ended badly");
        }
        self.store.close().await;
    }
}

async fn check_fit(store: &Store, config: &Config) -> anyhow::Result<()> {
    let missing = schema::missing(&store.results)
        .await
        .map_err(|error| match error {
            schema::SchemaError::Database(error) => anyhow::Error::from(error),
            schema::SchemaError::Away(error) => anyhow::Error::from(error),
            error @ (schema::SchemaError::Migrate(_) | schema::SchemaError::OtherGateway(_)) => {
                anyhow::Error::from(Unfit(format!(
                    "{error}; this program and the database do not fit each other"
                )))
            }
        })?;
    if !missing.is_empty() {
        let names = missing.join(", ");
        return Err(Unfit(format!(
            "the database lacks migrations: {names}. Run `payout migrate`"
        ))
        .into());
    }
    let fitness = fitness::fitness(&store.results).await?;
    if fitness.could_switch_guards_off && !config.database.allow_owner {
        return Err(Unfit(
            "this login is a superuser or owns the schema, so it could switch the guards off. Run the worker as a \
             login that is a member of payout_worker (or, for a demo, set [database] allow_owner = true)"
                .to_owned(),
        )
        .into());
    }
    Ok(())
}
