//! The claim: makes the intent to send durable, and then, and only then, the right to send (I2, I8).

mod commit;
mod cover;
mod due;
mod last;
mod resubmit;
mod take;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use tokio::task::JoinSet;

pub use self::{
    cover::unpark_if_covered,
    last::LastClaim,
    resubmit::{Granted, NotGranted},
};
use self::{due::Due, take::Taken};
use super::write::{self, HistoryRow, LedgerRow};
use crate::{
    domain::{
        attention::Attention,
        decide::Note,
        payout::{Instruction, PayoutKey},
        state::{Event, State},
    },
    permit::{SealedRequest, SendBy, SubmitPermit},
};

/// Signs a request. Blocking and slow, so it runs off the async threads.
pub type Seal = dyn Fn(&Instruction, DateTime<Utc>) -> Result<SealedRequest, String> + Send + Sync;

/// For whom, how many and on which terms.
#[derive(Clone)]
pub struct ClaimOrder {
    /// The merchant.
    pub merchant_code: String,
    /// What this worker is configured for; a merchant registered otherwise is not claimed for.
    pub dialect: String,
    /// As registered.
    pub base_url: String,
    /// SHA-256 of the platform keys, sorted.
    pub platform_keys: Vec<String>,
    /// Most payouts to take: the free slots. A claimed payout never waits in memory.
    pub limit: i64,
    /// After this a payout found in `submitting` is `unknown`.
    pub lease: Duration,
    /// From the claim to the last moment at which a request may start: the lease less the answer's timeout.
    pub send_window: Duration,
    /// From the send-by time on, until "not known" means something (I10).
    pub quiet_horizon: Duration,
    /// The last claim that this worker knows to be committed; when it is not there, commits were lost (I11).
    pub last: Option<LastClaim>,
    /// Which worker, for people.
    pub worker: String,
    /// Makes the request.
    pub seal: Arc<Seal>,
}

impl ClaimOrder {
    /// The same for another number of payouts, after another last claim.
    #[must_use]
    pub fn next(&self, limit: i64, last: Option<LastClaim>) -> Self {
        Self {
            limit,
            last,
            ..self.clone()
        }
    }
}

/// What a claim took.
#[derive(Debug, Default)]
pub struct Claimed {
    /// The rights to send; each is spent at once.
    pub permits: Vec<SubmitPermit>,
    /// One of the claims behind them, to be witnessed outside of the database before anything is sent.
    pub last: Option<LastClaim>,
    /// Due payouts that the available balance does not cover.
    pub uncovered: Vec<PayoutKey>,
    /// An operator paused all or this merchant: nothing was looked for.
    pub paused: bool,
    /// Due payouts whose request could not be made, with the reason. They are tried again later.
    pub unsealed: Vec<(PayoutKey, String)>,
}

/// Why nothing was claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another gateway or key than this worker's is registered (contract, "Merchants").
    #[error(
        "merchant {0} is registered with another gateway, dialect or platform key; when this configuration is right, \
         run `payout migrate --accept-gateway {0}`"
    )]
    RegisteredOtherwise(String),
    /// A failover or a restore lies between the last claims and now.
    #[error(
        "this is another history of the database than the one that was claimed in: commits may be lost. Every queued \
         payout is asked for first; then `select payout.accept_failover('reason', since when the old \
         primary is dead)` by a person lets claims go on"
    )]
    FailoverNotAccepted,
    /// A claim that this worker saw committed is gone: an older state of the database was put back.
    #[error(
        "the claim of payout {} was committed and is not there any more: an older state of the database was put back",
        .0.key
    )]
    CommitsLost(LastClaim),
    /// Nothing was taken.
    #[error("nothing was claimed: {0}")]
    Database(#[from] sqlx::Error),
    /// The commit was not confirmed, or only with a warning. No permit is made; what was taken becomes `unknown` by
    /// its lease.
    #[error("the claim's commit was not confirmed, so nothing of it is sent: {0}")]
    CommitUnknown(sqlx::Error),
}

/// Takes due payouts of one merchant: attempts, holds and moves in one transaction, permits after its commit.
///
/// Never cancel this future once it runs: it would turn a claim into an unknown.
pub async fn claim(pool: &PgPool, order: &ClaimOrder) -> Result<Claimed, ClaimError> {
    // Before the transaction begins: a pause inside of it counts against the window.
    let send_by = SendBy::after(order.send_window);
    let mut tx = pool.begin().await?;
    let Some(merchant) = due::merchant_if_same(&mut tx, order).await? else {
        return Err(ClaimError::RegisteredOtherwise(order.merchant_code.clone()));
    };
    if !merchant.same_identity {
        return Err(ClaimError::FailoverNotAccepted);
    }
    last::still_there(&mut tx, order.last.as_ref(), merchant.epoch).await?;
    if merchant.paused {
        return Ok(Claimed {
            paused: true,
            ..Claimed::default()
        });
    }
    let rows = due::lock_due(&mut tx, order).await?;
    if rows.is_empty() {
        return Ok(Claimed::default());
    }
    let (mut sealed, unsealed) = seal_all(rows, merchant.now, &order.seal).await;
    // The signers finish in any order.
    sealed.sort_by_key(|(due, _)| due.place);
    let funds = cover::lock_funds(&mut tx, &order.merchant_code, merchant.fee_reserve).await?;
    let (covered, uncovered) = cover::split(sealed, funds, merchant.fee_reserve);

    let history = covered
        .iter()
        .map(|taken| claimed_line(taken, &order.worker))
        .chain(
            uncovered
                .iter()
                .filter(|due| !due.marked_uncovered)
                .map(uncovered_line),
        );
    let moves = write::append_history(&mut tx, &history.collect::<Vec<_>>()).await?;
    take::insert_attempts(&mut tx, &covered, order).await?;
    write::book(&mut tx, &covered.iter().map(hold).collect::<Vec<_>>()).await?;
    take::submitting_if_still_queued(&mut tx, &covered, &moves, order).await?;
    let uncovered: Vec<PayoutKey> = uncovered
        .into_iter()
        .map(|due| due.instruction.key)
        .collect();
    take::park(&mut tx, &uncovered).await?;
    take::put_off(&mut tx, &unsealed).await?;
    commit::commit(tx).await?;

    let last = covered
        .last()
        .map(|taken| LastClaim::of(taken, merchant.epoch));
    let permits = covered.into_iter().map(|taken| permit(taken, send_by));
    Ok(Claimed {
        permits: permits.collect(),
        last,
        uncovered,
        unsealed,
        paused: false,
    })
}

/// Claims the same order number once more, where two people and a proof of a minute ago at most allow it (I10).
///
/// The permit ends when the proof is a minute old. Never cancel this future once it runs.
pub async fn claim_resubmit(
    pool: &PgPool,
    order: &ClaimOrder,
    granted: &Granted,
) -> Result<(SubmitPermit, LastClaim), NotGranted> {
    let (taken, epoch) = resubmit::take_if_unknown(pool, order, granted).await?;
    let last = LastClaim::of(&taken, epoch);
    Ok((permit(taken, granted.proven_until), last))
}

/// The right to send what was just committed.
fn permit(taken: Taken, send_by: SendBy) -> SubmitPermit {
    SubmitPermit::of_committed_claim(taken.due.instruction, taken.attempt, taken.request, send_by)
}

/// Signs every request in parallel: a block costs milliseconds, and the rows are locked meanwhile.
async fn seal_all(
    rows: Vec<Due>,
    now: DateTime<Utc>,
    seal: &Arc<Seal>,
) -> (Vec<(Due, SealedRequest)>, Vec<(PayoutKey, String)>) {
    let mut signing = JoinSet::new();
    for due in rows {
        let seal = Arc::clone(seal);
        signing.spawn_blocking(move || {
            let request = seal(&due.instruction, now);
            (due, request)
        });
    }
    let (mut sealed, mut unsealed) = (Vec::new(), Vec::new());
    while let Some(result) = signing.join_next().await {
        match result {
            Ok((due, Ok(request))) => sealed.push((due, request)),
            Ok((due, Err(reason))) => unsealed.push((due.instruction.key, reason)),
            Err(error) => tracing::error!(%error, "a signer ended badly; its payout stays queued"),
        }
    }
    (sealed, unsealed)
}

fn hold(taken: &Taken) -> LedgerRow {
    let hold = taken.hold.idr();
    LedgerRow {
        key: taken.due.instruction.key.clone(),
        kind: "hold",
        attempt: taken.attempt,
        available: hold.saturating_neg(),
        held: hold,
        paid_out: 0,
        fees: 0,
        forced: false,
    }
}

fn claimed_line(taken: &Taken, worker: &str) -> HistoryRow {
    HistoryRow {
        key: taken.due.instruction.key.clone(),
        event: Event::Claimed.name(),
        from_state: Some(State::Queued.name()),
        to_state: Some(State::Submitting.name()),
        source: "worker",
        attempt: taken.attempt,
        detail: serde_json::json!({ "worker": worker }),
    }
}

fn uncovered_line(due: &Due) -> HistoryRow {
    HistoryRow {
        key: due.instruction.key.clone(),
        event: Note::AttentionRaised(Attention::InsufficientFunds).name(),
        from_state: None,
        to_state: None,
        source: "worker",
        attempt: due.attempt,
        detail: serde_json::json!({ "attention": Attention::InsufficientFunds.name() }),
    }
}
