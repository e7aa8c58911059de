//! A request body that leaves at most once, in time, and that knows whether it has left (I8, I9).

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::ports::SendBy;

/// Whether the bytes may have left. It moves once, from waiting to one of the other two.
#[derive(Clone, Default)]
pub(super) struct Handover(Arc<AtomicU8>);

const WAITING: u8 = 0;
const HANDED_OVER: u8 = 1;
const REVOKED: u8 = 2;

impl Handover {
    /// The transport takes the bytes. `false` when it must not.
    fn hand_over(&self) -> bool {
        self.leave_waiting(HANDED_OVER)
    }

    /// Forbids the handover from now on. `true` proves that the transport never had the bytes.
    ///
    /// Looking without forbidding would not do: the connection is a task of its own and can still take
    /// the bytes after the call was given up.
    pub(super) fn revoke(&self) -> bool {
        self.leave_waiting(REVOKED) || self.0.load(Ordering::SeqCst) == REVOKED
    }

    fn leave_waiting(&self, to: u8) -> bool {
        let order = Ordering::SeqCst;
        self.0.compare_exchange(WAITING, to, order, order).is_ok()
    }
}

/// Why the bytes were kept back.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too late to send")]
pub(super) struct TooLate;

/// The body. It cannot be cloned, so no layer below can send it again (protocol trap 9).
pub(super) struct OnceBody {
    bytes: Option<Bytes>,
    length: u64,
    send_by: SendBy,
    handover: Handover,
}

impl OnceBody {
    /// The body, and the means to learn what became of it.
    pub(super) fn new(bytes: Bytes, send_by: SendBy) -> (Self, Handover) {
        let handover = Handover::default();
        let body = Self {
            length: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            bytes: Some(bytes),
            send_by,
            handover: handover.clone(),
        };
        (body, handover)
    }
}

impl Body for OnceBody {
    type Data = Bytes;
    type Error = TooLate;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TooLate>>> {
        let Some(bytes) = self.bytes.take() else {
            return Poll::Ready(None);
        };
        if self.send_by.is_over() {
            self.handover.revoke();
        }
        if self.handover.hand_over() {
            Poll::Ready(Some(Ok(Frame::data(bytes))))
        } else {
            Poll::Ready(Some(Err(TooLate)))
        }
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    /// Exact, so that it goes out with a Content-Length and not in chunks.
    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(if self.bytes.is_some() { self.length } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use std::{task::Waker, time::Duration};

    use super::*;

    fn poll(body: &mut OnceBody) -> Option<Result<Bytes, ()>> {
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(body).poll_frame(&mut context) {
            Poll::Ready(frame) => frame.map(|frame| {
                frame
                    .map(|f| f.into_data().unwrap_or_default())
                    .map_err(|_| ())
            }),
            Poll::Pending => None,
        }
    }

    fn body(window_s: u64) -> (OnceBody, Handover) {
        OnceBody::new(
            Bytes::from_static(b"pay"),
            SendBy::after(Duration::from_secs(window_s)),
        )
    }

    #[test]
    fn the_bytes_are_handed_out_once_and_the_flag_tells() {
        let (mut body, handover) = body(60);
        assert_eq!(body.size_hint().exact(), Some(3));
        assert_eq!(poll(&mut body), Some(Ok(Bytes::from_static(b"pay"))));
        assert!(body.is_end_stream() && poll(&mut body).is_none());
        assert!(!handover.revoke());
    }

    #[test]
    fn after_the_time_or_a_revocation_nothing_is_handed_out() {
        let (mut late, handover) = body(0);
        assert_eq!(poll(&mut late), Some(Err(())));
        assert!(poll(&mut late).is_none() && handover.revoke());
        let (mut revoked, handover) = body(60);
        assert!(handover.revoke() && handover.revoke());
        assert_eq!(poll(&mut revoked), Some(Err(())));
    }
}
