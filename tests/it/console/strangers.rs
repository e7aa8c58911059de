//! What strangers can hold up, and what they are told.

use std::{net::SocketAddr, time::Duration};

use reqwest::Method;
use throwaway_postgres::SUPERUSER;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{Instant, sleep},
};

use super::{desk::Desk, safety::site_with_passwords};
use crate::support::database::Database;

/// Connections that one address may have.
const CONNECTIONS: usize = 32;
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn who_guesses_passwords_keeps_nobody_out_who_signed_in_there_before() {
    let site = site_with_passwords().await;
    let desk = Desk::at(&site.cluster.url("postgres", SUPERUSER));
    let mut known = desk.signed_in("siti").await;
    known.post("/sign-out", &[]).await.with(303);
    let guess = || {
        let mut browser = desk.browser();
        tokio::spawn(async move { browser.sign_in("siti", "guess").await.status() })
    };
    for tried in (0..8).map(|_| guess()).collect::<Vec<_>>() {
        assert_eq!(tried.await.unwrap(), 403);
    }
    // Now each waits two seconds longer than the one before, until no more may wait.
    let mut waiting = Vec::new();
    loop {
        let one = guess();
        sleep(Duration::from_millis(100)).await;
        if one.is_finished() && one.await.unwrap() == 429 {
            break;
        }
        waiting.push(guess());
    }
    let page = desk.browser().sign_in("siti", "siti").await.with(429);
    page.says(&["Too many attempts from your address"]);
    // The cookie lets in nobody without the password, and nobody else.
    known.clone().sign_in("budi", "budi").await.with(429);
    known.clone().sign_in("siti", "wrong").await.with(403);
    known.sign_in("siti", "siti").await.with(303);
    let page = known.get("/").await.with(200);
    page.says(&["Signed in as siti"]);
    for waits in waiting {
        waits.abort();
    }
}

#[tokio::test]
async fn whoever_copied_the_cookie_of_a_browser_keeps_its_owner_out_of_nothing() {
    let site = site_with_passwords().await;
    let desk = Desk::at(&site.cluster.url("postgres", SUPERUSER));
    let mut known = desk.signed_in("siti").await;
    known.post("/sign-out", &[]).await.with(303);
    let guess = || {
        let mut thief = desk.browser_at([127, 0, 0, 2].into());
        thief.cookie.clone_from(&known.cookie);
        tokio::spawn(async move { thief.sign_in("siti", "guess").await.status() })
    };
    // Until the turns of the browser and those of the thief's address are taken.
    let mut waiting = Vec::new();
    loop {
        let one = guess();
        sleep(Duration::from_millis(100)).await;
        if one.is_finished() && one.await.unwrap() == 429 {
            break;
        }
        waiting.push(guess());
    }
    known.sign_in("siti", "siti").await.with(303);
    for waits in waiting {
        waits.abort();
    }
}

/// A connection from this address of this machine.
async fn connection(from: &str, at: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let from = SocketAddr::new(from.parse().unwrap(), 0);
    socket.bind(from).unwrap();
    socket.connect(at).await.unwrap()
}

/// What one request over a connection of its own is answered.
async fn answer(from: &str, at: SocketAddr) -> String {
    let mut connection = connection(from, at).await;
    let request = format!("GET /sign-in HTTP/1.1\r\nHost: {at}\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn one_address_does_not_take_all_connections() {
    let database = Database::with_merchant().await;
    let desk = Desk::before(&database);
    let at: SocketAddr = desk.url.trim_start_matches("http://").parse().unwrap();
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        open.push(connection("127.0.0.2", at).await);
    }
    for _ in 0..40 {
        let refused = answer("127.0.0.2", at).await;
        assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
        assert!(refused.ends_with("Close some and retry."), "{refused}");
    }
    let served = answer("127.0.0.3", at).await;
    assert!(served.starts_with("HTTP/1.1 200 "), "{served}");
    let log = desk.log();
    let lines: Vec<_> = log
        .lines()
        .filter(|line| line.contains("gets no more"))
        .collect();
    assert_eq!(lines.len(), 1, "{log}");
    assert!(lines[0].contains("127.0.0.2"), "{log}");
    // One ends, and its place is given back.
    open.pop();
    let deadline = Instant::now() + Duration::from_secs(30);
    while !answer("127.0.0.2", at).await.starts_with("HTTP/1.1 200 ") {
        assert!(Instant::now() < deadline, "its place is never given back");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn behind_a_proxy_all_connections_may_come_from_one_address() {
    let database = Database::with_merchant().await;
    let desk = Desk::with(&database, "origins = [\"https://payout.example\"]");
    let at: SocketAddr = desk.url.trim_start_matches("http://").parse().unwrap();
    let mut open = Vec::new();
    for _ in 0..2 * CONNECTIONS {
        open.push(connection("127.0.0.1", at).await);
    }
    // By another name, and answered all the same.
    let answered = answer("127.0.0.1", at).await;
    assert!(answered.starts_with("HTTP/1.1 421 "), "{answered}");
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_with_a_page_in_the_readers_language() {
    let database = Database::with_merchant().await;
    let desk = Desk::before(&database);
    let mut browser = desk.operator(&database).await;
    let large = "x".repeat(200_000);
    let get = |path| (Method::GET, path, FORM, "");
    let post = |path, kind, body| (Method::POST, path, kind, body);
    let multipart = "multipart/form-data; boundary=x";
    let unreadable = ["correct it", "perbaiki"];
    for ((method, path, kind, body), status, said) in [
        (get("/approvals/x/approve"), 400, unreadable),
        (get("/payouts/%FF/x"), 400, unreadable),
        (
            get("/nothing"),
            404,
            ["nothing here by that name", "dengan nama itu"],
        ),
        (
            (Method::DELETE, "/payouts", FORM, ""),
            405,
            ["not opened this way", "cara ini"],
        ),
        (
            post("/pause", FORM, large.as_str()),
            413,
            ["too large", "terlalu besar"],
        ),
        (
            post("/pause", "text/plain", "x"),
            415,
            ["not a form of", "bukan formulir"],
        ),
        (post("/money/statement", "text/plain", "x"), 400, unreadable),
        (
            post("/money/statement", multipart, "--x\r\n"),
            400,
            unreadable,
        ),
    ] {
        for (language, said) in ["en", "id"].into_iter().zip(said) {
            language.clone_into(&mut browser.language);
            let page = browser.raw(method.clone(), path, kind, body).await;
            assert_eq!(page.status(), status, "{path}: {}", page.text);
            let kind = page.header("content-type");
            assert!(kind.starts_with("text/html"), "{path}: {kind}");
            page.says(&[said]);
        }
    }
}
