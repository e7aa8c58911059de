//! The address by which workers reach the database: registered, and telling.

use payout_store::{
    addresses::{self, Address},
    doctor::server_port,
};
use sqlx::PgPool;

use super::{Check, Subject};

/// Of the URL that is given. On a host without a worker's configuration it is an operator's, which needs no registration.
pub(crate) async fn check(
    pool: &PgPool,
    url: &str,
    is_workers: bool,
) -> Result<Check, sqlx::Error> {
    let subject = Subject("address");
    let address = match Address::of_url(url) {
        Ok(address) => address,
        Err(error) => return Ok(subject.fail(error.to_string(), "name one host in the URL")),
    };
    let mut db = pool.acquire().await?;
    if !addresses::is_registered(&mut db, &address).await? {
        let known = addresses::registered(&mut db).await?;
        let known: Vec<_> = known.into_iter().map(|row| row.address).collect();
        let known = known.join(", ");
        return Ok(if !is_workers {
            subject.ok(format!("workers may reach this database by {known}"))
        } else if known.is_empty() {
            subject.fail("none is registered", "payout migrate -c FILE")
        } else {
            subject.fail(
                format!(
                    "{address} is not registered: a worker here claims nothing. Registered: {known}"
                ),
                "if this is not a copy: payout address add ADDRESS; else stop this worker",
            )
        });
    }
    drop(db);
    let mut weak = address.weaknesses();
    if !address.is_socket() && server_port(pool).await? != Some(i32::from(address.port())) {
        weak.push("the server itself listens elsewhere: a pooler or a proxy decides which database answers");
    }
    Ok(if weak.is_empty() {
        subject.ok(format!("{address} is registered"))
    } else {
        subject.warn(
            format!("{address} is registered, but proves little: {}", weak.join("; ")),
            "a copy reached by the same address would be taken for this database: use a full name that belongs to it \
             alone",
        )
    })
}
