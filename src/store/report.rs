//! What finance reads: a day in the books, and the books beside the gateway's word.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::find::Status;

/// One merchant's day: opening + top-ups + returned - paid - fees - more held = closing.
#[derive(Clone, Debug, Default, serde::Serialize)]
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
    /// Held when the day ended, for payouts that may have left.
    pub held_closing: i64,
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
               coalesce(sum(l.available), 0)::bigint as "closing!",
               coalesce(sum(l.held), 0)::bigint as "held_closing!"
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
    /// Theirs: on its way in; not ours yet, so no part of the difference.
    pub pending: Option<i64>,
    /// Their `balance + frozen` less what our books had at that moment; `None` while it cannot be said.
    pub difference: Option<i64>,
    /// When the gateway said so.
    pub read_at: Option<DateTime<Utc>>,
}

/// Compares every merchant, or one. What was booked since the gateway was read is left out of the difference; a reading
/// so old that 100 000 entries came after it is not compared.
pub async fn compare(
    db: &mut PgConnection,
    merchant: Option<&str>,
) -> Result<Vec<Compared>, sqlx::Error> {
    sqlx::query_as!(
        Compared,
        r#"/* store::compare */
        select m.code as merchant_code, coalesce(a.available, 0) as "available!", coalesce(a.held, 0) as "held!",
               g.balance as "balance?", g.frozen as "frozen?", g.pending as "pending?",
               case when newest.id - g.ledger_id <= 100000
                    then g.balance + g.frozen - (coalesce(a.available, 0) + coalesce(a.held, 0) - since.booked)
               end as "difference?",
               g.read_at as "read_at?"
        from payout.merchants m
        left join payout.accounts a on a.merchant_code = m.code
        left join payout.gateway_balance g on g.merchant_code = m.code
        cross join (select coalesce(max(l.id), 0) as id from payout.ledger l) newest
        cross join lateral (
            select coalesce(sum(l.available + l.held), 0)::bigint as booked
            from payout.ledger l
            where l.id between greatest(g.ledger_id + 1, newest.id - 100000) and newest.id
              and l.merchant_code = m.code and g.ledger_id is not null
        ) since
        where $1::text is null or m.code = $1
        order by m.code"#,
        merchant,
    )
    .fetch_all(db)
    .await
}

/// What became paid between `from` and before `to`, also when it came back later.
pub async fn settled_between(
    db: &mut PgConnection,
    merchant: &str,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<Status>, sqlx::Error> {
    sqlx::query_as!(
        Status,
        r#"/* store::settled_between */
        select s.order_num as "order_num!", s.merchant_code as "merchant_code!", s.bank_code as "bank_code!",
               s.amount as "amount!", s.fee_type as "fee_type!", s.state as "state!", s.state_since as "state_since!",
               s.created_at as "created_at!", s.fee, s.debit_total, s.beneficiary_amount, s.platform_order_num,
               s.failure_reason, s.attention, s.attention_since, s.settled_at
        from payout.status s
        where s.merchant_code = $1 and s.state in ('paid', 'returned') and s.settled_at >= $2 and s.settled_at < $3
        order by s.settled_at, s.order_num"#,
        merchant,
        from,
        to,
    )
    .fetch_all(db)
    .await
}
