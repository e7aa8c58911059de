//! What the sandbox shows of its state. Account numbers and names are masked.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::order::Order;

/// One submit that was received, whether or not it was booked.
#[derive(Clone, Debug, Serialize)]
pub struct SeenSubmit {
    /// When its last byte was read.
    pub at: DateTime<Utc>,
    /// The orderNum; empty if it could not be read.
    pub order_num: String,
    /// The amount in whole rupiah, if it could be read.
    pub amount: Option<i64>,
    /// The feeType as received.
    pub fee_type: String,
    /// The bankCode as received.
    pub bank_code: String,
    /// The account number, masked.
    pub account_number: String,
    /// The account name, masked.
    pub account_name: String,
    /// SHA-256 of the body as received, in hexadecimal.
    pub request_sha256: String,
    /// Whether the merchant's signature verified.
    pub verified: bool,
    /// Whether this very submit was booked as an order.
    pub booked: bool,
    /// The answer: a platRespCode, or a phrase for what happened instead; `-` until it is decided.
    pub answer: String,
    /// The platRespMessage of a refusal; otherwise empty.
    pub message: String,
}

/// One booked order.
#[derive(Clone, Debug, Serialize)]
pub struct OrderView {
    /// The merchant's key.
    pub order_num: String,
    /// The gateway's key.
    pub platform_order_num: String,
    /// The money in whole rupiah.
    pub amount: i64,
    /// 0 or 1.
    pub fee_type: u8,
    /// The current fee, in rupiah.
    pub fee: i64,
    /// The amount debited from the merchant if it is paid, in rupiah.
    pub debit: i64,
    /// 0, 1, 5, then 2, 3 or 4.
    pub status: u8,
    /// When it was booked.
    pub booked_at: DateTime<Utc>,
    /// How many callbacks fell due.
    pub notified: usize,
    /// Whether one of them was answered `SUCCESS`.
    pub acknowledged: bool,
}

impl From<&Order> for OrderView {
    fn from(order: &Order) -> Self {
        Self {
            order_num: order.submit.order_num.clone(),
            platform_order_num: order.platform_order_num.clone(),
            amount: order.submit.money_idr,
            fee_type: order.submit.fee_type.code(),
            fee: order.fee_idr,
            debit: order.debit_idr().unwrap_or(i64::MAX),
            status: order.status.code(),
            booked_at: order.booked_at,
            notified: order.notified,
            acknowledged: order.acknowledged,
        }
    }
}

/// Keeps the last four characters of a number with more than six.
pub(super) fn mask_number(number: &str) -> String {
    let length = number.chars().count();
    let hidden = if length > 6 {
        length.saturating_sub(4)
    } else {
        length
    };
    format!("****{}", number.chars().skip(hidden).collect::<String>())
}

/// Keeps the first letter.
pub(super) fn mask_name(name: &str) -> String {
    let first = name.chars().next();
    first.map_or_else(String::new, |first| format!("{first}***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_leave_too_little_to_pay_anyone() {
        assert_eq!(mask_number("0012345678"), "****5678");
        assert_eq!(mask_number("123456"), "****");
        assert_eq!(mask_name("Siti Rahayu"), "S***");
        assert_eq!(mask_name(""), "");
    }
}
