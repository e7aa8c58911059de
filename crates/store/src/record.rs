//! Records evidence and what follows from it. Everything that the gateway, an expired lease or a person states about a
//! payout comes in here.
//!
//! Payouts are changed elsewhere only by the claim (`claim`), by an operator's cancel and replay (SQL), and where
//! queries and attention are scheduled (`queries`, `failover`, `expired_leases`), which moves no state.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::{Duration, Instant},
};

use sqlx::{PgConnection, PgPool};

mod alone;
mod outcome;
mod rows;

use alone::record_alone;
pub use outcome::{Change, Lock, Outcome};
use payout_domain::{
    decide::{Now, Rules, decide},
    evidence::Evidence,
    payout::PayoutKey,
};
use payout_permit::boot_time;
use rows::{Decided, evidence_row, history_rows, ledger_row};

use super::{
    Store,
    clock::{self, Clock, Jump, Reading},
    is_locked, is_refusal, is_transient,
    load::{self, Loaded},
    write::{self, PayoutRow},
};

/// How often a transaction that conflicts with another one is tried.
const TRIES: u32 = 5;
/// After that many pieces in a row whose locks were not released, the rest is not tried now.
pub const LOCKED_IN_A_ROW: usize = 3;

/// Where evidence is recorded. A worker's store also knows what to expect of the database's clock, which is compared in
/// each transaction: after a jump the quiet horizons restart before anything counts as proof (I10).
#[derive(Clone, Copy, Debug)]
pub struct Database<'a> {
    pool: &'a PgPool,
    clock: Option<&'a Clock>,
}

impl<'a> From<&'a PgPool> for Database<'a> {
    fn from(pool: &'a PgPool) -> Self {
        Self { pool, clock: None }
    }
}

impl<'a> From<&'a Store> for Database<'a> {
    fn from(store: &'a Store) -> Self {
        Self {
            pool: &store.results,
            clock: Some(&store.clock),
        }
    }
}

/// Records a batch of evidence and what follows from it, in the given order. Returns one outcome per piece.
///
/// One transaction changes a payout at most once, so evidence about the same payout takes several. If the database
/// refuses a batch, each piece is tried alone, so one bad row cannot block the others. A locked payout is left out. If
/// something that the payouts share stays locked for the connection's `lock_timeout`, nothing of the batch is stored:
/// continue with [`record_beside_locks`].
///
/// # Errors
/// Only if the database cannot be reached or is overloaded. Keep the whole batch then; recording it again is safe.
pub async fn record<'a>(
    database: impl Into<Database<'a>>,
    rules: &Rules,
    batch: &[Evidence],
) -> Result<Vec<Outcome>, sqlx::Error> {
    in_rounds(database.into(), rules, &refs(batch), Waiting::ForLocks).await
}

/// The same for pieces of several merchants, without a second try: the first lock or refusal ends it.
///
/// # Errors
/// If something was locked or refused, or the database cannot be reached. Hand each merchant's pieces to [`record`] then:
/// some may be stored already, and recording them again is safe.
pub async fn record_once<'a>(
    database: impl Into<Database<'a>>,
    rules: &Rules,
    pieces: &[&Evidence],
) -> Result<Vec<Outcome>, sqlx::Error> {
    in_rounds(database.into(), rules, pieces, Waiting::Once).await
}

/// The same for a merchant whose shared rows are locked: stores what does not need them, and tries the rest. It takes
/// longer, so let only few merchants do it at a time.
pub async fn record_beside_locks<'a>(
    database: impl Into<Database<'a>>,
    rules: &Rules,
    batch: &[Evidence],
) -> Result<Vec<Outcome>, sqlx::Error> {
    in_rounds(database.into(), rules, &refs(batch), Waiting::Briefly).await
}

fn refs(batch: &[Evidence]) -> Vec<&Evidence> {
    batch.iter().collect()
}

/// How long a transaction waits for a lock on what a merchant's payouts share.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// For the connection's `lock_timeout`.
    ForLocks,
    /// The same, and whatever goes wrong ends it.
    Once,
    /// For 100 ms, because other evidence waits behind it.
    Briefly,
    /// The same, and leaves out what moves money, because the account is locked.
    BrieflyWithoutMoney,
}

async fn in_rounds(
    database: Database<'_>,
    rules: &Rules,
    batch: &[&Evidence],
    waiting: Waiting,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut outcomes: Vec<Option<Outcome>> = batch.iter().map(|_| None).collect();
    let mut left: Vec<usize> = (0..batch.len()).collect();
    while !left.is_empty() {
        let mut seen = HashSet::new();
        let (round, later): (Vec<usize>, Vec<usize>) = left.iter().partition(|at| {
            batch
                .get(**at)
                .is_some_and(|evidence| seen.insert(&evidence.key))
        });
        let pieces: Vec<&Evidence> = round
            .iter()
            .filter_map(|at| batch.get(*at).copied())
            .collect();
        let results = record_round(database, rules, &pieces, waiting).await?;
        for (at, result) in round.iter().zip(results) {
            if let Some(place) = outcomes.get_mut(*at) {
                *place = Some(result);
            }
        }
        left = later;
    }
    Ok(outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_or(Outcome::UnknownPayout))
        .collect())
}

async fn record_round(
    database: Database<'_>,
    rules: &Rules,
    round: &[&Evidence],
    waiting: Waiting,
) -> Result<Vec<Outcome>, sqlx::Error> {
    if waiting == Waiting::Once {
        return transaction(database, rules, round, waiting).await;
    }
    if waiting == Waiting::ForLocks {
        return match record_together(database, rules, round).await {
            Err(error) if is_locked(&error) => Ok(round
                .iter()
                .map(|_| Outcome::Locked(Lock::Shared))
                .collect()),
            Err(error) if is_refusal(&error) || is_transient(&error) => {
                record_one_by_one(database, rules, round).await
            }
            result => result,
        };
    }
    let without_money = Waiting::BrieflyWithoutMoney;
    let mut outcomes = match transaction(database, rules, round, without_money).await {
        Ok(outcomes) => outcomes,
        Err(error) if is_refusal(&error) || is_transient(&error) => {
            return record_one_by_one(database, rules, round).await;
        }
        Err(error) => return Err(error),
    };
    let money: Vec<(&Evidence, &mut Outcome)> = round
        .iter()
        .copied()
        .zip(&mut outcomes)
        .filter(|(_, outcome)| matches!(outcome, Outcome::Locked(Lock::Shared)))
        .collect();
    let pieces: Vec<&Evidence> = money.iter().map(|(evidence, _)| *evidence).collect();
    if !pieces.is_empty() {
        let results = record_money(database, rules, &pieces).await?;
        for ((_, outcome), result) in money.into_iter().zip(results) {
            *outcome = result;
        }
    }
    Ok(outcomes)
}

/// Records what moves money together, and piece by piece if that does not work.
async fn record_money(
    database: Database<'_>,
    rules: &Rules,
    pieces: &[&Evidence],
) -> Result<Vec<Outcome>, sqlx::Error> {
    match transaction(database, rules, pieces, Waiting::Briefly).await {
        Err(error) if is_refusal(&error) || is_transient(&error) => {
            record_one_by_one(database, rules, pieces).await
        }
        result => result,
    }
}

async fn record_together(
    database: Database<'_>,
    rules: &Rules,
    round: &[&Evidence],
) -> Result<Vec<Outcome>, sqlx::Error> {
    for _ in 1..TRIES {
        match transaction(database, rules, round, Waiting::ForLocks).await {
            Err(error) if is_transient(&error) && !is_locked(&error) => {}
            result => return result,
        }
    }
    transaction(database, rules, round, Waiting::ForLocks).await
}

async fn record_one_by_one(
    database: Database<'_>,
    rules: &Rules,
    round: &[&Evidence],
) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut outcomes = Vec::new();
    let mut locked_in_a_row = 0_usize;
    for evidence in round {
        if locked_in_a_row >= LOCKED_IN_A_ROW {
            outcomes.push(Outcome::Locked(Lock::Shared));
            continue;
        }
        let outcome = record_alone(database, rules, evidence).await?;
        locked_in_a_row = if matches!(outcome, Outcome::Locked(Lock::Shared)) {
            locked_in_a_row.saturating_add(1)
        } else {
            0
        };
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// Records one round in a transaction. If that finds that the database's clock has jumped, the jump is marked and the
/// round begins again.
async fn transaction(
    database: Database<'_>,
    rules: &Rules,
    round: &[&Evidence],
    waiting: Waiting,
) -> Result<Vec<Outcome>, sqlx::Error> {
    loop {
        if let Some(outcomes) = transaction_by_the_clock(database, rules, round, waiting).await? {
            return Ok(outcomes);
        }
    }
}

/// `None` after a jump of the clock: nothing is recorded.
async fn transaction_by_the_clock(
    database: Database<'_>,
    rules: &Rules,
    round: &[&Evidence],
    waiting: Waiting,
) -> Result<Option<Vec<Outcome>>, sqlx::Error> {
    let before = boot_time();
    let mut tx = database.pool.begin().await?;
    let begun = Begun {
        before,
        after: boot_time(),
        // Read after the transaction has begun, so a query is never dated later than it was sent by the transaction's
        // now().
        instant: Instant::now(),
    };
    match write_round(&mut tx, database, rules, round, waiting, begun).await {
        Ok(Round::Written(outcomes)) => {
            tx.commit().await?;
            Ok(Some(outcomes))
        }
        Ok(Round::Jumped(clock, reading, jump)) => {
            tx.rollback().await?;
            clock::note_jump(database.pool, clock, &reading, jump).await?;
            Ok(None)
        }
        Err(error) => {
            // At once: a dropped transaction ends later, and until then its locks look like somebody else's.
            tx.rollback().await.ok();
            Err(error)
        }
    }
}

/// When a transaction began: by the boot clock, before and after, and by the monotonic clock.
#[derive(Clone, Copy)]
struct Begun {
    before: Duration,
    after: Duration,
    instant: Instant,
}

/// What became of a round that the database did not refuse.
enum Round<'a> {
    Written(Vec<Outcome>),
    Jumped(&'a Clock, Reading, Jump),
}

async fn write_round<'a>(
    tx: &mut PgConnection,
    database: Database<'a>,
    rules: &Rules,
    round: &[&Evidence],
    waiting: Waiting,
    begun: Begun,
) -> Result<Round<'a>, sqlx::Error> {
    if matches!(waiting, Waiting::Briefly | Waiting::BrieflyWithoutMoney) {
        write::wait_briefly_for_locks(tx).await?;
    }
    let keys: Vec<&PayoutKey> = round.iter().map(|evidence| &evidence.key).collect();
    let locked = load::lock_payouts(tx, &keys).await?;
    // now() was read when the transaction began.
    let reading = locked.values().next().map(|loaded| Reading {
        before: begun.before,
        now: loaded.now,
        after: begun.after,
    });
    if let Some((clock, reading, jump)) = jumped(database, reading) {
        return Ok(Round::Jumped(clock, reading, jump));
    }
    let not_locked: Vec<&PayoutKey> = keys
        .into_iter()
        .filter(|key| !locked.contains_key(key))
        .collect();
    let elsewhere = load::existing(tx, &not_locked).await?;
    let decided: Vec<Result<Decided, Outcome>> = round
        .iter()
        .map(|evidence| {
            let decided = decide_on(evidence, &locked, rules, begun.instant);
            let decided = decided.ok_or_else(|| not_ours(&evidence.key, &elsewhere))?;
            if waiting == Waiting::BrieflyWithoutMoney && decided.decision.booking.is_some() {
                return Err(Outcome::Locked(Lock::Shared));
            }
            Ok(decided)
        })
        .collect();
    let ours: Vec<&Decided> = decided.iter().flatten().collect();
    if !ours.is_empty() {
        write_changes(tx, &ours, begun.instant).await?;
    }
    let outcome = |decided: Result<Decided<'_>, Outcome>| {
        decided.map_or_else(|outcome| outcome, |one| Outcome::Recorded(change(one)))
    };
    Ok(Round::Written(decided.into_iter().map(outcome).collect()))
}

async fn write_changes(
    db: &mut PgConnection,
    ours: &[&Decided<'_>],
    instant: Instant,
) -> Result<(), sqlx::Error> {
    let moves = write_supporting_rows(db, ours, instant).await?;
    let changed: Vec<PayoutRow> = ours
        .iter()
        .filter(|one| one.loaded.payout != one.decision.after)
        .map(|one| {
            let before = &one.loaded.payout;
            let last_seq = moves.get(&before.instruction.key).copied();
            PayoutRow::of(before, one.decision.after.clone(), last_seq)
        })
        .collect();
    write::change_if_still(db, &changed).await
}

fn jumped(database: Database<'_>, reading: Option<Reading>) -> Option<(&Clock, Reading, Jump)> {
    let (clock, reading) = (database.clock?, reading?);
    Some((clock, reading, clock.compare(&reading)?))
}

/// The outcome for a payout that this transaction could not lock.
fn not_ours(key: &PayoutKey, elsewhere: &BTreeSet<PayoutKey>) -> Outcome {
    if elsewhere.contains(key) {
        Outcome::Locked(Lock::Payout)
    } else {
        Outcome::UnknownPayout
    }
}

fn decide_on<'a>(
    evidence: &Evidence,
    locked: &'a BTreeMap<PayoutKey, Loaded>,
    rules: &Rules,
    instant: Instant,
) -> Option<Decided<'a>> {
    let loaded = locked.get(&evidence.key)?;
    let mut evidence = evidence.clone();
    evidence.scrub(&loaded.payout.instruction);
    let now = Now {
        utc: loaded.now,
        instant,
    };
    let decision = decide(&loaded.payout, &evidence, rules, now);
    Some(Decided {
        evidence,
        loaded,
        decision,
    })
}

/// Writes the rows that support a change: evidence, history and ledger entries. Returns the history number of each
/// payout's move.
async fn write_supporting_rows(
    db: &mut PgConnection,
    ours: &[&Decided<'_>],
    instant: Instant,
) -> Result<HashMap<PayoutKey, i64>, sqlx::Error> {
    let mut evidence_rows = Vec::new();
    let mut history = Vec::new();
    let mut entries = Vec::new();
    for one in ours {
        let attempt = one.evidence.fact.attempt();
        evidence_rows.push(evidence_row(
            &one.evidence,
            attempt.unwrap_or(one.loaded.payout.attempt),
            one.decision.finding,
            instant,
        ));
        history.extend(history_rows(one));
        entries.extend(ledger_row(one));
    }
    write::insert_or_count_evidence(db, &evidence_rows).await?;
    write::set_outcome_if_missing(db, &evidence_rows).await?;
    let moves = write::append_history(db, &history).await?;
    write::book(db, &entries).await?;
    Ok(moves)
}

fn change(one: Decided<'_>) -> Change {
    let before = &one.loaded.payout;
    let after = &one.decision.after;
    Change {
        attempt: before.attempt,
        source: one.evidence.fact.source(),
        finding: one.decision.finding,
        moved: one
            .decision
            .event
            .map(|event| (before.state, event, after.state)),
        query_now: after.next_query_at.is_some_and(|at| at <= one.loaded.now),
        key: one.evidence.key,
        notes: one.decision.notes,
    }
}
