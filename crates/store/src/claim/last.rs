//! The last claim as a witness: a claim that a worker knows to be committed must still be there at its next one (I11).
//!
//! A volume restored to an older snapshot keeps its system, timeline, database and table. Only a record kept
//! outside it can show that something is missing.

use base16ct::lower::encode_string;
use payout_domain::payout::PayoutKey;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{ClaimError, Covered};

/// A claim whose commit was confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastClaim {
    /// The payout.
    #[serde(flatten)]
    pub key: PayoutKey,
    /// The claim's attempt.
    pub attempt: i32,
    /// The SHA-256 of its request, in hex: another claim of the same attempt number has a different one.
    pub request_sha256: String,
    /// The epoch of `payout.failover` in which it was made. Accepting a failover begins a new one.
    pub epoch: i32,
}

impl LastClaim {
    pub(super) fn of(covered: &Covered, epoch: i32) -> Self {
        Self {
            key: covered.due.instruction.key.clone(),
            attempt: covered.attempt,
            request_sha256: encode_string(&covered.request.request_sha256),
            epoch,
        }
    }
}

/// Fails if `last` is gone, or if it belongs to an epoch that this database has not reached.
pub(super) async fn check_present(
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
