//! The balances of the books, and the balance that the gateway stated last.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// One row of the view `payout.balances`.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Balance {
    /// The merchant.
    pub merchant_code: String,
    /// `available`, `held`, `paid_out`, `fees` or `funding`.
    pub account: String,
    /// In rupiah.
    pub balance: i64,
}

/// The balances of one merchant or of all, in the order of the view.
pub async fn balances(
    db: &mut PgConnection,
    merchant: Option<&str>,
) -> Result<Vec<Balance>, sqlx::Error> {
    sqlx::query_as!(
        Balance,
        r#"/* store::balances */
        select b.merchant_code as "merchant_code!", b.account as "account!", b.balance as "balance!"
        from payout.balances b
        where $1::text is null or b.merchant_code = $1
        order by b.merchant_code,
                 array_position(array['available', 'held', 'paid_out', 'fees', 'funding'], b.account)"#,
        merchant,
    )
    .fetch_all(db)
    .await
}

/// The balance that the gateway stated last, in rupiah.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Stated {
    /// The merchant.
    pub merchant_code: String,
    /// What can be spent there: the gateway's `balance`.
    pub available: i64,
    /// What the gateway holds for orders in progress.
    pub frozen: i64,
    /// What the gateway has not credited yet.
    pub pending: i64,
    /// Whether the answer's `platSign` verified.
    pub signed: bool,
    /// When it was read.
    pub read_at: DateTime<Utc>,
    /// Since when it states only balances that cannot be true, so that this one is out of date.
    pub refused_since: Option<DateTime<Utc>>,
}

/// The last stated balance of one merchant or of all.
pub async fn stated_balances(
    db: &mut PgConnection,
    merchant: Option<&str>,
) -> Result<Vec<Stated>, sqlx::Error> {
    sqlx::query_as!(
        Stated,
        r#"/* store::stated_balances */
        select g.merchant_code, g.balance as available, g.frozen, g.pending, g.signed, g.read_at, r.first_at as "refused_since?"
        from payout.gateway_balance g
        left join payout.refused_balances r on r.merchant_code = g.merchant_code
        where $1::text is null or g.merchant_code = $1
        order by g.merchant_code"#,
        merchant,
    )
    .fetch_all(db)
    .await
}

/// The registered merchants.
pub async fn merchants(db: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "select /* store::merchants */ m.code from payout.merchants m order by m.code"
    )
    .fetch_all(db)
    .await
}
