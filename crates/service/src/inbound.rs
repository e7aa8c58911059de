//! The two HTTP listeners: one for the gateway's callbacks, one for health checks and metrics.

pub mod admin;
pub mod callback;
mod connection;

use std::{io, net::SocketAddr};

use axum::Router;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use self::connection::BoundedListener;

/// A running HTTP listener.
pub struct Listener {
    /// The bound address.
    pub address: SocketAddr,
    task: JoinHandle<io::Result<()>>,
}

impl Listener {
    /// Binds `address` and serves `routes` until `stop`.
    pub async fn start(
        address: SocketAddr,
        routes: Router,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let serve = axum::serve(BoundedListener::new(listener), routes)
            .with_graceful_shutdown(stop.cancelled_owned());
        let task = tokio::spawn(std::future::IntoFuture::into_future(serve));
        Ok(Self { address, task })
    }

    /// Waits until the last request has been answered; call it after the stop.
    pub async fn ended(self) {
        match self.task.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "HTTP listener failed: {error}"),
            Err(error) => tracing::error!(%error, "HTTP listener panicked: {error}"),
        }
    }
}
