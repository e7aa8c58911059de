//! The commit of a claim. Only a commit that the server confirmed without a warning grants the right to send (I11).

use std::{cell::RefCell, fmt, sync::LazyLock};

use sqlx::{PgConnection, Postgres, Transaction};
use tracing::{
    Dispatch, Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    instrument::WithSubscriber,
    level_filters::LevelFilter,
    span,
};

use super::ClaimError;
use crate::is_refusal;

/// The tracing target under which the driver reports the server's notices.
const NOTICES: &str = "sqlx::postgres::notice";

tokio::task_local! {
    /// The server's warning during the commit of this task.
    static WARNING: RefCell<Option<String>>;
}

/// Two, because with a single subscriber tracing caches that subscriber's interest at the first warning of the process.
/// If that warning came outside a commit, "not interested" would be cached for ever.
static LISTENERS: LazyLock<[Dispatch; 2]> =
    LazyLock::new(|| [Dispatch::new(Listener), Dispatch::new(Listener)]);

/// Commits, however long it takes, and trusts the commit only if the server added no warning.
///
/// If the wait for a synchronous replica is cancelled (`pg_cancel_backend`, a timeout), the server reports success with
/// a warning. Such a commit exists here and would be lost in a failover, as if nothing had been claimed.
pub(super) async fn commit(mut tx: Transaction<'_, Postgres>) -> Result<(), ClaimError> {
    unbound(&mut tx).await?;
    let committing = async {
        // The driver reports warnings only through tracing.
        let [listener, _] = &*LISTENERS;
        let outcome = tx.commit().with_subscriber(listener.clone()).await;
        (outcome, WARNING.with(RefCell::take))
    };
    let (outcome, warning) = WARNING.scope(RefCell::default(), committing).await;
    outcome.map_err(not_committed)?;
    match warning {
        None => Ok(()),
        Some(message) => Err(ClaimError::CommitUnknown(sqlx::Error::Protocol(format!(
            "the server committed with a warning: {message}"
        )))),
    }
}

/// A deferred rule that is not ours may refuse the commit: then the server has rolled the claim back.
fn not_committed(error: sqlx::Error) -> ClaimError {
    if is_refusal(&error) {
        ClaimError::Database(error)
    } else {
        ClaimError::CommitUnknown(error)
    }
}

/// Removes the time limits of the commit: one that a timeout cancels while it waits for a replica reports success (I11).
/// Transactions that notify commit one after the other, which counts as waiting for a lock.
///
/// Also lets warnings through, whatever the role, the database or the URL sets.
async fn unbound(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"/* store::unbound_commit */
        select set_config('statement_timeout', '0', true) as timeout,
               set_config('lock_timeout', '0', true) as lock_timeout,
               set_config('client_min_messages', 'warning', true) as messages"#
    )
    .fetch_one(db)
    .await?;
    Ok(())
}

/// Receives the server's warnings and nothing else.
struct Listener;

impl Subscriber for Listener {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == NOTICES && *metadata.level() <= Level::WARN
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::WARN)
    }

    fn event(&self, event: &Event<'_>) {
        if self.enabled(event.metadata()) {
            let mut message = Message::default();
            event.record(&mut message);
            // Outside a commit nobody waits for it.
            WARNING
                .try_with(|warning| warning.replace(Some(message.0)))
                .ok();
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
