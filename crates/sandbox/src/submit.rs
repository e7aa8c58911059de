//! `POST /gateway/cash`: accepts an order, or refuses it (protocol P10 to P13).

use std::sync::Arc;

use axum::{
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    answer, callback, chance,
    connection::Peer,
    event_queue::DueCallback,
    fault::Fault,
    order::{Order, Status},
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
    let object = request::read_object(&shared.settings, &headers, &body);
    let authentic = object.as_ref().map_err(Clone::clone).and_then(|fields| {
        request::authenticate(&shared.settings, fields)?;
        Ok(fields)
    });
    let submit = authentic.clone().and_then(request::read_submit);
    let seen = seen(object.as_ref().ok(), authentic.is_ok(), &body);
    let order_num = seen.order_num.clone();
    let place = shared.update(|state| state.record(seen));

    let fault = shared.read(|state| state.fault_for(&order_num));
    let fault = match fault {
        Some(Fault::Lost) if chance::coin(shared.settings.seed, &order_num) => {
            Some(Fault::UnknownLost)
        }
        Some(Fault::Lost) => Some(Fault::Down),
        other => other,
    };
    let outcome = submit.and_then(|submit| book(&shared, place, submit, fault));
    let (answer, message) = note_of(fault, &outcome);
    shared.update(|state| {
        if let Some(seen) = state.submits.get_mut(place) {
            answer.clone_into(&mut seen.answer);
            seen.message = message;
        }
    });
    tracing::debug!(order_num, answer, "sandbox answered a submit");
    respond(&shared, &peer, fault, &order_num, outcome).await
}

/// Books the order, or says why there is none, or none yet.
fn book(
    shared: &Shared,
    place: usize,
    submit: Submit,
    fault: Option<Fault>,
) -> Result<Order, Refusal> {
    shared.update(|state| match fault {
        Some(
            Fault::UnknownLost
            | Fault::Down
            | Fault::Http500
            | Fault::NoAnswerBefore
            | Fault::Fail
            | Fault::Redirect,
        ) => Err("bank maintenance".into()),
        Some(Fault::LateBooking) => {
            state.book_later(place, submit, Instant::now());
            Err("not yet".into())
        }
        _ => state.book(place, submit, Instant::now()),
    })
}

async fn respond(
    shared: &Arc<Shared>,
    peer: &Peer,
    fault: Option<Fault>,
    order_num: &str,
    outcome: Result<Order, Refusal>,
) -> Response {
    let mut fields = honest_fields(order_num, &outcome);
    match fault {
        Some(Fault::Slow) => peer.pause(shared.settings.pace.slow_answer_ms).await,
        Some(Fault::EarlyCallback) => end_and_call_back(shared, order_num).await,
        Some(Fault::WrongAmount) => {
            if let Ok(order) = &outcome {
                let money_idr = order.submit.money_idr.saturating_add(1);
                fields.insert("money".to_owned(), money_idr.to_string().into());
            }
        }
        Some(Fault::WrongOrder) => {
            fields.insert("orderNum".to_owned(), format!("X{order_num}").into());
        }
        Some(Fault::Unknown | Fault::UnknownLost) => {
            fields = refusal("UNKNOWN", "system abnormal", order_num);
        }
        Some(Fault::Fail | Fault::FailBusyBooks) => {
            fields = refusal("FAIL", "bank maintenance", order_num);
        }
        Some(Fault::Truncated) => {
            let key = &shared.settings.platform_private_key;
            return answer::torn_json(&Value::Object(answer::sign(key, fields)));
        }
        Some(Fault::Http500 | Fault::Http500Books) => {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        Some(Fault::Redirect) => {
            return (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, PATH)]).into_response();
        }
        Some(Fault::Garbage) => {
            let garbage = "}{ not an answer \u{fffd}";
            return ([(header::CONTENT_TYPE, answer::JSON)], garbage).into_response();
        }
        Some(Fault::Html) => {
            return Html("<html><body><h1>Scheduled maintenance</h1></body></html>")
                .into_response();
        }
        Some(Fault::NoAnswerBefore | Fault::NoAnswerAfter | Fault::LateBooking) => {
            peer.cut.cancelled().await;
        }
        Some(Fault::Down | Fault::CutAfter) => peer.cut.cancel(),
        _ => {}
    }
    // Once the connection is cut, none of it leaves.
    answer::signed(&shared.settings, fields, fault != Some(Fault::BadSign))
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
        Err(why) => return refusal("FAIL", &why.answer(), order_num),
    };
    let submit = &order.submit;
    let fields = json!({
        "platOrderNum": order.platform_order_num,
        "orderNum": order_num,
        "money": submit.money_idr.to_string(),
        "fee": order.fee_idr.to_string(),
        "feeType": submit.fee_type.code().to_string(),
        "bankCode": submit.bank_code,
        "number": submit.number,
        "name": submit.name,
        "description": submit.description,
        "status": Status::New.code(),
        "statusMsg": Status::New.message(),
    });
    answer::response("SUCCESS", "Request success", fields)
}

/// An answer other than `SUCCESS`. It names the order if the request did.
pub(super) fn refusal(code: &str, message: &str, order_num: &str) -> Fields {
    let order_num = (!order_num.is_empty()).then_some(order_num);
    answer::response(code, message, json!({"orderNum": order_num}))
}
