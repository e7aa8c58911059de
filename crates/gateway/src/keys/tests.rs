//! Keys in every spelling, and the reasons for which one is refused.

use super::*;

// 512 bits; and 1024 bits with the public exponent 3: made with OpenSSL, used nowhere.
const SHORT_PUBLIC: &str = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBANDZXF9OjjBYBwK3hGAcAkTkLYfW6xlRigSpPbv3UpHtZdqwnqUjwCYqO2Z6G4Z+iqduVkedzgDR6RoxK76D9ckCAwEAAQ==";
const EXPONENT_3_PUBLIC: &str = "MIGdMA0GCSqGSIb3DQEBAQUAA4GLADCBhwKBgQC0ddTvAoqjLqpqoezoVEyfjPdumK8JNHgzrKBPDFyjTwGZQRw1Xa3hUB0e9yQLejgQbVsjna8UFuP2frYJr442cXDT+aVQTI4EjI+j9hHFxStnvUjCeYRGb/9g6clu2N14WwhBF/dqFGzDGtmaifLNN1q7eqrfmK0rspIYnm/OyQIBAw==";
const EXPONENT_3_PRIVATE: &str = "MIICdQIBADANBgkqhkiG9w0BAQEFAASCAl8wggJbAgEAAoGBALR11O8CiqMuqmqh7OhUTJ+M926Yrwk0eDOsoE8MXKNPAZlBHDVdreFQHR73JAt6OBBtWyOdrxQW4/Z+tgmvjjZxcNP5pVBMjgSMj6P2EcXFK2e9SMJ5hEZv/2DpyW7Y3XhbCEEX92oUbMMa2ZqJ8s03Wrt6qt+YrSuykhieb87JAgEDAoGAeE6N9KxcbMnG8cFImuLdv7NPnxB0sM2ld8hq312TF4oBENYSzj5z64q+FKTCslF6tZ48wmkfYrntTv8kBnUJeIHURuMQaNjkXrOS8NmADnwEN3fxlQKYXxHiA48if9xUKAw6XRRKO8U1kF7ZuZJ3BiegtNj3s90s9N8IRjx8LKsCQQDkqEzX3YYfi4WjAV1eEc7rgMfmiMee5Hv3i2R5LsG649J6qHmjKykYMYPM00hFvHOWBt6sjT6njCt4mQ/ZNBPpAkEAygoczS8s56vw3DHdUb/hH6RMotWbVrs73aD3GebtU3tpzgg71lznVGrmv7+76IPQZeLNiKoTJV2Q62yfaoF34QJBAJhwMzqTrr+yWRdWPj62ifJV2pmwhRSYUqUHmFDJ1nyX4aca+8IcxhAhAoiM2tkoTQ6vPx2zfxpdclBmCpDNYpsCQQCGsWiIyh3vx/XoIT42f+tqbYhsjmePJ30+a09mmfOM/PE0BX05k0Ti8e8qf9KbAorulzOwcWIY6QtHnb+cVk/rAkA4bdONoqsPjXMCOteQsX9Mq4jDUH6A2LBH0Co1rCuB92QQnBrjokn4iyyeENXlOteNUJt4qDo4TJecvtJLcaHb";
const EC_PRIVATE: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgnj6shcSpSx30X7qx2jjBrHIiDdUR+wCSS845aiXu3fmhRANCAAQvhnVpdZE7JI0QUr/Z9UQdqFKoQ1OMwDF7zC7xqlC+d+HNWuJkYX+i2MOLp7aGR40X73Mf+NMWDcjYvUbhhTnM";

#[test]
fn a_key_is_read_back_from_every_form_we_write() {
    let key = generate(1024).expect("a key");
    let public = key.to_public_key();
    let base64 = private_key_base64(&key).expect("base64");
    let pem = private_key_pem(&key).expect("PEM");
    let wrapped = base64
        .as_bytes()
        .chunks(40)
        .map(String::from_utf8_lossy)
        .collect::<Vec<_>>();
    let spaced = format!("\r\n  {}\t\n", wrapped.join(" \r\n"));
    for text in [
        base64.as_str(),
        pem.as_str(),
        &spaced,
        &pem.replace('\n', "\r\n  "),
    ] {
        assert_eq!(parse_private_key(text).as_ref(), Ok(&key));
    }
    let base64 = public_key_base64(&public).expect("base64");
    for text in [base64, public_key_pem(&public).expect("PEM")] {
        assert_eq!(parse_public_key(&text).as_ref(), Ok(&public));
    }
    assert_eq!(fingerprint(&public).len(), 64);
}

/// As editors, consoles and secret stores save them.
#[test]
fn a_key_file_is_read_in_every_encoding() {
    let key = generate(1024).expect("a key");
    let pem = private_key_pem(&key).expect("PEM");
    let base64 = private_key_base64(&key).expect("base64");
    let der = STANDARD.decode(base64.as_bytes()).expect("DER");
    let wide = |units: fn(u16) -> [u8; 2], mark: [u8; 2]| -> Vec<u8> {
        let units = pem.encode_utf16().flat_map(units);
        mark.into_iter().chain(units).collect()
    };
    let url_safe = base64.replace('+', "-").replace('/', "_").replace('=', "");
    for file in [
        [b"\xEF\xBB\xBF".as_slice(), base64.as_bytes()].concat(),
        [b"\xEF\xBB\xBF".as_slice(), pem.as_bytes()].concat(),
        wide(u16::to_le_bytes, [0xFF, 0xFE]),
        wide(u16::to_be_bytes, [0xFE, 0xFF]),
        der,
        pem.replace('\n', "\\n").into_bytes(),
        format!("\"{}\"\n", pem.replace('\n', "\\r\\n")).into_bytes(),
        url_safe.into_bytes(),
    ] {
        let text = text_of(&file).expect("text");
        assert_eq!(parse_private_key(&text).as_ref(), Ok(&key), "{file:?}");
    }
    assert_eq!(text_of(b"\x80\x81").err(), Some(KeyError::Encoding));
    assert_eq!(text_of(b"\xFF\xFE\x00\xD8").err(), Some(KeyError::Encoding));
}

#[test]
fn a_wrong_key_is_refused_with_a_reason() {
    let key = generate(1024).expect("a key");
    let private = private_key_pem(&key).expect("PEM");
    let public = public_key_pem(key.as_public_key()).expect("PEM");
    let half: String = private.chars().take(300).collect();
    let encrypted = private.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let certificate = public.replace("PUBLIC KEY", "CERTIFICATE");
    let twice = format!("{}{}", private.as_str(), private.as_str());
    for (text, error) in [
        ("", KeyError::Empty),
        (" \n", KeyError::Empty),
        ("not a key!", KeyError::Base64),
        ("AAAA", KeyError::Unknown),
        (&half, KeyError::Truncated),
        (&public, KeyError::IsPublic),
        (&encrypted, KeyError::Encrypted),
        (&certificate, KeyError::Certificate),
        (&twice, KeyError::SeveralBlocks),
        (EXPONENT_3_PRIVATE, KeyError::Exponent),
        (EC_PRIVATE, KeyError::NotRsa),
    ] {
        assert_eq!(parse_private_key(text).err(), Some(error));
    }
    for (text, error) in [
        (private.as_str(), KeyError::IsPrivate),
        (SHORT_PUBLIC, KeyError::Size(512)),
        (EXPONENT_3_PUBLIC, KeyError::Exponent),
        ("AAAA", KeyError::Unknown),
    ] {
        assert_eq!(parse_public_key(text).err(), Some(error));
    }
    assert_eq!(generate(1000).err(), Some(KeyError::GenerateSize(1000)));
}

#[test]
fn a_reason_never_shows_the_key() {
    let key = generate(1024).expect("a key");
    let text = private_key_base64(&key).expect("base64");
    assert!(!format!("{key:?}").contains(&text[100..120]));
    let error = parse_public_key(&text).expect_err("a private key");
    assert_eq!(error.to_string().find(&text[..8]), None);
}
