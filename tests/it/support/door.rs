//! A TCP door in front of the sandbox. While shut it refuses connections, as a host whose server is down does.

use std::{net::SocketAddr, sync::Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

pub(crate) struct Door {
    address: SocketAddr,
    behind: SocketAddr,
    task: Mutex<Option<JoinHandle<()>>>,
    requests: watch::Sender<usize>,
}

impl Door {
    pub(crate) async fn before(behind: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = watch::Sender::new(0);
        Self {
            address,
            behind,
            task: Mutex::new(Some(tokio::spawn(pass(listener, behind, requests.clone())))),
            requests,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Refuses connections from now on.
    pub(crate) async fn shut(&self) {
        let task = self.task.lock().unwrap().take();
        if let Some(task) = task {
            task.abort();
            // The listener is closed only once the task has ended.
            let _ = task.await;
        }
    }

    /// Waits until that many requests have arrived.
    pub(crate) async fn until_requests(&self, wanted: usize) {
        let mut requests = self.requests.subscribe();
        let waiting = requests.wait_for(|count| *count >= wanted);
        tokio::time::timeout(std::time::Duration::from_secs(30), waiting)
            .await
            .expect("requests")
            .unwrap();
    }

    /// How many requests have arrived.
    pub(crate) fn requests(&self) -> usize {
        *self.requests.borrow()
    }

    /// Leads to this server from now on.
    pub(crate) async fn lead_to(&mut self, behind: SocketAddr) {
        self.shut().await;
        self.behind = behind;
        self.open().await;
    }

    /// Accepts connections again.
    pub(crate) async fn open(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        *self.task.lock().unwrap() = Some(tokio::spawn(pass(
            listener,
            self.behind,
            self.requests.clone(),
        )));
    }
}

async fn pass(listener: TcpListener, behind: SocketAddr, requests: watch::Sender<usize>) {
    while let Ok((inside, _)) = listener.accept().await {
        let requests = requests.clone();
        tokio::spawn(async move {
            let Ok(outside) = TcpStream::connect(behind).await else {
                return;
            };
            let (mut from_worker, mut to_worker) = inside.into_split();
            let (mut from_gateway, mut to_gateway) = outside.into_split();
            tokio::spawn(async move { copy(&mut from_gateway, &mut to_worker).await });
            // A request of this protocol is small enough to arrive in one piece.
            let mut piece = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = from_worker.read(&mut piece).await {
                requests.send_modify(|count| *count += 1);
                if to_gateway.write_all(&piece[..length]).await.is_err() {
                    return;
                }
            }
        });
    }
}
