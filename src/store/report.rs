//! What finance reads: a day in the books, and the books beside the gateway's word.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// One merchant's day: opening + top-ups + returned - paid - fees - more held = closing.
#[derive(Clone, Debug)]
pub struct Day {
    /// The merchant.
    pub merchant_code: String,
    /// Available when the day began.
    pub opening: i64,
    /// Booked as funding, less what was taken out.
    pub top_ups: i64,
    /// Came back from beneficiaries.
    pub returned: i64,
    /// Reached beneficiaries.
    pub paid: i64,
    /// Kept by the gateway.
    pub fees: i64,
    /// How much more is held than when the day began.
    pub held_change: i64,
    /// Available when the day ended.
    pub closing: i64,
}

/// The ledger from `from` to before `to`, one row per merchant.
pub async fn day(
    db: &mut PgConnection,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    merchant: Option<&str>,
) -> Result<Vec<Day>, sqlx::Error> {
    sqlx::query_as!(
        Day,
        r#"/* store::day */
        select m.code as merchant_code,
               coalesce(sum(l.available) filter (where l.at < $1), 0)::bigint as "opening!",
               coalesce(-sum(l.funding) filter (where l.at >= $1), 0)::bigint as "top_ups!",
               coalesce(-sum(l.paid_out) filter (where l.at >= $1 and l.kind = 'return'), 0)::bigint as "returned!",
               coalesce(sum(l.paid_out) filter (where l.at >= $1 and l.kind <> 'return'), 0)::bigint as "paid!",
               coalesce(sum(l.fees) filter (where l.at >= $1), 0)::bigint as "fees!",
               coalesce(sum(l.held) filter (where l.at >= $1), 0)::bigint as "held_change!",
               coalesce(sum(l.available), 0)::bigint as "closing!"
        from payout.merchants m
        left join payout.ledger l on l.merchant_code = m.code and l.at < $2
        where $3::text is null or m.code = $3
        group by m.code
        order by m.code"#,
        from,
        to,
        merchant,
    )
    .fetch_all(db)
    .await
}

/// The books beside what the gateway stated last.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The merchant.
    pub merchant_code: String,
    /// Ours: what can be spent.
    pub available: i64,
    /// Ours: for payouts that may have left.
    pub held: i64,
    /// Theirs: what can be spent.
    pub balance: Option<i64>,
    /// Theirs: kept for orders in progress.
    pub frozen: Option<i64>,
    /// Theirs less ours; `None` while the gateway has said nothing.
    pub difference: Option<i64>,
    /// Entries booked since the gateway was read: while there are any, a difference may only be young.
    pub booked_since: bool,
    /// When the gateway said so.
    pub read_at: Option<DateTime<Utc>>,
}

/// Compares every merchant, or one.
pub async fn compare(
    db: &mut PgConnection,
    merchant: Option<&str>,
) -> Result<Vec<Compared>, sqlx::Error> {
    sqlx::query_as!(
        Compared,
        r#"/* store::compare */
        select m.code as merchant_code, coalesce(a.available, 0) as "available!", coalesce(a.held, 0) as "held!",
               g.balance as "balance?", g.frozen as "frozen?",
               g.balance + g.frozen - coalesce(a.available, 0) - coalesce(a.held, 0) as "difference?",
               exists (select from payout.ledger l where l.merchant_code = m.code and l.id > g.ledger_id)
                   as "booked_since!",
               g.read_at as "read_at?"
        from payout.merchants m
        left join payout.accounts a on a.merchant_code = m.code
        left join payout.gateway_balance g on g.merchant_code = m.code
        where $1::text is null or m.code = $1
        order by m.code"#,
        merchant,
    )
    .fetch_all(db)
    .await
}
