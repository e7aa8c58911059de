//! The readers of the gateway's messages, for the fuzz targets in `tests/fuzz`; in no other build.

use payout_domain::{
    evidence::{Doubt, QueryAnswer, SubmitAnswer},
    payout::Instruction,
};
use serde_json::Value;

use super::{CallbackVerdict, Dialect, GatewayBalance, VerifyingKey};

/// The answer to a submit, and what people may see of it.
pub fn submit(body: &[u8], ours: &Instruction, keys: &[VerifyingKey]) -> (SubmitAnswer, Value) {
    super::submit_answer::read(body, Dialect::BDPAY, ours, keys)
}

/// The answer to a query, and what people may see of it.
pub fn query(
    body: &[u8],
    dialect: Dialect,
    order_num: &str,
    keys: &[VerifyingKey],
) -> (QueryAnswer, Value) {
    super::query_answer::read(body, dialect, order_num, keys)
}

/// The answer to a balance request.
pub fn balance(
    body: &[u8],
    dialect: Dialect,
    keys: &[VerifyingKey],
) -> Result<GatewayBalance, Doubt> {
    super::balance_answer::read(body, dialect, keys).map_err(|problem| problem.doubt)
}

/// A callback, verified or not.
pub fn callback(body: &[u8], keys: &[VerifyingKey]) -> CallbackVerdict {
    super::callback_form::verify(body, keys)
}
