//! What an up-to-date schema must still have: its grants, its guards, no failover that waits, no forgotten pause.

use sqlx::PgPool;

use super::Check;
use crate::{cli::words, store::doctor};

pub(crate) async fn check(pool: &PgPool) -> Result<Vec<Check>, sqlx::Error> {
    let mut checks = Vec::new();
    let missing = doctor::missing_grants(pool).await?;
    checks.push(if missing.is_empty() {
        Check::ok(
            "grants",
            "the four roles have what the migrations granted",
        )
    } else {
        Check::fail(
            "grants",
            missing.join("; "),
            "as the schema's owner, grant it again; the file migrations/*_roles.sql has the statement",
        )
    });
    let off = doctor::guards_switched_off(pool).await?;
    checks.push(if off.is_empty() {
        Check::ok("guards", "every trigger of the schema is on")
    } else {
        Check::fail(
            "guards",
            off.join(", "),
            "stop the workers; alter table payout.TABLE enable trigger TRIGGER; find out who disabled it and what was changed since",
        )
    });
    checks.push(match doctor::timeline_changed_at(pool).await? {
        None => Check::ok(
            "history",
            "no failover or restore since the last claim",
        ),
        Some(at) => Check::fail(
            "history",
            format!(
                "claims stopped at {} WIB: a failover or a restore was detected",
                words::time(at)
            ),
            "once the old primary is certainly dead: select payout.accept_failover('reason', TIME_OF_ITS_DEATH)",
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
