//! What the search finds in the rules as they are built. Who mends one moves its setup into a test that `holds`.

use crate::{
    promises::{PAID_ONCE, PROVEN_AFTER_HORIZON},
    search::breaks,
    setup::{Rule, Setup},
    steps::Step,
};

/// A claim that the standby never saw.
const LOST_CLAIM: [Step; 3] = [Step::StandbyFallsBehind, Step::Claim(0), Step::FailOver];

/// A request is lost, and after the horizon the gateway has said three times that it does not know it.
const LOST_AND_NOT_KNOWN: [Step; 10] = [
    Step::Claim(0),
    Step::Send(1),
    Step::Vanish(1),
    Step::StoreDoubt(1),
    Step::Tick,
    Step::Tick,
    Step::Ask,
    Step::Ask,
    Step::Tick,
    Step::Ask,
];

/// The attempt's number is used again after its claim was lost, and `not_sent` names it by that number only (I4).
#[test]
fn a_not_sent_of_a_lost_claim_requeues_the_next_claim_of_the_same_number() {
    let late = Setup {
        begun: &LOST_CLAIM,
        lost_words: true,
        ..Setup::FAILOVER
    };
    breaks(late, PAID_ONCE);
}

/// `payout.accept_timeline` looks at when "not known" was stored, not at when it was asked (I11).
#[test]
fn a_not_known_asked_before_the_horizon_and_stored_after_it_opens_the_fence() {
    let stale = Setup {
        begun: &LOST_CLAIM,
        stale_answers: true,
        ..Setup::FAILOVER
    };
    breaks(stale, PAID_ONCE);
}

/// `payout.accept_timeline` counts the horizon from the change, not from the last send-by time before it (I11).
#[test]
fn a_fence_that_opens_a_send_window_too_soon_pays_twice() {
    let soon = Setup {
        begun: &LOST_CLAIM,
        rule: Rule::FenceEndsWhenAllowed,
        ..Setup::FAILOVER
    };
    breaks(soon, PAID_ONCE);
}

/// `payout.accept_timeline` waits for queued payouts only; a resubmit that was lost stands as unknown (I11).
#[test]
fn a_fence_that_opens_at_once_when_nothing_is_queued_repeats_a_lost_resubmit() {
    let lost = Setup {
        resubmits: true,
        begun: &LOST_AND_NOT_KNOWN,
        end: 4,
        rule: Rule::FenceEndsWhenNothingIsQueued,
        ..Setup::FAILOVER
    };
    breaks(lost, PAID_ONCE);
}

/// Heard while it is `submitting`, "not known" is stored under the word that counts after the horizon (I10).
#[test]
fn a_not_known_heard_while_submitting_counts_among_the_three_of_after_the_horizon() {
    let strict = Setup {
        strict_proof: true,
        ..Setup::PLAIN
    };
    breaks(strict, PROVEN_AFTER_HORIZON);
}
