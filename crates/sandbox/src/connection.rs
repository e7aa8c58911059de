//! TCP connections that a handler can cut before a single byte of an answer leaves.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{extract::connect_info::Connected, serve::IncomingStream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::shared::Shared;

/// The listener. Its connections close themselves while the sandbox is down.
pub(super) struct Listener {
    pub(super) listener: TcpListener,
    pub(super) shared: Arc<Shared>,
}

/// What a handler knows about its connection.
#[derive(Clone)]
pub(super) struct Peer {
    pub(super) addr: SocketAddr,
    /// Cancelled when the connection must end.
    pub(super) cut: CancellationToken,
    /// Whether this is an admin connection, which is answered even while the gateway is down.
    pub(super) admin: Arc<AtomicBool>,
}

impl Peer {
    /// Waits before an answer, but no longer than the connection lasts.
    pub(super) async fn pause(&self, pause_ms: u64) {
        let pause = tokio::time::sleep(Duration::from_millis(pause_ms));
        self.cut.run_until_cancelled(pause).await;
    }
}

/// One connection.
pub(super) struct Connection {
    stream: TcpStream,
    peer: Peer,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    shared: Arc<Shared>,
}

impl axum::serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let (stream, addr) = loop {
            match self.listener.accept().await {
                Ok(accepted) => break accepted,
                // Out of file descriptors, or the peer has already gone. Neither stops the sandbox.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        };
        let cut = self.shared.stopping.child_token();
        let connection = Connection {
            stream,
            ended: Box::pin(cut.clone().cancelled_owned()),
            peer: Peer {
                addr,
                cut,
                admin: Arc::default(),
            },
            shared: Arc::clone(&self.shared),
        };
        (connection, addr)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, Listener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        stream.io().peer.clone()
    }
}

impl Connection {
    fn is_dead(&self) -> bool {
        self.peer.cut.is_cancelled()
            || (self.shared.is_down() && !self.peer.admin.load(Ordering::SeqCst))
    }

    /// While the gateway is down, peeks at the request and lets only an admin request in.
    fn poll_admission(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_dead() {
            return Poll::Ready(Ok(()));
        }
        let mut start = [0; 11];
        let mut start = ReadBuf::new(&mut start);
        ready!(self.stream.poll_peek(cx, &mut start))?;
        let start = start.filled();
        if start.starts_with(b"GET /admin") || start.starts_with(b"POST /admin") {
            self.peer.admin.store(true, Ordering::SeqCst);
            Poll::Ready(Ok(()))
        } else {
            self.peer.cut.cancel();
            Poll::Ready(Err(broken()))
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.ended.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(broken()));
        }
        ready!(self.poll_admission(cx))?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.is_dead() {
            return Poll::Ready(Err(broken()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

fn broken() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}
