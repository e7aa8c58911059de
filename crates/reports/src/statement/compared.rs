//! A statement of one merchant, compared with what is recorded here.

use payout_domain::payout::PayoutKey;
use payout_store::{
    find,
    report::{period::Period, settled_between},
};
use sqlx::PgConnection;

use super::{
    compare::{Difference, differences},
    lines::Line,
    sums::{Sums, sums},
};

/// What a comparison found.
#[derive(Clone, Debug)]
pub struct Compared {
    /// Where the two differ. What the statement lacks is among them only if its days are known.
    pub found: Vec<Difference>,
    /// What was paid according to both.
    pub sums: Sums,
}

/// Compares the lines with this merchant's payouts, and with what was paid in `period`, the days that the statement covers.
pub async fn compared(
    db: &mut PgConnection,
    merchant: &str,
    lines: &[Line],
    period: Option<Period>,
) -> Result<Compared, sqlx::Error> {
    let keys: Vec<PayoutKey> = lines
        .iter()
        .map(|line| PayoutKey {
            merchant_code: merchant.to_owned(),
            order_num: line.order_num.clone(),
        })
        .collect();
    let named = find::statuses(db, &keys).await?;
    let due = match period {
        Some(Period { from, to }) => Some(settled_between(db, merchant, from, to).await?),
        None => None,
    };
    let due = due.as_deref();
    let found = differences(lines, &named, due.unwrap_or_default());
    let sums = sums(lines, &named, due, found.len());
    Ok(Compared { found, sums })
}
