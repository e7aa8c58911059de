//! Operator commands. Each calls the SQL function of the same name, so the database's rules apply to psql as well.

use chrono::{DateTime, Utc};
use payout_domain::payout::PayoutKey;
use sqlx::PgConnection;

/// Withdraws a payout that is still queued. The database refuses anything else.
pub async fn cancel(
    db: &mut PgConnection,
    key: &PayoutKey,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query_scalar!(
        "select /* store::cancel */ payout.cancel($1, $2, $3)",
        key.order_num,
        reason,
        key.merchant_code,
    )
    .fetch_one(db)
    .await?;
    Ok(())
}

/// Has a payout's status queried now. Never sends a submit.
pub async fn replay(db: &mut PgConnection, key: &PayoutKey) -> Result<(), sqlx::Error> {
    sqlx::query_scalar!(
        "select /* store::replay */ payout.replay($1, $2)",
        key.order_num,
        key.merchant_code,
    )
    .fetch_one(db)
    .await?;
    Ok(())
}

/// At most `limit` payouts in one of `states`, the longest in its state first.
pub async fn in_states(
    db: &mut PgConnection,
    states: &[String],
    merchant: Option<&str>,
    limit: i64,
) -> Result<Vec<PayoutKey>, sqlx::Error> {
    sqlx::query_as!(
        PayoutKey,
        r#"/* store::in_states */
        select s.merchant_code as "merchant_code!", s.order_num as "order_num!"
        from payout.all_status s
        where s.state = any($1) and ($2::text is null or s.merchant_code = $2)
        order by s.state_since, s.merchant_code, s.order_num
        limit $3"#,
        states,
        merchant,
        limit,
    )
    .fetch_all(db)
    .await
}

/// Books a top-up, or a withdrawal if `amount` is negative, in rupiah and once per reference, where one person may.
/// Returns the available balance afterwards, in rupiah.
pub async fn fund(
    db: &mut PgConnection,
    merchant: &str,
    amount: i64,
    reference: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select /* store::fund */ payout.fund($1, $2::bigint::numeric, $3) as "available!""#,
        merchant,
        amount,
        reference,
    )
    .fetch_one(db)
    .await
}

/// Funding that a person booked.
#[derive(Clone, Debug)]
pub struct Funded {
    /// When it was booked.
    pub at: DateTime<Utc>,
    /// In rupiah; negative for money taken out.
    pub amount: i64,
    /// The login that booked it, or approved that it be booked.
    pub actor: String,
    /// The login that requested it, where it was requested.
    pub requested_by: Option<String>,
}

/// What is booked with this reference already: a reference is booked once, in whatever case it is written.
pub async fn funded(
    db: &mut PgConnection,
    merchant: &str,
    reference: &str,
) -> Result<Option<Funded>, sqlx::Error> {
    sqlx::query_as!(
        Funded,
        r#"/* store::funded */
        select l.at, l.available as amount, l.actor,
               (select r.requested_by from payout.requests r
                where r.kind = 'fund' and r.subject = l.reference and r.merchant_code = l.merchant_code
                  and r.decision = 'approved'
                order by r.id desc
                limit 1) as requested_by
        from payout.ledger l
        where l.merchant_code = $1 and l.kind = 'funding' and l.funded_by = 'person' and lower(l.reference) = lower($2)"#,
        merchant,
        reference,
    )
    .fetch_optional(db)
    .await
}

/// How many people must agree before funding of this merchant is booked by hand.
pub async fn people_to_fund(db: &mut PgConnection, merchant: &str) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select /* store::people_to_fund */ payout.people_needed('fund', null, $1) as "people!""#,
        merchant,
    )
    .fetch_one(db)
    .await
}
