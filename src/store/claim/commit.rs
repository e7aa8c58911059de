//! The commit of a claim: only one that returned without a warning makes a right to send (I11).

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

/// Where the driver reports what the server says beside its answers.
const NOTICES: &str = "sqlx::postgres::notice";

tokio::task_local! {
    /// The server's warning during the commit of this task.
    static WARNING: RefCell<Option<String>>;
}

/// Two, because as long as there is one alone, tracing asks whoever listens at the first warning of the process,
/// which may come outside of any commit, and keeps a "not interested" for ever.
static LISTENERS: LazyLock<[Dispatch; 2]> =
    LazyLock::new(|| [Dispatch::new(Listener), Dispatch::new(Listener)]);

/// Commits, however long it takes, and believes it only when the server had nothing to add.
///
/// Whoever cancels the wait for a synchronous replica (`pg_cancel_backend`, a timeout) makes the server answer with
/// success and a warning: the commit stands here and is gone after a failover, as if nothing had been claimed.
pub(super) async fn commit(mut tx: Transaction<'_, Postgres>) -> Result<(), ClaimError> {
    unbound(&mut tx).await?;
    let committing = async {
        // The driver shows warnings to nobody but tracing.
        let [listener, _] = &*LISTENERS;
        let outcome = tx.commit().with_subscriber(listener.clone()).await;
        (outcome, WARNING.with(RefCell::take))
    };
    let (outcome, warning) = WARNING.scope(RefCell::default(), committing).await;
    outcome.map_err(ClaimError::CommitUnknown)?;
    match warning {
        None => Ok(()),
        Some(words) => Err(ClaimError::CommitUnknown(sqlx::Error::Protocol(format!(
            "the server committed with a warning: {words}"
        )))),
    }
}

/// A commit that a timeout cancels while it waits for a replica reports success: it must not be bounded (I11).
async fn unbound(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("/* store::unbound_commit */ set local statement_timeout = 0")
        .execute(db)
        .await?;
    Ok(())
}

/// Hears the server's warnings and nothing else.
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
            let mut words = Words::default();
            event.record(&mut words);
            // Outside of a commit there is nobody to tell.
            WARNING
                .try_with(|warning| warning.replace(Some(words.0)))
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
struct Words(String);

impl Visit for Words {
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
