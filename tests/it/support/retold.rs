//! A proxy before the sandbox that retells its answers in other spellings, signed again where the values change.

use std::{
    io::Write,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use flate2::{Compression, write::GzEncoder};
use payout_worker::gateway::sign;
use rsa::PrivateKey;
use serde_json::{Map, Value};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use super::scissors::message;

/// How an answer is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    AsItIs,
    /// `1.0E4` for 10000, as some JSON libraries write numbers.
    Exponents,
    /// `10000.00`.
    Decimals,
    ByteOrderMark,
    Http201,
    Gzip,
    /// Nested members, which nobody signs.
    Nested,
    /// Every member twice.
    Twice,
    /// `success` for `SUCCESS`.
    LowerCase,
    /// URL-safe base64 without padding.
    UrlSafeSignature,
    /// A list where an object belongs, in answers to queries only.
    QueriesInALetter,
}

/// The proxy's address; what it says next is in `spelling`.
pub(crate) async fn retell(
    behind: SocketAddr,
    key: PrivateKey,
    spelling: Arc<Mutex<Spelling>>,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut outside, _)) = listener.accept().await {
            let (key, spelling) = (key.clone(), Arc::clone(&spelling));
            tokio::spawn(async move {
                let request = message(&mut outside).await?;
                let mut inside = TcpStream::connect(behind).await?;
                inside.write_all(&request).await?;
                let answer = message(&mut inside).await?;
                let is_query = request.starts_with(b"POST /gateway/query");
                let spelling = *spelling.lock().unwrap();
                let told = told(&answer, spelling, is_query, &key);
                outside.write_all(&told).await
            });
        }
    });
    address
}

fn told(answer: &[u8], spelling: Spelling, is_query: bool, key: &PrivateKey) -> Vec<u8> {
    let head_end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let body = &answer[head_end.expect("an HTTP answer") + 4..];
    let (mut status, mut headers) = ("200 OK", "");
    let body = match spelling {
        Spelling::QueriesInALetter if is_query => b"[\"Dear customer\"]".to_vec(),
        Spelling::AsItIs | Spelling::QueriesInALetter => body.to_vec(),
        Spelling::ByteOrderMark => ["\u{feff}".as_bytes(), body].concat(),
        Spelling::Http201 => {
            status = "201 Created";
            body.to_vec()
        }
        Spelling::Gzip => {
            headers = "content-encoding: gzip\r\n";
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(body).unwrap();
            encoder.finish().unwrap()
        }
        Spelling::Exponents
        | Spelling::Decimals
        | Spelling::Nested
        | Spelling::Twice
        | Spelling::LowerCase
        | Spelling::UrlSafeSignature => respelled(body, spelling, key).into_bytes(),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n");
    [head.as_bytes(), &body].concat()
}

/// The flat object with other tokens, and with the signature of those.
fn respelled(body: &[u8], spelling: Spelling, key: &PrivateKey) -> String {
    let fields: Map<String, Value> = serde_json::from_slice(body).unwrap();
    let mut tokens: Vec<(String, String)> = fields
        .iter()
        .filter(|(name, _)| *name != "platSign")
        .map(|(name, value)| (name.clone(), token(name, value, spelling)))
        .collect();
    tokens.sort_unstable();
    let text: String = tokens
        .iter()
        .map(|(_, token)| token.trim_matches('"'))
        .collect();
    let mut signature = sign::sign(key, &text).unwrap();
    if spelling == Spelling::UrlSafeSignature {
        signature = signature
            .replace('+', "-")
            .replace('/', "_")
            .replace('=', "");
    }
    tokens.push(("platSign".to_owned(), format!("{signature:?}")));
    if spelling == Spelling::Twice {
        tokens.extend(tokens.clone());
    }
    let mut members: Vec<String> = tokens
        .iter()
        .map(|(name, token)| format!("{name:?}:{token}"))
        .collect();
    if spelling == Spelling::Nested {
        members.insert(
            0,
            r#""trace":{"id":[1,{"status":3}],"status":4}"#.to_owned(),
        );
        members.push(r#""links":["status",4]"#.to_owned());
    }
    format!("{{{}}}", members.join(","))
}

fn token(name: &str, value: &Value, spelling: Spelling) -> String {
    const AMOUNTS: [&str; 6] = ["amount", "balance", "fee", "freeze", "money", "pendMoney"];
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let is_amount = AMOUNTS.contains(&name);
    if spelling == Spelling::Exponents && is_amount {
        exponent(&text)
    } else if spelling == Spelling::Decimals && is_amount {
        format!("{text}.00")
    } else if spelling == Spelling::LowerCase && name == "platRespCode" {
        format!("{:?}", text.to_lowercase())
    } else {
        value.to_string()
    }
}

/// `2500` as `2.5E3`.
fn exponent(digits: &str) -> String {
    let (first, rest) = digits.split_at(1);
    let rest_short = rest.trim_end_matches('0');
    let fraction = if rest_short.is_empty() {
        "0"
    } else {
        rest_short
    };
    format!("{first}.{fraction}E{}", rest.len())
}
