//! The rows that programs read. Their columns are those of the SQL views, in the same order.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{output::Record, words::utc};
use crate::store::{balances::Balance, find::Status};

pub(super) fn instant(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, |at| utc(at).into())
}

impl Record for Status {
    /// Exactly the columns of `payout.status`.
    const COLUMNS: &'static [&'static str] = &[
        "order_num",
        "merchant_code",
        "bank_code",
        "amount",
        "fee_type",
        "state",
        "state_since",
        "created_at",
        "fee",
        "debit_total",
        "beneficiary_amount",
        "platform_order_num",
        "failure_reason",
        "attention",
        "attention_since",
        "settled_at",
    ];

    fn values(&self) -> Vec<Value> {
        vec![
            json!(self.order_num),
            json!(self.merchant_code),
            json!(self.bank_code),
            json!(self.amount),
            json!(self.fee_type),
            json!(self.state),
            instant(Some(self.state_since)),
            instant(Some(self.created_at)),
            json!(self.fee),
            json!(self.debit_total),
            json!(self.beneficiary_amount),
            json!(self.platform_order_num),
            json!(self.failure_reason),
            json!(self.attention),
            instant(self.attention_since),
            instant(self.settled_at),
        ]
    }
}

impl Record for Balance {
    /// Exactly the columns of `payout.balances`.
    const COLUMNS: &'static [&'static str] = &["merchant_code", "account", "balance"];

    fn values(&self) -> Vec<Value> {
        vec![
            json!(self.merchant_code),
            json!(self.account),
            json!(self.balance),
        ]
    }
}
