//! Wake-ups from the database. Anyone may NOTIFY in Postgres, so a wake-up only ever means "check now".

use sqlx::{PgPool, postgres::PgListener};

/// Why to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A payout was enqueued.
    Queued,
    /// A payout changed, or a query was requested.
    Changed,
    /// The connection was lost and is back. Wake-ups may have been missed.
    Reconnected,
}

/// A connection that waits for wake-ups.
#[derive(Debug)]
pub struct Waker(PgListener);

impl Waker {
    /// Starts listening. Call it before the first check, so that no change is missed.
    pub async fn listen(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let mut listener = PgListener::connect_with(pool).await?;
        listener
            .listen_all(["payout_queued", "payout_status"])
            .await?;
        Ok(Self(listener))
    }

    /// Waits for the next wake-up.
    pub async fn next(&mut self) -> Result<Wake, sqlx::Error> {
        Ok(match self.0.try_recv().await? {
            None => Wake::Reconnected,
            Some(notice) if notice.channel() == "payout_queued" => Wake::Queued,
            Some(_) => Wake::Changed,
        })
    }
}
