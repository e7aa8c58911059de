//! What operators decide: requests, approvals, pauses, reveals, and the audit of all that. The rules are in the
//! database's functions, so they apply to psql as well.

use chrono::{DateTime, Utc};
use payout_domain::payout::{PayoutKey, Private};
use sqlx::PgConnection;

/// A person's statement about the outcome of a payout.
#[derive(Clone, Debug)]
pub struct Statement<'a> {
    /// What proves it: a ticket, a bank's letter.
    pub evidence: &'a str,
    /// Why.
    pub reason: &'a str,
    /// In rupiah: the fee if it was paid, or how much came back if it was returned.
    pub stated: Option<i64>,
    /// The order number once more, as whoever has seen the contrary answers repeats it.
    pub confirm: &'a str,
}

/// Requests a resubmit of these order numbers. Sends nothing. Returns the request's number.
pub async fn request_resubmit(
    db: &mut PgConnection,
    orders: &[String],
    reason: &str,
    merchant: Option<&str>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select /* store::request_resubmit */ payout.request_resubmit($1, $2, $3) as "id!""#,
        orders,
        reason,
        merchant,
    )
    .fetch_one(db)
    .await
}

/// Requests that a payout be withdrawn which one person may not withdraw. Returns the request's number.
pub async fn request_cancel(
    db: &mut PgConnection,
    key: &PayoutKey,
    reason: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select /* store::request_cancel */ payout.request_cancel($1, $2, $3) as "id!""#,
        key.order_num,
        reason,
        key.merchant_code,
    )
    .fetch_one(db)
    .await
}

/// Requests that funding be booked by hand, in rupiah, negative for a withdrawal. Returns the request's number.
pub async fn request_fund(
    db: &mut PgConnection,
    merchant: &str,
    amount: i64,
    reference: &str,
    reason: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select /* store::request_fund */ payout.request_fund($1, $2::bigint::numeric, $3, $4) as "id!""#,
        merchant,
        amount,
        reference,
        reason,
    )
    .fetch_one(db)
    .await
}

/// Requests that a payout be resolved as failed. Returns the request's number.
pub async fn request_resolve_failed(
    db: &mut PgConnection,
    key: &PayoutKey,
    statement: &Statement<'_>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select /* store::request_resolve_failed */ payout.request_resolve_failed($1, $2, $3, $4, $5) as "id!""#,
        key.order_num,
        statement.evidence,
        statement.reason,
        key.merchant_code,
        statement.confirm,
    )
    .fetch_one(db)
    .await
}

/// States that a payout was `paid` or `returned`; a worker books it, after a second person's approval where that is
/// needed. Returns the request's number.
pub async fn resolve(
    db: &mut PgConnection,
    key: &PayoutKey,
    outcome: &str,
    statement: &Statement<'_>,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select /* store::resolve */ payout.resolve($1, $2, $3, $4, $5, $6, $7) as "id!""#,
        key.order_num,
        outcome,
        statement.evidence,
        statement.reason,
        key.merchant_code,
        statement.stated,
        statement.confirm,
    )
    .fetch_one(db)
    .await
}

/// Approves a request as the second person.
pub async fn approve(db: &mut PgConnection, id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("select /* store::approve */ payout.approve($1)", id)
        .execute(db)
        .await?;
    Ok(())
}

/// Rejects a request.
pub async fn reject(db: &mut PgConnection, id: i64, reason: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select /* store::reject */ payout.reject($1, $2)",
        id,
        reason
    )
    .execute(db)
    .await?;
    Ok(())
}

/// One payout of a request, or the request itself if it names none.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Requested {
    /// The request's number.
    pub request_id: i64,
    /// The act: a name of `payout.act`.
    pub kind: String,
    /// Who requested it.
    pub requested_by: String,
    /// Why.
    #[serde(skip)]
    pub reason: String,
    /// Until when it can be approved and carried out.
    pub expires_at: DateTime<Utc>,
    /// The merchant, if it concerns one.
    pub merchant_code: Option<String>,
    /// The payout's order number.
    pub order_num: Option<String>,
    /// What it is about instead of payouts: a reference, an address.
    pub subject: Option<String>,
    /// Of accepting a failover: since when nobody can write to the old primary.
    #[serde(skip)]
    pub dead_since: Option<DateTime<Utc>>,
    /// Of accepting a failover: whether what cannot be queried is set aside.
    #[serde(skip)]
    pub sets_aside: bool,
    /// The payout's amount in rupiah; without a payout, what the request books, if anything.
    pub amount: Option<i64>,
    /// What the requester states about a payout, in rupiah: its fee, or how much came back.
    pub stated: Option<i64>,
    /// The bank's code.
    #[serde(skip)]
    pub bank_code: Option<String>,
    /// The payout's current state.
    pub state: Option<String>,
    /// The evidence given for it.
    pub evidence: Option<String>,
    /// Whether enough people have agreed.
    #[serde(skip)]
    pub is_approved: bool,
    /// `done` or `refused`; `None` while it waits.
    pub outcome: Option<String>,
    /// Why it was refused.
    pub detail: Option<String>,
}

impl Requested {
    /// Whether a worker carries it out; everything else is done when it is approved.
    pub fn is_for_a_worker(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "resubmit" | "resolve_paid" | "resolve_failed" | "resolve_returned"
        )
    }
}

/// What is typed to approve: the order number, or the request's number where there is not exactly one.
pub fn to_type(id: i64, rows: &[Requested]) -> String {
    match rows {
        [one] => one.order_num.clone().unwrap_or_else(|| id.to_string()),
        _ => id.to_string(),
    }
}

/// The payouts of a request, in order; one row without a payout if it names none.
pub async fn requested(db: &mut PgConnection, id: i64) -> Result<Vec<Requested>, sqlx::Error> {
    sqlx::query_as!(
        Requested,
        r#"/* store::requested */
        select r.id as request_id, r.kind, r.requested_by, r.reason, r.evidence, r.expires_at,
               coalesce(i.merchant_code, r.merchant_code) as merchant_code, i.order_num as "order_num?", r.subject,
               (r.arguments ->> 'old_primary_dead_since')::timestamptz as dead_since,
               coalesce((r.arguments ->> 'set_aside')::boolean, false) as "sets_aside!",
               case when i.order_num is null then r.stated else s.amount end as amount,
               case when i.order_num is not null then r.stated end as stated, s.bank_code as "bank_code?",
               s.state as "state?", r.decision is not distinct from 'approved' as "is_approved!",
               case when i.order_num is not null then i.outcome when r.decision = 'approved' then 'done'
                    when r.decision = 'rejected' then 'refused' end as outcome, i.detail as "detail?"
        from payout.requests r
        left join payout.request_payouts i on i.request_id = r.id
        left join payout.all_status s on (s.merchant_code, s.order_num) = (i.merchant_code, i.order_num)
        where r.id = $1
        order by i.order_num"#,
        id,
    )
    .fetch_all(db)
    .await
}

/// Stops claims: `scope` is `all`, `merchant` or `bank`.
pub async fn pause(
    db: &mut PgConnection,
    scope: &str,
    value: &str,
    reason: &str,
    daily: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select /* store::pause */ payout.pause($1, $2, $3, $4)",
        scope,
        value,
        reason,
        daily
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends a pause.
pub async fn resume(
    db: &mut PgConnection,
    scope: &str,
    value: &str,
    reason: &str,
    is_daily: bool,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select /* store::resume */ payout.resume($1, $2, $3, $4)",
        scope,
        value,
        reason,
        is_daily
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A beneficiary's unmasked details.
#[derive(Debug)]
pub struct Beneficiary {
    /// The account.
    pub account_number: Private,
    /// The name.
    pub account_name: Private,
}

/// Shows a beneficiary unmasked, in two transactions: the first records who sees it and why, and only the second, which
/// finds that record committed, shows it.
pub async fn reveal(
    db: &mut PgConnection,
    key: &PayoutKey,
    reason: &str,
) -> Result<Beneficiary, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select /* store::request_reveal */ payout.request_reveal($1, $2, $3) as "id!""#,
        key.order_num,
        reason,
        key.merchant_code,
    )
    .fetch_one(&mut *db)
    .await?;
    let row = sqlx::query!(
        r#"select /* store::reveal */ account_number as "account_number!", account_name as "account_name!"
           from payout.reveal($1, $2)"#,
        key.order_num,
        key.merchant_code,
    )
    .fetch_one(db)
    .await?;
    Ok(Beneficiary {
        account_number: Private::new(row.account_number),
        account_name: Private::new(row.account_name),
    })
}

/// One row of the view `payout.audit`.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Act {
    /// When.
    pub at: DateTime<Utc>,
    /// The login.
    pub actor: String,
    /// What the login did.
    pub act: String,
    /// The merchant concerned.
    pub merchant_code: Option<String>,
    /// The payout concerned.
    pub order_num: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The evidence given for it.
    pub evidence: Option<String>,
    /// The request it belongs to.
    pub request_id: Option<i64>,
    /// `done` or `refused`.
    pub outcome: String,
    /// Further details, for people.
    pub detail: Option<String>,
}

/// The latest `limit` acts, oldest first. Each filter narrows them if it is given.
pub async fn audit(
    db: &mut PgConnection,
    order: Option<&PayoutKey>,
    actor: Option<&str>,
    since: Option<DateTime<Utc>>,
    limit: i64,
) -> Result<Vec<Act>, sqlx::Error> {
    let mut acts = sqlx::query_as!(
        Act,
        r#"/* store::audit */
        select a.at as "at!", a.actor as "actor!", a.act as "act!", a.merchant_code, a.order_num, a.reason, a.evidence,
               a.request_id, a.outcome as "outcome!", a.detail
        from payout.audit a
        where ($1::text is null or (a.merchant_code = $1 and a.order_num = $2))
          and ($3::text is null or a.actor = $3) and ($4::timestamptz is null or a.at >= $4)
        order by a.at desc
        limit $5"#,
        order.map(|key| key.merchant_code.as_str()),
        order.map(|key| key.order_num.as_str()),
        actor,
        since,
        limit,
    )
    .fetch_all(db)
    .await?;
    acts.reverse();
    Ok(acts)
}
