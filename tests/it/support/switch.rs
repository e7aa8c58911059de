//! A TCP proxy that can lead its callers to another server, as a name does whose record is changed.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

pub(crate) struct Switch {
    address: SocketAddr,
    behind: watch::Sender<SocketAddr>,
    task: JoinHandle<()>,
}

impl Switch {
    pub(crate) async fn before(behind: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let behind = watch::Sender::new(behind);
        let task = tokio::spawn(pass(listener, behind.clone()));
        Self {
            address,
            behind,
            task,
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Breaks every connection; new ones reach this server.
    pub(crate) fn lead_to(&self, behind: SocketAddr) {
        self.behind.send_replace(behind);
    }
}

async fn pass(listener: TcpListener, behind: watch::Sender<SocketAddr>) {
    while let Ok((mut inside, _)) = listener.accept().await {
        let mut behind = behind.subscribe();
        let server = *behind.borrow_and_update();
        tokio::spawn(async move {
            let Ok(mut outside) = TcpStream::connect(server).await else {
                return;
            };
            tokio::select! {
                _ = copy_bidirectional(&mut inside, &mut outside) => {}
                _ = behind.changed() => {}
            }
        });
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.task.abort();
    }
}
