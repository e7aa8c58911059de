//! Hostile input: messages from outside, mutated at random from the committed seeds in `tests/fuzz/corpus`.
//!
//! Nothing panics, nothing that the platform did not sign is believed, and no fraction becomes money.
//! `PAYOUT_HOSTILE` sets the number of mutations of each kind of input (20 000); `PAYOUT_SEED` repeats a run.

mod answers;
mod mutate;
#[path = "../fuzz/properties.rs"]
#[allow(unreachable_pub, reason = "the fuzz targets use it from outside")]
mod properties;
mod speller;
mod spellings;
mod typed_words;

use std::{env, fs, path::Path};

use payout_worker::{
    config,
    gateway::{CallbackVerdict, Client, Dialect, Settings, SigningKey, VerifyingKey, keys, sign},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rsa::PrivateKey;

use self::mutate::Mutator;

const CALLBACKS: &str = include_str!("hostile_input/corpus/callback.txt");
const MONEY: &str = include_str!("hostile_input/corpus/money.txt");
const CONFIG: &str = include_str!("hostile_input/corpus/config.toml");

/// The number of mutations, and the generator, whose seed is printed.
fn begin(what: &str) -> (usize, StdRng) {
    let number = |variable: &str| {
        env::var(variable).ok().map(|text| {
            text.replace('_', "")
                .parse::<u64>()
                .unwrap_or_else(|_| panic!("{variable} is a whole number"))
        })
    };
    let count = usize::try_from(number("PAYOUT_HOSTILE").unwrap_or(20_000)).unwrap();
    let seed = number("PAYOUT_SEED").unwrap_or_else(|| rand::rng().random());
    println!("{what}: PAYOUT_HOSTILE={count} PAYOUT_SEED={seed}");
    (count, StdRng::seed_from_u64(seed))
}

/// The inputs that `./dev fuzz` kept for a target: one for each path through the code.
fn kept_by_the_fuzzers(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut files: Vec<_> = fs::read_dir(folder.join(target))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// The lines of a text, and the inputs that the fuzzer kept.
fn seeds(lines: &str, target: &str) -> Vec<Vec<u8>> {
    let lines = lines.lines().map(|line| line.as_bytes().to_vec());
    lines.chain(kept_by_the_fuzzers(target)).collect()
}

fn client(base_url: &str, platform: &PrivateKey) -> Client {
    Client::new(Settings {
        merchant_code: "S1".into(),
        dialect: Dialect::BDPAY,
        base_url: base_url.into(),
        notify_url: None,
        private_key: SigningKey::new(keys::generate(1024).unwrap()).unwrap(),
        platform_public_keys: vec![VerifyingKey::new(platform.to_public_key()).unwrap()],
        submit_path: "/gateway/cash".into(),
        query_path: "/gateway/query".into(),
        extra_roots: Vec::new(),
        balance_path: "/gateway/interface/getBalance".into(),
        timeout: std::time::Duration::from_secs(5),
    })
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_verifies_only_for_the_text_that_was_signed() {
    let (count, rng) = begin("callbacks");
    let key = keys::generate(1024).unwrap();
    let client = client("https://gateway.example", &key);
    let signed = |line: &str| properties::signed_form(line.as_bytes(), &key).unwrap();
    let kept = kept_by_the_fuzzers("callback");
    let kept = kept
        .iter()
        .filter_map(|data| properties::body(data, &key, properties::signed_form));
    let seeds = CALLBACKS.lines().map(signed).chain(kept).collect();
    let mut mutator = Mutator::new(seeds, rng);
    let (mut verified, mut named) = (0, 0);
    for _ in 0..count {
        let body = mutator.next();
        named += usize::from(properties::names_an_order(&body));
        let CallbackVerdict::Verified(_) = client.verify_callback(body.clone().into()).await else {
            continue;
        };
        verified += 1;
        properties::form_is_signed(&body, &key);
    }
    println!(
        "callbacks: {count} read, {named} named an order, {verified} verified, each for the signed text"
    );
    assert!(verified > 0, "the changes leave nothing whole");
}

#[test]
fn no_altered_spelling_of_a_signature_verifies() {
    let (count, rng) = begin("signatures");
    let key = keys::generate(1024).unwrap();
    let public = VerifyingKey::new(key.to_public_key()).unwrap();
    let texts = [
        "0142500110000Siti Rahayu",
        &"9".repeat(117),
        &"ab".repeat(150),
    ];
    let made: Vec<String> = texts
        .iter()
        .map(|text| sign::sign(&key, text).unwrap())
        .collect();
    let seeds = made.iter().map(|text| text.clone().into_bytes()).collect();
    let mut mutator = Mutator::new(seeds, rng);
    for _ in 0..count {
        let changed = mutator.next();
        let Ok(changed) = String::from_utf8(changed) else {
            continue;
        };
        for (text, whole) in texts.iter().zip(&made) {
            properties::signature(&public, text, whole, &changed);
        }
    }
}

#[test]
fn nothing_but_an_exact_whole_number_ever_becomes_money() {
    let (count, rng) = begin("money");
    let mut mutator = Mutator::new(seeds(MONEY, "money"), rng);
    let mut read = 0;
    for _ in 0..count * 5 {
        let text = String::from_utf8_lossy(&mutator.next()).into_owned();
        read += usize::from(properties::money(&text));
    }
    println!(
        "money: {} texts, {read} of them amounts, each exact",
        count * 5
    );
}

#[test]
fn a_damaged_configuration_is_refused_with_its_line() {
    let (count, rng) = begin("configurations");
    let mut pages = kept_by_the_fuzzers("config");
    pages.push(CONFIG.as_bytes().to_vec());
    let mut mutator = Mutator::new(pages, rng);
    let (mut refused, mut accepted) = (0, 0);
    for _ in 0..count / 4 {
        let text = String::from_utf8_lossy(&mutator.next()).into_owned();
        if properties::configuration(&text) {
            accepted += 1;
        } else {
            refused += 1;
        }
    }
    println!("configurations: {refused} refused, each fault with its line; {accepted} accepted");
    assert!(refused > 0 && accepted > 0);
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_line_and_key() {
    let mut tried = 0;
    for (at, line) in CONFIG.lines().enumerate() {
        let Some((key, _)) = line.split_once(" = ") else {
            continue;
        };
        let mut lines: Vec<&str> = CONFIG.lines().collect();
        let wrong = format!("{key} = 1979-05-27");
        lines[at] = &wrong;
        let faults =
            config::parse("page.toml", &lines.join("\n"), Path::new("."), None).unwrap_err();
        let place = format!("page.toml:{}:", at + 1);
        let named = |sentence: &String| sentence.starts_with(&place) && sentence.contains(key);
        assert!(faults.sentences().iter().any(named), "{key}: {faults}");
        tried += 1;
    }
    assert!(tried > 20, "{tried}");
}
