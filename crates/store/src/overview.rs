//! How much is open, by merchant: what `payout status` shows.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor};

/// Payouts of one merchant that have something in common.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct OpenPayouts {
    /// The merchant.
    pub merchant_code: String,
    /// `queued`, `accepted` (pending), `in_doubt` (submitting or unknown), or `needs_person` (of any state).
    pub what: String,
    /// How many.
    pub payouts: i64,
    /// Their amounts together, in rupiah.
    pub rupiah: i64,
    /// Since when the oldest of them is in its state, or needs a person.
    pub oldest_since: Option<DateTime<Utc>>,
}

impl OpenPayouts {
    /// Whether the money may have left: these payouts were sent, and are not settled. Money is held for them.
    pub fn may_have_left(&self) -> bool {
        matches!(self.what.as_str(), "accepted" | "in_doubt")
    }
}

/// All of them; what needs a person may be counted twice.
pub async fn open_payouts(
    db: &mut PgConnection,
    merchant: Option<&str>,
) -> Result<Vec<OpenPayouts>, sqlx::Error> {
    sqlx::query_as!(
        OpenPayouts,
        r#"/* store::open_payouts */
        select o.merchant_code as "merchant_code!", o.what as "what!", count(*) as "payouts!",
               sum(o.amount)::bigint as "rupiah!", min(o.since) as oldest_since
        from (
            select m.merchant_code, m.amount, m.state_since as since,
                   case m.state when 'queued' then 'queued' when 'pending' then 'accepted' else 'in_doubt' end as what
            from payout.masked m
            where m.state in ('queued', 'submitting', 'pending', 'unknown')
            union all
            select m.merchant_code, m.amount, m.attention_since, 'needs_person'
            from payout.masked m
            where m.attention is not null
        ) o
        where $1::text is null or o.merchant_code = $1
        group by o.merchant_code, o.what
        order by o.merchant_code,
                 array_position(array['queued', 'accepted', 'in_doubt', 'needs_person'], o.what)"#,
        merchant,
    )
    .fetch_all(db)
    .await
}

/// Who accepted that `full_page_writes` is off, and why; `None` where it is on, or nobody did.
pub async fn full_pages_off_by(db: impl PgExecutor<'_>) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "/* store::full_pages_off_by */
        select case current_setting('full_page_writes') when 'off' then payout.whole_pages_by() end"
    )
    .fetch_one(db)
    .await
}
