//! How far the readers of the history are behind: `payout.events`, and the totals of the metrics.

use payout_domain::snapshot::Snapshot;
use sqlx::PgConnection;

/// Reads when the first line was written that each of them lacks. Both end where the oldest running transaction of the
/// server began.
pub(super) async fn read(
    db: &mut PgConnection,
    snapshot: &mut Snapshot,
) -> Result<(), sqlx::Error> {
    let row = sqlx::query!(
        r#"/* store::snapshot_readers */
        select extract(epoch from (
                   select h.at from payout.history h
                   where h.seq >= (payout.xid_base() + pg_snapshot_xmin(pg_current_snapshot())::text::bigint) << 20
                   order by h.seq limit 1))::bigint as events_hidden_since,
               extract(epoch from (
                   select h.at from payout.history h
                   where h.seq > (select c.folded_seq from payout.totals_cursor c where c.the_only_one)
                   order by h.seq limit 1))::bigint as totals_missing_since"#,
    )
    .fetch_one(db)
    .await?;
    snapshot.events_hidden_since = row.events_hidden_since;
    snapshot.totals_missing_since = row.totals_missing_since;
    Ok(())
}
