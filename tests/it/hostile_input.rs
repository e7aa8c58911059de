//! Hostile input: what comes from outside is changed at random, starting from the committed seeds in `corpus/`.
//!
//! Nothing panics, nothing is believed that the platform did not sign, and no fraction becomes money.
//! `PAYOUT_HOSTILE` sets how many changes of each kind of input (20 000); `PAYOUT_SEED` repeats a run.

mod answers;
mod mutate;

use std::{env, path::Path};

use form_urlencoded::Serializer;
use payout_worker::{
    config,
    domain::money::Rupiah,
    gateway::{CallbackVerdict, Client, Dialect, Settings, keys, read_callback_order, sign},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use rsa::PrivateKey;

use self::mutate::Mutator;

const CALLBACKS: &str = include_str!("hostile_input/corpus/callback.txt");
const MONEY: &str = include_str!("hostile_input/corpus/money.txt");
const CONFIG: &str = include_str!("hostile_input/corpus/config.toml");

/// How many, and the generator, whose seed is printed.
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

fn client(base_url: &str, platform: &PrivateKey) -> Client {
    Client::new(Settings {
        merchant_code: "S1".into(),
        dialect: Dialect::Bdpay,
        base_url: base_url.into(),
        notify_url: None,
        private_key: keys::generate(1024).unwrap(),
        platform_public_keys: vec![platform.to_public_key()],
        submit_path: "/gateway/cash".into(),
        query_path: "/gateway/query".into(),
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
    let seeds: Vec<Vec<u8>> = CALLBACKS
        .lines()
        .map(|line| {
            let fields: Vec<(String, String)> = form_urlencoded::parse(line.as_bytes())
                .into_owned()
                .collect();
            let text = sign::signed_text(fields.iter().map(|(name, value)| (&**name, &**value)));
            Serializer::new(String::new())
                .extend_pairs(&fields)
                .append_pair("platSign", &sign::sign(&key, &text).unwrap())
                .finish()
                .into_bytes()
        })
        .collect();
    let mut mutator = Mutator::new(seeds, rng);
    let (mut verified, mut named) = (0, 0);
    for _ in 0..count {
        let body = mutator.next();
        if let Some(order_num) = read_callback_order(&body) {
            named += 1;
            assert!((1..=32).contains(&order_num.len()) && order_num.is_ascii());
        }
        let CallbackVerdict::Verified(_) = client.verify_callback(body.clone().into()).await else {
            continue;
        };
        verified += 1;
        let fields: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
        let mut rest: Vec<_> = fields
            .iter()
            .filter(|(name, _)| name != "platSign")
            .collect();
        rest.sort();
        let text: String = rest.iter().map(|(_, value)| value.as_str()).collect();
        let (_, signature) = fields.iter().find(|(name, _)| name == "platSign").unwrap();
        assert_eq!(
            sign::sign(&key, &text).unwrap(),
            signature.replace(' ', "+"),
            "{}",
            String::from_utf8_lossy(&body)
        );
    }
    println!(
        "callbacks: {count} read, {named} named an order, {verified} verified, each for the signed text"
    );
    assert!(verified > 0, "the changes leave nothing whole");
}

#[test]
fn a_signature_has_no_second_spelling_however_it_is_changed() {
    let (count, rng) = begin("signatures");
    let key = keys::generate(1024).unwrap();
    let public = key.to_public_key();
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
            assert_eq!(
                sign::verify(&public, text, &changed),
                changed == *whole,
                "{changed}"
            );
        }
    }
}

#[test]
fn no_fraction_sign_or_exponent_ever_becomes_money() {
    let (count, rng) = begin("money");
    let seeds = MONEY.lines().map(|line| line.as_bytes().to_vec()).collect();
    let mut mutator = Mutator::new(seeds, rng);
    let mut read = 0;
    for _ in 0..count * 5 {
        let text = String::from_utf8_lossy(&mutator.next()).into_owned();
        let Some(amount) = Rupiah::parse_exact(&text) else {
            continue;
        };
        read += 1;
        let mut parts = text.split('.');
        let whole = parts.next().unwrap();
        let zeros = parts.next().unwrap_or("0");
        assert!(parts.next().is_none(), "{text}");
        assert!(
            !zeros.is_empty() && zeros.chars().all(|c| c == '0'),
            "{text}"
        );
        assert!(whole.chars().all(|c| c.is_ascii_digit()), "{text}");
        let digits = whole.trim_start_matches('0');
        let digits = if digits.is_empty() { "0" } else { digits };
        assert_eq!(amount.idr().to_string(), digits, "{text}");
    }
    println!(
        "money: {} texts, {read} of them amounts, each exact",
        count * 5
    );
}

#[test]
fn a_damaged_configuration_is_refused_with_its_line() {
    let (count, rng) = begin("configurations");
    let mut mutator = Mutator::new(vec![CONFIG.as_bytes().to_vec()], rng);
    let (mut refused, mut accepted) = (0, 0);
    for _ in 0..count / 4 {
        let text = String::from_utf8_lossy(&mutator.next()).into_owned();
        match config::parse("page.toml", &text, Path::new("."), None) {
            Ok(_) => accepted += 1,
            Err(faults) => {
                refused += 1;
                assert!(!faults.sentences().is_empty());
                for sentence in faults.sentences() {
                    let place = sentence.strip_prefix("page.toml:").unwrap_or(sentence);
                    let line = place.split(':').next().unwrap().trim();
                    let names_a_line = line.parse::<usize>().is_ok_and(|line| line > 0);
                    assert!(names_a_line, "no line in: {sentence}");
                }
            }
        }
    }
    println!("configurations: {refused} refused, each fault with its line; {accepted} accepted");
    assert!(refused > 0 && accepted > 0);
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_by_its_line_and_key() {
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
