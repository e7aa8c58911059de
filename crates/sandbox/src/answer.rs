//! The forms of answers: signed flat objects, unsigned envelopes, and broken ones.

use std::{future::ready, io};

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use rsa::PrivateKey;
use serde_json::{Value, json};

use super::{
    settings::Settings,
    wire::{self, Fields},
};

pub(super) const JSON: &str = "application/json; charset=utf-8";
/// The code of a `toppay` envelope that carries an answer.
const ENVELOPE_OK: u16 = 1000;
/// The code of an envelope without one; its message says why.
const ENVELOPE_REFUSED: u16 = 1001;

/// A flat answer: `platRespCode` and its message, and the given fields.
pub(super) fn response(code: &str, message: &str, rest: Value) -> Fields {
    let mut fields = wire::fields(rest);
    fields.insert("platRespCode".to_owned(), code.into());
    fields.insert("platRespMessage".to_owned(), message.into());
    fields
}

/// Adds `platSign` (protocol P7). Should signing fail, the unsigned answer proves nothing, as it must.
pub(super) fn sign(key: &PrivateKey, fields: Fields) -> Fields {
    let text = wire::signed_text(&fields, "platSign");
    with_signature_of(&text, key, fields)
}

/// Adds a genuine signature of a different text.
pub(super) fn sign_wrongly(key: &PrivateKey, fields: Fields) -> Fields {
    with_signature_of("an entirely different text", key, fields)
}

fn with_signature_of(text: &str, key: &PrivateKey, mut fields: Fields) -> Fields {
    if let Ok(signature) = wire::sign(key, text) {
        fields.insert("platSign".to_owned(), signature.into());
    }
    fields
}

/// A flat answer with the platform's signature, or with a wrong one.
pub(super) fn signed(settings: &Settings, fields: Fields, rightly: bool) -> Response {
    let sign = if rightly { sign } else { sign_wrongly };
    json(&Value::Object(sign(&settings.platform_private_key, fields)))
}

/// A `toppay` envelope with data.
pub(super) fn envelope(data: &Value) -> Response {
    json(&json!({"success": true, "code": ENVELOPE_OK, "message": "success", "data": data}))
}

/// A `toppay` envelope without data.
pub(super) fn refused_envelope(message: &str) -> Response {
    json(&json!({"success": false, "code": ENVELOPE_REFUSED, "message": message, "data": null}))
}

/// A complete JSON answer.
fn json(value: &Value) -> Response {
    ([(header::CONTENT_TYPE, JSON)], value.to_string()).into_response()
}

/// A JSON answer that breaks off halfway, with its connection.
pub(super) fn torn_json(value: &Value) -> Response {
    let mut bytes = Bytes::from(value.to_string());
    let length = bytes.len().to_string();
    bytes.truncate(bytes.len() / 2);
    let break_off = async {
        // Give the first half time to leave before the connection is dropped.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    };
    let torn = stream::once(ready(Ok(bytes))).chain(stream::once(break_off));
    let headers = [
        (header::CONTENT_TYPE, JSON),
        (header::CONTENT_LENGTH, &length),
    ];
    (headers, Body::from_stream(torn)).into_response()
}
