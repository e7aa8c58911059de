//! Decides which of the due payouts the balance covers.

use std::collections::{BTreeSet, HashMap};

use payout_domain::money::Rupiah;
use payout_permit::SealedRequest;
use sqlx::{PgConnection, PgPool};

use super::{Covered, Due, Registered};

/// Locks the balances of merchants, in their order, and returns how much of each may be claimed: not what a payout keeps
/// free for itself (`payout.reservation`).
pub(super) async fn lock_funds(
    db: &mut PgConnection,
    merchants: &BTreeSet<String>,
) -> Result<HashMap<String, Rupiah>, sqlx::Error> {
    let merchants: Vec<String> = merchants.iter().cloned().collect();
    let available = sqlx::query!(
        r#"/* store::lock_available */
        select k.code as "merchant_code!", a.available
        from unnest($1::text[]) k (code)
        cross join lateral (
            select o.available from payout.accounts o where o.merchant_code = k.code for no key update) a"#,
        &merchants,
    )
    .fetch_all(&mut *db)
    .await?;
    // In a statement of its own, which sees what changed while the first one waited for the locks.
    let kept_free = sqlx::query!(
        r#"/* store::kept_free */
        select k.code as "merchant_code!", coalesce(r.hold, 0) as "hold!"
        from unnest($1::text[]) k (code) cross join lateral payout.reservation(k.code) r"#,
        &merchants,
    )
    .fetch_all(db)
    .await?;
    let mut funds: HashMap<String, i64> = available
        .into_iter()
        .map(|row| (row.merchant_code, row.available))
        .collect();
    for row in kept_free {
        let available = funds.entry(row.merchant_code).or_default();
        *available = available.saturating_sub(row.hold);
    }
    let funds = funds.into_iter();
    Ok(funds.map(|(code, idr)| (code, Rupiah::new(idr))).collect())
}

/// Splits due payouts, in order, into those that the merchants' `funds` cover and those that they do not.
pub(super) fn split(
    sealed: Vec<(Due, SealedRequest)>,
    mut funds: HashMap<String, Rupiah>,
    merchants: &[Registered],
) -> (Vec<Covered>, Vec<Due>) {
    let (mut covered, mut uncovered) = (Vec::new(), Vec::new());
    for (due, request) in sealed {
        let left = funds.get_mut(&due.instruction.key.merchant_code);
        let hold = merchants.get(due.order).and_then(|merchant| {
            let instruction = &due.instruction;
            instruction
                .fee_type
                .hold(instruction.amount, merchant.fee_reserve)
        });
        let taken = left.zip(hold).and_then(|(left, hold)| {
            let after = left.minus(hold)?;
            (after >= Rupiah::ZERO).then(|| *left = after)?;
            Some(hold)
        });
        if let Some(hold) = taken {
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
