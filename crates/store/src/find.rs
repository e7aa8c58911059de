//! What operators read: lists, single payouts, and what needs a person. Never an account number or a name.
//!
//! Only views and tables that `payout_reader` may read are used here, so the tool shows no more than the login may see.

pub mod history;
pub mod waits;

use chrono::{DateTime, NaiveDate, Utc};
use payout_domain::{attention::Attention, payout::PayoutKey, state::State};
use sqlx::PgConnection;

/// One row of the view `payout.status`.
#[derive(Clone, Debug, Default, serde::Serialize)]
#[allow(
    missing_docs,
    reason = "docs/sql-contract.md explains the columns of the view"
)]
pub struct Status {
    pub order_num: String,
    pub merchant_code: String,
    pub bank_code: String,
    pub amount: i64,
    pub fee_type: i16,
    pub state: String,
    pub state_since: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    pub fee: Option<i64>,
    pub debit_total: Option<i64>,
    pub beneficiary_amount: Option<i64>,
    pub platform_order_num: Option<String>,
    pub failure_reason: Option<String>,
    pub attention: Option<String>,
    /// Separated by spaces, so that they fit one cell.
    pub attention_reasons: String,
    pub attention_since: Option<DateTime<Utc>>,
    pub waits_for: Option<String>,
    pub settled_at: Option<DateTime<Utc>>,
    /// The day of `settled_at` in WIB.
    pub settled_day: Option<NaiveDate>,
    pub paid_at: Option<DateTime<Utc>>,
    /// The day of `paid_at` in WIB.
    pub paid_day: Option<NaiveDate>,
}

impl Status {
    /// The key of the payout.
    pub fn key(&self) -> PayoutKey {
        PayoutKey {
            merchant_code: self.merchant_code.clone(),
            order_num: self.order_num.clone(),
        }
    }

    /// Whether no fee is charged for it: it failed, or was withdrawn.
    pub fn has_no_fee(&self) -> bool {
        matches!(self.state.parse(), Ok(State::Failed | State::Cancelled))
    }

    /// Whether evidence is about another end than the recorded one, or may be.
    pub fn is_contradicted(&self) -> bool {
        use Attention as A;
        let mut reasons = self.attention_reasons.split_whitespace();
        reasons.any(|reason| {
            matches!(
                reason.parse(),
                Ok(A::LateSuccess | A::Contradiction | A::ForeignOrder | A::AmountMismatch)
            )
        })
    }
}

/// Which payouts a list shows. A field that is `None` or empty does not narrow the list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In any of these states.
    pub states: Vec<String>,
    /// Of this merchant.
    pub merchant: Option<String>,
    /// With any attention.
    pub needs_attention: bool,
    /// With this reason among others.
    pub attention: Option<String>,
    /// Inserted at or after this.
    pub since: Option<DateTime<Utc>>,
    /// Settled at or after this.
    pub settled_from: Option<DateTime<Utc>>,
    /// Settled before this.
    pub settled_to: Option<DateTime<Utc>>,
    /// In its state for longer than this many seconds.
    pub older_than_seconds: Option<i64>,
    /// To the bank of this code.
    pub bank: Option<String>,
    /// Of at least this many rupiah.
    pub min_amount: Option<i64>,
    /// A part of the order number, the gateway's number or the failure reason; case does not matter.
    pub text: Option<String>,
    /// Maximum rows.
    pub limit: i64,
}

/// The payouts that match, newest first.
pub async fn list(db: &mut PgConnection, filter: &Filter) -> Result<Vec<Status>, sqlx::Error> {
    sqlx::query_as!(
        Status,
        r#"/* store::list */
        select s.order_num as "order_num!", s.merchant_code as "merchant_code!", s.bank_code as "bank_code!",
               s.amount as "amount!", s.fee_type as "fee_type!", s.state as "state!", s.state_since as "state_since!",
               s.created_at as "created_at!", s.fee, s.debit_total, s.beneficiary_amount, s.platform_order_num,
               s.failure_reason, s.attention, array_to_string(s.attention_reasons, ' ') as "attention_reasons!",
               s.attention_since, s.waits_for, s.settled_at, s.settled_day, s.paid_at, s.paid_day
        from payout.all_status s
        where (cardinality($1::text[]) = 0 or s.state = any($1))
          and ($2::text is null or s.merchant_code = $2)
          and (not $3::boolean or s.attention is not null)
          and ($4::text is null or $4 = any (s.attention_reasons))
          and ($5::timestamptz is null or s.created_at >= $5)
          and ($6::bigint is null or s.state_since < now() - $6 * interval '1 second')
          and ($7::text is null or s.bank_code = $7)
          and ($8::bigint is null or s.amount >= $8)
          and ($9::text is null
               or strpos(lower(concat_ws(' ', s.order_num, s.platform_order_num, s.failure_reason)), lower($9)) > 0)
          and ($11::timestamptz is null or s.settled_at >= $11)
          and ($12::timestamptz is null or s.settled_at < $12)
        order by s.created_at desc, s.order_num desc
        limit $10"#,
        &filter.states,
        filter.merchant.as_deref(),
        filter.needs_attention,
        filter.attention.as_deref(),
        filter.since,
        filter.older_than_seconds,
        filter.bank.as_deref(),
        filter.min_amount,
        filter.text.as_deref(),
        filter.limit,
        filter.settled_from,
        filter.settled_to,
    )
    .fetch_all(db)
    .await
}

/// The payouts with this order number: one for each merchant that has it, or only that of `merchant`.
pub async fn keys_of(
    db: &mut PgConnection,
    order_num: &str,
    merchant: Option<&str>,
) -> Result<Vec<PayoutKey>, sqlx::Error> {
    // Through the merchants, because the key begins with the merchant: one index lookup each. Not joined: a plan that takes
    // the few merchants for many reads every payout.
    sqlx::query_as!(
        PayoutKey,
        r#"/* store::keys_of */
        select s.merchant_code as "merchant_code!", s.order_num as "order_num!"
        from payout.merchants m
        cross join lateral (
            select s.merchant_code, s.order_num
            from payout.all_status s
            where s.merchant_code = m.code and s.order_num = $1
            limit 1) s
        where $2::text is null or m.code = $2
        order by m.code"#,
        order_num,
        merchant,
    )
    .fetch_all(db)
    .await
}

/// The payouts with these keys, in the same order. A key without a payout is left out.
pub async fn statuses(
    db: &mut PgConnection,
    keys: &[PayoutKey],
) -> Result<Vec<Status>, sqlx::Error> {
    let merchants: Vec<String> = keys.iter().map(|key| key.merchant_code.clone()).collect();
    let orders: Vec<String> = keys.iter().map(|key| key.order_num.clone()).collect();
    sqlx::query_as!(
        Status,
        r#"/* store::statuses */
        with wanted as (
            select merchant_code, order_num, place
            from unnest($1::text[], $2::text[]) with ordinality w (merchant_code, order_num, place)
        )
        select s.order_num as "order_num!", s.merchant_code as "merchant_code!", s.bank_code as "bank_code!",
               s.amount as "amount!", s.fee_type as "fee_type!", s.state as "state!", s.state_since as "state_since!",
               s.created_at as "created_at!", s.fee, s.debit_total, s.beneficiary_amount, s.platform_order_num,
               s.failure_reason, s.attention, array_to_string(s.attention_reasons, ' ') as "attention_reasons!",
               s.attention_since, s.waits_for, s.settled_at, s.settled_day, s.paid_at, s.paid_day
        from wanted
        join payout.all_status s on (s.merchant_code, s.order_num) = (wanted.merchant_code, wanted.order_num)
        order by wanted.place"#,
        &merchants,
        &orders,
    )
    .fetch_all(db)
    .await
}

/// How long an open payout may take before it needs a person.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Seconds in `unknown`.
    pub unknown_seconds: i64,
    /// Seconds since it was inserted or since its `not_before`, whichever is later, without being settled.
    pub open_seconds: i64,
}

/// One payout that needs a person.
#[derive(Clone, Debug)]
pub struct Stuck {
    /// The merchant.
    pub merchant_code: String,
    /// The payout.
    pub order_num: String,
    /// The gravest attention reason, or `lease_over`, `unknown_long`, `open_long`.
    pub why: String,
    /// When it began.
    pub since: DateTime<Utc>,
    /// How many payouts need a person in all, including those beyond the limit.
    pub count: i64,
    /// The total of those in doubt, which may or may not have left, in rupiah.
    pub exposed: i64,
}

impl Stuck {
    /// The key of the payout.
    pub fn key(&self) -> PayoutKey {
        PayoutKey {
            merchant_code: self.merchant_code.clone(),
            order_num: self.order_num.clone(),
        }
    }
}

/// Everything that needs a person, oldest first.
pub async fn stuck(
    db: &mut PgConnection,
    patience: Patience,
    merchant: Option<&str>,
    limit: i64,
) -> Result<Vec<Stuck>, sqlx::Error> {
    // Four branches, because each has an index of its own; a single condition with `or` would read every payout.
    sqlx::query_as!(
        Stuck,
        r#"/* store::stuck */
        with found as (
            select m.merchant_code, m.order_num, m.amount, m.state, 1 as rank, m.attention as why,
                   m.attention_since as since
            from payout.masked m
            where m.attention is not null
            union all
            select m.merchant_code, m.order_num, m.amount, m.state, 2, 'lease_over', m.lease_until
            from payout.masked m
            where m.state = 'submitting' and m.lease_until < now()
            union all
            select m.merchant_code, m.order_num, m.amount, m.state, 3, 'unknown_long', m.state_since
            from payout.masked m
            where m.state = 'unknown' and m.state_since < now() - $1::bigint * interval '1 second'
            union all
            select m.merchant_code, m.order_num, m.amount, m.state, 4, 'open_long', greatest(m.created_at, m.not_before)
            from payout.masked m
            where m.state in ('queued', 'submitting', 'pending', 'unknown')
              and greatest(m.created_at, m.not_before) < now() - $2::bigint * interval '1 second'
        ), named as (
            select distinct on (f.merchant_code, f.order_num) f.*
            from found f
            where $3::text is null or f.merchant_code = $3
            order by f.merchant_code, f.order_num, f.rank
        )
        select n.merchant_code as "merchant_code!", n.order_num as "order_num!", n.why as "why!", n.since as "since!",
               count(*) over () as "count!",
               coalesce(sum(n.amount) filter (where n.state in ('submitting', 'unknown')) over (), 0)::bigint as "exposed!"
        from named n
        order by n.since, n.merchant_code, n.order_num
        limit $4"#,
        patience.unknown_seconds,
        patience.open_seconds,
        merchant,
        limit,
    )
    .fetch_all(db)
    .await
}
