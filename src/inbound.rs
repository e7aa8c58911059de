//! What comes in over HTTP, on two listeners: callbacks from the gateway, and the inside's health and metrics.

pub mod admin;
pub mod callback;
mod connection;

use std::{io, net::SocketAddr};

use axum::Router;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use self::connection::Door;

/// A listener that serves.
pub struct Listener {
    /// Where it listens.
    pub address: SocketAddr,
    task: JoinHandle<io::Result<()>>,
}

impl Listener {
    /// Binds and serves `routes` until `stop`.
    pub async fn start(
        address: SocketAddr,
        routes: Router,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let serve =
            axum::serve(Door::new(listener), routes).with_graceful_shutdown(stop.cancelled_owned());
        let task = tokio::spawn(std::future::IntoFuture::into_future(serve));
        Ok(Self { address, task })
    }

    /// Waits until the last request was answered; call it after the stop.
    pub async fn ended(self) {
        match self.task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "a listener ended badly"),
            Err(error) => tracing::error!(%error, "a listener's task ended badly"),
        }
    }
}
