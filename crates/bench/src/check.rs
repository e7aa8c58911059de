//! The check at the end of every run: figures of a worker that pays twice or loses a payout mean nothing.

use anyhow::{Result, ensure};
use sqlx::{PgConnection, Row};

use crate::{
    cases::Case,
    gateway::Report,
    order::{AMOUNT_IDR, merchant_code, merchant_of},
    stage::FUNDS_IDR,
};

/// Fails on a duplicate send, a payout that is not paid, or books that are off by a rupiah.
pub(crate) async fn all_is_right(db: &mut PgConnection, case: &Case, seen: &Report) -> Result<()> {
    ensure!(
        seen.duplicates.is_empty(),
        "submitted twice: {:?}",
        seen.duplicates
    );
    ensure!(
        seen.unknown_submits == 0,
        "{} submits of orders that nobody enqueued",
        seen.unknown_submits
    );
    let sent: Vec<usize> = (0..)
        .zip(&seen.submitted_at_us)
        .filter(|(_, at)| **at > 0)
        .map(|(number, _)| number)
        .collect();
    ensure!(
        sent.len() >= case.payouts,
        "{} of {} payouts were submitted",
        sent.len(),
        case.payouts
    );
    let paid: i64 = sqlx::query_scalar("select count(*) from payout.payouts where state = 'paid'")
        .fetch_one(&mut *db)
        .await?;
    let queued: i64 =
        sqlx::query_scalar("select count(*) from payout.payouts where state = 'queued'")
            .fetch_one(&mut *db)
            .await?;
    let enqueued = case.payouts.saturating_add(case.backlog);
    ensure!(
        usize::try_from(paid)? == sent.len()
            && usize::try_from(paid.saturating_add(queued))? == enqueued,
        "{} submitted, {paid} paid, {queued} of {enqueued} queued: something is lost",
        sent.len()
    );
    for merchant in 0..case.merchants {
        let of_merchant = |number: &&usize| merchant_of(**number, case.merchants) == merchant;
        let payouts = i64::try_from(sent.iter().filter(of_merchant).count())?;
        let debited = payouts.saturating_mul(AMOUNT_IDR);
        books_are_right(db, &merchant_code(merchant), debited).await?;
    }
    Ok(())
}

async fn books_are_right(
    db: &mut PgConnection,
    merchant_code: &str,
    debited_idr: i64,
) -> Result<()> {
    let row = sqlx::query(
        "select sum(balance)::bigint as sum,
                sum(balance) filter (where account = 'available')::bigint as available,
                sum(balance) filter (where account = 'held')::bigint as held
         from payout.balances where merchant_code = $1",
    )
    .bind(merchant_code)
    .fetch_one(db)
    .await?;
    let (sum, available, held): (i64, i64, i64) =
        (row.get("sum"), row.get("available"), row.get("held"));
    ensure!(
        sum == 0 && held == 0,
        "{merchant_code}: the books sum to {sum}, and {held} are held"
    );
    let expected = FUNDS_IDR.saturating_sub(debited_idr);
    ensure!(
        available == expected,
        "{merchant_code}: {available} rupiah are available instead of {expected}"
    );
    Ok(())
}
