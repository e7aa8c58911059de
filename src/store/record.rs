//! The one door: every change of a payout after its claim comes from evidence and goes through here.

use std::{collections::HashSet, time::Instant};

use serde_json::{Value, json};
use sqlx::PgPool;

use super::{
    is_locked, is_refusal, is_transient,
    load::{self, Loaded},
    write::{self, EvidenceRow, HistoryRow, LedgerRow, PayoutRow},
};
use crate::domain::{
    decide::{Decision, Note, Rules, decide},
    evidence::{Evidence, Fact, Source},
    payout::PayoutKey,
    state::{Event, Posting, State},
};

/// How often a transaction that met another one is tried again.
const TRIES: u32 = 5;

/// What became of one piece of evidence.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It is stored, with everything that followed from it.
    Recorded(Change),
    /// There is no such payout.
    UnknownPayout,
    /// Somebody else holds it, or its merchant's account, locked. Nothing of it is stored yet: record it again.
    Locked,
    /// The database refused what would have followed; the evidence alone is stored.
    Refused(String),
}

/// What followed from one piece of evidence.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which payout.
    pub key: PayoutKey,
    /// The attempt it was at.
    pub attempt: i32,
    /// Who said it.
    pub source: Source,
    /// Under which word it was stored.
    pub finding: String,
    /// The move, if there was one.
    pub moved: Option<(State, Event, State)>,
    /// Other history lines.
    pub notes: Vec<Note>,
    /// Whether the gateway is to be asked at once.
    pub query_now: bool,
}

/// Stores a batch of evidence and what follows from it, in the order given; one outcome each.
///
/// One transaction changes a payout at most once, so evidence about the same payout takes successive ones.
/// When the database refuses a batch each piece is tried alone: one poisoned row cannot wedge the rest.
///
/// # Errors
/// Only when the database cannot be reached or is overloaded. Nothing of the batch may be thrown away then;
/// recording it again is safe.
pub async fn record(
    pool: &PgPool,
    rules: &Rules,
    batch: &[Evidence],
) -> Result<Vec<Outcome>, sqlx::Error> {
    let begun = Instant::now();
    let mut outcomes: Vec<Option<Outcome>> = batch.iter().map(|_| None).collect();
    let mut waiting: Vec<usize> = (0..batch.len()).collect();
    while !waiting.is_empty() {
        let mut seen = HashSet::new();
        let (round, later): (Vec<usize>, Vec<usize>) = waiting.iter().partition(|at| {
            batch
                .get(**at)
                .is_some_and(|evidence| seen.insert(&evidence.key))
        });
        let pieces: Vec<&Evidence> = round.iter().filter_map(|at| batch.get(*at)).collect();
        let results = match together(pool, rules, &pieces, begun).await {
            Ok(results) => results,
            Err(error) if is_refusal(&error) || is_transient(&error) => {
                one_by_one(pool, rules, &pieces, begun).await?
            }
            Err(error) => return Err(error),
        };
        for (at, result) in round.iter().zip(results) {
            if let Some(place) = outcomes.get_mut(*at) {
                *place = Some(result);
            }
        }
        waiting = later;
    }
    Ok(outcomes
        .into_iter()
        .map(|outcome| outcome.unwrap_or(Outcome::UnknownPayout))
        .collect())
}

async fn together(
    pool: &PgPool,
    rules: &Rules,
    round: &[&Evidence],
    begun: Instant,
) -> Result<Vec<Outcome>, sqlx::Error> {
    for _ in 1..TRIES {
        match transaction(pool, rules, round, begun, false).await {
            Err(error) if is_transient(&error) && !is_locked(&error) => {}
            result => return result,
        }
    }
    transaction(pool, rules, round, begun, false).await
}

async fn one_by_one(
    pool: &PgPool,
    rules: &Rules,
    round: &[&Evidence],
    begun: Instant,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut outcomes = Vec::new();
    for evidence in round {
        outcomes.push(
            match transaction(pool, rules, &[evidence], begun, true).await {
                Err(error) if is_transient(&error) => Outcome::Locked,
                Ok(mut one) => one.pop().unwrap_or(Outcome::UnknownPayout),
                Err(error) if is_refusal(&error) => match keep_alone(pool, evidence).await {
                    Ok(()) => Outcome::Refused(error.to_string()),
                    Err(error) if is_transient(&error) => Outcome::Locked,
                    Err(error) => return Err(error),
                },
                Err(error) => return Err(error),
            },
        );
    }
    Ok(outcomes)
}

/// Evidence whose consequence was refused is still evidence.
async fn keep_alone(pool: &PgPool, evidence: &Evidence) -> Result<(), sqlx::Error> {
    let mut evidence = evidence.clone();
    let mut tx = pool.begin().await?;
    write::wait_briefly_for_locks(&mut tx).await?;
    match load::lock_payouts(&mut tx, &[&evidence.key]).await {
        Ok(locked) => {
            if let Some(loaded) = locked.get(&evidence.key) {
                evidence.scrub(&loaded.payout.instruction);
            }
        }
        // Without the row nobody can tell which of the words may be kept.
        Err(error) if is_refusal(&error) => evidence.detail = json!({}),
        Err(error) => return Err(error),
    }
    tx.rollback().await?;
    let row = evidence_row(
        &evidence,
        evidence.attempt.unwrap_or(0),
        format!("{} refused", evidence.finding()),
    );
    let mut db = pool.acquire().await?;
    write::insert_or_count_evidence(&mut db, &[row]).await
}

/// `alone`: somebody's lock is not waited for, as others wait behind it.
async fn transaction(
    pool: &PgPool,
    rules: &Rules,
    round: &[&Evidence],
    begun: Instant,
    alone: bool,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut tx = pool.begin().await?;
    // Measured once the transaction, whose now() the questions are dated by, has begun.
    let late = begun.elapsed();
    if alone {
        write::wait_briefly_for_locks(&mut tx).await?;
    }
    let keys: Vec<&PayoutKey> = round.iter().map(|evidence| &evidence.key).collect();
    let locked = load::lock_payouts(&mut tx, &keys).await?;
    let round: Vec<Evidence> = round
        .iter()
        .map(|evidence| {
            let mut evidence = (*evidence).clone();
            evidence.query_sent_ago = evidence.query_sent_ago.saturating_add(late);
            if let Some(loaded) = locked.get(&evidence.key) {
                evidence.scrub(&loaded.payout.instruction);
            }
            evidence
        })
        .collect();
    let decided: Vec<Option<(&Loaded, Decision)>> = round
        .iter()
        .map(|evidence| {
            let loaded = locked.get(&evidence.key)?;
            Some((loaded, decide(&loaded.payout, evidence, rules, loaded.now)))
        })
        .collect();

    let mut evidence_rows = Vec::new();
    let mut history = Vec::new();
    let mut entries = Vec::new();
    for (evidence, decided) in round.iter().zip(&decided) {
        if let Some((loaded, decision)) = decided {
            let attempt = evidence.attempt.unwrap_or(loaded.payout.attempt);
            evidence_rows.push(evidence_row(evidence, attempt, decision.finding.clone()));
            history.extend(history_rows(loaded, evidence, decision));
            entries.extend(ledger_row(loaded, decision));
        }
    }
    write::insert_or_count_evidence(&mut tx, &evidence_rows).await?;
    write::set_outcome_if_missing(&mut tx, &evidence_rows).await?;
    let moves = write::append_history(&mut tx, &history).await?;
    write::book(&mut tx, &entries).await?;
    let changed: Vec<PayoutRow> = decided
        .iter()
        .flatten()
        .filter(|(loaded, decision)| loaded.payout != decision.after)
        .map(|(loaded, decision)| {
            let last_seq = moves.get(&loaded.payout.instruction.key).copied();
            PayoutRow::of(&loaded.payout, decision.after.clone(), last_seq)
        })
        .collect();
    write::change_if_still(&mut tx, &changed).await?;
    tx.commit().await?;

    Ok(round
        .iter()
        .zip(decided)
        .map(|(evidence, decided)| match decided {
            None => Outcome::UnknownPayout,
            Some((loaded, decision)) => Outcome::Recorded(change(loaded, evidence, decision)),
        })
        .collect())
}

fn change(loaded: &Loaded, evidence: &Evidence, decision: Decision) -> Change {
    let before = &loaded.payout;
    Change {
        key: evidence.key.clone(),
        attempt: before.attempt,
        source: evidence.source,
        finding: decision.finding,
        moved: decision
            .event
            .map(|event| (before.state, event, decision.after.state)),
        notes: decision.notes,
        query_now: decision
            .after
            .next_query_at
            .is_some_and(|at| at <= loaded.now),
    }
}

fn evidence_row(evidence: &Evidence, attempt: i32, finding: String) -> EvidenceRow {
    let digest = match &evidence.fact {
        // One genuine callback can be read in billions of ways (protocol P9): those are counted, not kept one by one.
        Fact::Callback(callback) if !finding.contains(" unbound") => callback.digest(),
        Fact::Callback(_)
        | Fact::NotSent { .. }
        | Fact::Submitted(_)
        | Fact::LeaseExpired
        | Fact::Queried(_)
        | Fact::Resolved(_) => &[],
    };
    EvidenceRow {
        key: evidence.key.clone(),
        attempt,
        source: evidence.source.name(),
        finding,
        digest: write::hex(digest),
        detail: evidence.detail.clone(),
        claim: evidence.claim.map(|sha256| write::hex(&sha256)),
        query_sent_ago_us: matches!(evidence.fact, Fact::Queried(_))
            .then(|| i64::try_from(evidence.query_sent_ago.as_micros()).unwrap_or(i64::MAX)),
    }
}

fn history_rows(loaded: &Loaded, evidence: &Evidence, decision: &Decision) -> Vec<HistoryRow> {
    let row = |event, states: Option<(State, State)>, detail| HistoryRow {
        key: evidence.key.clone(),
        event,
        from_state: states.map(|(from, _)| from.name()),
        to_state: states.map(|(_, to)| to.name()),
        source: evidence.source.name(),
        attempt: decision.after.attempt,
        detail,
    };
    let finding = json!({ "finding": decision.finding });
    let mut rows = Vec::new();
    if let Some(event) = decision.event {
        let states = (loaded.payout.state, decision.after.state);
        // Who asked, who approved and why belongs to a person's move.
        let detail = if evidence.source == Source::Operator {
            evidence.detail.clone()
        } else {
            finding.clone()
        };
        rows.push(row(event.name(), Some(states), detail));
    }
    for note in &decision.notes {
        rows.push(row(
            note.name(),
            None,
            note_detail(*note, &decision.finding),
        ));
    }
    rows
}

fn note_detail(note: Note, finding: &str) -> Value {
    match note {
        Note::AttentionRaised(reason) => json!({ "finding": finding, "attention": reason.name() }),
        Note::Contradicted | Note::FeeCorrected => json!({ "finding": finding }),
    }
}

fn ledger_row(loaded: &Loaded, decision: &Decision) -> Option<LedgerRow> {
    let booking = decision.booking?;
    Some(LedgerRow {
        key: loaded.payout.instruction.key.clone(),
        kind: booking.kind,
        attempt: decision.after.attempt,
        available: booking.entry.available.idr(),
        held: booking.entry.held.idr(),
        paid_out: booking.entry.paid_out.idr(),
        fees: booking.entry.fees.idr(),
        reference: (booking.kind == Posting::Hold.name()).then_some("found at the gateway"),
    })
}
