//! The inside's listener: is it alive, is it ready, and the metrics.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    metrics::Exporter,
    store::{Store, fitness},
    worker::Heartbeats,
};

/// A readiness probe must not wait for a database that hangs.
const READY_WITHIN: Duration = Duration::from_secs(2);

/// What the admin side shows.
pub struct Admin {
    /// For the readiness check.
    pub store: Store,
    /// Renders the metrics.
    pub exporter: Exporter,
    /// Tells whether a loop stalled.
    pub heartbeats: Arc<Heartbeats>,
    /// Set while the worker drains.
    pub draining: CancellationToken,
}

/// `GET /livez`, `/readyz` and `/metrics`.
pub fn routes(admin: Admin) -> Router {
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
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
        return not("draining".to_owned());
    }
    let stalled = admin.heartbeats.stalled();
    if !stalled.is_empty() {
        return not(format!("stalled: {}", stalled.join(", ")));
    }
    match timeout(READY_WITHIN, fitness::fitness(&admin.store.results)).await {
        Ok(Ok(found)) if found.read_only => not("the database is read-only".to_owned()),
        Ok(Ok(_)) => (StatusCode::OK, "ready\n".to_owned()),
        Ok(Err(_)) => not("the database does not answer".to_owned()),
        Err(_) => not("the database is too slow".to_owned()),
    }
}

async fn metrics(State(admin): State<Arc<Admin>>) -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        admin.exporter.render(),
    )
}
