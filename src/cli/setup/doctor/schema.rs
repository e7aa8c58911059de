//! What an up-to-date schema must still have: its grants, its guards, no failover that waits, no forgotten pause.

use sqlx::PgPool;

use super::{Check, Subject};
use crate::{cli::words, store::doctor};

pub(crate) async fn check(pool: &PgPool) -> Result<Vec<Check>, sqlx::Error> {
    let mut checks = Vec::new();
    let missing = doctor::missing_grants(pool).await?;
    checks.push(if missing.is_empty() {
        Subject("grants").ok("the four roles have what the migrations granted")
    } else {
        Subject("grants").fail(
            missing.join("; "),
            "as the schema's owner, grant it again as in migrations/*_roles.sql",
        )
    });
    let off = doctor::guards_switched_off(pool).await?;
    checks.push(if off.is_empty() {
        Subject("guards").ok("every trigger of the schema is on")
    } else {
        Subject("guards").fail(
            off.join(", "),
            "stop the workers; alter table payout.TABLE enable trigger TRIGGER; find out who \
             disabled it and what was changed since",
        )
    });
    checks.push(match doctor::failover_since(pool).await? {
        None => Subject("failover").ok("no failover or restore since the last claim"),
        Some(at) => Subject("failover").fail(
            format!(
                "claims stopped at {} WIB: a failover or a restore was detected",
                words::time(at)
            ),
            "once the old primary is certainly dead: payout failover accept --old-primary-dead-since TIME \
             --reason ...; another operator approves it with payout approve",
        ),
    });
    checks.push(clock_jumps(pool).await?);
    let (pauses, since) = doctor::pauses_since(pool).await?;
    checks.push(match since {
        None => Subject("pauses").ok("nothing is paused"),
        Some(since) => Subject("pauses").warn(
            format!(
                "{pauses} in force, the oldest since {} WIB",
                words::time(since)
            ),
            "payout pauses; payout resume",
        ),
    });
    Ok(checks)
}

async fn clock_jumps(pool: &PgPool) -> Result<Check, sqlx::Error> {
    let subject = Subject("clock jumps");
    Ok(match doctor::horizons_restarted_until(pool).await? {
        None => subject.ok("no jump restarts the quiet horizons now"),
        Some(until) => subject.warn(
            format!(
                "the server's clock jumped, or no worker watched it: \"not found\" counts again from {} WIB",
                words::time(until)
            ),
            "repair the time service of the database server; see PayoutClockJumps in the runbook",
        ),
    })
}
