//! The gateways that are registered for merchants: which of them a worker is configured for.

use sqlx::PgPool;

/// The gateway that is registered for a merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gateway {
    /// The merchant's code.
    pub merchant_code: String,
    /// The name of its dialect.
    pub dialect: String,
    /// Its address.
    pub base_url: String,
    /// SHA-256 of each platform key, in hex, sorted.
    pub platform_keys: Vec<String>,
}

/// The gateway of every registered merchant.
pub async fn registered_gateways(pool: &PgPool) -> Result<Vec<Gateway>, sqlx::Error> {
    sqlx::query_as!(
        Gateway,
        r#"/* store::registered_gateways */
        select m.code as merchant_code, m.dialect, m.base_url, m.platform_keys from payout.merchants m"#,
    )
    .fetch_all(pool)
    .await
}
