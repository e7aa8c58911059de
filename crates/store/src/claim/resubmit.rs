//! Claims an unknown payout once more, as two people and a fresh proof allow. Its hold is kept.

use std::sync::Arc;

use payout_domain::{
    payout::PayoutKey,
    state::{Event, State},
};
use payout_permit::SendBy;
use sqlx::{PgConnection, PgPool};

use super::{
    ClaimError, ClaimOrder, NOT_DURABLE, Terms, commit,
    due::{self, Due},
    last,
    take::{self, Covered},
};
use crate::{
    load,
    write::{self, HistoryRow},
};

/// An approved request, and this worker's own proof that the gateway does not know the order.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The approved request.
    pub request_id: i64,
    /// The payout.
    pub key: PayoutKey,
    /// The attempt that the proof is about.
    pub attempt: i32,
    /// Who requested and approved it, and why, for the history.
    pub detail: serde_json::Value,
    /// A minute after the query was *sent* whose answer was "not found".
    pub proven_until: SendBy,
}

/// Why a payout is not sent once more.
#[derive(Debug, thiserror::Error)]
pub enum NotGranted {
    /// A rule forbids it now.
    #[error("{0}")]
    Refused(String),
    /// The claim failed, as any claim can.
    #[error(transparent)]
    Claim(#[from] ClaimError),
}

impl From<sqlx::Error> for NotGranted {
    fn from(error: sqlx::Error) -> Self {
        let refusal = error
            .as_database_error()
            .filter(|refusal| {
                refusal
                    .code()
                    .is_some_and(|code| code.starts_with("PW") && code != NOT_DURABLE)
            })
            .map(|refusal| refusal.message().to_owned());
        refusal.map_or_else(|| Self::Claim(error.into()), Self::Refused)
    }
}

/// Commits the new attempt and the move. The database refuses both without an approved request and its proofs. Also
/// returns the epoch in which it was claimed.
pub(super) async fn take_if_unknown(
    pool: &PgPool,
    terms: &Terms,
    order: &ClaimOrder,
    granted: &Granted,
) -> Result<(Covered, i32), NotGranted> {
    let mut tx = super::begin(pool).await?;
    let (begun, merchants) =
        due::merchants_to_claim_for(&mut tx, terms, std::slice::from_ref(order)).await?;
    last::check_present(&mut tx, terms.last.as_ref(), begun.epoch).await?;
    let mut loaded = load::lock_payouts(&mut tx, &[&granted.key]).await?;
    let payout = loaded.remove(&granted.key).map(|loaded| loaded.payout);
    let refused = |why: &str| Err(NotGranted::Refused(why.to_owned()));
    let Some(payout) = payout else {
        return Err(ClaimError::Locked(granted.key.clone()).into());
    };
    if payout.state != State::Unknown || payout.attempt != granted.attempt {
        return refused("it has moved on since the gateway was queried");
    }
    if granted.proven_until.is_over() {
        return refused("the gateway's \"not found\" is more than a minute old");
    }
    let seal = Arc::clone(&order.seal);
    let instruction = payout.instruction.clone();
    let sealed = tokio::task::spawn_blocking(move || seal(&instruction, begun.now)).await;
    let Ok(Ok(request)) = sealed else {
        return refused("its request cannot be signed");
    };
    let attempt = payout.attempt.saturating_add(1);
    let covered = Covered {
        due: Due {
            order: 0,
            place: 0,
            instruction: payout.instruction,
            attempt: payout.attempt,
            marked_uncovered: false,
            send_by: granted.proven_until,
        },
        attempt,
        hold: payout.held,
        request,
    };
    let history_row = HistoryRow {
        key: granted.key.clone(),
        event: Event::ResubmitGranted.name(),
        from_state: Some(State::Unknown.name()),
        to_state: Some(State::Submitting.name()),
        source: "operator",
        attempt,
        detail: granted.detail.clone(),
    };
    let moves = write::append_history(&mut tx, &[history_row]).await?;
    let last_seq = moves.get(&granted.key).copied();
    take::insert_attempts(&mut tx, std::slice::from_ref(&covered), &merchants, terms).await?;
    submitting_if_still_unknown(&mut tx, granted, last_seq, terms).await?;
    commit::commit(tx).await?;
    Ok((covered, begun.epoch))
}

/// Moves the payout if it is still unknown at the attempt that was queried.
async fn submitting_if_still_unknown(
    db: &mut PgConnection,
    granted: &Granted,
    last_seq: Option<i64>,
    terms: &Terms,
) -> Result<(), sqlx::Error> {
    let moved = sqlx::query!(
        r#"/* store::submitting_if_still_unknown */
        update payout.payouts p
        set state = 'submitting', last_seq = $3, attempt = p.attempt + 1, sends = p.sends + 1,
            resubmits_granted = p.resubmits_granted + 1, send_by = now() + $4::interval,
            lease_until = now() + $5::interval, declined_at = null, queries = 0, next_query_at = null
        where p.merchant_code = $1 and p.order_num = $2 and p.state = 'unknown' and p.attempt = $6"#,
        granted.key.merchant_code,
        granted.key.order_num,
        last_seq,
        take::interval(terms.send_window)?,
        take::interval(terms.lease)?,
        granted.attempt,
    )
    .execute(db)
    .await?;
    if moved.rows_affected() == 1 {
        Ok(())
    } else {
        Err(sqlx::Error::RowNotFound)
    }
}
