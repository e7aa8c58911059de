//! The addresses under which workers may reach this database. A copy of its data folder is reached by another one (I11).

mod address;
mod machine;
mod reach;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

pub use self::{
    address::{Address, AddressError},
    reach::Reach,
};

/// A registered address.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Registered {
    /// The address.
    pub address: String,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
    /// Who registered it, or requested that.
    pub registered_by: String,
    /// Who approved it; nobody, if it is one of the first.
    pub approved_by: Option<String>,
    /// Why.
    pub reason: String,
}

/// Every registered address, the oldest first.
pub async fn registered(db: &mut PgConnection) -> Result<Vec<Registered>, sqlx::Error> {
    sqlx::query_as!(
        Registered,
        r#"/* store::registered_addresses */
        select a.address, a.registered_at, a.registered_by, a.approved_by, a.reason
        from payout.addresses a
        where a.removed_at is null
        order by a.registered_at, a.address"#,
    )
    .fetch_all(db)
    .await
}

/// Whether workers may reach the database by this address. None may while it receives the rows of another one.
pub async fn is_registered(db: &mut PgConnection, address: &Address) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"/* store::is_registered */
        select exists (select from payout.addresses a
                       where a.address = $1 and a.removed_at is null)
               and not payout.is_receiving() as "is_registered!""#,
        address.to_string(),
    )
    .fetch_one(db)
    .await
}

/// Requests that a further address be registered; a second person approves it. Returns the request's number.
pub async fn request_address(
    db: &mut PgConnection,
    address: &Address,
    reason: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select /* store::request_address */ payout.request_address($1, $2) as "id!""#,
        address.to_string(),
        reason,
    )
    .fetch_one(db)
    .await
}

/// Requests that an address be removed; a second person approves it. Returns the request's number.
pub async fn request_address_removal(
    db: &mut PgConnection,
    address: &Address,
    reason: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select /* store::request_address_removal */ payout.request_address_removal($1, $2) as "id!""#,
        address.to_string(),
        reason,
    )
    .fetch_one(db)
    .await
}

/// Registers these addresses if none is registered yet. Returns whether it did.
pub async fn register_if_first(
    db: &mut PgConnection,
    addresses: &[Address],
) -> Result<bool, sqlx::Error> {
    let addresses: Vec<String> = addresses.iter().map(Address::to_string).collect();
    let registered = sqlx::query!(
        r#"/* store::register_if_first */
        insert into payout.addresses (address, reason)
        select distinct wanted, 'the first, registered by payout migrate'
        from unnest($1::text[]) wanted
        where not exists (select from payout.addresses)"#,
        &addresses,
    )
    .execute(db)
    .await?;
    Ok(registered.rows_affected() > 0)
}
