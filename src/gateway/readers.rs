//! The readers of what the gateway says, for the fuzz targets in `tests/fuzz`. They are in no other build.

use rsa::PublicKey;
use serde_json::Value;

use super::{CallbackVerdict, Dialect, GatewayBalance};
use crate::domain::{
    evidence::{Doubt, QueryAnswer, SubmitAnswer},
    payout::Instruction,
};

/// What came back from a submit, and what people may see of it.
pub fn submit(body: &[u8], ours: &Instruction, keys: &[PublicKey]) -> (SubmitAnswer, Value) {
    super::submit_answer::read(body, ours, keys)
}

/// What came back from a question, and what people may see of it.
pub fn query(
    body: &[u8],
    dialect: Dialect,
    order_num: &str,
    keys: &[PublicKey],
) -> (QueryAnswer, Value) {
    super::query_answer::read(body, dialect, order_num, keys)
}

/// How much money there is said to be.
pub fn balance(body: &[u8], dialect: Dialect, keys: &[PublicKey]) -> Result<GatewayBalance, Doubt> {
    super::balance_answer::read(body, dialect, keys).map_err(|problem| problem.doubt)
}

/// What a notification is.
pub fn callback(body: &[u8], keys: &[PublicKey]) -> CallbackVerdict {
    super::callback_form::verify(body, keys)
}
