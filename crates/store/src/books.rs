//! Compares the accounts with the sum of every ledger entry, and reads most entries only once in a while.
//!
//! The ledger is only ever appended to. What is old enough to be complete is added up in pieces of `PIECE` entries
//! (`payout.ledger_sums`); each check adds the kept sums and the entries behind them. Some pieces are added up again at
//! each check, so that a changed old entry is found too. What each piece came to by day is kept beside it, for the reports.

use payout_domain::{money::Rupiah, snapshot::BooksCheck};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::{moment::OF_ONE_MOMENT, snapshot::limit};

/// Maximum time of one statement. Below the time after which a waiting loop counts as stalled.
const CHECK_WITHIN: &str = "60s";
/// Numbers of entries in one piece. The kept sums belong to pieces of this size.
const PIECE: i64 = 100_000;
/// How many pieces each check adds up again, those first that have waited longest.
const AGAIN: i64 = 10;

/// Compares the accounts with the ledger. Several workers may do so at once; one of them keeps sums.
pub async fn check_books(pool: &PgPool) -> Result<Vec<BooksCheck>, sqlx::Error> {
    keep_sums(pool).await?;
    let mut seen = pool.begin_with(OF_ONE_MOMENT).await?;
    limit(&mut seen, CHECK_WITHIN).await?;
    let rows = sqlx::query!(
        r#"/* store::books_check */
        with booked as materialized (
            select entries.merchant_code, sum(entries.available) available, sum(entries.held) held,
                   sum(entries.paid_out) paid_out, sum(entries.fees) fees, sum(entries.funding) funding
            from (select s.merchant_code, s.available, s.held, s.paid_out, s.fees, s.funding
                  from payout.ledger_sums s
                  where s.from_id > 0
                  union all
                  select l.merchant_code, l.available, l.held, l.paid_out, l.fees, l.funding
                  from payout.ledger l
                  where l.id >= (select c.summed_below from payout.ledger_sums_cursor c where c.the_only_one)) entries
            group by entries.merchant_code
        )
        select m.code as merchant_code,
               (abs(coalesce(a.available, 0) - coalesce(b.available, 0))
                + abs(coalesce(a.held, 0) - coalesce(b.held, 0))
                + abs(coalesce(a.paid_out, 0) - coalesce(b.paid_out, 0))
                + abs(coalesce(a.fees, 0) - coalesce(b.fees, 0))
                + abs(coalesce(a.funding, 0) - coalesce(b.funding, 0)))::bigint as "difference!"
        from payout.merchants m
        left join payout.accounts a on a.merchant_code = m.code
        left join booked b on b.merchant_code = m.code
        order by m.code"#,
    )
    .fetch_all(&mut *seen)
    .await?;
    seen.commit().await?;
    let check = |merchant_code, difference| BooksCheck {
        merchant_code,
        difference: Rupiah::new(difference),
    };
    Ok(rows
        .into_iter()
        .map(|row| check(row.merchant_code, row.difference))
        .collect())
}

/// Adds up every complete piece, and some old ones again. Does nothing while another worker does.
async fn keep_sums(pool: &PgPool) -> Result<(), sqlx::Error> {
    let Some((mut step, _)) = begin(pool).await? else {
        return Ok(());
    };
    note_complete(&mut step).await?;
    step.commit().await?;
    while add_piece(pool).await? {}
    for from_id in longest_unread(pool).await? {
        let Some((mut step, _)) = begin(pool).await? else {
            return Ok(());
        };
        keep_sum(&mut step, from_id).await?;
        step.commit().await?;
    }
    Ok(())
}

/// Adds up the next piece. `false` if it may lack entries yet, or if another worker is keeping sums.
async fn add_piece(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let Some((mut step, next)) = begin(pool).await? else {
        return Ok(false);
    };
    if !next.complete {
        // A transaction that is only dropped keeps its lock for a while, and the next step would take it for another worker's.
        step.rollback().await?;
        return Ok(false);
    }
    keep_sum(&mut step, next.from_id).await?;
    keep_days(&mut step, next.from_id).await?;
    move_on(&mut step).await?;
    step.commit().await?;
    Ok(true)
}

struct NextPiece {
    from_id: i64,
    /// Whether no further entry can appear in it.
    complete: bool,
}

/// Begins a transaction with the right to keep sums. `None` if another worker has it.
async fn begin(
    pool: &PgPool,
) -> Result<Option<(Transaction<'static, Postgres>, NextPiece)>, sqlx::Error> {
    let mut step = pool.begin().await?;
    limit(&mut step, CHECK_WITHIN).await?;
    Ok(next_piece(&mut step).await?.map(|next| (step, next)))
}

async fn next_piece(db: &mut PgConnection) -> Result<Option<NextPiece>, sqlx::Error> {
    sqlx::query_as!(
        NextPiece,
        r#"/* store::books_next_piece */
        select c.summed_below as from_id, c.complete_up_to >= c.summed_below + $1 - 1 as "complete!"
        from payout.ledger_sums_cursor c
        for no key update skip locked"#,
        PIECE,
    )
    .fetch_optional(db)
    .await
}

/// Entries appear out of the order of their numbers. Those up to a number are complete once every transaction has ended
/// that was running when that number was seen. The minute is for one that has a number and not yet a transaction ID.
async fn note_complete(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "/* store::books_note_complete */
        update payout.ledger_sums_cursor c
        set complete_up_to = c.seen_id, seen_id = (select coalesce(max(l.id), 0) from payout.ledger l),
            seen_xid = payout.xid_base() + pg_snapshot_xmax(pg_current_snapshot())::text::bigint, seen_at = now()
        where c.seen_xid <= payout.xid_base() + pg_snapshot_xmin(pg_current_snapshot())::text::bigint
          and c.seen_at <= now() - interval '1 minute'",
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds up the piece that begins with this number, and keeps its sum for each merchant.
async fn keep_sum(db: &mut PgConnection, from_id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "/* store::books_keep_sum */
        with entries as materialized (
            select l.merchant_code, sum(l.available) available, sum(l.held) held, sum(l.paid_out) paid_out,
                   sum(l.fees) fees, sum(l.funding) funding
            from payout.ledger l
            where l.id >= $1 and l.id < $1 + $2
            group by l.merchant_code
        )
        insert into payout.ledger_sums (from_id, merchant_code, available, held, paid_out, fees, funding)
        select $1, m.code, coalesce(e.available, 0), coalesce(e.held, 0), coalesce(e.paid_out, 0), coalesce(e.fees, 0),
               coalesce(e.funding, 0)
        from payout.merchants m
        left join entries e on e.merchant_code = m.code
        on conflict (from_id, merchant_code) do update
        set available = excluded.available, held = excluded.held, paid_out = excluded.paid_out, fees = excluded.fees,
            funding = excluded.funding, read_at = now()",
        from_id,
        PIECE,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds up what the piece came to by day, merchant and bank, for the reports (`payout.movements_by_day`).
async fn keep_days(db: &mut PgConnection, from_id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "/* store::books_keep_days */
        insert into payout.day_sums (from_id, merchant_code, day, bank_code, paid, failed, payouts_returned, gross, fee,
                                     fee_out_of_amount, fee_on_top, net, debit, top_up, returned, available, held)
        select $1, v.merchant_code, v.day, coalesce(v.bank_code, ''), count(*) filter (where v.step = 'paid'),
               count(*) filter (where v.step = 'failed'), count(*) filter (where v.step = 'returned'), sum(v.gross),
               sum(v.fee), coalesce(sum(v.fee) filter (where v.fee_type = 0), 0),
               coalesce(sum(v.fee) filter (where v.fee_type = 1), 0), sum(v.net), sum(v.debit), sum(v.top_up),
               sum(v.returned), sum(v.available), sum(v.held)
        from (select * from payout.movements m where m.id >= $1 and m.id < $1 + $2 offset 0) v
        group by 2, 3, 4",
        from_id,
        PIECE,
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn move_on(db: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "/* store::books_move_on */
        update payout.ledger_sums_cursor set summed_below = summed_below + $1",
        PIECE,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The pieces that were added up longest ago.
async fn longest_unread(pool: &PgPool) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "/* store::books_longest_unread */
        select s.from_id
        from payout.ledger_sums s
        group by s.from_id
        order by min(s.read_at)
        limit $1",
        AGAIN,
    )
    .fetch_all(pool)
    .await
}
