//! The sandbox's clock: one task that runs events when they are due.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::{callback, shared::Shared};

/// Runs until the sandbox stops.
pub(super) async fn run(shared: Arc<Shared>) {
    while !shared.stopping.is_cancelled() {
        let due = shared.read(super::state::SandboxState::next_due);
        if due.is_some_and(|due| due <= Instant::now()) {
            for due in shared.update(|state| state.run_due(Instant::now())) {
                tokio::spawn(deliver_until_stopped(Arc::clone(&shared), due));
            }
            continue;
        }
        tokio::select! {
            () = shared.stopping.cancelled() => {}
            () = shared.wake.notified() => {}
            () = wait_for(due) => {}
        }
    }
}

async fn deliver_until_stopped(shared: Arc<Shared>, due: super::state::DueCallback) {
    let stopping = shared.stopping.clone();
    tokio::select! {
        () = stopping.cancelled() => {}
        _ = callback::deliver(shared, due) => {}
    }
}

async fn wait_for(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
