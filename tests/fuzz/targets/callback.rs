//! Notifications.
#![no_main]

use payout_fuzz::{KEY, KEYS, properties};
use payout_worker::gateway::{CallbackVerdict, readers};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some(body) = properties::body(data, &KEY, properties::signed_form) else {
        return;
    };
    properties::names_an_order(&body);
    if let CallbackVerdict::Verified(_) = readers::callback(&body, &*KEYS) {
        properties::form_is_signed(&body, &KEY);
    }
});
