//! A request body that can be read once, and reports when it is.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::gate::SendGate;

/// A body that cannot be cloned, so no layer below can send it again (protocol trap 9).
pub(super) struct OnceBody {
    bytes: Option<Bytes>,
    length: u64,
    gate: SendGate,
}

impl OnceBody {
    /// Tells `gate` as soon as somebody reads the bytes.
    pub(super) fn new(bytes: Bytes, gate: SendGate) -> Self {
        Self {
            length: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            bytes: Some(bytes),
            gate,
        }
    }
}

impl Body for OnceBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = self.bytes.take();
        if bytes.is_some() {
            self.gate.load();
        }
        Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
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
    use payout_permit::SendBy;

    #[test]
    fn the_bytes_are_read_once() {
        let gate = SendGate::new(SendBy::after(Duration::from_mins(1)));
        let mut body = OnceBody::new(Bytes::from_static(b"pay"), gate);
        let mut read = || {
            let mut context = Context::from_waker(Waker::noop());
            let Poll::Ready(frame) = Pin::new(&mut body).poll_frame(&mut context) else {
                panic!("it is never waited for");
            };
            frame.map(|Ok(frame)| frame.into_data().unwrap_or_default())
        };
        assert_eq!(read(), Some(Bytes::from_static(b"pay")));
        assert_eq!(read(), None);
        assert!(body.is_end_stream());
        assert_eq!(body.size_hint().exact(), Some(0));
    }
}
