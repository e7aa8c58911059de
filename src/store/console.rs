//! What only the web console reads: who signed in, what room the server has, how many payouts each tab has, a page of the list, one payout's entries
//! in the ledger, the gateways.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::find::{Filter, Status};

/// What the login of a connection may do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Its name.
    pub name: String,
    /// Whether it could sign in again now: it is not disabled and has not expired.
    pub may_log_in: bool,
    /// Whether it may read what the console shows.
    pub may_read: bool,
    /// Whether it may call the operators' functions.
    pub may_act: bool,
}

/// The login of this connection; `None` if it no longer exists.
pub async fn login(db: &mut PgConnection) -> Result<Option<Login>, sqlx::Error> {
    sqlx::query_as!(
        Login,
        r#"/* store::console_login */
        select r.rolname::text as "name!",
               r.rolcanlogin and coalesce(r.rolvaliduntil > clock_timestamp(), true) as "may_log_in!",
               has_schema_privilege(r.oid, n.oid, 'usage')
                   and has_table_privilege(r.oid, payout_audit.oid, 'select') as "may_read!",
               has_function_privilege(r.oid, payout_approve.oid, 'execute') as "may_act!"
        from pg_catalog.pg_roles r
        join pg_catalog.pg_namespace n on n.nspname = 'payout'
        -- Readers and operators may read it, workers may not.
        join pg_catalog.pg_class payout_audit
            on payout_audit.relnamespace = n.oid and payout_audit.relname = 'audit'
        join pg_catalog.pg_proc payout_approve
            on payout_approve.pronamespace = n.oid and payout_approve.proname = 'approve'
        where r.rolname = session_user"#,
    )
    .fetch_optional(db)
    .await
}

/// How many connections the server still has for logins without special rights.
pub async fn free_connections(db: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::console_free_connections */
        select current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint
               - coalesce(current_setting('reserved_connections', true), '0')::bigint
               - (select count(*) from pg_catalog.pg_stat_activity a where a.backend_type = 'client backend') as "free!""#,
    )
    .fetch_one(db)
    .await
}

/// How many payouts a tab has.
#[derive(Clone, Debug)]
pub struct Count {
    /// A state that is not final, or `attention`.
    pub tab: String,
    /// At most [`COUNTED_MAX`] and one.
    pub payouts: i64,
}

/// Up to here a tab's payouts are counted.
pub const COUNTED_MAX: i64 = 1000;

/// Counts the payouts that are open, by state, and those that need a person.
pub async fn counts(db: &mut PgConnection) -> Result<Vec<Count>, sqlx::Error> {
    sqlx::query_as!(
        Count,
        r#"/* store::console_counts */
        select s.tab as "tab!", f.payouts as "payouts!"
        from unnest(array['queued', 'submitting', 'pending', 'unknown']) s (tab)
        cross join lateral (
            select count(*) as payouts
            from (select from payout.masked m where m.state = s.tab
                  and m.state in ('queued', 'submitting', 'pending', 'unknown') limit $1) m) f
        union all
        select 'attention', count(*)
        from (select from payout.masked m where m.attention is not null limit $1) m"#,
        COUNTED_MAX.saturating_add(1),
    )
    .fetch_all(db)
    .await
}

/// What a list of the console filters by beside [`Filter`], and where its page begins.
#[derive(Clone, Debug, Default)]
pub struct Range {
    /// Of one of these merchants, which index the numbers; empty for all.
    pub merchants: Vec<String>,
    /// With an order number, in the same case or in another one, or a gateway's number that begins with this.
    pub begins: Option<String>,
    /// Of at most this many rupiah.
    pub max_amount: Option<i64>,
    /// Behind this payout in the order of the list: when it was inserted, its order number and its merchant.
    pub after: Option<(DateTime<Utc>, String, String)>,
}

/// A page of the payouts that match, newest first.
pub async fn page(
    db: &mut PgConnection,
    filter: &Filter,
    range: &Range,
) -> Result<Vec<Status>, sqlx::Error> {
    let after = range.after.as_ref();
    sqlx::query_as!(
        Status,
        r#"/* store::console_page */
        select s.order_num as "order_num!", s.merchant_code as "merchant_code!", s.bank_code as "bank_code!",
               s.amount as "amount!", s.fee_type as "fee_type!", s.state as "state!", s.state_since as "state_since!",
               s.created_at as "created_at!", s.fee, s.debit_total, s.beneficiary_amount, s.platform_order_num,
               s.failure_reason, s.attention, array_to_string(s.attention_reasons, ' ') as "attention_reasons!",
               s.attention_since, s.waits_for, s.settled_at, s.settled_day, s.paid_at, s.paid_day
        from payout.all_status s
        where (cardinality($1::text[]) = 0 or s.state = any($1))
          and (cardinality($2::text[]) = 0 or s.merchant_code = any($2))
          and (not $3::boolean or s.attention is not null)
          and ($4::text is null or $4 = any (s.attention_reasons))
          and ($5::timestamptz is null or s.created_at >= $5)
          and ($6::bigint is null or s.state_since < now() - $6 * interval '1 second')
          and ($7::text is null or s.bank_code = $7)
          and ($8::bigint is null or s.amount >= $8)
          -- No character of a number sorts behind '~'.
          and ($9::text is null
               or s.order_num >= $9 and s.order_num < $9 || '~'
               or s.order_num >= upper($9) and s.order_num < upper($9) || '~'
               or s.order_num >= lower($9) and s.order_num < lower($9) || '~'
               or s.platform_order_num collate "C" >= $9 and s.platform_order_num collate "C" < $9 || '~')
          and ($10::bigint is null or s.amount <= $10)
          and ($11::timestamptz is null or s.settled_at >= $11)
          and ($12::timestamptz is null or s.settled_at < $12)
          and ($13::timestamptz is null
               or s.created_at <= $13 and (s.created_at, s.order_num, s.merchant_code) < ($13, $14::text, $15::text))
        order by s.created_at desc, s.order_num desc, s.merchant_code desc
        limit $16"#,
        &filter.states,
        &range.merchants,
        filter.needs_attention,
        filter.attention.as_deref(),
        filter.since,
        filter.older_than_seconds,
        filter.bank.as_deref(),
        filter.min_amount,
        range.begins.as_deref(),
        range.max_amount,
        filter.settled_from,
        filter.settled_to,
        after.map(|(at, _, _)| *at),
        after.map(|(_, order_num, _)| order_num.as_str()),
        after.map(|(_, _, merchant)| merchant.as_str()),
        filter.limit,
    )
    .fetch_all(db)
    .await
}

/// One entry of the ledger, in rupiah.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When it was booked.
    pub at: DateTime<Utc>,
    /// `hold`, `capture`, `release`, `return`, `late_capture`, `fee_known` or `fee_corrected`.
    pub kind: String,
    /// The change of what can be spent.
    pub available: i64,
    /// The change of what is held.
    pub held: i64,
    /// The change of what reached beneficiaries.
    pub paid_out: i64,
    /// The change of what the gateway kept.
    pub fees: i64,
}

/// The entries of one payout, in order; at most 200.
pub async fn entries(
    db: &mut PgConnection,
    merchant: &str,
    order_num: &str,
) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as!(
        Entry,
        r#"/* store::console_entries */
        select l.at, l.kind, l.available, l.held, l.paid_out, l.fees
        from payout.ledger l
        where l.merchant_code = $1 and l.order_num = $2
        order by l.id
        limit 200"#,
        merchant,
        order_num,
    )
    .fetch_all(db)
    .await
}

/// A merchant's gateway, as it is registered.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// The merchant.
    pub merchant_code: String,
    /// The spelling of its protocol.
    pub dialect: String,
    /// Where it is.
    pub base_url: String,
    /// SHA-256 of each platform key, in lower-case hex.
    pub platform_keys: Vec<String>,
}

/// The registered gateways.
pub async fn gateways(db: &mut PgConnection) -> Result<Vec<Gateway>, sqlx::Error> {
    sqlx::query_as!(
        Gateway,
        r#"/* store::console_gateways */
        select m.code as merchant_code, m.dialect, m.base_url, m.platform_keys
        from payout.merchants m
        order by m.code
        limit 100"#,
    )
    .fetch_all(db)
    .await
}
