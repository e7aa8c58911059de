//! Delivers callbacks over a few connections that stay open, as a gateway behind a proxy does (protocol P19).

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    sync::{Mutex, mpsc},
    time::sleep,
};

use super::Shared;

/// The second and later deliveries of one callback.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Starts the connections, and returns where the number of an order that is paid goes.
pub(super) fn start(shared: &Arc<Shared>) -> mpsc::UnboundedSender<usize> {
    let (sender, receiver) = mpsc::unbounded_channel();
    let receiver = Arc::new(Mutex::new(receiver));
    let urls = &shared.settings.callback;
    let connections = shared.settings.callbacks_at_once.max(urls.len());
    for to in urls.iter().cycle().take(connections) {
        let (shared, receiver, to) = (Arc::clone(shared), Arc::clone(&receiver), *to);
        let again = sender.clone();
        tokio::spawn(async move {
            let mut connection = None;
            loop {
                let next = receiver.lock().await.recv().await;
                let Some(number) = next else { return };
                let acknowledged = deliver(&shared, &mut connection, to, number)
                    .await
                    .unwrap_or(false);
                shared.counts.callback(number, acknowledged);
                if !acknowledged {
                    connection = None;
                    let again = again.clone();
                    tokio::spawn(async move {
                        sleep(AGAIN_AFTER).await;
                        again.send(number).ok();
                    });
                }
            }
        });
    }
    sender
}

type Connection = http1::SendRequest<Full<Bytes>>;

async fn deliver(
    shared: &Shared,
    connection: &mut Option<Connection>,
    to: SocketAddr,
    number: usize,
) -> Result<bool> {
    let Some(message) = shared.messages.of(number) else {
        return Ok(false);
    };
    let sender = match connection {
        Some(sender) if !sender.is_closed() => sender,
        _ => connection.insert(open(to).await?),
    };
    sender.ready().await?;
    let request = Request::post("/callback")
        .header(header::HOST, to.to_string())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Full::new(message.callback.clone()))?;
    let response = sender.send_request(request).await?;
    let body = response.into_body().collect().await?.to_bytes();
    Ok(body.as_ref() == b"SUCCESS")
}

async fn open(to: SocketAddr) -> Result<Connection> {
    let stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}
