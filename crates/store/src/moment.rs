//! What several statements read, as of one moment.

use sqlx::{Connection, PgConnection, Postgres, Transaction};

/// Begins a transaction that writes nothing, and in which every statement sees what the first one saw.
pub(super) const OF_ONE_MOMENT: &str = "begin isolation level repeatable read read only";

/// Such a transaction.
#[derive(Debug)]
pub struct Moment<'c>(Transaction<'c, Postgres>);

impl<'c> Moment<'c> {
    /// Begins one. End it by [`end`](Self::end): one that is dropped stays open until the connection is used again, and
    /// the server ends a connection that is idle in a transaction.
    pub async fn begin(db: &'c mut PgConnection) -> Result<Self, sqlx::Error> {
        Ok(Self(db.begin_with(OF_ONE_MOMENT).await?))
    }

    /// The connection, for its statements.
    pub fn db(&mut self) -> &mut PgConnection {
        &mut self.0
    }

    /// Ends it, whatever came of reading, and returns that.
    pub async fn end<T, E: From<sqlx::Error>>(self, read: Result<T, E>) -> Result<T, E> {
        let ended = self.0.rollback().await;
        let read = read?;
        ended?;
        Ok(read)
    }
}
