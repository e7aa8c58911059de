//! The witness of claims: what a worker saw committed must still be there at its next claim (I11).
//!
//! A volume that is put back to an older snapshot keeps its system, timeline, database and table. Only somebody outside
//! of it can tell that what was there is gone.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{ClaimError, Taken};
use crate::{domain::payout::PayoutKey, store::write::hex};

/// A claim whose commit was confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastClaim {
    /// Of which payout.
    #[serde(flatten)]
    pub key: PayoutKey,
    /// Its attempt.
    pub attempt: i32,
    /// The SHA-256 of its request, in hex: another claim of the same number has another one.
    pub request_sha256: String,
    /// In which epoch of `payout.failover` it was made; a person's acceptance begins a new one.
    pub epoch: i32,
}

impl LastClaim {
    pub(super) fn of(taken: &Taken, epoch: i32) -> Self {
        Self {
            key: taken.due.instruction.key.clone(),
            attempt: taken.attempt,
            request_sha256: hex(&taken.request.request_sha256),
            epoch,
        }
    }
}

/// Refuses to go on when `last` is gone, or when it belongs to an epoch that this database has not come to yet.
pub(super) async fn still_there(
    db: &mut PgConnection,
    last: Option<&LastClaim>,
    epoch: i32,
) -> Result<(), ClaimError> {
    let Some(last) = last.filter(|last| last.epoch >= epoch) else {
        return Ok(());
    };
    let there = sqlx::query_scalar!(
        r#"/* store::last_claim_is_there */
        select exists (select from payout.attempts a
                       where a.merchant_code = $1 and a.order_num = $2 and a.attempt = $3
                         and a.request_sha256 = decode($4, 'hex')) as "there!""#,
        last.key.merchant_code,
        last.key.order_num,
        last.attempt,
        last.request_sha256,
    )
    .fetch_one(db)
    .await?;
    if there && last.epoch == epoch {
        Ok(())
    } else {
        Err(ClaimError::CommitsLost(last.clone()))
    }
}
