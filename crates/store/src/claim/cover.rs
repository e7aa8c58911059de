//! Decides which of the due payouts the balance covers.

use payout_domain::money::Rupiah;
use payout_permit::SealedRequest;
use sqlx::{PgConnection, PgPool};

use super::{Covered, Due};

/// Locks the merchant's balance and returns how much of it may be claimed: not what a payout keeps free for itself
/// (`payout.reservation`).
pub(super) async fn lock_funds(
    db: &mut PgConnection,
    merchant_code: &str,
) -> Result<Rupiah, sqlx::Error> {
    let available = sqlx::query_scalar!(
        r#"/* store::lock_available */
        select a.available from payout.accounts a where a.merchant_code = $1 for no key update"#,
        merchant_code,
    )
    .fetch_optional(&mut *db)
    .await?
    .unwrap_or(0);
    let kept_free = sqlx::query_scalar!(
        r#"/* store::kept_free */
        select coalesce(r.hold, 0) as "hold!" from payout.reservation($1) r"#,
        merchant_code,
    )
    .fetch_one(db)
    .await?;
    Ok(Rupiah::new(available.saturating_sub(kept_free)))
}

/// Splits due payouts, in order, into those that `funds` cover and those that they do not.
pub(super) fn split(
    sealed: Vec<(Due, SealedRequest)>,
    funds: Rupiah,
    fee_reserve: Rupiah,
) -> (Vec<Covered>, Vec<Due>) {
    let (mut covered, mut uncovered) = (Vec::new(), Vec::new());
    let mut left = funds;
    for (due, request) in sealed {
        let hold = due
            .instruction
            .fee_type
            .hold(due.instruction.amount, fee_reserve);
        let after = hold
            .and_then(|hold| left.minus(hold))
            .filter(|after| *after >= Rupiah::ZERO);
        if let (Some(hold), Some(after)) = (hold, after) {
            left = after;
            let attempt = due.attempt.saturating_add(1);
            covered.push(Covered {
                due,
                attempt,
                hold,
                request,
            });
        } else {
            uncovered.push(due);
        }
    }
    (covered, uncovered)
}

/// Makes parked payouts claimable again as far as the available balance covers them. Returns how many.
///
/// Looks at the first hundred in line and at the hundred smallest, so that payouts too large for the balance do not hide
/// those that it covers.
pub async fn unpark_if_covered(pool: &PgPool, merchant_code: &str) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"/* store::unpark_if_covered */
        with first as materialized (
            select p.merchant_code, p.order_num, p.priority, p.created_at, p.amount, p.fee_type
            from payout.payouts p
            join payout.accounts a on a.merchant_code = p.merchant_code
            where p.merchant_code = $1 and p.state = 'queued' and p.parked and a.available > 0
            order by p.priority desc, p.created_at
            limit 100
            for no key update of p skip locked
        ), smallest as materialized (
            select p.merchant_code, p.order_num, p.priority, p.created_at, p.amount, p.fee_type
            from payout.payouts p
            join payout.accounts a on a.merchant_code = p.merchant_code
            where p.merchant_code = $1 and p.state = 'queued' and p.parked and a.available > 0
            order by p.amount
            limit 100
            for no key update of p skip locked
        ), waiting as (
            select w.merchant_code, w.order_num, w.priority, w.created_at,
                   payout.hold_idr(w.amount, w.fee_type, m.fee_reserve) as hold
            from (select * from first union select * from smallest) w
            join payout.merchants m on m.code = w.merchant_code
        ), free as materialized (
            select a.available - coalesce((select r.hold from payout.reservation($1) r), 0) as idr
            from payout.accounts a
            where a.merchant_code = $1 and exists (select from first)
        ), fitting as (
            select w.*, f.idr, sum(w.hold) over (order by w.priority desc, w.created_at, w.order_num) as total
            from waiting w, free f
            where w.hold <= f.idr
        )
        update payout.payouts p
        set parked = false
        from fitting f
        where (p.merchant_code, p.order_num) = (f.merchant_code, f.order_num) and f.total <= f.idr"#,
        merchant_code,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
