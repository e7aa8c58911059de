//! The configuration file.
#![no_main]

use payout_fuzz::properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    properties::configuration(text);
});
