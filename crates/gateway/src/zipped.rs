//! Unpacks a body that came in gzip, which we never request: some proxies compress whatever passes.

use std::io::Read;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use reqwest::header::{CONTENT_ENCODING, HeaderMap, HeaderValue};

use super::{answer::Problem, wire::BODY_BYTES_MAX};

/// How every gzip begins, and no JSON does.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The body itself, at most [`BODY_BYTES_MAX`] bytes long. It tells gzip by its first bytes, whatever the header says.
pub(super) fn unpack(headers: &HeaderMap, body: Bytes) -> Result<Bytes, Problem> {
    if !body.starts_with(&GZIP) {
        return match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"" | b"identity" | b"gzip" | b"x-gzip") => Ok(body),
            Some(_) => Err(Problem::unreadable(
                "compressed with something other than gzip",
            )),
        };
    }
    let mut unpacked = Vec::new();
    let limit = BODY_BYTES_MAX.saturating_add(1);
    MultiGzDecoder::new(body.as_ref())
        .take(u64::try_from(limit).unwrap_or(u64::MAX))
        .read_to_end(&mut unpacked)
        .map_err(|_| Problem::unreadable("the gzip is damaged"))?;
    if unpacked.len() > BODY_BYTES_MAX {
        return Err(Problem::unreadable("longer than 64 KiB"));
    }
    Ok(unpacked.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn gzip(bytes: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).expect("a buffer");
        encoder.finish().expect("a buffer").into()
    }

    fn words(encoding: &str, body: Bytes) -> Result<Bytes, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, encoding.parse().expect("a header"));
        unpack(&headers, body).map_err(|problem| problem.words)
    }

    #[test]
    fn gzip_is_unpacked_with_and_without_its_header() {
        let json = br#"{"status":2}"#;
        for encoding in ["gzip", "identity", "br", ""] {
            assert_eq!(words(encoding, gzip(json)).as_deref(), Ok(&json[..]));
        }
        let plain = Bytes::from_static(json);
        assert_eq!(unpack(&HeaderMap::new(), plain.clone()), Ok(plain.clone()));
        // A proxy that unpacked it may leave the header.
        assert_eq!(words("gzip", plain.clone()), Ok(plain));
    }

    #[test]
    fn what_cannot_be_unpacked_is_a_doubt() {
        let whole = gzip(&[b' '; 100]);
        let mut followed = whole.to_vec();
        followed.extend(b"{}");
        let mut altered = whole.to_vec();
        altered[20] ^= 1;
        for body in [
            whole.slice(..whole.len() - 1),
            followed.into(),
            altered.into(),
        ] {
            assert_eq!(words("gzip", body), Err("the gzip is damaged"));
        }
        let other = "compressed with something other than gzip";
        assert_eq!(words("br", Bytes::from_static(b"\x0b")), Err(other));
    }

    #[test]
    fn a_small_gzip_of_something_huge_stops_at_the_limit() {
        let bomb = gzip(&vec![b' '; 64 << 20]);
        assert!(bomb.len() < BODY_BYTES_MAX);
        assert_eq!(words("gzip", bomb), Err("longer than 64 KiB"));
        let longest = vec![b' '; BODY_BYTES_MAX];
        assert_eq!(words("gzip", gzip(&longest)), Ok(longest.into()));
    }
}
