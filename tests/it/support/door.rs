//! A TCP door before the sandbox. Shut, it refuses connections, as a host does whose server is down.

use std::{net::SocketAddr, sync::Mutex};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

pub(crate) struct Door {
    address: SocketAddr,
    behind: SocketAddr,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Door {
    pub(crate) async fn before(behind: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self {
            address,
            behind,
            task: Mutex::new(Some(tokio::spawn(pass(listener, behind)))),
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
            // Only when the task is gone is its listener closed.
            let _ = task.await;
        }
    }

    /// Lets everybody in again.
    pub(crate) async fn open(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        *self.task.lock().unwrap() = Some(tokio::spawn(pass(listener, self.behind)));
    }
}

async fn pass(listener: TcpListener, behind: SocketAddr) {
    while let Ok((mut inside, _)) = listener.accept().await {
        tokio::spawn(async move {
            if let Ok(mut outside) = TcpStream::connect(behind).await {
                let _ = copy_bidirectional(&mut inside, &mut outside).await;
            }
        });
    }
}
