//! Decides which of the due payouts the balance covers.

use sqlx::{PgConnection, PgPool};

use super::{Covered, Due};
use crate::{domain::money::Rupiah, permit::SealedRequest};

/// Locks the merchant's balance and returns how much of it may be claimed.
///
/// Smaller payouts may overtake an uncovered one for `policy.overtake_for`. After that its hold is set aside.
pub(super) async fn lock_funds(
    db: &mut PgConnection,
    merchant_code: &str,
    fee_reserve: Rupiah,
) -> Result<Rupiah, sqlx::Error> {
    let available = sqlx::query_scalar!(
        r#"/* store::lock_available */
        select a.available from payout.accounts a where a.merchant_code = $1 for update"#,
        merchant_code,
    )
    .fetch_optional(&mut *db)
    .await?
    .unwrap_or(0);
    let kept_free = sqlx::query_scalar!(
        r#"/* store::hold_of_aged_head */
        select payout.hold_idr(p.amount, p.fee_type, $2) as "hold!"
        from payout.payouts p
        where p.merchant_code = $1 and p.state = 'queued' and p.parked
          and p.attention_since < now() - (select x.overtake_for from payout.policy x)
          and p.bank_code <> all (array(select z.value from payout.pauses z where z.scope = 'bank'))
          and (not (select payout.must_query_first()) or payout.is_proven_unsent(p))
        order by p.priority desc, p.created_at
        limit 1"#,
        merchant_code,
        fee_reserve.idr(),
    )
    .fetch_optional(db)
    .await?
    .unwrap_or(0);
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
pub async fn unpark_if_covered(pool: &PgPool, merchant_code: &str) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"/* store::unpark_if_covered */
        with waiting as materialized (
            select p.merchant_code, p.order_num, p.priority, p.created_at, a.available,
                   payout.hold_idr(p.amount, p.fee_type, m.fee_reserve) as hold,
                   p.attention_since < now() - (select x.overtake_for from payout.policy x) as aged
            from payout.payouts p
            join payout.merchants m on m.code = p.merchant_code
            join payout.accounts a on a.merchant_code = p.merchant_code
            where p.merchant_code = $1 and p.state = 'queued' and p.parked and a.available > 0
            order by p.priority desc, p.created_at
            limit 100
            for update of p skip locked
        ), free as (
            select w.available - coalesce((select h.hold from waiting h where h.aged and h.hold > h.available
                                           order by h.priority desc, h.created_at limit 1), 0) as idr
            from waiting w limit 1
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
