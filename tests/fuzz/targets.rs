//! What the targets share: the key of a platform, and the instruction that its answers are about.

pub mod properties;

use std::sync::LazyLock;

use payout_worker::{
    domain::{
        money::{FeeType, Rupiah},
        payout::{Instruction, PayoutKey, Private},
    },
    gateway::{VerifyingKey, keys},
};
use rsa::PrivateKey;
use serde_json::Value;

/// The order of every answer.
pub const ORDER: &str = "INV-1";
const VECTORS: &str = include_str!("../vectors/signatures.json");

/// The platform's key, the same in every run.
pub static KEY: LazyLock<PrivateKey> = LazyLock::new(|| {
    let sets: Value = serde_json::from_str(VECTORS).expect("the vectors");
    let sets = sets.as_array().expect("a list");
    let set = sets
        .iter()
        .find(|set| set["bits"] == 1024)
        .expect("1024 bits");
    let forms = set["private_keys"]
        .as_object()
        .expect("spellings of one key");
    let text = forms
        .values()
        .next()
        .and_then(Value::as_str)
        .expect("a key");
    keys::parse_private_key(text).expect("a key")
});
/// The public key that the worker has.
pub static KEYS: LazyLock<[VerifyingKey; 1]> =
    LazyLock::new(|| [VerifyingKey::new(KEY.to_public_key()).expect("a key")]);

/// The instruction that was sent.
pub fn instruction() -> Instruction {
    Instruction {
        key: PayoutKey {
            merchant_code: "S1".into(),
            order_num: ORDER.into(),
        },
        amount: Rupiah::new(100_000),
        fee_type: FeeType::OnTop,
        bank_code: "014".into(),
        account_number: Private::new("0012345678"),
        account_name: Private::new("Siti Rahayu"),
        description: None,
    }
}

/// The part of an answer that people see has no control characters, and its messages have no long numbers.
pub fn may_be_shown(detail: &Value) {
    for (name, value) in detail.as_object().expect("an object") {
        let text = value.as_str().unwrap_or("");
        assert!(!text.contains(char::is_control), "{name}: {text:?}");
        if [
            "message",
            "msg",
            "platRespCode",
            "platRespMessage",
            "statusMsg",
        ]
        .contains(&name.as_str())
        {
            let longest = text
                .split(|c: char| !c.is_numeric())
                .map(|run| run.chars().count())
                .max();
            assert!(longest < Some(5), "{name}: {text:?}");
        }
    }
}
