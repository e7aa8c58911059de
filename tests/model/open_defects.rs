//! What the search finds in the rules as they are built, each with a mend that holds. Who builds one moves its setup
//! into a test of production's rules, and the old rule into `known_bad`.

use crate::{
    promises::{FAILED_IS_TRUE, PAID_ONCE},
    search::{breaks, holds},
    setup::{LOST_CLAIM, Rule, Setup},
    steps::Step,
};

const LATE_REFUSAL: Setup = Setup {
    begun: &LOST_CLAIM,
    lost_words: true,
    refusals: true,
    end: 4,
    ..Setup::FAILOVER
};

/// A worker stays with the old primary, claims there when the new one is trusted already, and both are gone then.
const OLD_PRIMARY_LIVES_ON: [Step; 9] = [
    Step::StandbyFallsBehind,
    Step::FailOver,
    Step::Reconnect(0),
    Step::Tick,
    Step::Tick,
    Step::Ask,
    Step::Claim(1),
    Step::Send(1),
    Step::OldPrimaryDies,
];

/// A `FAIL` names neither its attempt nor its request: the next claim, under way, is refused by it (I11).
#[test]
fn a_decline_of_a_lost_claim_is_taken_for_that_of_the_next_claim() {
    breaks(LATE_REFUSAL, FAILED_IS_TRUE);
}

#[test]
fn a_decline_that_names_its_request_does_not_touch_the_next_claim() {
    holds(Setup {
        rule: Rule::DeclineNamesItsRequest,
        ..LATE_REFUSAL
    });
}

/// `payout.accept_timeline` counts from the change that was found, and believes a "not known" of before the old
/// primary's last claim (I11).
#[test]
fn an_old_primary_that_dies_only_just_before_the_acceptance_pays_twice() {
    let late = Setup {
        rule: Rule::OldPrimaryDiesLate,
        begun: &OLD_PRIMARY_LIVES_ON,
        ..Setup::FAILOVER
    };
    breaks(late, PAID_ONCE);
}

#[test]
fn an_old_primary_that_lives_on_is_safe_when_the_horizon_counts_from_its_death() {
    holds(Setup {
        rule: Rule::HorizonCountsFromDeath,
        stale_answers: true,
        end: 4,
        ..Setup::FAILOVER
    });
}
