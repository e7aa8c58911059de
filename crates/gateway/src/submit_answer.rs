//! What the answer to a submit means: acknowledged, declined, or nothing (protocol P11, P12).

use payout_domain::{
    evidence::{GatewayStatus, SubmitAnswer},
    payout::Instruction,
};
use serde_json::Value;

use super::{
    VerifyingKey,
    answer::{self, Code, Problem},
    dialect::{Dialect, Submit},
    redact::Detail,
    wire::Flat,
};

/// Reads the body of an HTTP 200 or 201.
pub(super) fn read(
    body: &[u8],
    dialect: Dialect,
    ours: &Instruction,
    keys: &[VerifyingKey],
) -> (SubmitAnswer, Value) {
    let mut detail = Detail::of_answer(&dialect.rules().shown);
    let judged = judge(body, &dialect.rules().submit, ours, keys, &mut detail);
    answer::or_doubt(judged, detail, SubmitAnswer::Doubt)
}

fn judge(
    body: &[u8],
    rules: &Submit,
    ours: &Instruction,
    keys: &[VerifyingKey],
    detail: &mut Detail,
) -> Result<SubmitAnswer, Problem> {
    let (code, flat) = answer::open_signed(body, &rules.envelope, keys, detail)?;
    match code {
        Code::Success => acknowledged(&flat, rules, ours),
        Code::Failure => declined(&flat, rules, ours),
        Code::NotFound | Code::Other => Err(Problem::unsure(
            "the gateway reports neither success nor failure",
        )),
    }
}

/// Believed only when it is plainly about our order (protocol trap 11).
fn acknowledged(flat: &Flat, rules: &Submit, ours: &Instruction) -> Result<SubmitAnswer, Problem> {
    let order = &rules.order;
    answer::echo_order_num(flat, order.order_num, &ours.key.order_num)?;
    if answer::amount(flat, order.amount)? != Some(ours.amount) {
        return Err(Problem::foreign("the amount is not ours"));
    }
    let fee_type = ours.fee_type.code().to_string();
    answer::echo_if_any(flat, rules.fee_type, &fee_type, "the fee type is not ours")?;
    let number = ours.account_number.reveal();
    answer::echo_if_any(
        flat,
        rules.account_number,
        number,
        "the account number is not ours",
    )?;
    Ok(SubmitAnswer::Acknowledged {
        platform_order_num: answer::platform_order_num(flat, order.platform_order_num)?,
        fee: answer::amount(flat, &[order.fee])?,
        status: GatewayStatus::parse(flat.get(order.status).unwrap_or_default()),
    })
}

fn declined(flat: &Flat, rules: &Submit, ours: &Instruction) -> Result<SubmitAnswer, Problem> {
    let order = &rules.order;
    let order_num = &ours.key.order_num;
    answer::echo_if_any(
        flat,
        order.order_num,
        order_num,
        "the answer is about another order",
    )?;
    let message = answer::message(flat, order.message);
    Ok(SubmitAnswer::Declined {
        message: message.unwrap_or_else(|| "no reason was given".to_owned()),
    })
}
