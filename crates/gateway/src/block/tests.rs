//! OpenSSL against the reference, and blocks that a lenient verifier would take.

use openssl::rsa::Padding;

use super::*;
use crate::{keys, sign};

fn key() -> PrivateKey {
    keys::generate(1024).expect("a key")
}

#[test]
fn both_libraries_make_the_same_block_of_every_length() {
    let key = key();
    let prepared = SigningKey::new(key.clone()).expect("a key");
    for length in [1, 2, 100, 116, 117] {
        let chunk = vec![b'7'; length];
        let made = prepared.sign_block(&chunk).expect("a block");
        assert_eq!(key.sign_block(&chunk), Ok(made), "{length} bytes");
    }
    let too_long = [b'7'; 118];
    assert_eq!(prepared.sign_block(&too_long), Err(SignError::Key));
    assert_eq!(key.sign_block(&too_long), Err(SignError::Key));
}

#[test]
fn a_library_that_signs_otherwise_is_noticed_at_the_start() {
    let mut prepared = SigningKey::new(key()).expect("a key");
    assert_eq!(sign::check(&prepared), Ok(()));
    prepared.fast = with_openssl::private(&key()).expect("a key");
    assert_eq!(sign::check(&prepared), Err(KeyError::LibrariesDiffer));
}

#[test]
fn only_the_one_true_padding_verifies() {
    let prepared = SigningKey::new(key()).expect("a key");
    let public = VerifyingKey::new(prepared.reference.to_public_key()).expect("a key");
    let text = b"0142500110000Siti Rahayu";
    let verdict = |padded: &[u8]| {
        let mut block = vec![0; 128];
        let length = prepared
            .fast
            .private_encrypt(padded, &mut block, Padding::NONE);
        assert_eq!(length.expect("a block"), 128);
        let verdict = public.verify_block(text, &block);
        assert_eq!(verdict, public.reference().verify_block(text, &block));
        verdict
    };
    let filler = 128 - 3 - text.len();
    let padded = |start: [u8; 2], filler: Vec<u8>, end: &[u8]| {
        [&start[..], &filler, &[0], text, end].concat()
    };
    assert!(verdict(&padded([0, 1], vec![0xFF; filler], b"")));
    // Type 2, type 0, a hole in the filler, a shorter filler with bytes after the text.
    assert!(!verdict(&padded([0, 2], vec![0xFF; filler], b"")));
    assert!(!verdict(&padded([0, 0], vec![0xFF; filler], b"")));
    let mut hole = vec![0xFF; filler];
    hole[filler / 2] = 0xFE;
    assert!(!verdict(&padded([0, 1], hole, b"")));
    assert!(!verdict(&padded([0, 1], vec![0xFF; filler - 5], b"ahead")));
    // A block that is no number below the modulus, and one of another length.
    assert!(!public.verify_block(text, &[0xFF; 128]));
    assert!(!public.verify_block(text, &[1; 127]));
    assert!(!public.verify_block(text, &[]));
}
