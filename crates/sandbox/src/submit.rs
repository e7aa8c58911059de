//! `POST /gateway/cash`: accepts an order, or refuses it (protocol P10 to P13).

use std::sync::Arc;

use axum::{
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::Value;
use tokio::time::Instant;

use super::{
    answer, callback,
    connection::Peer,
    event_queue::DueCallback,
    order::{Order, Status},
    reaction::{Booking, Reply, reaction_to},
    record::{note_of, seen},
    request::{self, Refusal, Submit},
    shared::Shared,
    wire::Fields,
};

/// The path for submits.
pub(super) const PATH: &str = "/gateway/cash";

/// Handles one submit. It is recorded before anything about it is decided.
pub(super) async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let object = request::read_object(&headers, &body);
    let authentic = object.as_ref().map_err(Clone::clone).and_then(|fields| {
        request::authenticate(&shared.settings, fields)?;
        Ok(fields)
    });
    let submit = authentic.clone().and_then(request::read_submit);
    let seen = seen(object.as_ref().ok(), authentic.is_ok(), &body);
    let order_num = seen.order_num.clone();
    let place = shared.update(|state| state.record(seen));

    let fault = shared.read(|state| state.fault_for(&order_num));
    let (booking, reply) = reaction_to(fault, shared.settings.seed, &order_num);
    let outcome = submit.and_then(|submit| book(&shared, place, submit, booking));
    let (answer, message) = note_of(reply, &outcome);
    shared.update(|state| {
        if let Some(seen) = state.submits.get_mut(place) {
            answer.clone_into(&mut seen.answer);
            seen.message = message;
        }
    });
    tracing::debug!(order_num, answer, "sandbox answered a submit");
    respond(&shared, &peer, reply, &order_num, outcome).await
}

/// Books the order, or says why there is none, or none yet.
fn book(shared: &Shared, place: usize, submit: Submit, booking: Booking) -> Result<Order, Refusal> {
    shared.update(|state| match booking {
        Booking::Now => state.book(place, submit, Instant::now()),
        Booking::Later => {
            state.book_later(place, submit, Instant::now());
            Err("not yet".to_owned())
        }
        Booking::Never => Err("bank maintenance".to_owned()),
    })
}

async fn respond(
    shared: &Arc<Shared>,
    peer: &Peer,
    reply: Reply,
    order_num: &str,
    outcome: Result<Order, Refusal>,
) -> Response {
    let key = &shared.settings.platform_private_key;
    let honest = |fields| answer::json(answer::text(answer::sign(key, fields)));
    match reply {
        Reply::Honest => honest(honest_fields(order_num, &outcome)),
        Reply::Slow => {
            peer.pause(shared.settings.pace.slow_answer_ms).await;
            honest(honest_fields(order_num, &outcome))
        }
        Reply::AfterCallback => {
            end_and_call_back(shared, order_num).await;
            honest(honest_fields(order_num, &outcome))
        }
        Reply::BadSign => answer::json(answer::text(answer::sign_wrongly(
            key,
            honest_fields(order_num, &outcome),
        ))),
        Reply::WrongAmount => {
            let mut fields = honest_fields(order_num, &outcome);
            if let Ok(order) = &outcome {
                fields.insert(
                    "money".to_owned(),
                    order.submit.money_idr.saturating_add(1).to_string().into(),
                );
            }
            honest(fields)
        }
        Reply::WrongOrder => honest(honest_fields(&format!("X{order_num}"), &outcome)),
        Reply::Torn => answer::torn_json(answer::text(answer::sign(
            key,
            honest_fields(order_num, &outcome),
        ))),
        Reply::Unknown => honest(refusal("UNKNOWN", "system abnormal", order_num)),
        Reply::Fail => honest(refusal("FAIL", "bank maintenance", order_num)),
        Reply::Http500 => answer::empty(StatusCode::INTERNAL_SERVER_ERROR),
        Reply::Redirect => {
            (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, PATH)]).into_response()
        }
        Reply::Garbage => answer::json("}{ not an answer \u{fffd}".to_owned()),
        Reply::Html => {
            Html("<html><body><h1>Scheduled maintenance</h1></body></html>").into_response()
        }
        Reply::Silence => {
            peer.cut.cancelled().await;
            answer::empty(StatusCode::NO_CONTENT)
        }
        Reply::Cut => {
            peer.cut.cancel();
            answer::empty(StatusCode::NO_CONTENT)
        }
    }
}

/// Ends the order at once and waits until its callback is delivered.
async fn end_and_call_back(shared: &Arc<Shared>, order_num: &str) {
    if !shared.update(|state| state.end_at_once(order_num)) {
        return;
    }
    let callback = DueCallback {
        order_num: order_num.to_owned(),
        extra: false,
    };
    // In a task of its own, so that a client that gives up does not cancel the callback.
    let delivery = tokio::spawn(callback::deliver(Arc::clone(shared), callback));
    if delivery.await.is_err() {
        tracing::warn!("sandbox did not send an early callback: its task panicked");
    }
}

/// The honest answer (protocol P11), before it is signed.
fn honest_fields(order_num: &str, outcome: &Result<Order, Refusal>) -> Fields {
    let order = match outcome {
        Ok(order) => order,
        Err(message) => return refusal("FAIL", message, order_num),
    };
    let submit = &order.submit;
    let mut fields = answer::response("SUCCESS", "Request success");
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("platOrderNum", order.platform_order_num.as_str().into());
    set("orderNum", order_num.into());
    set("money", submit.money_idr.to_string().into());
    set("fee", order.fee_idr.to_string().into());
    set("feeType", submit.fee_type.code().to_string().into());
    set("bankCode", submit.bank_code.as_str().into());
    set("number", submit.number.as_str().into());
    set("name", submit.name.as_str().into());
    if let Some(description) = &submit.description {
        set("description", description.as_str().into());
    }
    set("status", Status::New.code().into());
    set("statusMsg", Status::New.message().into());
    fields
}

/// An answer other than `SUCCESS`. It names the order if the request did.
pub(super) fn refusal(code: &str, message: &str, order_num: &str) -> Fields {
    let mut fields = answer::response(code, message);
    if !order_num.is_empty() {
        fields.insert("orderNum".to_owned(), order_num.into());
    }
    fields
}
