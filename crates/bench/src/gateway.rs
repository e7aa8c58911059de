//! The gateway of a bench: a process of its own that answers at once, with signatures made before the run.
//!
//! It counts each submit, so a duplicate cannot hide, and says over HTTP what it saw (`GET /bench`).

mod callbacks;
mod counts;
mod messages;
mod server;
mod tls;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use openssl::rsa::Rsa;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    time::sleep,
};

use counts::Counts;
pub(crate) use counts::{Report, now_us};
use messages::Messages;
pub(crate) use server::BALANCE_IDR;
pub(crate) use tls::Certificate;

/// How the gateway behaves.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Settings {
    /// Where it listens.
    #[arg(long)]
    pub(crate) listen: SocketAddr,
    /// The platform's private key, as PEM.
    #[arg(long)]
    pub(crate) key: PathBuf,
    /// How many orders it prepares messages for.
    #[arg(long)]
    pub(crate) orders: usize,
    /// Milliseconds until a submit is answered.
    #[arg(long, default_value_t = 0)]
    pub(crate) answer_after_ms: u64,
    /// Milliseconds from the answer to the callback that reports the payout as paid.
    #[arg(long, default_value_t = 20)]
    pub(crate) settle_after_ms: u64,
    /// Where callbacks go; with several, to each in turn.
    #[arg(long)]
    pub(crate) callback: Vec<SocketAddr>,
    /// How many callbacks are delivered at a time.
    #[arg(long, default_value_t = 16)]
    pub(crate) callbacks_at_once: usize,
    /// Deliver none before `GET /release`.
    #[arg(long)]
    pub(crate) hold_callbacks: bool,
    /// Where it listens for TLS, besides.
    #[arg(long, requires = "certificate")]
    pub(crate) listen_tls: Option<SocketAddr>,
    /// The folder of its certificate.
    #[arg(long)]
    pub(crate) certificate: Option<PathBuf>,
    /// Deliver no callback: only a query tells that a payout is paid.
    #[arg(long)]
    pub(crate) queries_alone: bool,
    /// Charge the fee of every second order on top.
    #[arg(long)]
    pub(crate) mixed_fees: bool,
}

/// What the HTTP side shares.
struct Shared {
    settings: Settings,
    key: Rsa<openssl::pkey::Private>,
    messages: Messages,
    counts: Counts,
    /// Orders whose callback is due.
    settled: mpsc::UnboundedSender<usize>,
    /// Whether callbacks may be delivered.
    released: watch::Sender<bool>,
}

/// Serves until the process is ended.
pub(crate) async fn serve(settings: Settings) -> Result<()> {
    let pem = std::fs::read(&settings.key).context("could not read the platform's key")?;
    let key = Rsa::private_key_from_pem(&pem)?;
    let messages = Messages::prepare(&key, settings.orders, settings.mixed_fees)?;
    let (settled, due) = mpsc::unbounded_channel();
    let listener = TcpListener::bind(settings.listen).await?;
    let tls = tls::Listener::of(&settings).await?;
    let shared = Arc::new(Shared {
        counts: Counts::of(settings.orders),
        key,
        messages,
        settled,
        released: watch::Sender::new(!settings.hold_callbacks),
        settings,
    });
    tokio::spawn(settle(Arc::clone(&shared), due));
    if let Some(tls) = tls {
        tokio::spawn(tls.accept(Arc::clone(&shared)));
    }
    server::accept(listener, shared).await
}

/// Hands each order to the connections that deliver callbacks, when its callback is due.
async fn settle(shared: Arc<Shared>, mut due: mpsc::UnboundedReceiver<usize>) {
    let callbacks = callbacks::start(&shared);
    let settle_after = Duration::from_millis(shared.settings.settle_after_ms);
    while let Some(number) = due.recv().await {
        let (callbacks, shared) = (callbacks.clone(), Arc::clone(&shared));
        let mut released = shared.released.subscribe();
        tokio::spawn(async move {
            sleep(settle_after).await;
            if shared.settings.queries_alone {
                shared.counts.callback(number, true);
                return;
            }
            // Both sides end with the process.
            released.wait_for(|is_released| *is_released).await.ok();
            callbacks.send(number).ok();
        });
    }
}
