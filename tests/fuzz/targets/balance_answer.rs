//! Balances, in both dialects.
#![no_main]

use payout_fuzz::{KEY, KEYS, properties};
use payout_worker::gateway::{Dialect, readers};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some(body) = properties::body(data, &KEY, properties::signed_answer) else {
        return;
    };
    if let Ok(balance) = readers::balance(&body, Dialect::TOPPAY, &*KEYS) {
        assert!(!balance.signed);
    }
    if readers::balance(&body, Dialect::BDPAY, &*KEYS).is_ok_and(|balance| balance.signed) {
        properties::answer_is_signed(&body, &KEY);
    }
});
