//! Other spellings of a genuine signature. The input is its bytes, each changed by the input's.
#![no_main]

use std::sync::LazyLock;

use payout_fuzz::{KEY, KEYS, properties};
use payout_worker::gateway::sign;

const TEXT: &str = "0142500110000Siti Rahayu";
static GENUINE: LazyLock<String> = LazyLock::new(|| sign::sign(&*KEY, TEXT).expect("a signature"));

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut bytes = GENUINE.clone().into_bytes();
    for (at, change) in data.iter().enumerate() {
        match bytes.get_mut(at) {
            Some(byte) => *byte ^= change,
            None => bytes.push(*change),
        }
    }
    if let Ok(other) = String::from_utf8(bytes) {
        properties::signature(&KEYS[0], TEXT, &GENUINE, &other);
    }
    if let Ok(other) = std::str::from_utf8(data) {
        properties::signature(&KEYS[0], TEXT, &GENUINE, other);
    }
});
