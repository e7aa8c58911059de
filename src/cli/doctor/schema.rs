//! What a fit schema must still have: its grants, its guards, its history, and nothing paused unawares.

use sqlx::PgPool;

use super::Check;
use crate::{cli::words, store::doctor};

pub(super) async fn check(pool: &PgPool) -> Result<Vec<Check>, sqlx::Error> {
    let mut checks = Vec::new();
    let missing = doctor::missing_grants(pool).await?;
    checks.push(if missing.is_empty() {
        Check::ok(
            "grants",
            "the four roles have what the migrations gave them",
        )
    } else {
        Check::fail(
            "grants",
            missing.join("; "),
            "as the schema's owner, grant it again; migrations/0005_roles.sql has every grant",
        )
    });
    let off = doctor::guards_switched_off(pool).await?;
    checks.push(if off.is_empty() {
        Check::ok("guards", "every trigger of the schema is on")
    } else {
        Check::fail(
            "guards",
            off.join(", "),
            "stop the workers; alter table payout.TABLE enable trigger TRIGGER; find out who did it and what was changed",
        )
    });
    checks.push(match doctor::failover_since(pool).await? {
        None => Check::ok(
            "history",
            "the database is the one that was claimed in before",
        ),
        Some(at) => Check::fail(
            "history",
            format!(
                "after a failover or a restore nothing is claimed since {} WIB",
                words::time(at)
            ),
            "when the old primary is dead for certain: select payout.accept_failover('reason', TIME_OF_ITS_DEATH)",
        ),
    });
    let (pauses, since) = doctor::pauses_since(pool).await?;
    checks.push(match since {
        None => Check::ok("pauses", "nothing is paused"),
        Some(since) => Check::warn(
            "pauses",
            format!(
                "{pauses} in force, the oldest since {} WIB",
                words::time(since)
            ),
            "payout pauses; payout resume",
        ),
    });
    Ok(checks)
}
