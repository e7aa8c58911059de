//! Log lines about one payout: a sentence that stands alone, and fields to search by.

use payout_domain::{
    decide::Note,
    payout::PayoutKey,
    state::{Event, State},
};
use payout_store::record::Change;

use crate::metrics;

/// Logs a move that this worker's claim made.
pub(super) fn moved(key: &PayoutKey, attempt: i32, event: Event, from: State, to: State) {
    metrics::moved(&key.merchant_code, event.name());
    tracing::info!(
        target: "payout::transition", merchant = %key.merchant_code, order_num = %key.order_num, attempt, %event, %from, %to,
        "payout {} {from} → {to}: {event}", key.order_num
    );
}

/// Logs what a piece of evidence changed.
pub(super) fn changed(change: &Change) {
    let (merchant, order_num) = (&change.key.merchant_code, &change.key.order_num);
    let (attempt, source, finding) = (change.attempt, change.source, change.finding);
    if let Some((from, event, to)) = change.moved {
        metrics::moved(merchant, event.name());
        tracing::info!(
            target: "payout::transition", %merchant, %order_num, attempt, %event, %from, %to, %source, %finding,
            "payout {order_num} {from} → {to}: {event} ({finding})"
        );
    }
    for note in &change.notes {
        let problem = match note {
            Note::Contradicted => "has contradictory evidence",
            Note::FeeCorrected => "has a different fee from the one booked",
            Note::StatementConfirmed => "ended as people had stated: the gateway confirms it",
            Note::AttentionRaised(_) => "needs a person",
        };
        let attention = match note {
            Note::AttentionRaised(reason) => reason.name(),
            Note::Contradicted | Note::FeeCorrected | Note::StatementConfirmed => "",
        };
        tracing::warn!(
            target: "payout::note", %merchant, %order_num, attempt, note = note.name(), attention, %source, %finding,
            "payout {order_num} {problem} ({finding})"
        );
    }
}
