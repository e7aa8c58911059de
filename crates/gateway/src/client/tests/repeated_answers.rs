//! Connections on which an answer is repeated, comes too late, or belongs to another query (protocol P17).
//!
//! "Not found" need not name an order, so one that belongs to another query looks like ours.

use payout_domain::evidence::{Doubt, QueryAnswer};
use serde_json::{Map, Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream, sync::mpsc};

use super::{
    broken_servers::{http, listen, read_request},
    support::{PLATFORM_KEY, TIMEOUT, client},
};
use crate::sign;

fn signed(fields: &Value) -> String {
    let texts: Map<String, Value> = fields.as_object().expect("an object").clone();
    let pairs = texts
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str().expect("a text")));
    let signature = sign::sign(&*PLATFORM_KEY, &sign::signed_text(pairs)).expect("a signature");
    let mut fields = fields.clone();
    fields["platSign"] = signature.into();
    http("200 OK", "", &fields.to_string())
}

/// "Not found" that names no order.
fn not_found() -> String {
    signed(&json!({"platRespCode": "NOTEXIST", "platRespMessage": "order does not exist"}))
}

/// The gateway's true answer: it knows `INV-2` alone.
fn true_answer(request: &str) -> String {
    if request.contains("INV-2") {
        signed(&json!({
            "platRespCode": "SUCCESS", "platOrderNum": "W1", "orderNum": "INV-2", "amount": "10000", "fee": "0",
            "status": "1", "msg": "Processing",
        }))
    } else {
        not_found()
    }
}

/// What a connection carried before, and what it carries next: a proxy's mistakes are made with these.
type Mistake = fn(before: Option<&str>, answer: &str) -> String;

/// A proxy that keeps connections open, and makes the same mistake on each. Passes on each request.
async fn proxy(mistake: Mistake) -> (String, mpsc::UnboundedReceiver<String>) {
    let (listener, url) = listen().await;
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                let mut before: Option<String> = None;
                while let Some(request) = read_request(&mut stream).await {
                    let answer = mistake(before.as_deref(), &true_answer(&request));
                    sender.send(request).ok();
                    stream.write_all(answer.as_bytes()).await.ok();
                    before = Some(answer);
                }
            });
        }
    });
    (url, receiver)
}

/// The answers about `INV-1`, then about `INV-2` several times: a pool gets a connection back only a moment after its
/// answer was read.
async fn query_inv_1_then_inv_2(url: &str) -> [Vec<QueryAnswer>; 2] {
    let client = client(url);
    let first = client.query("INV-1").await.answer;
    let mut rest = Vec::new();
    for _ in 0..5 {
        rest.push(client.query("INV-2").await.answer);
    }
    [vec![first], rest]
}

#[tokio::test]
async fn a_not_found_that_a_proxy_repeats_never_counts_for_the_next_query() {
    let mistakes: [(&str, Mistake); 3] = [
        ("the first answer again", |before, answer| {
            before.unwrap_or(answer).to_owned()
        }),
        ("each answer twice", |before, answer| match before {
            // Of an answer that came twice, the second half is taken for the next query's.
            Some(_) => String::new(),
            None => answer.repeat(2),
        }),
        ("one answer behind", |before, answer| match before {
            None => answer.to_owned(),
            Some(before) => format!("{before}{answer}"),
        }),
    ];
    for (what, mistake) in mistakes {
        let (url, _requests) = proxy(mistake).await;
        let [first, rest] = query_inv_1_then_inv_2(&url).await;
        assert_eq!(first, [QueryAnswer::NotFound], "{what}");
        let found = |answer: &QueryAnswer| matches!(answer, QueryAnswer::Found(_));
        assert!(rest.iter().all(found), "{what}: {rest:?}");
    }
}

#[tokio::test]
async fn an_answer_after_the_time_limit_never_counts_for_the_next_query() {
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        let (mut late, _) = listener.accept().await.expect("a connection");
        let request = read_request(&mut late).await.expect("a request");
        let (mut next, _) = listener.accept().await.expect("a connection");
        // Both queries are waiting or given up: now the late answer is written, to whoever reads it.
        late.write_all(true_answer(&request).as_bytes()).await.ok();
        answer_truly(&mut next).await;
    });
    let client = client(&url);
    let first = client.query("INV-1").await.answer;
    assert_eq!(first, QueryAnswer::Doubt(Doubt::Timeout));
    let second = client.query("INV-2").await.answer;
    assert!(matches!(second, QueryAnswer::Found(_)), "{second:?}");
}

async fn answer_truly(stream: &mut TcpStream) {
    let request = read_request(stream).await.expect("a request");
    let answer = true_answer(&request);
    stream.write_all(answer.as_bytes()).await.ok();
}

#[tokio::test]
async fn a_not_found_that_names_another_order_is_a_doubt() {
    let (url, _requests) = proxy(|_, _| {
        signed(&json!({"platRespCode": "NOTEXIST", "orderNum": "INV-9", "platRespMessage": "no such order"}))
    })
    .await;
    for answer in query_inv_1_then_inv_2(&url).await.concat() {
        assert_eq!(answer, QueryAnswer::Doubt(Doubt::Foreign));
    }
}

#[tokio::test]
async fn each_query_has_a_connection_of_its_own_which_it_announces_to_close() {
    let (listener, url) = listen().await;
    let client = client(&url);
    let accepting = tokio::spawn(async move {
        let mut kept = Vec::new();
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().await.expect("a new connection");
            let request = read_request(&mut stream).await.expect("a request");
            let head = request.to_ascii_lowercase();
            assert!(head.contains("\r\nconnection: close\r\n"), "{head:.300}");
            stream.write_all(not_found().as_bytes()).await.ok();
            // Kept open, so that it could be used again.
            kept.push(stream);
        }
    });
    for order_num in ["INV-1", "INV-3"] {
        assert_eq!(client.query(order_num).await.answer, QueryAnswer::NotFound);
    }
    client.balance().await.ok();
    let accepted = tokio::time::timeout(TIMEOUT, accepting).await;
    accepted.expect("no wait").expect("three connections");
}
