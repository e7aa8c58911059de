//! Totals since the beginning: what the history and the ledger gained is added to `payout.totals`, and read from there.

use payout_domain::{
    money::Rupiah,
    snapshot::{Snapshot, Step, Total},
};
use sqlx::{PgConnection, PgPool};

use super::{READ_WITHIN, books_of};

/// Maximum history rows that one snapshot adds to the totals, in steps of `FOLD_STEP`.
const FOLD_AT_MOST: i64 = 200_000;
/// Maximum history rows in one transaction.
const FOLD_STEP: i64 = 20_000;

/// Adds new history to the totals, some thousand rows at a time, unless another worker is doing so.
pub(super) async fn fold_history(pool: &PgPool) -> Result<(), sqlx::Error> {
    let mut left = FOLD_AT_MOST;
    while left > 0 {
        let mut step = pool.begin().await?;
        super::limit(&mut step, READ_WITHIN).await?;
        let folded = fold_step(&mut step).await?;
        step.commit().await?;
        if folded < FOLD_STEP {
            return Ok(());
        }
        left = left.saturating_sub(folded);
    }
    Ok(())
}

/// Adds one step and returns its number of rows. Only rows older than the oldest running transaction count: none can
/// appear before them any more.
async fn fold_step(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::snapshot_fold */
        with reached as materialized (
            select c.folded_seq
            from payout.totals_cursor c
            for no key update skip locked
        ), lines as materialized (
            select h.seq, h.merchant_code, h.order_num, h.at, coalesce(h.to_state, h.event) as step
            from payout.history h
            -- Not joined: a plan may then read the history from its beginning.
            where h.seq > (select r.folded_seq from reached r)
              and h.seq < (payout.xid_base() + pg_snapshot_xmin(pg_current_snapshot())::text::bigint) << 20
            order by h.seq
            limit $1
        ), steps as (
            select l.merchant_code, s.bank, s.step, count(*) filter (where s.step = l.step) payouts,
                   coalesce(sum(p.amount) filter (where s.step = l.step), 0)::bigint rupiah,
                   coalesce(sum(m.fee), 0)::bigint fee, coalesce(sum(m.net + m.returned), 0)::bigint net,
                   count(*) filter (where l.step in ('paid', 'failed') and l.at - greatest(p.created_at, p.not_before)
                                                                           > (select x.late_after from payout.policy x)) late
            from lines l
            join payout.payouts p on (p.merchant_code, p.order_num) = (l.merchant_code, l.order_num)
            -- A fee that is known later belongs to what was paid.
            cross join lateral (select case when l.step like 'fee_%' then 'paid' else l.step end as step,
                                       payout.bank_label(p.bank_code) as bank) s
            cross join lateral (
                select sum(v.fee) as fee, sum(v.net) as net, sum(v.returned) as returned
                from payout.movements v
                where l.step in ('paid', 'returned', 'fee_corrected', 'fee_stated')
                  and (v.merchant_code, v.order_num) = (l.merchant_code, l.order_num) and v.xid = l.seq >> 20
                  and v.kind = any (case l.step when 'paid' then '{capture, late_capture}'::text[]
                                                when 'returned' then '{return}'
                                                when 'fee_stated' then '{fee_known}'
                                                when 'fee_corrected' then '{fee_known, fee_corrected}' end)
                  -- Of several lines about a fee in one transaction, the last one has all its entries.
                  and (l.step = s.step or not exists (
                      select from payout.history h where (h.merchant_code, h.order_num) = (l.merchant_code, l.order_num)
                        and h.seq > l.seq and h.seq < ((l.seq >> 20) + 1) << 20 and h.event in ('fee_corrected', 'fee_stated')))
                offset 0) m
            where l.step in ('enqueued', 'paid', 'failed', 'cancelled', 'returned', 'fee_corrected', 'fee_stated')
            group by l.merchant_code, s.bank, s.step
        ), added as (
            insert into payout.totals as t (merchant_code, bank_code, step, payouts, rupiah, fee, net, late)
            select s.merchant_code, s.bank, s.step, s.payouts, s.rupiah, s.fee, s.net, s.late
            from steps s order by s.merchant_code, s.bank, s.step
            on conflict (merchant_code, bank_code, step) do update
            set payouts = t.payouts + excluded.payouts, rupiah = t.rupiah + excluded.rupiah, fee = t.fee + excluded.fee,
                net = t.net + excluded.net, late = t.late + excluded.late
        ), moved as (
            update payout.totals_cursor
            set folded_seq = (select max(l.seq) from lines l)
            where exists (select from lines)
        )
        select count(*) as "folded!" from lines"#,
        FOLD_STEP,
    )
    .fetch_one(db)
    .await
}

/// Reads the totals since the beginning.
pub(super) async fn read(
    db: &mut PgConnection,
    snapshot: &mut Snapshot,
) -> Result<(), sqlx::Error> {
    let rows = sqlx::query!(
        "/* store::snapshot_totals */
        select t.merchant_code, t.bank_code, t.step, t.payouts, t.rupiah, t.fee, t.net, t.late
        from payout.totals t",
    )
    .fetch_all(db)
    .await?;
    for row in rows {
        let step = Step::ALL.into_iter().find(|step| step.name() == row.step);
        if let (Some(books), Some(step)) = (books_of(snapshot, &row.merchant_code), step) {
            let total = Total {
                payouts: row.payouts,
                rupiah: Rupiah::new(row.rupiah),
                fee: Rupiah::new(row.fee),
                net: Rupiah::new(row.net),
                late: row.late,
            };
            books.totals.push((row.bank_code, step, total));
        }
    }
    Ok(())
}
