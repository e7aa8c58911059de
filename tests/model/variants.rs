//! What the rules make of a fact: those of production, with the one that a known-bad variant replaces.

use payout_domain::{
    attention::{Attention, AttentionSet},
    state::State,
};

use crate::{
    row::{Fence, HORIZON, Observation, OrderStatus, Proof, Row},
    setup::{Rule, Setup},
};

/// `payout.quiet_until`, or the rule of a known-bad variant.
pub(crate) fn quiet_until(setup: &Setup, row: &Row) -> u8 {
    if setup.rule == Rule::FenceOpensWhenNothingIsQueued {
        row.send_by + HORIZON
    } else {
        row.quiet_until()
    }
}

/// Records a fact by the production rules, or by those of a known-bad variant.
pub(crate) fn record(setup: &Setup, row: Row, fact: Observation, now: u8) -> Row {
    if setup.rule == Rule::FenceOpensWhenNothingIsQueued
        && row.state != State::Queued
        && row.fence.trusted_after > 0
    {
        return record_without_horizon(setup, row, fact, now);
    }
    if let (Rule::DeclineWaitsForHorizon, Observation::NotFound { query_sent_at, .. }) =
        (setup.rule, fact)
        && row.declined_at > 0
        && query_sent_at < row.send_by + HORIZON
    {
        return row;
    }
    let fact = taken_for(setup.rule, fact, &row, now);
    let to = moves_to(setup.rule, fact, row.state);
    let mut after = to.map_or_else(|| row.record(fact, now), |to| row.moved_to(to));
    if let (
        Rule::NotFoundCountsWhileSubmitting,
        Observation::NotFound {
            query_sent_at,
            again,
        },
    ) = (setup.rule, fact)
        && row.state == State::Submitting
    {
        let proof = Proof::Absence(row.quiet_until());
        after.not_found.count(proof, query_sent_at, again, now);
    }
    after.attention = attention(setup.rule, &row, &after);
    after
}

/// The reasons for attention after a fact, in a variant.
fn attention(rule: Rule, before: &Row, after: &Row) -> AttentionSet {
    let had = |reason: &Attention| before.attention.contains(*reason);
    let is_new = |reason: &Attention| !had(reason);
    let stated = before.stated && before.state == after.state;
    let mut raised = after.attention.reasons().filter(is_new);
    match rule {
        Rule::AttentionIsOneReason => raised
            .next()
            .map_or(after.attention, |reason| AttentionSet::EMPTY.with(reason)),
        Rule::WordOutweighsEvidence if stated => after.attention.reasons().filter(had).collect(),
        _ => after.attention,
    }
}

/// As if the failover did not concern a payout that is not queued.
fn record_without_horizon(setup: &Setup, row: Row, fact: Observation, now: u8) -> Row {
    let fence = row.fence;
    let unfenced = Row {
        fence: Fence {
            trusted_after: 0,
            ..fence
        },
        ..row
    };
    let after = record(setup, unfenced, fact, now);
    Row { fence, ..after }
}

/// The fact for which a variant mistakes this one.
fn taken_for(rule: Rule, fact: Observation, row: &Row, now: u8) -> Observation {
    match (rule, fact) {
        (Rule::NotSentNamesItsNumberOnly, Observation::NotSent { attempt, .. }) => {
            Observation::NotSent {
                attempt,
                request_sha256: row.request_sha256,
            }
        }
        (Rule::NotFoundCountsWhenStored, Observation::NotFound { .. }) => {
            Observation::answer(None, now)
        }
        (Rule::OthersNumberSettles, Observation::FoundAsOther) => {
            Observation::Found(OrderStatus::Paid)
        }
        _ => fact,
    }
}

/// The state to which a variant moves although `decide` does not.
fn moves_to(rule: Rule, fact: Observation, state: State) -> Option<State> {
    let unknown = state == State::Unknown;
    let submitting = state == State::Submitting;
    match (rule, fact) {
        (
            Rule::ExpiredLeaseRequeues
            | Rule::ExpiredLeaseRequeuesTokenReread
            | Rule::ExpiredLeaseRequeuesGatewayDedups,
            Observation::LeaseExpired(_),
        ) if submitting => Some(State::Queued),
        (Rule::NotFoundRequeues, Observation::NotFound { .. }) if unknown => Some(State::Queued),
        (Rule::NotFoundFails, Observation::NotFound { .. }) if unknown => Some(State::Failed),
        (Rule::TimeoutFails, Observation::Doubt(_))
        | (Rule::DeclineFails, Observation::Declined(_))
            if submitting =>
        {
            Some(State::Failed)
        }
        (Rule::UnboundCallbackSettles, Observation::Callback { says, .. })
            if state.may_have_left() =>
        {
            match says {
                OrderStatus::Paid => Some(State::Paid),
                OrderStatus::Failed => Some(State::Failed),
                OrderStatus::Open => None,
            }
        }
        _ => None,
    }
}
