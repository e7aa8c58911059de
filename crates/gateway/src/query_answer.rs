//! What the answer to a query means (protocol P15 to P17).

use payout_domain::evidence::{Found, GatewayStatus, QueryAnswer};
use serde_json::Value;

use super::{
    VerifyingKey,
    answer::{self, Code, Problem},
    dialect::{Dialect, Query},
    redact::Detail,
    wire::Flat,
};

/// Reads the body of an HTTP 200 or 201 that answers a query of `order_num`.
pub(super) fn read(
    body: &[u8],
    dialect: Dialect,
    order_num: &str,
    keys: &[VerifyingKey],
) -> (QueryAnswer, Value) {
    let mut detail = Detail::of_answer(&dialect.rules().shown);
    let judged = judge(body, &dialect.rules().query, order_num, keys, &mut detail);
    answer::or_doubt(judged, detail, QueryAnswer::Doubt)
}

fn judge(
    body: &[u8],
    rules: &Query,
    order_num: &str,
    keys: &[VerifyingKey],
    detail: &mut Detail,
) -> Result<QueryAnswer, Problem> {
    let (code, flat) = answer::open(body, &rules.envelope, keys, detail)?;
    match code {
        Code::Success => found(&flat, rules, order_num),
        Code::NotFound => {
            let words = "the answer is about another order";
            answer::echo_if_any(&flat, rules.order.order_num, order_num, words)?;
            Ok(QueryAnswer::NotFound)
        }
        // Why a failure too: the query failed, which says nothing about the order (protocol P17).
        Code::Failure | Code::Other => Err(Problem::unsure(
            "the gateway reports neither success nor an order that is not found",
        )),
    }
}

fn found(flat: &Flat, rules: &Query, order_num: &str) -> Result<QueryAnswer, Problem> {
    let order = &rules.order;
    answer::echo_order_num(flat, order.order_num, order_num)?;
    let status = answer::stated(flat, &[order.status]);
    let status = status.ok_or(Problem::unreadable("the status is missing"))?;
    Ok(QueryAnswer::Found(Found {
        platform_order_num: answer::platform_order_num(flat, order.platform_order_num)?,
        amount: answer::amount(flat, order.amount)?,
        fee: answer::fee(flat, order.fee),
        status: GatewayStatus::parse(status),
        message: answer::message(flat, order.message).unwrap_or_default(),
        signed: rules.envelope.is_signed(),
    }))
}
