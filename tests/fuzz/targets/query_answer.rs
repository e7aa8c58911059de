//! Answers to a question, in both dialects.
#![no_main]

use payout_fuzz::{KEY, KEYS, ORDER, may_be_shown, properties};
use payout_worker::{
    domain::evidence::QueryAnswer,
    gateway::{Dialect, readers},
};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some(body) = properties::body(data, &KEY, properties::signed_answer) else {
        return;
    };
    let (_, detail) = readers::query(&body, Dialect::TOPPAY, ORDER, &*KEYS);
    may_be_shown(&detail);
    let (meaning, detail) = readers::query(&body, Dialect::BDPAY, ORDER, &*KEYS);
    may_be_shown(&detail);
    if !matches!(meaning, QueryAnswer::Doubt(_)) {
        properties::answer_is_signed(&body, &KEY);
    }
});
