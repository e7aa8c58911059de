//! `/admin`: shows what the sandbox received, and switches its faults. Only for people and tests on the same host.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
};

use axum::{
    Json, Router,
    extract::{ConnectInfo, Query, Request, State},
    http::StatusCode,
    middleware::{Next, from_fn},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    callback, connection::Peer, event_queue::DueCallback, fault::Fault, page, shared::Shared,
    state::SandboxState, view::OrderView,
};

/// The admin routes.
pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/admin", get(index))
        .route(
            "/admin/submits",
            get(async |State(shared): SharedState| {
                Json(shared.read(|state| state.submits.clone()))
            }),
        )
        .route(
            "/admin/orders",
            get(async |State(shared): SharedState| Json(shared.read(orders))),
        )
        .route(
            "/admin/balance",
            get(async |State(shared): SharedState| Json(shared.read(|state| state.account))),
        )
        .route("/admin/fault", get(show_fault).post(set_fault))
        .route("/admin/callback", post(call_back))
        .route("/admin/topup", post(top_up))
        .layer(from_fn(only_from_this_host))
}

type SharedState = State<Arc<Shared>>;

/// All orders, in booking order.
pub(super) fn orders(state: &SandboxState) -> Vec<OrderView> {
    let mut views: Vec<OrderView> = state.orders.values().map(OrderView::from).collect();
    views.sort_by_cached_key(|order| (order.booked_at, order.platform_order_num.clone()));
    views
}

async fn only_from_this_host(
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    if !is_loopback(peer.addr.ip()) {
        let why = "this page is available only from the sandbox's own host\n";
        return (StatusCode::FORBIDDEN, why).into_response();
    }
    peer.admin.store(true, Ordering::SeqCst);
    next.run(request).await
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

async fn index(State(shared): SharedState) -> Html<String> {
    Html(shared.read(|state| page::render(&state.submits, state.account, state.fault)))
}

async fn show_fault(State(shared): SharedState) -> Json<Value> {
    let faults: serde_json::Map<String, Value> = Fault::ALL
        .iter()
        .map(|fault| (fault.word().to_owned(), fault.explanation().into()))
        .collect();
    Json(
        json!({"fault": shared.read(|state| state.fault).map_or("off", Fault::word), "faults": faults}),
    )
}

async fn set_fault(State(shared): SharedState, body: String) -> Response {
    let json: Value = serde_json::from_str(&body).unwrap_or_else(|_| body.trim().into());
    let word = json.get("fault").unwrap_or(&json).as_str();
    let word = word.unwrap_or_default();
    let fault = match word.parse() {
        Ok(fault) => Some(fault),
        Err(_) if word == "off" => None,
        Err(message) => {
            return (StatusCode::BAD_REQUEST, format!("{message}, off\n")).into_response();
        }
    };
    shared.set_fault(fault);
    Json(json!({"fault": word})).into_response()
}

#[derive(Deserialize)]
struct CallbackQuery {
    order: String,
}

async fn call_back(State(shared): SharedState, Query(query): Query<CallbackQuery>) -> Response {
    if !shared.read(|state| state.orders.contains_key(&query.order)) {
        return (StatusCode::NOT_FOUND, "no such order\n").into_response();
    }
    let callback = DueCallback::extra(query.order);
    Json(json!({"acknowledged": callback::deliver(shared, callback).await})).into_response()
}

#[derive(Deserialize)]
struct TopUp {
    amount: i64,
}

async fn top_up(State(shared): SharedState, Json(top_up): Json<TopUp>) -> Response {
    let done = shared.update(|state| {
        state.account = state.account.top_up(top_up.amount)?;
        Some(state.account)
    });
    let too_little = "the balance is too small for that\n";
    done.map(Json)
        .ok_or((StatusCode::BAD_REQUEST, too_little))
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_host_is_loopback_also_when_it_is_mapped() {
        for (ip, expected) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(ip.parse().unwrap()), expected, "{ip}");
        }
    }
}
