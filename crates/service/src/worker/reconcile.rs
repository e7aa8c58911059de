//! Reads the gateway's balance, books the merchant's funding, and reports where the balance differs from the books.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use payout_domain::{money::Rupiah, stop::StopReason};
use payout_store::funding::{Compared, Kept, StatedBalance, keep_balance};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Lane, Worker};

/// How often the balance is read.
const EVERY: Duration = Duration::from_secs(15);
/// The same while payouts wait for funds or the balance differs from the books: a change should be noticed soon.
const EVERY_WHILE_OFF: Duration = Duration::from_secs(2);

pub(super) async fn run(worker: Arc<Worker>, lane: Arc<Lane>, stop: CancellationToken) {
    let mut agrees = true;
    while !stop.is_cancelled() {
        let short = lane.short_of_funds.load(Ordering::Relaxed);
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(if agrees && !short { EVERY } else { EVERY_WHILE_OFF }) => {}
        }
        worker.heartbeats.beat("reconcile", lane.code());
        // Proving the keys reads the balance too; until then an answer is worth little.
        if !worker.may_work_for(&lane) || !lane.proven.load(Ordering::Relaxed) {
            continue;
        }
        match read_and_keep(&worker, &lane).await {
            Ok(difference) => agrees = difference == Some(Rupiah::ZERO),
            Err(reason) => {
                // At the slower pace: a locked account would take a connection every other second.
                agrees = true;
                tracing::warn!(
                    merchant = lane.code(),
                    reason,
                    "could not read the gateway's balance ({reason}); retrying"
                );
            }
        }
    }
}

/// Reads the balance once and compares it with the books. Returns the gateway's balance less the books', in rupiah; `None`
/// if the balance cannot be true.
pub(super) async fn read_and_keep(worker: &Worker, lane: &Lane) -> Result<Option<Rupiah>, String> {
    let queried_at = Instant::now();
    let stated = lane
        .client
        .balance()
        .await
        .map_err(|none| format!("balance: {none}"))?;
    let balance = StatedBalance {
        balance: stated.balance,
        frozen: stated.freeze,
        pending: stated.pending,
        signed: stated.signed,
        queried_at,
    };
    let kept = keep_balance(
        &worker.store.results,
        lane.code(),
        balance,
        lane.merchant.funded_by_gateway,
    )
    .await
    .map_err(|error| error.to_string())?;
    let refused = kept == Kept::Implausible;
    if refused && !lane.balance_refused.load(Ordering::Relaxed) {
        tracing::error!(
            merchant = lane.code(),
            balance_idr = stated.balance.idr(),
            frozen_idr = stated.freeze.idr(),
            pending_idr = stated.pending.idr(),
            "refused the gateway's balance: it cannot be true; nothing is booked from it"
        );
    }
    lane.balance_refused.store(refused, Ordering::Relaxed);
    Ok(match kept {
        Kept::Implausible => None,
        Kept::Compared(compared) => {
            act_on(lane, compared);
            Some(compared.difference)
        }
    })
}

/// Whether the gateway has less than the books: with nothing in flight that could explain it, or since it was found that
/// way. What another worker sends meanwhile does not bring the money back.
fn is_short(missing: Rupiah, fee_reserve: Rupiah, at_rest: bool, was_short: bool) -> bool {
    missing > fee_reserve && (at_rest || was_short)
}

/// Stops claims for a merchant whose gateway has less than the books, and wakes them when funds came.
fn act_on(lane: &Lane, compared: Compared) {
    // People look into a difference of a fee. A difference of a payout stops claims.
    let missing = Rupiah::ZERO
        .minus(compared.difference)
        .unwrap_or(Rupiah::ZERO);
    let was_short = lane.books_short.load(Ordering::Relaxed);
    let short = lane.merchant.funded_by_gateway
        && is_short(
            missing,
            lane.merchant.fee_reserve,
            compared.at_rest,
            was_short,
        );
    if short != lane.books_short.swap(short, Ordering::Relaxed) {
        if short {
            let detail = format!("{missing} are missing");
            lane.claims.stop(StopReason::Books, &detail);
            tracing::error!(
                merchant = lane.code(),
                missing_idr = missing.idr(),
                "claims stopped: the gateway has less than the books although nothing is in flight"
            );
        } else {
            lane.claims.open();
            lane.claim_now.notify_one();
        }
    }
    if compared.booked > Rupiah::ZERO {
        tracing::info!(
            merchant = lane.code(),
            funded_idr = compared.booked.idr(),
            "booked funding from the gateway's balance"
        );
        lane.short_of_funds.store(false, Ordering::Relaxed);
        lane.claim_now.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_at_rest_stays_missing_until_it_is_back() {
        let (reserve, much) = (Rupiah::new(5_000), Rupiah::new(250_000));
        assert!(!is_short(much, reserve, false, false), "in flight");
        assert!(is_short(much, reserve, true, false));
        assert!(is_short(much, reserve, false, true), "another worker sends");
        assert!(!is_short(reserve, reserve, false, true), "it is back");
        assert!(!is_short(reserve, reserve, true, false), "a fee");
    }
}
