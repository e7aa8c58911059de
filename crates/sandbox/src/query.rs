//! `POST /gateway/query` and `/gateway/interface/getBalance` (protocol P14 to P18).

use std::sync::Arc;

use axum::{
    extract::{ConnectInfo, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde_json::json;

use super::{
    account::BalanceView,
    answer,
    connection::Peer,
    fault::Fault,
    order::{Order, Status},
    request::{self, Refusal},
    settings::Dialect,
    shared::Shared,
    submit::refusal,
    wire::Fields,
};

/// The path for queries of an order's status.
pub(super) const QUERY_PATH: &str = "/gateway/query";
/// The path for queries of the balance.
pub(super) const BALANCE_PATH: &str = "/gateway/interface/getBalance";

/// Answers with the status of an order.
pub(super) async fn query(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields = authentic(&shared, &headers, &body);
    let order_num = match fields.and_then(|fields| request::read_order_num(&fields)) {
        Ok(order_num) => order_num,
        Err(refusal) => return refuse(&shared, "FAIL", &refusal.answer(), ""),
    };
    let (fault, found) = shared.update(|state| {
        let queries = state.queries.entry(order_num.clone()).or_default();
        *queries = queries.saturating_add(1);
        let found = state.orders.get_mut(&order_num).map(|order| {
            let is_final = u32::from(order.status.is_final());
            order.final_reads = order.final_reads.saturating_add(is_final);
            order.clone()
        });
        (state.query_fault_for(&order_num), found)
    });
    match fault {
        Some(Fault::Down) => {
            peer.cut.cancel();
            return StatusCode::NO_CONTENT.into_response();
        }
        Some(Fault::QueryHttp500) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Some(Fault::QueryUnknown) => {
            return refuse(&shared, "UNKNOWN", "system abnormal", &order_num);
        }
        Some(Fault::QuerySlow) => peer.pause(shared.settings.pace.slow_answer_ms).await,
        _ => {}
    }
    match found.filter(|_| fault != Some(Fault::QueryNotFound)) {
        Some(order) => report(&shared, &order, fault),
        None => refuse(&shared, "NOTEXIST", "order does not exist", &order_num),
    }
}

fn report(shared: &Shared, order: &Order, fault: Option<Fault>) -> Response {
    let status = reported_status(order, fault);
    let mut amount_idr = order.submit.money_idr;
    if fault == Some(Fault::QueryWrongAmount) {
        amount_idr = amount_idr.saturating_mul(100);
    }
    if shared.settings.dialect == Dialect::Toppay {
        return answer::envelope(&json!({
            "platOrderNum": order.platform_order_num,
            "orderNum": order.submit.order_num,
            "amount": amount_idr.to_string(),
            "fee": order.fee_idr.to_string(),
            "status": status.code(),
            "statusMsg": status.message(),
        }));
    }
    let fields = json!({
        "platOrderNum": order.platform_order_num,
        "orderNum": order.submit.order_num,
        "amount": amount_idr,
        "fee": order.fee_idr,
        "status": status.code().to_string(),
        "msg": status.message(),
    });
    let fields = answer::response("SUCCESS", "Request success", fields);
    answer::signed(&shared.settings, fields, fault != Some(Fault::QueryBadSign))
}

/// The reported status: the real one, unless the fault makes the gateway contradict itself.
fn reported_status(order: &Order, fault: Option<Fault>) -> Status {
    match (fault, order.status) {
        (Some(Fault::FlipAfterPaid), Status::Paid) if order.final_reads > 1 => Status::Failed,
        (Some(Fault::FlipAfterFailed), Status::Failed) if order.final_reads > 1 => Status::Paid,
        (_, status) => status,
    }
}

/// Answers with the merchant's balance.
pub(super) async fn balance(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if shared.is_down() {
        peer.cut.cancel();
        return StatusCode::NO_CONTENT.into_response();
    }
    if let Err(refusal) = authentic(&shared, &headers, &body) {
        return refuse(&shared, "FAIL", &refusal.answer(), "");
    }
    let BalanceView {
        balance, freeze, ..
    } = shared.read(|state| state.account);
    if shared.settings.dialect == Dialect::Toppay {
        // This dialect writes money with decimals, which are always zero (protocol P2).
        let decimal = |amount_idr: i64| format!("{amount_idr}.00000000");
        return answer::envelope(&json!([{
            "balance": decimal(balance),
            "freeze": decimal(freeze),
            "waitingSettleAmount": decimal(0),
            "freezeWaitingSettleAmount": decimal(0),
            "totalAmount": decimal(balance.saturating_add(freeze)),
        }]));
    }
    let fields = json!({"balance": balance, "freeze": freeze, "pendMoney": 0});
    let fields = answer::response("SUCCESS", "Request success", fields);
    answer::signed(&shared.settings, fields, true)
}

fn authentic(shared: &Shared, headers: &HeaderMap, body: &[u8]) -> Result<Fields, Refusal> {
    let fields = request::read_object(&shared.settings, headers, body)?;
    request::authenticate(&shared.settings, &fields)?;
    Ok(fields)
}

/// An answer without an order: an error, or "not found".
fn refuse(shared: &Shared, code: &str, message: &str, order_num: &str) -> Response {
    match shared.settings.dialect {
        Dialect::Bdpay => answer::signed(&shared.settings, refusal(code, message, order_num), true),
        Dialect::Toppay => answer::refused_envelope(message),
    }
}
