//! Servers that refuse, go silent, or answer what HTTP allows and we do not.

use std::{future::poll_fn, net::Ipv4Addr, task::Poll, time::Duration};

use payout_domain::evidence::{Doubt, QueryAnswer};
use payout_permit::Submission;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::support::{TIMEOUT, client, doubt, not_sent, permit, submit};
use crate::wire::BODY_BYTES_MAX;

pub(super) async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

/// One whole request, or `None` when the connection ended before.
pub(super) async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream
            .read(&mut buffer)
            .await
            .ok()
            .filter(|read| *read > 0)?;
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let (_, rest) = head.split_once("content-length: ").expect("a length");
            let length: usize = rest.lines().next()?.parse().ok()?;
            if body.len() >= length {
                return Some(text.into_owned());
            }
        }
    }
}

/// Answers every request with `answer` on a connection that stays open; passes on what came.
pub(super) async fn server(answer: String) -> (String, mpsc::UnboundedReceiver<String>) {
    let (listener, url) = listen().await;
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (answer, sender) = (answer.clone(), sender.clone());
            tokio::spawn(async move {
                while let Some(request) = read_request(&mut stream).await {
                    sender.send(request).ok();
                    stream.write_all(answer.as_bytes()).await.ok();
                }
            });
        }
    });
    (url, receiver)
}

pub(super) fn http(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
}

#[tokio::test]
async fn a_refused_connection_proves_that_nothing_was_sent() {
    let (listener, url) = listen().await;
    drop(listener);
    assert_eq!(
        not_sent(submit(&client(&url), "INV-1").await),
        "connection refused"
    );
}

#[tokio::test]
async fn a_connection_closed_at_once_never_costs_a_second_one() {
    let (listener, url) = listen().await;
    let accepting = tokio::spawn(async move {
        let mut connections = 0;
        while let Ok(Ok(_)) = tokio::time::timeout(TIMEOUT, listener.accept()).await {
            connections += 1;
        }
        connections
    });
    submit(&client(&url), "INV-1").await;
    assert_eq!(accepting.await.expect("a count"), 1);
}

#[tokio::test]
async fn a_tls_handshake_that_is_never_answered_proves_it_too() {
    let (listener, url) = listen().await;
    let url = url.replace("http:", "https:");
    assert_eq!(
        not_sent(submit(&client(&url), "INV-1").await),
        "no connection in time"
    );
    drop(listener);
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to() {
    let (listener, url) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        let answer = http("400 Bad Request", "", "");
        stream.write_all(answer.as_bytes()).await.ok();
        stream
    });
    let client = client(&url.replace("http:", "https:"));
    let reason = not_sent(submit(&client, "INV-1").await);
    assert!(reason.starts_with("TLS failed"), "{reason}");
    server.await.expect("a connection");
}

#[tokio::test]
async fn the_time_to_send_can_end_while_connecting() {
    // It passes while nobody answers the handshake; the total timeout would come later.
    let (listener, url) = listen().await;
    let client = client(&url.replace("http:", "https:"));
    let permit = permit(&client, "INV-1", Duration::from_millis(50));
    not_sent(client.submit(permit).await);
    drop(listener);
}

#[tokio::test]
async fn every_answer_costs_exactly_one_request() {
    let long = "x".repeat(BODY_BYTES_MAX + 1);
    let moved = "location: /elsewhere\r\n";
    for (answer, expected) in [
        (http("307 Temporary Redirect", moved, ""), Doubt::HttpStatus),
        (http("308 Permanent Redirect", moved, ""), Doubt::HttpStatus),
        (http("302 Found", moved, ""), Doubt::HttpStatus),
        (
            http("503 Service Unavailable", "retry-after: 0\r\n", ""),
            Doubt::HttpStatus,
        ),
        (
            http("408 Request Timeout", "connection: close\r\n", ""),
            Doubt::HttpStatus,
        ),
        (http("201 Created", "", "{}"), Doubt::BadSignature),
        (http("202 Accepted", "", "{}"), Doubt::HttpStatus),
        (http("200 OK", "", &long), Doubt::Unreadable),
        // More was announced than will ever come: it is given up at the limit, not at the end.
        (
            format!("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n{long}"),
            Doubt::Unreadable,
        ),
        (http("200 OK", "", ""), Doubt::Unreadable),
        (http("200 OK", "", "[]"), Doubt::Unreadable),
        (http("200 OK", "", "{\"a\":{}}"), Doubt::BadSignature),
        (
            http("200 OK", "content-encoding: br\r\n", "{}"),
            Doubt::Unreadable,
        ),
        (
            http("200 OK", "", "{\"platRespCode\":\"FAIL\"}"),
            Doubt::BadSignature,
        ),
        ("not HTTP at all\r\n\r\n".into(), Doubt::ConnectionLost),
    ] {
        let (url, mut requests) = server(answer.clone()).await;
        let submission = submit(&client(&url), "INV-1").await;
        assert_eq!(doubt(&submission), expected, "{answer:.40}");
        let request = requests.try_recv().expect("one request");
        let head = request.to_ascii_lowercase();
        assert!(
            head.starts_with("post /gateway/cash http/1.1"),
            "{head:.60}"
        );
        assert!(head.contains("content-type: application/json; charset=utf-8"));
        assert!(!head.contains("transfer-encoding"));
        assert!(requests.try_recv().is_err(), "{answer:.40}");
    }
}

#[tokio::test]
async fn submits_never_share_a_connection() {
    let (listener, url) = listen().await;
    let client = client(&url);
    let accepting = tokio::spawn(async move {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.expect("a new connection");
            read_request(&mut stream).await.expect("a request");
            let answer = http("200 OK", "", "{}");
            stream.write_all(answer.as_bytes()).await.ok();
            // Kept open, so that it could be used again.
            tokio::spawn(async move { stream.read(&mut [0]).await });
        }
    });
    submit(&client, "INV-1").await;
    submit(&client, "INV-2").await;
    let accepted = tokio::time::timeout(TIMEOUT, accepting).await;
    accepted.expect("no wait").expect("two connections");
}

#[tokio::test]
async fn an_answer_that_drips_is_cut_off_by_the_total_time() {
    let (listener, url) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        read_request(&mut stream).await.expect("a request");
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{";
        stream.write_all(head).await.ok();
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let answer = client(&url).query("INV-1").await.answer;
    assert_eq!(answer, QueryAnswer::Doubt(Doubt::Timeout));
}

#[tokio::test]
async fn an_unresolvable_host_name_is_reported_as_such() {
    // A label longer than names may have is refused by the resolver itself, without a look-up.
    let client = client(&format!("http://{}.example", "a".repeat(64)));
    assert_eq!(
        not_sent(submit(&client, "INV-1").await),
        "the gateway's host name could not be resolved"
    );
}

#[tokio::test]
async fn an_answer_that_drips_after_a_submit_keeps_its_status() {
    let (listener, url) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        read_request(&mut stream).await.expect("a request");
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{";
        stream.write_all(head).await.ok();
        stream
    });
    let submission = submit(&client(&url), "INV-1").await;
    assert_eq!(doubt(&submission), Doubt::Timeout);
    let Submission::Sent { detail, .. } = submission else {
        panic!("it was sent");
    };
    assert_eq!(detail["http_status"], 200);
    drop(server);
}

#[tokio::test]
async fn nothing_is_sent_that_could_not_be_waited_for() {
    // A stop while it connects: then there is time to send, and none to wait for the answer.
    let (_listener, url) = listen().await;
    let client = client(&url);
    let mut sending = Box::pin(submit(&client, "INV-1"));
    let begun = poll_fn(|context| Poll::Ready(sending.as_mut().poll(context))).await;
    assert!(begun.is_pending());
    // The runtime hears that the connection is there; nobody looks yet.
    tokio::time::sleep(Duration::from_millis(50)).await;
    std::thread::sleep(TIMEOUT + Duration::from_millis(50));
    not_sent(sending.await);
}
