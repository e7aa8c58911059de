//! Reads the pauses, and the requests that wait for a second person.

use payout_domain::snapshot::Snapshot;
use sqlx::PgConnection;

use super::pile;

/// Reads pauses in force, and requests that are neither decided nor expired.
pub(super) async fn read(
    db: &mut PgConnection,
    snapshot: &mut Snapshot,
) -> Result<(), sqlx::Error> {
    let row = sqlx::query!(
        r#"/* store::snapshot_people */
        select p.count as "pauses!", p.since as paused_since, r.count as "requests!", r.since as requested_since
        from (select count(*), extract(epoch from min(z.since))::bigint as since from payout.pauses z) p
        cross join (
            select count(*), extract(epoch from min(q.requested_at))::bigint as since
            from payout.requests q
            where q.decision is null and q.expires_at > now()
        ) r"#,
    )
    .fetch_one(db)
    .await?;
    snapshot.pauses = pile(row.pauses, 0, row.paused_since);
    snapshot.approvals = pile(row.requests, 0, row.requested_since);
    Ok(())
}
