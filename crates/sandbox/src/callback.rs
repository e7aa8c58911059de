//! Sends callbacks to the merchant (protocol P19), honest and otherwise.

use std::{sync::Arc, time::Duration};

use axum::http::header;
use tokio::time::Instant;

use super::{event_queue::DueCallback, fault::Fault, forms::forms, shared::Shared};

/// The only reply that ends the callbacks.
const ACKNOWLEDGED: &[u8] = b"SUCCESS";

/// Sends one callback, as the current fault demands, and schedules the next.
///
/// Returns whether it was acknowledged.
pub(super) async fn deliver(shared: Arc<Shared>, due: DueCallback) -> bool {
    let (order, fault) = shared.read(|state| {
        let order = state.orders.get(&due.order_num).cloned();
        (order, state.fault_for(&due.order_num))
    });
    let Some(order) = order else {
        return false;
    };
    let repeats = fault == Some(Fault::DuplicateCallbacks);
    if order.acknowledged && !repeats && !due.extra {
        return true;
    }
    let silent = matches!(fault, Some(Fault::NoCallbacks | Fault::Down));
    let mut acknowledged = false;
    if let Some(url) = order.submit.notify_url.as_deref().filter(|_| !silent) {
        for form in forms(&shared.settings, &order, fault) {
            // Only the last form counts: the honest one.
            acknowledged = if repeats {
                let (first, second, third) = tokio::join!(
                    post(&shared, url, &form),
                    post(&shared, url, &form),
                    post(&shared, url, &form)
                );
                first || second || third
            } else {
                post(&shared, url, &form).await
            };
        }
    }
    // The reply to an interim callback says nothing about the final one.
    let counts = acknowledged && order.status.is_final();
    shared.update(|state| state.notified(due, counts, Instant::now()));
    acknowledged
}

async fn post(shared: &Shared, url: &str, form: &str) -> bool {
    let Ok(_permit) = shared.deliveries.acquire().await else {
        return false;
    };
    let timeout = Duration::from_millis(shared.settings.pace.callback_timeout_ms);
    let request = shared
        .client
        .post(url)
        .timeout(timeout)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.to_owned());
    let reply = async { request.send().await?.bytes().await };
    let reply = reply.await.inspect_err(|error| {
        tracing::debug!(%error, "sandbox could not deliver a callback");
    });
    reply.is_ok_and(|body| body.as_ref() == ACKNOWLEDGED)
}
