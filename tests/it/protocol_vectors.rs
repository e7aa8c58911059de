//! Our signatures compared with those of Node's crypto and of OpenSSL, which share no code with us (protocol P6 to P8).

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use payout_worker::gateway::{
    SigningKey, VerifyingKey,
    keys::{generate, parse_private_key, parse_public_key, private_key_pem, public_key_pem},
    sign::{check, fits_one_block, sign, verify},
};
use serde::Deserialize;

/// Made by `tests/vectors/generate.mjs`.
const VECTORS: &str = include_str!("../vectors/signatures.json");

#[derive(Deserialize)]
struct Set {
    bits: usize,
    private_keys: BTreeMap<String, String>,
    public_keys: BTreeMap<String, String>,
    good: Vec<Good>,
    bad: Vec<Bad>,
}

#[derive(Deserialize)]
struct Good {
    text: String,
    signature: String,
}

#[derive(Deserialize)]
struct Bad {
    why: String,
    text: String,
    signature: String,
}

impl Set {
    fn private_key(&self) -> rsa::PrivateKey {
        parse_private_key(&self.private_keys["pkcs8_bare"]).expect("a private key")
    }

    fn public_key(&self) -> VerifyingKey {
        VerifyingKey::new(self.private_key().to_public_key()).expect("a public key")
    }
}

fn sets() -> Vec<Set> {
    let sets: Vec<Set> = serde_json::from_str(VECTORS).expect("the vectors");
    assert_eq!(
        sets.iter().map(|set| set.bits).collect::<Vec<_>>(),
        [1024, 2048]
    );
    sets
}

#[test]
fn every_spelling_of_a_key_is_the_same_key() {
    for set in sets() {
        let private = set.private_key();
        let public = private.to_public_key();
        assert_eq!((set.private_keys.len(), set.public_keys.len()), (4, 4));
        for (form, text) in &set.private_keys {
            assert_eq!(parse_private_key(text).as_ref(), Ok(&private), "{form}");
            assert!(parse_public_key(text).is_err(), "{form} is not public");
        }
        for (form, text) in &set.public_keys {
            assert_eq!(parse_public_key(text).as_ref(), Ok(&public), "{form}");
            assert!(parse_private_key(text).is_err(), "{form} is not private");
        }
    }
}

#[test]
fn our_signatures_equal_those_of_node() {
    for set in sets() {
        let (bits, key) = (set.bits, set.private_key());
        let prepared = SigningKey::new(key.clone()).expect("a key");
        check(&prepared).expect("both libraries agree");
        for Good { text, signature } in &set.good {
            let length = text.len();
            for made in [sign(&key, text), sign(&prepared, text)] {
                assert_eq!(made.as_ref(), Ok(signature), "{bits} bits, {length} bytes");
            }
        }
    }
}

#[test]
fn we_verify_what_node_signed_and_no_near_miss() {
    for set in sets() {
        let key = set.public_key();
        for Good { text, signature } in &set.good {
            let length = text.len();
            assert!(verify(&key, text, signature), "{length} bytes");
            assert!(verify(key.reference(), text, signature), "{length} bytes");
            assert!(
                !verify(&key, &format!("{text}0"), signature),
                "{length} bytes and one"
            );
            assert!(!verify(
                &key,
                &text[..text.len() - last_bytes(text)],
                signature
            ));
            let blocks = STANDARD.decode(signature).expect("base64").len() / (set.bits / 8);
            assert_eq!(fits_one_block(&key, text), blocks == 1, "{length} bytes");
        }
    }
}

fn last_bytes(text: &str) -> usize {
    text.chars().next_back().map_or(0, char::len_utf8)
}

#[test]
fn every_invalid_vector_is_refused() {
    for set in sets() {
        let key = set.public_key();
        assert!(set.bad.len() > 15);
        for Bad {
            why,
            text,
            signature,
        } in &set.bad
        {
            let bits = set.bits;
            assert!(!verify(&key, text, signature), "{bits} bits: {why}");
            // The same without the padding check of the library.
            assert!(
                !verify(key.reference(), text, signature),
                "{bits} bits: {why}"
            );
        }
    }
}

#[test]
fn a_signature_has_one_value_in_either_kind_of_base64() {
    for set in sets() {
        let key = set.private_key().to_public_key();
        let Good { text, signature } = &set.good[0];
        let url_safe = signature.replace('/', "_").replace('+', "-");
        let unpadded = url_safe.trim_end_matches('=');
        for same in [signature.trim_end_matches('='), &url_safe, unpadded] {
            assert!(verify(&key, text, same), "{same}");
        }
        for other in [
            format!("{signature}\n"),
            format!(" {signature}"),
            format!("{signature}="),
            format!("{unpadded}_"),
            String::new(),
        ] {
            assert!(!verify(&key, text, &other), "{other}");
        }
    }
}

#[test]
fn the_texts_cover_the_block_boundaries() {
    for set in sets() {
        let chunk = set.bits / 8 - 11;
        let has = |bytes: usize| set.good.iter().any(|good| good.text.len() == bytes);
        assert!(
            [1, chunk - 1, chunk, chunk + 1, 2 * chunk, 600]
                .into_iter()
                .all(has)
        );
        let cuts_a_character =
            |good: &&Good| good.text.len() > chunk && !good.text.is_char_boundary(chunk);
        assert!(set.good.iter().filter(cuts_a_character).count() >= 6);
    }
}

#[test]
fn openssl_recovers_what_we_signed_with_a_fresh_key() {
    if Command::new("openssl").arg("version").output().is_err() {
        println!("skipped: there is no openssl to compare with");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for bits in [1024, 2048] {
        let key = generate(bits).expect("a key");
        let text = "Ünïcode 0012345678 ".repeat(30);
        let signature = sign(&key, &text).expect("a signature");
        let blocks = STANDARD.decode(signature).expect("base64");
        let public = public_key_pem(key.as_public_key()).expect("PEM");
        fs::write(folder.path().join("public.pem"), public).expect("a file");
        let private = private_key_pem(&key).expect("PEM");
        fs::write(folder.path().join("private.pem"), private.as_bytes()).expect("a file");
        let mut recovered = Vec::new();
        for block in blocks.chunks(bits / 8) {
            let words = "-verifyrecover -pubin -inkey public.pem";
            recovered.extend(openssl(folder.path(), words, block));
        }
        assert_eq!(String::from_utf8(recovered).as_deref(), Ok(text.as_str()));
        // This program signs nothing longer than a hash.
        let short = "INV-1 0012345678";
        let theirs = openssl(folder.path(), "-sign -inkey private.pem", short.as_bytes());
        assert_eq!(
            sign(&key, short),
            Ok(STANDARD.encode(theirs)),
            "{bits} bits"
        );
    }
}

/// One operation of `openssl pkeyutl` on one block.
fn openssl(folder: &Path, words: &str, block: &[u8]) -> Vec<u8> {
    fs::write(folder.join("in"), block).expect("a file");
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new("openssl")
        .current_dir(folder)
        .arg("pkeyutl")
        .args(words.split_whitespace())
        .args(["-pkeyopt", "rsa_padding_mode:pkcs1", "-in", "in"])
        .output()
        .expect("openssl runs");
    assert!(
        status.success(),
        "{words}: {}",
        String::from_utf8_lossy(&stderr)
    );
    stdout
}
