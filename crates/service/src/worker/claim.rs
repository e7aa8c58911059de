//! Claims payouts, for several merchants in one transaction, and witnesses what was claimed.

use payout_store::claim::{self, ClaimError, ClaimOrder, Claimed, Terms};

use super::{Lane, Worker, capacity::is_still_open};

/// What one merchant got of a claim.
pub(super) enum Got {
    /// This, to be sent at once.
    Claimed(Claimed),
    /// This, but it is not remembered outside the database, so nothing of it may be sent (I11).
    Unwitnessed(Claimed),
    /// Nothing, because its claims stopped while it waited.
    Stopped,
}

/// Claims for a merchant, together with the others that want to claim now.
pub(super) async fn claim_together(
    worker: &Worker,
    lane: &Lane,
    order: ClaimOrder,
) -> Result<Got, ClaimError> {
    let all = |orders| claim_for_all(worker, orders);
    match worker.claims.share(order.clone(), all).await {
        Some(got) => got,
        None if is_still_open(worker, lane) => claim_alone(worker, order).await,
        None => Ok(Got::Stopped),
    }
}

/// Claims for a merchant that may hold up others, because something of it is tried, locked, refused or slow.
pub(super) async fn claim_alone(worker: &Worker, order: ClaimOrder) -> Result<Got, ClaimError> {
    let got = claim_for(worker, &[order]).await?.pop();
    got.ok_or(ClaimError::Database(sqlx::Error::RowNotFound))
}

/// Claims for merchants that want to claim at once. Returns nothing if each of them has to claim alone.
async fn claim_for_all(
    worker: &Worker,
    orders: Vec<ClaimOrder>,
) -> Option<Vec<Result<Got, ClaimError>>> {
    // The orders have waited for their turn.
    let is_open = |order: &ClaimOrder| {
        let lane = worker
            .lanes
            .iter()
            .find(|lane| lane.code() == order.merchant_code);
        lane.is_some_and(|lane| is_still_open(worker, lane))
    };
    let is_open: Vec<bool> = orders.iter().map(is_open).collect();
    let open: Vec<ClaimOrder> = orders
        .into_iter()
        .zip(&is_open)
        .filter_map(|(order, is_open)| is_open.then_some(order))
        .collect();
    let mut got = match claim_for(worker, &open).await {
        Ok(got) => got.into_iter(),
        // Nothing that is tried again now would be confirmed either.
        Err(ClaimError::CommitUnknown(error)) => {
            let why = error.to_string();
            let error = || ClaimError::CommitUnknown(sqlx::Error::Protocol(why.clone()));
            return Some(is_open.iter().map(|_| Err(error())).collect());
        }
        Err(error) if is_open.len() == 1 => return Some(vec![Err(error)]),
        Err(error) => {
            let merchants = open.len();
            tracing::warn!(merchants, %error, "claiming for {merchants} merchants at once failed; each of them claims alone now");
            return None;
        }
    };
    let each = is_open.iter().map(|is_open| match is_open {
        true => got
            .next()
            .ok_or(ClaimError::Database(sqlx::Error::RowNotFound)),
        false => Ok(Got::Stopped),
    });
    Some(each.collect())
}

async fn claim_for(worker: &Worker, orders: &[ClaimOrder]) -> Result<Vec<Got>, ClaimError> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let (claimed, last) = claim::claim(&worker.store.claims, &terms(worker), orders).await?;
    let mut got: fn(Claimed) -> Got = Got::Claimed;
    if let Some(last) = last
        && let Err(error) = worker.witness.keep(last).await
    {
        tracing::error!(%error, "could not write the witness file; the claimed payouts are not sent");
        got = Got::Unwitnessed;
    }
    Ok(claimed.into_iter().map(got).collect())
}

/// The terms of a claim now.
pub(super) fn terms(worker: &Worker) -> Terms {
    Terms {
        address: worker.store.reach.address().clone(),
        lease: worker.submit.lease,
        send_window: worker.submit.send_window(),
        quiet_horizon: worker.poll.quiet_horizon,
        last: worker.witness.last(),
        worker: worker.name.clone(),
    }
}
