//! The last check before a byte leaves: it leaves in time or not at all (I8, I9).

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use payout_permit::SendBy;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// No layer below has the body yet.
const EMPTY: u8 = 0;
/// It is in buffers of this process.
const LOADED: u8 = 1;
/// The kernel may have some of it.
const PASSED: u8 = 2;
/// The kernel has none of it and never will.
const SHUT: u8 = 3;

/// Tracks one request's body until it has passed or is shut in for good; never both.
#[derive(Clone)]
pub(super) struct SendGate {
    send_by: SendBy,
    state: Arc<AtomicU8>,
}

/// Bytes were held back.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the time to send had passed")]
pub(super) struct TooLate;

impl SendGate {
    /// Open until `send_by`.
    pub(super) fn new(send_by: SendBy) -> Self {
        Self {
            send_by,
            state: Arc::default(),
        }
    }

    /// Call it when the layers below get the body: from now on what they write may hold some of it.
    pub(super) fn load(&self) {
        self.step(EMPTY, LOADED).ok();
    }

    /// Lets nothing through from now on. `true` proves that nothing of the body ever went through.
    ///
    /// A check alone would not do: whoever still holds the connection could write after it.
    pub(super) fn shut(&self) -> bool {
        let shut = self.step(EMPTY, SHUT).or_else(|_| self.step(LOADED, SHUT));
        matches!(shut, Ok(_) | Err(SHUT))
    }

    /// Allows or refuses the next write. A process that was suspended, for however long, finds out here.
    fn pass(&self) -> io::Result<()> {
        if !self.send_by.is_over() {
            match self.step(LOADED, PASSED) {
                // Before the body: a handshake. After its first bytes: the rest of it.
                Ok(_) | Err(EMPTY | PASSED) => return Ok(()),
                Err(_) => {}
            }
        }
        self.shut();
        Err(io::Error::other(TooLate))
    }

    fn step(&self, from: u8, to: u8) -> Result<u8, u8> {
        let order = Ordering::SeqCst;
        self.state.compare_exchange(from, to, order, order)
    }
}

/// A socket whose every write passes the gate. Behind it the runtime waits for room and calls the kernel, nothing else.
pub(super) struct Gated<S> {
    /// The socket.
    pub(super) socket: S,
    /// Decides about each write.
    pub(super) gate: SendGate,
}

impl<S: AsyncRead + Unpin> AsyncRead for Gated<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gated<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.gate.pass() {
            Ok(()) => Pin::new(&mut self.socket).poll_write(context, bytes),
            Err(late) => Poll::Ready(Err(late)),
        }
    }

    // Why no `poll_write_vectored`: the default one calls `poll_write`, so there is only one way out.

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;

    use super::{super::http::cause, *};

    fn gated(window: Duration) -> (Gated<Vec<u8>>, SendGate) {
        let gate = SendGate::new(SendBy::after(window));
        let gated = Gated {
            socket: Vec::new(),
            gate: gate.clone(),
        };
        (gated, gate)
    }

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_handshake_proves_nothing_about_the_body() {
        let (mut gated, gate) = gated(LONG);
        gated.write_all(b"hello").await.expect("in time");
        assert!(gate.shut() && gate.shut());
        assert!(gated.write_all(b"pay").await.is_err());
        assert_eq!(gated.socket, b"hello");
    }

    #[tokio::test]
    async fn what_may_have_left_is_never_called_unsent() {
        let (mut gated, gate) = gated(LONG);
        gate.load();
        gated.write_all(b"pay").await.expect("in time");
        assert!(!gate.shut() && !gate.shut());
    }

    #[tokio::test]
    async fn a_body_in_a_buffer_does_not_leave_after_its_time() {
        let (mut gated, gate) = gated(Duration::from_millis(20));
        gate.load();
        tokio::time::sleep(Duration::from_millis(25)).await;
        let late = gated.write_all(b"pay").await.expect_err("too late");
        assert!(cause::<TooLate>(&late).is_some());
        assert!(gated.socket.is_empty() && gate.shut());
    }

    #[tokio::test]
    async fn the_rest_of_a_body_does_not_leave_after_its_time_either() {
        let (mut gated, gate) = gated(Duration::from_millis(20));
        gate.load();
        gated.write_all(b"pa").await.expect("in time");
        tokio::time::sleep(Duration::from_millis(25)).await;
        assert!(gated.write_all(b"y").await.is_err());
        assert!(!gate.shut(), "some of it may have left");
        assert_eq!(gated.socket, b"pa");
    }
}
