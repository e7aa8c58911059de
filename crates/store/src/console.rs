//! What only the web console reads: who signed in, what room the server has, how many payouts each tab has, the list, one
//! payout's entries in the ledger, the gateways.

pub mod search;

mod figures;

use std::str::FromStr;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, postgres::PgConnectOptions};

pub use self::figures::{
    FailedSignature, QueryBudget, TopUp, failed_signatures, query_budgets, top_ups,
};

/// What every person's connection is opened with: statements are bounded in time, planned for their arguments, and ignore
/// the role's `search_path`.
///
/// # Errors
/// If the URL cannot be read.
pub fn connections(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?;
    Ok(options.application_name("payout console").options([
        ("search_path", "pg_catalog"),
        ("row_security", "off"),
        ("statement_timeout", "5s"),
        ("lock_timeout", "3s"),
        ("idle_in_transaction_session_timeout", "30s"),
        ("plan_cache_mode", "force_custom_plan"),
        // Of a million payouts a page shows what is open. With statistics from when there were none, a plan would read all.
        ("enable_seqscan", "off"),
        ("jit", "off"),
    ]))
}

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
