//! Drives a payout along legal moves by SQL, for tests that need it in a given state.

use sqlx::Executor;

use super::database::Database;

/// A function `public.step(order_num, event, without)` in the test's own database.
const STEP: &str = include_str!("step.sql");

/// A path from `queued` to each state.
pub(crate) const PATHS: [(&str, &[&str]); 8] = [
    ("queued", &[]),
    ("submitting", &["claimed"]),
    ("pending", &["claimed", "acknowledged"]),
    ("unknown", &["claimed", "unanswered"]),
    ("paid", &["claimed", "acknowledged", "reported_paid"]),
    ("failed", &["claimed", "acknowledged", "reported_failed"]),
    ("cancelled", &["withdrawn"]),
    (
        "returned",
        &["claimed", "reported_paid", "resolved_returned"],
    ),
];

impl Database {
    /// Like [`Self::with_merchant`], and able to [`Self::step`].
    pub(crate) async fn with_steps() -> Self {
        let database = Self::with_merchant().await;
        database.make_steps().await;
        database
    }

    /// Makes this database able to [`Self::step`].
    pub(crate) async fn make_steps(&self) {
        self.run(STEP).await;
    }

    /// Makes one move, with its attempt, ledger entry and history line.
    pub(crate) async fn step(&self, order_num: &str, event: &str) {
        self.try_step(order_num, event, "")
            .await
            .unwrap_or_else(|error| panic!("{order_num} {event}: {error}"));
    }

    /// Tries one move that lacks something: `attempt`, `outcome`, `ledger`, `right kind`, `evidence`, `history`,
    /// `count`, or `registered gateway` (its worker is configured as [`Self::register_merchant`] registers).
    pub(crate) async fn try_step(
        &self,
        order_num: &str,
        event: &str,
        without: &str,
    ) -> Result<(), sqlx::Error> {
        let step = sqlx::query("select public.step($1, $2, $3)");
        self.pool()
            .execute(step.bind(order_num).bind(event).bind(without))
            .await
            .map(drop)
    }

    /// Stores that the gateway confirms again that a payout failed, as the worker does.
    pub(crate) async fn confirm_failure(&self, order_num: &str) {
        self.run(&format!(
            "select public.receive('{order_num}', public.usual_evidence('reported_failed'));
             update payout.payouts set reaffirmed_at = clock_timestamp() where order_num = '{order_num}'"
        ))
        .await;
    }

    /// As if the quiet horizon of every attempt had ended an hour ago.
    pub(crate) async fn end_quiet_horizons(&self) {
        self.run(
            "set session_replication_role = replica;
             update payout.attempts set quiet_until = now() - interval '1 hour';
             set session_replication_role = origin",
        )
        .await;
    }

    /// Enqueues a payout and drives it to `state`.
    pub(crate) async fn insert_in(&self, state: &str, order_num: &str) {
        self.insert(order_num, 100_000).await;
        let path = PATHS.iter().find(|(name, _)| *name == state).unwrap();
        for event in path.1 {
            self.step(order_num, event).await;
        }
        assert_eq!(self.state(order_num).await, state);
    }
}
