//! What the answer to a submit means: acknowledged, declined, or nothing (protocol P11, P12).

use rsa::PublicKey;
use serde_json::Value;

use super::{
    answer::{self, Problem},
    redact::{self, Detail},
    wire::Flat,
};
use crate::domain::{
    evidence::{GatewayStatus, SubmitAnswer},
    payout::Instruction,
};

/// Reads the body of an HTTP 200.
pub(super) fn read(body: &[u8], ours: &Instruction, keys: &[PublicKey]) -> (SubmitAnswer, Value) {
    let mut detail = Detail::of_status(200);
    let judged = answer::flat(body, &mut detail).and_then(|flat| judge(&flat, ours, keys));
    match judged {
        Ok(answer) => (answer, detail.finish(None)),
        Err(problem) => (
            SubmitAnswer::Doubt(problem.doubt),
            detail.finish(Some(problem.words)),
        ),
    }
}

fn judge(flat: &Flat, ours: &Instruction, keys: &[PublicKey]) -> Result<SubmitAnswer, Problem> {
    answer::verify(flat, keys)?;
    match flat.get("platRespCode") {
        Some("SUCCESS") => acknowledged(flat, ours),
        Some("FAIL") => declined(flat, ours),
        _ => Err(Problem::unsure("platRespCode is neither SUCCESS nor FAIL")),
    }
}

/// Believed only when it is plainly about our order (protocol trap 11).
fn acknowledged(flat: &Flat, ours: &Instruction) -> Result<SubmitAnswer, Problem> {
    answer::echo(
        flat,
        "orderNum",
        &ours.key.order_num,
        "orderNum is not ours",
    )?;
    if answer::amount(flat, "money")? != Some(ours.amount) {
        return Err(Problem::foreign("money is not ours"));
    }
    let fee_type = ours.fee_type.code().to_string();
    answer::echo_if_any(flat, "feeType", &fee_type, "feeType is not ours")?;
    let number = ours.account_number.reveal();
    answer::echo_if_any(flat, "number", number, "number is not ours")?;
    Ok(SubmitAnswer::Acknowledged {
        platform_order_num: answer::platform_order_num(flat)?,
        fee: answer::amount(flat, "fee")?,
        status: GatewayStatus::parse(flat.get("status").unwrap_or_default()),
    })
}

fn declined(flat: &Flat, ours: &Instruction) -> Result<SubmitAnswer, Problem> {
    let order_num = &ours.key.order_num;
    answer::echo_if_any(flat, "orderNum", order_num, "orderNum is not ours")?;
    let message = answer::stated(flat, "platRespMessage").or(answer::stated(flat, "statusMsg"));
    Ok(SubmitAnswer::Declined {
        message: redact::words(message.unwrap_or("no reason was given")),
    })
}
