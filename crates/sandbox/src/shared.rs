//! The state behind its lock, and the signals about it.

use std::sync::{Mutex, PoisonError};

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::{fault::Fault, settings::Settings, state::SandboxState};

/// Maximum callbacks in flight: enough for a demo, and few enough not to run out of sockets.
const DELIVERIES_AT_ONCE: usize = 128;

/// What the handlers, the clock and [`super::Sandbox`] share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    state: Mutex<SandboxState>,
    /// Tells everyone who waits for a change of the state.
    pub(super) changes: watch::Sender<()>,
    pub(super) stopping: CancellationToken,
    pub(super) client: reqwest::Client,
    pub(super) deliveries: Semaphore,
}

impl Shared {
    /// Creates a state without orders.
    pub(super) fn new(settings: Settings, client: reqwest::Client) -> Self {
        Self {
            state: Mutex::new(SandboxState::new(settings.clone())),
            settings,
            changes: watch::Sender::new(()),
            stopping: CancellationToken::new(),
            client,
            deliveries: Semaphore::new(DELIVERIES_AT_ONCE),
        }
    }

    /// Reads the state.
    pub(super) fn read<T>(&self, read: impl FnOnce(&SandboxState) -> T) -> T {
        read(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state and wakes everyone who waits for a change.
    pub(super) fn update<T>(&self, write: impl FnOnce(&mut SandboxState) -> T) -> T {
        let outcome = write(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changes.send_replace(());
        outcome
    }

    /// Sets or clears the sandbox's own fault.
    pub(super) fn set_fault(&self, fault: Option<Fault>) {
        self.update(|state| state.fault = fault);
        tracing::info!(
            fault = fault.map_or("off", Fault::word),
            "sandbox fault changed"
        );
    }

    /// Whether gateway connections are to be closed unread.
    pub(super) fn is_down(&self) -> bool {
        self.read(|state| state.fault == Some(Fault::Down))
    }
}
