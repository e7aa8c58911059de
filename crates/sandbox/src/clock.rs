//! The sandbox's clock: one task that runs events when they are due.

use std::sync::Arc;

use tokio::time::{Instant, sleep_until};

use super::{callback, shared::Shared, state::SandboxState};

/// Runs until the sandbox stops.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut changes = shared.changes.subscribe();
    while !shared.stopping.is_cancelled() {
        changes.mark_unchanged();
        let due = shared.read(SandboxState::next_due);
        if due.is_some_and(|due| due <= Instant::now()) {
            for due in shared.update(|state| state.run_due(Instant::now())) {
                let delivery = callback::deliver(Arc::clone(&shared), due);
                let stopping = shared.stopping.clone();
                tokio::spawn(stopping.run_until_cancelled_owned(delivery));
            }
            continue;
        }
        tokio::select! {
            () = shared.stopping.cancelled() => {}
            _ = changes.changed() => {}
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
        }
    }
}
