//! The forms of answers: signed flat objects, unsigned envelopes, and broken ones.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use rsa::PrivateKey;
use serde_json::{Value, json};

use super::wire::{self, Fields};

/// The code of a `toppay` envelope that carries an answer.
const ENVELOPE_OK: u16 = 1000;
/// The code of an envelope without one; its message says why.
const ENVELOPE_REFUSED: u16 = 1001;

/// `platRespCode` and its message, with which every signed answer begins.
pub(super) fn response(code: &str, message: &str) -> Fields {
    let mut fields = Fields::new();
    fields.insert("platRespCode".to_owned(), code.into());
    fields.insert("platRespMessage".to_owned(), message.into());
    fields
}

/// Adds `platSign` (protocol P7). Should signing fail, the unsigned answer proves nothing, as it must.
pub(super) fn sign(key: &PrivateKey, mut fields: Fields) -> Fields {
    if let Ok(signature) = wire::sign(key, &wire::signed_text(&fields, "platSign")) {
        fields.insert("platSign".to_owned(), signature.into());
    }
    fields
}

/// Adds a genuine signature of a different text.
pub(super) fn sign_wrongly(key: &PrivateKey, mut fields: Fields) -> Fields {
    if let Ok(signature) = wire::sign(key, "an entirely different text") {
        fields.insert("platSign".to_owned(), signature.into());
    }
    fields
}

/// Renders an object as JSON.
pub(super) fn text(fields: Fields) -> String {
    Value::Object(fields).to_string()
}

/// A `toppay` envelope with data.
pub(super) fn envelope(data: &Value) -> Response {
    json(
        json!({"success": true, "code": ENVELOPE_OK, "message": "success", "data": data})
            .to_string(),
    )
}

/// A `toppay` envelope without data.
pub(super) fn refused_envelope(message: &str) -> Response {
    json(
        json!({"success": false, "code": ENVELOPE_REFUSED, "message": message, "data": null})
            .to_string(),
    )
}

/// A complete JSON answer.
pub(super) fn json(text: String) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
        text,
    )
        .into_response()
}

/// A JSON answer that breaks off halfway, with its connection.
pub(super) fn torn_json(text: String) -> Response {
    let mut whole = Bytes::from(text);
    let length = whole.len();
    whole.truncate(length / 2);
    let torn = Torn {
        half: Some(whole),
        pause: true,
        length: u64::try_from(length).unwrap_or(u64::MAX),
    };
    (
        [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
        Body::new(torn),
    )
        .into_response()
}

/// An empty answer with this status.
pub(super) fn empty(status: StatusCode) -> Response {
    status.into_response()
}

/// A body that sends its first half and then fails.
struct Torn {
    half: Option<Bytes>,
    pause: bool,
    length: u64,
}

impl http_body::Body for Torn {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        if std::mem::take(&mut self.pause) {
            // Give the first half time to leave before the connection is dropped.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
