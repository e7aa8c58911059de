//! A payout that two people and a fresh proof allow to be sent once more: unknown to submitting, its hold kept.

use std::sync::Arc;

use sqlx::{PgConnection, PgPool};

use super::{
    ClaimError, ClaimOrder, commit,
    due::{self, Due},
    last,
    take::{self, Taken},
};
use crate::{
    domain::{
        payout::PayoutKey,
        state::{Event, State},
    },
    permit::SendBy,
    store::{
        load,
        write::{self, HistoryRow},
    },
};

/// An approved request, and the sender's own proof that the gateway does not know the order.
#[derive(Clone, Debug)]
pub struct Granted {
    /// The approved request.
    pub request_id: i64,
    /// Which payout.
    pub key: PayoutKey,
    /// The attempt that the proof is about.
    pub attempt: i32,
    /// A minute after the question was *sent* that was answered with "not known".
    pub proven_until: SendBy,
}

/// Why it is not sent again.
#[derive(Debug, thiserror::Error)]
pub enum NotGranted {
    /// A rule forbids it now.
    #[error("{0}")]
    Refused(String),
    /// The claim failed as any claim can.
    #[error(transparent)]
    Claim(#[from] ClaimError),
}

impl From<sqlx::Error> for NotGranted {
    fn from(error: sqlx::Error) -> Self {
        let refusal = error
            .as_database_error()
            .filter(|refusal| refusal.code().is_some_and(|code| code.starts_with("PW")))
            .map(|refusal| refusal.message().to_owned());
        refusal.map_or_else(|| Self::Claim(ClaimError::Database(error)), Self::Refused)
    }
}

/// Commits the new attempt and the move; the database refuses it without an approved request and its proofs. Also
/// gives the epoch that it was claimed in.
pub(super) async fn take_if_unknown(
    pool: &PgPool,
    order: &ClaimOrder,
    granted: &Granted,
) -> Result<(Taken, i32), NotGranted> {
    let mut tx = pool.begin().await?;
    let Some(merchant) = due::merchant_if_same(&mut tx, order).await? else {
        return Err(ClaimError::RegisteredOtherwise(order.merchant_code.clone()).into());
    };
    if !merchant.same_identity {
        return Err(ClaimError::FailoverNotAccepted.into());
    }
    last::still_there(&mut tx, order.last.as_ref(), merchant.epoch).await?;
    let mut loaded = load::lock_payouts(&mut tx, &[&granted.key]).await?;
    let payout = loaded.remove(&granted.key).map(|loaded| loaded.payout);
    let refused = |why: &str| Err(NotGranted::Refused(why.to_owned()));
    let Some(payout) = payout else {
        return refused("there is no such payout");
    };
    if payout.state != State::Unknown || payout.attempt != granted.attempt {
        return refused("it has moved on since the gateway was asked");
    }
    if granted.proven_until.is_over() {
        return refused("the gateway's \"not known\" is more than a minute old");
    }
    let seal = Arc::clone(&order.seal);
    let instruction = payout.instruction.clone();
    let sealed = tokio::task::spawn_blocking(move || seal(&instruction, merchant.now)).await;
    let Ok(Ok(request)) = sealed else {
        return refused("its request cannot be made");
    };
    let attempt = payout.attempt.saturating_add(1);
    let taken = Taken {
        due: Due {
            place: 0,
            instruction: payout.instruction,
            attempt: payout.attempt,
            marked_uncovered: false,
        },
        attempt,
        hold: payout.held,
        request,
    };
    let line = HistoryRow {
        key: granted.key.clone(),
        event: Event::ResubmitGranted.name(),
        from_state: Some(State::Unknown.name()),
        to_state: Some(State::Submitting.name()),
        source: "operator",
        attempt,
        detail: serde_json::json!({ "request": granted.request_id, "worker": order.worker }),
    };
    let moves = write::append_history(&mut tx, &[line]).await?;
    let last_seq = moves.get(&granted.key).copied();
    take::insert_attempts(&mut tx, std::slice::from_ref(&taken), order).await?;
    submitting_if_still_unknown(&mut tx, granted, last_seq, order).await?;
    commit::commit(tx).await?;
    Ok((taken, merchant.epoch))
}

/// Moves what is still unknown at the attempt that was asked about.
async fn submitting_if_still_unknown(
    db: &mut PgConnection,
    granted: &Granted,
    last_seq: Option<i64>,
    order: &ClaimOrder,
) -> Result<(), sqlx::Error> {
    let moved = sqlx::query!(
        r#"/* store::submitting_if_still_unknown */
        update payout.payouts p
        set state = 'submitting', last_seq = $3, attempt = p.attempt + 1, sends = p.sends + 1,
            resubmits_granted = p.resubmits_granted + 1, send_by = now() + $4::interval,
            lease_until = now() + $5::interval, attention = null, declined_at = null, queries = 0, next_query_at = null
        where p.merchant_code = $1 and p.order_num = $2 and p.state = 'unknown' and p.attempt = $6"#,
        granted.key.merchant_code,
        granted.key.order_num,
        last_seq,
        take::interval(order.send_window)?,
        take::interval(order.lease)?,
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
