//! The internal listener: liveness, readiness and metrics.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use payout_store::{Store, fitness};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    metrics::{self, Exporter},
    telemetry,
    worker::{Heartbeats, Lane},
};

/// A readiness probe must not wait for a database that hangs.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// What the admin listener reports on.
pub struct Admin {
    /// For the readiness check.
    pub store: Store,
    /// Renders the metrics.
    pub exporter: Exporter,
    /// The merchants of this worker.
    pub lanes: Vec<Arc<Lane>>,
    /// Tells which loops have stalled.
    pub heartbeats: Arc<Heartbeats>,
    /// Set while the worker drains.
    pub draining: CancellationToken,
}

/// `GET /livez`, `/readyz` and `/metrics`.
pub fn routes(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(scrape))
        .with_state(Arc::new(admin))
}

async fn ready(State(admin): State<Arc<Admin>>) -> (StatusCode, String) {
    let not = |reason: String| {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("not ready: {reason}\n"),
        )
    };
    if admin.draining.is_cancelled() {
        return not("the worker is shutting down".to_owned());
    }
    if !admin.store.reach.is_open() {
        return not(admin.store.reach.why_closed());
    }
    if !admin.lanes.iter().any(|lane| lane.is_registered()) {
        return not("no merchant's gateway is the one registered in this database".to_owned());
    }
    let stalled = admin.heartbeats.stalled();
    if !stalled.is_empty() {
        return not(format!("stalled loops: {}", stalled.join(", ")));
    }
    let unrecorded = admin.lanes.iter().find_map(|lane| {
        let why = lane.why_not_recorded()?;
        Some(format!(
            "evidence of merchant {} is not stored: {why}",
            lane.code()
        ))
    });
    if let Some(why) = unrecorded {
        return not(why);
    }
    match timeout(READY_WITHIN, fitness::fitness(&admin.store.results)).await {
        Ok(Ok(found)) => match found.why_not_ready().as_slice() {
            [] => (StatusCode::OK, "ready\n".to_owned()),
            why => not(why.join("; ")),
        },
        Ok(Err(_)) => not("the database could not be reached".to_owned()),
        Err(_) => not("the database did not answer in time".to_owned()),
    }
}

async fn scrape(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    metrics::log_lines_dropped(telemetry::dropped_lines());
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        admin.exporter.render(),
    )
}
