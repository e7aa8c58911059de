//! Garbage sent to the callback endpoint while payouts are processed.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::support::site::Site;

/// Every kind of garbage is sent at least this many times while the payouts are processed.
const ROUNDS: usize = 40;
/// The number of connections that start a request and never finish it.
const IDLERS: usize = 300;

/// Writes `request`, reads whatever comes back, and ignores it.
async fn throw(address: SocketAddr, request: &[u8]) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    // The other side may close before it has read everything.
    stream.write_all(request).await.ok();
    let mut answer = vec![0; 512];
    let length = stream.read(&mut answer).await.ok()?;
    Some(String::from_utf8_lossy(&answer[..length]).into_owned())
}

fn post(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /callback HTTP/1.1\r\nhost: c\r\ncontent-type: application/x-www-form-urlencoded\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn sized(body: &[u8]) -> Vec<u8> {
    post(&format!("content-length: {}\r\n", body.len()), body)
}

/// One of each kind of garbage.
fn rubbish() -> Vec<Vec<u8>> {
    let many = (0..10_000).fold(String::new(), |many, n| format!("{many}p{n}=1&"));
    let short = (0..2_700).fold(String::new(), |many, n| format!("{many}{}&", n % 10));
    let headers = (0..2_000).fold(String::new(), |many, n| format!("{many}x-{n}: {n}\r\n"));
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 0x4c, 4, 0];
    let mut zipped = post("content-encoding: gzip\r\ncontent-length: 14\r\n", &gzip);
    zipped.extend_from_slice(&[0; 64]);
    vec![
        sized(&vec![b'a'; 4 * 1024 * 1024]),
        sized(many.as_bytes()),
        sized(short.as_bytes()),
        sized(b"orderNum=%zz%&status=%e0%80%af&%=%&platSign=%"),
        sized(b"orderNum=R-1&status=2&platSign=AAAA"),
        post("content-length: 9000000000000000000\r\n", b"orderNum="),
        post(
            "transfer-encoding: chunked\r\n",
            b"ffffffff\r\norderNum=R-1",
        ),
        post(&format!("{headers}content-length: 0\r\n"), b""),
        zipped,
        vec![0; 4096],
        b"POST /callback HTTP/1.1\r\n\r\n\r\n".to_vec(),
    ]
}

/// A figure of /proc/PID/status, in kB.
fn kilobytes(pid: u32, what: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn callbacks_of(folder: &Path) -> SocketAddr {
    let text = fs::read_to_string(folder.join("one.toml")).unwrap();
    let (_, rest) = text.split_once("[http]\nlisten = \"").unwrap();
    rest.split('"').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_garbage_delays_no_payout_and_fills_no_memory() {
    let site = Site::build().await;
    let address = callbacks_of(site.folder.path());
    let worker = site.worker("one.toml", "one.log");
    let pid = worker.0.id();
    site.enqueue(0..20).await;
    site.until_settled(20).await;
    let before = kilobytes(pid, "VmRSS:");

    let mut idlers = Vec::new();
    for number in 0..IDLERS {
        let mut idler = TcpStream::connect(address).await.unwrap();
        let begun: &[u8] = if number % 2 == 0 {
            b"POST /callback HTTP/1.1\r\nhost: c\r\nx-slow: "
        } else {
            b"POST /callback HTTP/1.1\r\nhost: c\r\ncontent-length: 4000\r\n\r\norderNum="
        };
        idler.write_all(begun).await.unwrap();
        idlers.push(idler);
    }
    let thrown = Arc::new(AtomicUsize::new(0));
    let mut throwing = JoinSet::new();
    for _ in 0..8 {
        let thrown = Arc::clone(&thrown);
        throwing.spawn(async move {
            let rubbish = rubbish();
            for _ in 0..ROUNDS / 8 {
                for piece in &rubbish {
                    let waiting = throw(address, piece);
                    let within = std::time::Duration::from_secs(2);
                    if let Ok(Some(answer)) = tokio::time::timeout(within, waiting).await {
                        assert!(!answer.contains("SUCCESS"), "{answer}");
                    }
                    thrown.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    site.enqueue(20..80).await;
    site.until_settled(80).await;
    while let Some(done) = throwing.join_next().await {
        done.unwrap();
    }
    let (after, peak) = (kilobytes(pid, "VmRSS:"), kilobytes(pid, "VmHWM:"));
    println!(
        "{} pieces of rubbish and {IDLERS} idle connections beside 60 payouts: {before} kB before, {after} kB after, {peak} kB at most",
        thrown.load(Ordering::Relaxed)
    );
    assert!(peak < before + 64 * 1024, "{before} kB grew to {peak} kB");

    // A client that starts a request and does not finish it is disconnected.
    let mut gone = 0;
    for mut idler in idlers {
        let mut rest = Vec::new();
        let reading = idler.read_to_end(&mut rest);
        let within = std::time::Duration::from_secs(15);
        gone += usize::from(tokio::time::timeout(within, reading).await.is_ok());
        if gone == 0 {
            break;
        }
    }
    assert_eq!(gone, IDLERS, "they still hold their connections");
    assert_eq!(worker.terminate(), Some(0));
    site.assert_zeros(80).await;
}
