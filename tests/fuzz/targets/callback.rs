//! Notifications.
#![no_main]

use payout_fuzz::{KEY, KEYS, properties};
use payout_worker::gateway::{CallbackVerdict, read_callback_order, readers};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some(body) = properties::body(data, &KEY, properties::signed_form) else {
        return;
    };
    if let Some(order_num) = read_callback_order(&body) {
        assert!((1..=32).contains(&order_num.len()) && order_num.is_ascii());
    }
    if let CallbackVerdict::Verified(_) = readers::callback(&body, &*KEYS) {
        properties::form_is_signed(&body, &KEY);
    }
});
