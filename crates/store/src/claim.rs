//! The claim: makes the intent to send durable first, and only then grants the right to send (I2, I8).

mod commit;
mod cover;
mod due;
mod last;
mod resubmit;
mod take;

use std::{num::NonZero, sync::Arc, thread, time::Duration};

use chrono::{DateTime, Utc};
use payout_domain::{
    attention::Attention,
    decide::Note,
    payout::{Instruction, PayoutKey},
    state::{Event, State},
};
use payout_permit::{SealedRequest, SendBy, SubmitPermit};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use tokio::task::JoinSet;

pub use self::{
    cover::unpark_if_covered,
    last::LastClaim,
    resubmit::{Granted, NotGranted},
};
use self::{
    due::{Begun, Due, Found, Registered},
    take::Covered,
};
use super::{
    addresses::Address,
    is_refusal, refusal_code,
    write::{self, HistoryRow, LedgerRow},
};

/// Signs a request. It blocks and is slow, so it runs off the async threads.
pub type Seal = dyn Fn(&Instruction, DateTime<Utc>) -> Result<SealedRequest, String> + Send + Sync;

/// On which terms a worker claims, for whichever merchant.
#[derive(Clone)]
pub struct Terms {
    /// The address under which this worker reaches the database. Nothing is claimed by one that is not registered (I11).
    pub address: Address,
    /// How long the claim lasts. A payout still in `submitting` after that becomes `unknown`.
    pub lease: Duration,
    /// How long after the claim a request may start: the lease less the time allowed for the answer.
    pub send_window: Duration,
    /// How long after the send-by time "not found" starts to mean something (I10).
    pub quiet_horizon: Duration,
    /// The last claim that this worker knows to be committed. If the database does not have it, commits were lost
    /// (I11).
    pub last: Option<LastClaim>,
    /// The worker's name, for people.
    pub worker: String,
}

/// What to claim for one merchant.
#[derive(Clone)]
pub struct ClaimOrder {
    /// The merchant.
    pub merchant_code: String,
    /// The dialect that this worker is configured with. Nothing is claimed for a merchant registered differently.
    pub dialect: String,
    /// The gateway's address that this worker is configured with.
    pub base_url: String,
    /// The fingerprints (SHA-256) of the configured platform keys, sorted.
    pub platform_keys: Vec<String>,
    /// Maximum payouts to claim: the free slots. A claimed payout never waits in memory.
    pub limit: i32,
    /// Looks only for payouts behind this one in the claim order; `None` looks for all.
    pub after: Option<Position>,
    /// Signs the request.
    pub seal: Arc<Seal>,
}

/// A payout's place in the claim order: by falling priority, then by due time and order number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its priority; higher first.
    pub priority: i16,
    /// When it became due.
    pub due_at: DateTime<Utc>,
    /// Its order number.
    pub order_num: String,
}

impl ClaimOrder {
    /// The same order with another limit and beginning.
    #[must_use]
    pub fn next(&self, limit: i32, after: Option<Position>) -> Self {
        Self {
            limit,
            after,
            ..self.clone()
        }
    }
}

/// The result of a claim for one merchant.
#[derive(Debug, Default)]
pub struct Claimed {
    /// The rights to send. Each is used at once.
    pub permits: Vec<SubmitPermit>,
    /// Due payouts that the available balance does not cover.
    pub uncovered: Vec<PayoutKey>,
    /// An operator paused this merchant or every merchant, so nothing was claimed.
    pub paused: bool,
    /// Due payouts whose request could not be signed, with the reason. They are retried later.
    pub unsealed: Vec<(PayoutKey, String)>,
    /// The last of the due payouts that were found, whatever became of them.
    pub last_found: Option<Position>,
    /// How long the database looked for them.
    pub looked_for: Duration,
    /// Whether it looked for this merchant only.
    pub looked_alone: bool,
}

/// Why nothing was claimed, for any of the merchants.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// The merchant is registered with another gateway or key than this worker's (`docs/sql-contract.md`, Merchants).
    #[error(
        "merchant {0} is registered with another gateway, dialect or platform key; if this configuration is right, \
         run `payout migrate --accept-gateway {0}`"
    )]
    RegisteredOtherwise(String),
    /// The worker reaches the database by an address that is not registered. It may be a copy.
    #[error(
        "claims stopped: this worker reaches the database by {0}, which is not registered; if it is not a copy, two \
         people register that: payout address add {0} --reason ..."
    )]
    OtherAddress(Address),
    /// A failover or a restore happened since the last claims.
    #[error(
        "claims stopped: the database failed over or was restored, so commits may be lost; every queued payout is \
         queried first, and claims continue once two people accept it \
         (`payout failover accept --old-primary-dead-since TIME --reason ...`)"
    )]
    FailoverNotAccepted,
    /// A claim that this worker knows to be committed is gone: the database was restored to an older state.
    #[error(
        "the committed claim of payout {} is gone: the database was restored to an older state",
        .0.key
    )]
    CommitsLost(LastClaim),
    /// Another transaction has locked the payout.
    #[error("payout {0} is locked by another transaction")]
    Locked(PayoutKey),
    /// The server could lose a committed claim, so the database refused it.
    #[error("claims stopped: {0}")]
    NotDurable(String),
    /// The database refused what the claim would write about one of its payouts.
    #[error("the database refused the claim of {} payouts ({})", .0.payouts, .0.code)]
    Refused(RefusedClaim),
    /// The database failed; nothing was claimed.
    #[error("nothing was claimed: {0}")]
    Database(sqlx::Error),
    /// The commit was not confirmed, or only with a warning. No permit is issued; whatever was committed becomes
    /// `unknown` when its lease expires.
    #[error("the commit of the claim was not confirmed, so none of it is sent: {0}")]
    CommitUnknown(sqlx::Error),
}

/// A claim that the database refused, for one of its payouts or for all of them.
#[derive(Clone, Debug)]
pub struct RefusedClaim {
    /// How many payouts it had.
    pub payouts: usize,
    /// The last of them in the claim order; of several merchants, the last one's.
    pub last: Position,
    /// The SQLSTATE. The message may print a row.
    pub code: String,
}

/// The SQLSTATE of a claim that the server could lose.
const NOT_DURABLE: &str = "PW042";

impl From<sqlx::Error> for ClaimError {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(refusal) if refusal.code().as_deref() == Some(NOT_DURABLE) => {
                Self::NotDurable(refusal.message().to_owned())
            }
            _ => Self::Database(error),
        }
    }
}

/// Begins a claim's transaction. It sees every stop that is committed meanwhile, whatever isolation level the role or
/// the database has; the guard refuses any other.
async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    pool.begin_with("begin isolation level read committed read write")
        .await
}

/// Claims due payouts of several merchants. Attempts, holds and moves are written in one transaction; permits are issued
/// after its commit. Returns the result of each order, and one of the committed claims, to be witnessed outside the
/// database before anything is sent.
///
/// Never cancel this future once it runs: that would turn claimed payouts into unknown ones.
///
/// # Errors
/// Then nothing is claimed for any of the merchants, whichever it is about.
pub async fn claim(
    pool: &PgPool,
    terms: &Terms,
    orders: &[ClaimOrder],
) -> Result<(Vec<Claimed>, Option<LastClaim>), ClaimError> {
    // Before the transaction begins, so that a pause inside it counts against the window.
    let send_by = SendBy::after(terms.send_window);
    let mut tx = begin(pool).await?;
    let (begun, merchants) = due::merchants_to_claim_for(&mut tx, terms, orders).await?;
    last::check_present(&mut tx, terms.last.as_ref(), begun.epoch).await?;
    let is_open = |at: &usize| merchants.get(*at).is_some_and(|merchant| !merchant.paused);
    let open = orders.iter().enumerate().filter(|(at, _)| is_open(at));
    let found = due::lock_due(&mut tx, &open.collect::<Vec<_>>(), send_by).await?;
    let Some(last_found) = found.last.values().next_back().cloned() else {
        return Ok((nothing_yet(&merchants, &found), None));
    };
    let payouts = found.due.len().saturating_add(found.unreadable.len());
    match take_found(tx, terms, orders, &begun, &merchants, found).await {
        Err(ClaimError::Database(error)) if is_refusal(&error) => {
            Err(ClaimError::Refused(RefusedClaim {
                payouts,
                last: last_found,
                code: refusal_code(&error),
            }))
        }
        taken => taken,
    }
}

/// What was found for each order, and nothing of it claimed.
fn nothing_yet(merchants: &[Registered], found: &Found) -> Vec<Claimed> {
    let looked_alone = merchants.len() == 1;
    let each = merchants.iter().enumerate();
    let claimed = each.map(|(at, merchant)| Claimed {
        paused: merchant.paused,
        last_found: found.last.get(&at).cloned(),
        looked_for: found.took,
        looked_alone,
        ..Claimed::default()
    });
    claimed.collect()
}

/// Makes one payout due again in a minute, because the database refuses its claim.
pub async fn put_off(
    pool: &PgPool,
    merchant_code: &str,
    order_num: &str,
) -> Result<(), sqlx::Error> {
    let key = PayoutKey {
        merchant_code: merchant_code.to_owned(),
        order_num: order_num.to_owned(),
    };
    let mut db = pool.acquire().await?;
    take::put_off(&mut db, &[&key]).await
}

/// Writes and commits the claim of what was found.
async fn take_found(
    mut tx: Transaction<'static, Postgres>,
    terms: &Terms,
    orders: &[ClaimOrder],
    begun: &Begun,
    merchants: &[Registered],
    found: Found,
) -> Result<(Vec<Claimed>, Option<LastClaim>), ClaimError> {
    let mut claimed = nothing_yet(merchants, &found);
    let (mut sealed, mut unsealed) = seal_all(found.due, begun.now, orders).await;
    // The signers finish in any order; the claim keeps the order in which payouts are due.
    sealed.sort_by_key(|(due, _)| due.place);
    unsealed.extend(found.unreadable);
    let codes = sealed
        .iter()
        .map(|(due, _)| due.instruction.key.merchant_code.clone());
    let funds = cover::lock_funds(&mut tx, &codes.collect()).await?;
    let (covered, uncovered) = cover::split(sealed, funds, merchants);
    write_claim(&mut tx, terms, merchants, &covered, &uncovered).await?;
    let keys: Vec<_> = unsealed.iter().map(|(_, key, _)| key).collect();
    take::put_off(&mut tx, &keys).await?;
    commit::commit(tx).await?;

    let last = covered
        .last()
        .map(|taken| LastClaim::of(taken, begun.epoch));
    for (order, key, reason) in unsealed {
        if let Some(claimed) = claimed.get_mut(order) {
            claimed.unsealed.push((key, reason));
        }
    }
    for due in uncovered {
        if let Some(claimed) = claimed.get_mut(due.order) {
            claimed.uncovered.push(due.instruction.key);
        }
    }
    for taken in covered {
        if let Some(claimed) = claimed.get_mut(taken.due.order) {
            claimed.permits.push(permit(taken));
        }
    }
    Ok((claimed, last))
}

/// Writes what a claim takes, and that the balance does not cover the rest.
async fn write_claim(
    tx: &mut PgConnection,
    terms: &Terms,
    merchants: &[Registered],
    covered: &[Covered],
    uncovered: &[Due],
) -> Result<(), sqlx::Error> {
    let history_rows = covered
        .iter()
        .map(|taken| claimed_history_row(taken, &terms.worker))
        .chain(
            uncovered
                .iter()
                .filter(|due| !due.marked_uncovered)
                .map(uncovered_history_row),
        );
    let moves = write::append_history(tx, &history_rows.collect::<Vec<_>>()).await?;
    take::insert_attempts(tx, covered, merchants, terms).await?;
    write::book(tx, &covered.iter().map(hold).collect::<Vec<_>>()).await?;
    take::submitting_if_still_queued(tx, covered, &moves, terms).await?;
    let keys = uncovered.iter().map(|due| &due.instruction.key);
    take::park(tx, &keys.collect::<Vec<_>>()).await
}

/// Claims an unknown payout's order number once more, after two people agreed and with a proof of absence that is at
/// most a minute old (I10).
///
/// The permit expires with the proof. Never cancel this future once it runs.
pub async fn claim_resubmit(
    pool: &PgPool,
    terms: &Terms,
    order: &ClaimOrder,
    granted: &Granted,
) -> Result<(SubmitPermit, LastClaim), NotGranted> {
    let (taken, epoch) = resubmit::take_if_unknown(pool, terms, order, granted).await?;
    let last = LastClaim::of(&taken, epoch);
    Ok((permit(taken), last))
}

/// Issues the right to send a payout whose claim was just committed.
fn permit(covered: Covered) -> SubmitPermit {
    SubmitPermit::of_committed_claim(
        covered.due.instruction,
        covered.attempt,
        covered.request,
        covered.due.send_by,
    )
}

/// Payouts that could not be signed: the order that they are claimed for, and why.
type Unsealed = Vec<(usize, PayoutKey, String)>;

/// Signs every request, on as many threads as there are cores: the rows stay locked meanwhile.
async fn seal_all(
    rows: Vec<Due>,
    now: DateTime<Utc>,
    orders: &[ClaimOrder],
) -> (Vec<(Due, SealedRequest)>, Unsealed) {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let each = rows.len().div_ceil(cores).max(1);
    let mut signing = JoinSet::new();
    let mut rows = rows
        .into_iter()
        .filter_map(|due| {
            let seal = Arc::clone(&orders.get(due.order)?.seal);
            Some((due, seal))
        })
        .peekable();
    while rows.peek().is_some() {
        let share: Vec<(Due, Arc<Seal>)> = rows.by_ref().take(each).collect();
        signing.spawn_blocking(move || {
            let signed = share.into_iter().map(|(due, seal)| {
                let request = seal(&due.instruction, now);
                (due, request)
            });
            signed.collect::<Vec<_>>()
        });
    }
    let (mut sealed, mut unsealed) = (Vec::new(), Vec::new());
    while let Some(share) = signing.join_next().await {
        let signed = share.unwrap_or_else(|error| {
            tracing::error!(%error, "signing panicked; the payouts of that thread stay queued");
            Vec::new()
        });
        for (due, request) in signed {
            match request {
                Ok(request) => sealed.push((due, request)),
                Err(reason) => unsealed.push((due.order, due.instruction.key, reason)),
            }
        }
    }
    (sealed, unsealed)
}

fn hold(covered: &Covered) -> LedgerRow {
    let hold = covered.hold.idr();
    LedgerRow {
        key: covered.due.instruction.key.clone(),
        kind: "hold",
        attempt: covered.attempt,
        available: hold.saturating_neg(),
        held: hold,
        paid_out: 0,
        fees: 0,
        forced: false,
    }
}

fn claimed_history_row(covered: &Covered, worker: &str) -> HistoryRow {
    HistoryRow {
        key: covered.due.instruction.key.clone(),
        event: Event::Claimed.name(),
        from_state: Some(State::Queued.name()),
        to_state: Some(State::Submitting.name()),
        source: "worker",
        attempt: covered.attempt,
        detail: serde_json::json!({ "worker": worker }),
    }
}

fn uncovered_history_row(due: &Due) -> HistoryRow {
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
