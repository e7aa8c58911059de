//! Answers to a submit.
#![no_main]

use payout_fuzz::{KEY, KEYS, instruction, may_be_shown, properties};
use payout_worker::{domain::evidence::SubmitAnswer, gateway::readers};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some(body) = properties::body(data, &KEY, properties::signed_answer) else {
        return;
    };
    let (meaning, detail) = readers::submit(&body, &instruction(), &*KEYS);
    may_be_shown(&detail);
    if !matches!(meaning, SubmitAnswer::Doubt(_)) {
        properties::answer_is_signed(&body, &KEY);
    }
});
