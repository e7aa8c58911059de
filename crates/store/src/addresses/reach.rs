//! Whether this worker reaches its database by a registered address. By any other it may be a copy, so it works with
//! nothing that it finds there (I11).

use sqlx::{PgConnection, PgPool, postgres::PgPoolOptions};
use tokio::sync::watch;

use super::{Address, is_registered};

/// The way by which a worker reaches its database, and whether it is registered there. Clones share what is known.
///
/// Behind a name or a proxy, the next connection can reach another server than the last one. So each connection that may
/// write is checked when it is opened: it keeps its server for as long as it lasts. That two people remove the address is
/// found within a second (`worker::watch`), and at once by a claim.
#[derive(Clone, Debug)]
pub struct Reach {
    address: Address,
    /// Connections that are not checked, to look with. Nothing is written on them.
    unchecked: PgPool,
    is_open: watch::Sender<bool>,
}

impl Reach {
    /// Closed until [`Self::open`].
    pub(crate) fn new(address: Address, unchecked: PgPool) -> Self {
        Self {
            address,
            unchecked,
            is_open: watch::Sender::new(false),
        }
    }

    /// The address by which this worker reaches the database.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Connections to read with before it is known which database this is.
    pub fn unchecked(&self) -> &PgPool {
        &self.unchecked
    }

    /// Whether this worker may read, write, send and query.
    pub fn is_open(&self) -> bool {
        *self.is_open.borrow()
    }

    /// Waits until it may.
    pub async fn opened(&self) {
        // This value itself keeps the channel open.
        self.is_open.subscribe().wait_for(|open| *open).await.ok();
    }

    /// Whether a new connection would reach a database where the address is registered. Changes nothing.
    pub async fn look(&self) -> Result<bool, sqlx::Error> {
        let mut db = self.unchecked.acquire().await?;
        let registered = is_registered(&mut db, &self.address).await;
        // The next look must not reach the same server only because it takes the same connection.
        db.close().await.ok();
        if let Ok(false) = registered {
            tracing::debug!(
                "the address {} is not registered where it leads",
                self.address
            );
        }
        registered
    }

    /// Lets the worker work: its address is registered.
    pub fn open(&self) {
        self.is_open.send_replace(true);
    }

    /// Lets it go on, and says so.
    pub fn reopen(&self) {
        self.open();
        let address = &self.address;
        tracing::info!(%address, "no longer stopped: the address {address} is registered");
    }

    /// Stops the worker until [`Self::open`], and says so. It fences nobody: the same server may have two spellings.
    pub fn close(&self) {
        self.is_open.send_replace(false);
        let address = &self.address;
        tracing::error!(%address, "stopped: {}", self.why_closed());
    }

    /// Why the worker stands still, and what people can do.
    pub fn why_closed(&self) -> String {
        let address = &self.address;
        format!(
            "this worker reaches the database by {address}, which is not registered, so it sends, queries and stores \
             nothing; if it is not a copy, two people register that: payout address add {address} --reason ... (also while \
             the database receives the rows of another one: payout.receiving)"
        )
    }

    /// Makes a pool refuse each new connection that reaches a database where the address is not registered.
    pub(crate) fn guard(&self, pool: PgPoolOptions) -> PgPoolOptions {
        let reach = self.clone();
        pool.after_connect(move |db, _| {
            let reach = reach.clone();
            Box::pin(async move { reach.admit(db).await })
        })
    }

    async fn admit(&self, db: &mut PgConnection) -> Result<(), sqlx::Error> {
        if is_registered(db, &self.address).await? {
            return Ok(());
        }
        if self.is_open() {
            self.close();
        }
        Err(sqlx::Error::Configuration(self.why_closed().into()))
    }
}
