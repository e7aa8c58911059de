//! The rows that a decision writes: evidence, history and ledger entries.

use std::time::Instant;

use base16ct::lower::encode_string;
use payout_domain::{
    decide::{Decision, Note},
    evidence::{Evidence, Fact, Source},
    finding::Finding,
    state::{Posting, State},
};
use serde_json::{Value, json};

use crate::{
    load::Loaded,
    write::{EvidenceRow, HistoryRow, LedgerRow},
};

/// A piece of evidence about one of our payouts, and the decision on it.
pub(super) struct Decided<'a> {
    pub(super) evidence: Evidence,
    pub(super) loaded: &'a Loaded,
    pub(super) decision: Decision,
}

pub(super) fn evidence_row(
    evidence: &Evidence,
    attempt: i32,
    finding: Finding,
    instant: Instant,
) -> EvidenceRow {
    let is_bound = matches!(finding, Finding::Callback { mismatch: None, .. });
    let digest = match &evidence.fact {
        // One genuine callback can be read in billions of ways (protocol P9). Unbound ones are therefore counted, not
        // kept one by one.
        Fact::Callback(callback) if is_bound => callback.digest(),
        Fact::Callback(_)
        | Fact::NotSent { .. }
        | Fact::Submitted { .. }
        | Fact::LeaseExpired { .. }
        | Fact::Queried { .. }
        | Fact::Resolved(_) => &[],
    };
    let query_sent_ago_us = if let Fact::Queried { sent_at, .. } = evidence.fact {
        let ago = instant.saturating_duration_since(sent_at);
        Some(i64::try_from(ago.as_micros()).unwrap_or(i64::MAX))
    } else {
        None
    };
    EvidenceRow {
        key: evidence.key.clone(),
        attempt,
        source: evidence.fact.source().name(),
        finding: finding.columns(),
        refused: false,
        digest: encode_string(digest),
        detail: evidence.detail.clone(),
        request_sha256: evidence
            .fact
            .request_sha256()
            .map(|sha256| encode_string(sha256)),
        query_sent_ago_us,
    }
}

pub(super) fn history_rows(one: &Decided<'_>) -> Vec<HistoryRow> {
    let source = one.evidence.fact.source();
    let row = |event, states: Option<(State, State)>, detail| HistoryRow {
        key: one.evidence.key.clone(),
        event,
        from_state: states.map(|(from, _)| from.name()),
        to_state: states.map(|(_, to)| to.name()),
        source: source.name(),
        attempt: one.decision.after.attempt,
        detail,
    };
    let finding = json!(one.decision.finding.columns());
    let mut rows = Vec::new();
    if let Some(event) = one.decision.event {
        let states = (one.loaded.payout.state, one.decision.after.state);
        // A person's move records who requested it, who approved it and why.
        let detail = if source == Source::Operator {
            one.evidence.detail.clone()
        } else {
            finding.clone()
        };
        rows.push(row(event.name(), Some(states), detail));
    }
    for note in &one.decision.notes {
        rows.push(row(note.name(), None, note_detail(*note, &finding)));
    }
    rows
}

fn note_detail(note: Note, finding: &Value) -> Value {
    let mut detail = finding.clone();
    match note {
        Note::AttentionRaised(reason) => detail["attention"] = reason.name().into(),
        Note::Contradicted | Note::FeeCorrected | Note::StatementConfirmed => {}
    }
    detail
}

pub(super) fn ledger_row(one: &Decided<'_>) -> Option<LedgerRow> {
    let booking = one.decision.booking?;
    Some(LedgerRow {
        key: one.evidence.key.clone(),
        kind: booking.kind,
        attempt: one.decision.after.attempt,
        available: booking.entry.available.idr(),
        held: booking.entry.held.idr(),
        paid_out: booking.entry.paid_out.idr(),
        fees: booking.entry.fees.idr(),
        forced: booking.kind == Posting::Hold.name(),
    })
}
