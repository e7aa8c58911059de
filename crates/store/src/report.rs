//! What finance reads: the books over time, and the books compared with the gateway.

pub mod ageing;
pub mod period;
pub mod total;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::find::Status;

/// The books and the balance that the gateway stated last, in rupiah.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The merchant.
    pub merchant_code: String,
    /// Ours: what can be spent.
    pub available: i64,
    /// Ours: held for payouts that may have left.
    pub held: i64,
    /// Ours: what was held when the gateway's balance was read; what is held now if it was not read.
    pub held_then: i64,
    /// The gateway's: what can be spent.
    pub gateway_available: Option<i64>,
    /// The gateway's: held for orders in progress.
    pub gateway_frozen: Option<i64>,
    /// The gateway's: not credited yet, so not part of the difference.
    pub gateway_pending: Option<i64>,
    /// What the gateway has available and frozen together.
    pub gateway_total: Option<i64>,
    /// `gateway_total` less our available and held at that moment; `None` if it cannot be computed.
    pub difference: Option<i64>,
    /// When the gateway's balance was read.
    pub read_at: Option<DateTime<Utc>>,
}

/// Compares every merchant, or one. Entries booked after the gateway's balance was read do not count in the difference.
/// A reading with more than 100 000 later entries is not compared.
pub async fn compare(
    db: &mut PgConnection,
    merchant: Option<&str>,
) -> Result<Vec<Compared>, sqlx::Error> {
    sqlx::query_as!(
        Compared,
        r#"/* store::compare */
        select m.code as merchant_code, coalesce(a.available, 0) as "available!", coalesce(a.held, 0) as "held!",
               coalesce(a.held, 0) - since.held as "held_then!", g.balance as "gateway_available?",
               g.frozen as "gateway_frozen?", g.pending as "gateway_pending?", g.balance + g.frozen as "gateway_total?",
               case when newest.id - g.ledger_id <= 100000
                    then g.balance + g.frozen - (coalesce(a.available, 0) + coalesce(a.held, 0) - since.booked + g.booked)
               end as "difference?",
               g.read_at as "read_at?"
        from payout.merchants m
        left join payout.accounts a on a.merchant_code = m.code
        left join payout.refused_balances r on r.merchant_code = m.code
        -- Since the gateway stated what cannot be true, its balance is unknown.
        left join payout.gateway_balance g on g.merchant_code = m.code and r.merchant_code is null
        cross join (select coalesce(max(l.id), 0) as id from payout.ledger l) newest
        cross join lateral (
            select coalesce(sum(l.available + l.held), 0)::bigint as booked, coalesce(sum(l.held), 0)::bigint as held
            from payout.ledger l
            where l.id between g.ledger_id + 1 and newest.id
              and l.merchant_code = m.code and newest.id - g.ledger_id <= 100000
        ) since
        where $1::text is null or m.code = $1
        order by m.code"#,
        merchant,
    )
    .fetch_all(db)
    .await
}

/// Payouts that were paid from `from` up to, but not including, `to`, even if the money came back later.
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
               s.failure_reason, s.attention, array_to_string(s.attention_reasons, ' ') as "attention_reasons!",
               s.attention_since, s.waits_for, s.settled_at, s.settled_day, s.paid_at, s.paid_day
        from (select p.* from payout.all_status p
              where p.merchant_code = $1 and p.state = 'paid' and p.settled_at >= $2 and p.settled_at < $3
              union all
              -- Apart, by their own index: they came back after they were paid.
              select r.* from payout.all_status r
              where r.merchant_code = $1 and r.state = 'returned' and r.settled_at >= $2
                and r.paid_at >= $2 and r.paid_at < $3) s
        order by s.paid_at, s.order_num"#,
        merchant,
        from,
        to,
    )
    .fetch_all(db)
    .await
}
