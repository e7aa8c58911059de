//! The worker never writes twice in a row to Postgres without an answer between.
//!
//! sqlx sets no `TCP_NODELAY`, so over TCP the second of two small writes would wait for the server's delayed
//! acknowledgement: 40 ms, on each claim and each batch of answers. Unix sockets, which most tests use, show nothing.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use payout_worker::store::addresses::Address;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::world::{Wishes, World};

/// What passed through.
#[derive(Default)]
struct Seen {
    /// Pieces that came from the worker.
    writes: AtomicUsize,
    /// Those of them that came before the server had answered the one before.
    in_a_row: AtomicUsize,
}

/// Passes bytes between a client and the server, and counts writes in a row.
async fn pass(
    mut client: TcpStream,
    mut server: TcpStream,
    seen: Arc<Seen>,
) -> std::io::Result<()> {
    // The proxy itself must hold nothing back.
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut from_server) = (vec![0; 65_536], vec![0; 65_536]);
    let mut waits_for_answer = false;
    loop {
        tokio::select! {
            // What the server has said by now came before what the client writes next.
            biased;
            read = server.read(&mut from_server) => {
                let length = read?;
                waits_for_answer = false;
                if length == 0 {
                    return Ok(());
                }
                client.write_all(&from_server[..length]).await?;
            }
            read = client.read(&mut from_client) => {
                let length = read?;
                if length == 0 {
                    return Ok(());
                }
                seen.writes.fetch_add(1, Ordering::Relaxed);
                if waits_for_answer {
                    seen.in_a_row.fetch_add(1, Ordering::Relaxed);
                }
                waits_for_answer = true;
                server.write_all(&from_client[..length]).await?;
            }
        }
    }
}

/// Accepts connections for the server behind.
async fn proxy(behind: String, seen: Arc<Seen>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&behind).await.unwrap();
            tokio::spawn(pass(client, server, Arc::clone(&seen)));
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_writes_to_postgres_only_after_the_answer_to_what_it_wrote_before() {
    let mut world = World::with(Wishes {
        workers: 0,
        ..Wishes::default()
    })
    .await;
    let url = world.config.database.url.clone();
    let Some((login, rest)) = url.rsplit_once('@') else {
        panic!("{url}");
    };
    let (behind, database) = rest.split_once('/').unwrap();
    let seen = Arc::new(Seen::default());
    let port = proxy(behind.to_owned(), Arc::clone(&seen)).await;
    world.config.database.url = format!("{login}@127.0.0.1:{port}/{database}");
    let address = Address::of_url(&world.config.database.url).unwrap();
    world
        .database
        .run(&format!(
            "set local session_replication_role = replica;
             update payout.addresses set address = '{address}'"
        ))
        .await;
    world.add_worker().await;
    for n in 0..60 {
        world.enqueue(&format!("INV-{n}"), 10_000, 1).await;
    }
    let paid = "select count(*) from payout.payouts where state = 'paid'";
    world.until(paid, "60").await;
    world.stop_workers().await;
    let writes = seen.writes.load(Ordering::Relaxed);
    let in_a_row = seen.in_a_row.load(Ordering::Relaxed);
    println!("{writes} writes, {in_a_row} of them before the answer to the one before");
    assert!(writes > 100, "the worker does not use the proxy");
    assert!(in_a_row * 50 <= writes, "{in_a_row} of {writes}");
}

/// The count can go up.
#[tokio::test(flavor = "multi_thread")]
async fn two_writes_without_an_answer_between_are_counted() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let seen = Arc::new(Seen::default());
    let port = proxy(server.local_addr().unwrap().to_string(), Arc::clone(&seen)).await;
    let mut client = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let (mut silent, _) = server.accept().await.unwrap();
    for in_a_row in 0..3 {
        client.write_all(b"a statement").await.unwrap();
        let mut read = [0; 11];
        silent.read_exact(&mut read).await.unwrap();
        assert_eq!(seen.in_a_row.load(Ordering::Relaxed), in_a_row);
    }
}
