//! The orders of a run. Everything about an order follows from its number, so that both sides know it without talking.

/// Rupiah of each payout.
pub(crate) const AMOUNT_IDR: i64 = 250_000;
/// Rupiah of each fee.
pub(crate) const FEE_IDR: i64 = 2_500;
/// The beneficiary of every payout.
pub(crate) const BANK_CODE: &str = "014";
/// See [`BANK_CODE`]. No order's number has eight of these digits in a row: the worker takes such a number of the gateway for
/// the beneficiary's account, and never settles by it.
pub(crate) const ACCOUNT_NUMBER: &str = "9876543210";
/// See [`BANK_CODE`].
pub(crate) const ACCOUNT_NAME: &str = "Siti Rahayu";
/// The description of every payout.
pub(crate) const DESCRIPTION: &str = "bench";

/// Who bears the fee of an order (protocol P22): 0, the beneficiary; 1, the merchant, of every second order where types
/// are mixed.
pub(crate) fn fee_type(number: usize, mixed: bool) -> i64 {
    i64::from(mixed && number % 2 == 1)
}

/// `B00000042`: numbers rise in the order in which the worker claims.
pub(crate) fn order_num(number: usize) -> String {
    format!("B{number:08}")
}

/// The number in an order's name.
pub(crate) fn number_of(order_num: &str) -> Option<usize> {
    order_num.strip_prefix('B')?.parse().ok()
}

/// The code of a merchant, counted from 0.
pub(crate) fn merchant_code(merchant: usize) -> String {
    format!("S2020{merchant:09}")
}

/// The merchant of an order.
pub(crate) fn merchant_of(number: usize, merchants: usize) -> usize {
    number.checked_rem(merchants).unwrap_or(0)
}

/// What the gateway calls an order.
pub(crate) fn platform_order_num(number: usize) -> String {
    format!("W{number:012}")
}

/// `H00000042`: a payout that was loaded as paid; `history` writes the same names in SQL.
pub(crate) fn loaded_order_num(number: usize) -> String {
    format!("H{number:08}")
}

/// The number in the name of a payout that was loaded as paid.
pub(crate) fn loaded_number_of(order_num: &str) -> Option<usize> {
    order_num.strip_prefix('H')?.parse().ok()
}

/// What the gateway calls a payout that was loaded as paid.
pub(crate) fn loaded_platform_order_num(number: usize) -> String {
    format!("V{number:012}")
}
