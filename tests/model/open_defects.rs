//! What the search finds in the rules as they are built. Who mends one moves its setup into a test that `holds`, and
//! the old rule into `known_bad`.

use crate::{
    promises::{FAILED_IS_TRUE, PAID_ONCE},
    search::breaks,
    setup::{LOST_CLAIM, Rule, Setup},
    steps::Step,
};

/// A `FAIL` names neither its attempt nor its request: the next claim, under way, is refused by it (I11).
#[test]
fn a_decline_of_a_lost_claim_is_taken_for_that_of_the_next_claim() {
    let late = Setup {
        begun: &LOST_CLAIM,
        lost_words: true,
        refusals: true,
        end: 4,
        ..Setup::FAILOVER
    };
    breaks(late, FAILED_IS_TRUE);
}

/// `payout.accept_timeline` counts from the change that was found. An old primary that goes on claiming after it, and
/// dies just before the acceptance, is not seen (I11).
#[test]
fn an_old_primary_that_dies_only_just_before_the_acceptance_pays_twice() {
    let late = Setup {
        rule: Rule::OldPrimaryDiesLate,
        begun: &[Step::StandbyFallsBehind, Step::FailOver],
        ..Setup::FAILOVER
    };
    breaks(late, PAID_ONCE);
}
