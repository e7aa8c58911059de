//! Every order of crashes, pauses, lost answers, forgeries and failovers, searched completely.
//!
//! The model runs the production rules (`domain::decide`, `domain::state::step`) among workers, a network, a gateway
//! and a standby that do the worst they may. What the rules assume of time is in `moves::tick`: a request arrives or
//! is lost before the quiet horizon of its attempt ends, and is found by a question from then on.
//!
//! `holds` searches everything and must find nothing; `breaks` must find the damage, by a short way.
// Why: an overflow or a missing value here fails a test, which is what a test is for.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]

mod known_bad;
mod moves;
mod promises;
mod row;
mod search;
mod setup;
mod steps;
mod world;

use search::holds;
use setup::{LATE_REFUSAL, LOST_AND_NOT_KNOWN, LOST_CLAIM, LOST_INSERT, Rule, Setup};

#[test]
fn whatever_crashes_pauses_or_is_answered_late_one_payout_is_paid_once_and_ends() {
    holds(Setup {
        stale_answers: true,
        gives_up: true,
        ..Setup::PLAIN
    });
}

#[test]
fn what_is_stored_again_after_an_unconfirmed_commit_does_not_meet_the_next_claim() {
    holds(Setup {
        repeats: true,
        stale_answers: true,
        end: 4,
        ..Setup::PLAIN
    });
}

#[test]
fn no_forged_callback_makes_a_payout_paid_or_failed() {
    holds(Setup {
        stale_answers: true,
        forgeries: true,
        end: 4,
        ..Setup::PLAIN
    });
}

#[test]
fn a_resubmit_after_the_horizon_and_a_fresh_question_pays_once() {
    holds(Setup {
        resubmits: true,
        ..Setup::PLAIN
    });
}

#[test]
fn a_failover_that_loses_claims_pays_once_behind_the_fence_whatever_is_heard_late() {
    holds(Setup {
        stale_answers: true,
        lost_words: true,
        ..Setup::FAILOVER
    });
}

#[test]
fn a_failover_that_loses_a_resubmit_pays_once_and_the_next_resubmit_waits_for_the_horizon() {
    holds(Setup {
        resubmits: true,
        lost_words: true,
        begun: &LOST_AND_NOT_KNOWN,
        end: 8,
        ..Setup::FAILOVER
    });
}

#[test]
fn a_failover_amid_answers_callbacks_and_forgeries_pays_once_and_ends() {
    holds(Setup {
        few_answers: false,
        forgeries: true,
        stale_answers: true,
        begun: &LOST_CLAIM,
        end: 4,
        ..Setup::FAILOVER
    });
}

#[test]
fn an_older_state_put_back_is_noticed_by_the_witness_and_pays_once() {
    holds(Setup {
        put_back: true,
        lost_words: true,
        stale_answers: true,
        end: 4,
        ..Setup::FAILOVER
    });
}

#[test]
fn a_second_failover_that_loses_the_acceptance_of_the_first_pays_once() {
    holds(Setup {
        failovers: 2,
        end: 4,
        ..Setup::FAILOVER
    });
}

#[test]
fn what_a_backend_inserts_again_after_a_failover_is_asked_for_and_pays_once() {
    holds(Setup {
        stale_answers: true,
        lost_words: true,
        begun: &LOST_INSERT,
        end: 4,
        ..Setup::FAILOVER
    });
}

/// The answer to a submit names its request (`Evidence::claim`).
#[test]
fn a_decline_that_names_its_request_does_not_touch_the_next_claim() {
    holds(Setup {
        rule: Rule::DeclineNamesItsRequest,
        ..LATE_REFUSAL
    });
}

/// A person states since when the old primary is dead (`payout.accept_failover`).
#[test]
fn an_old_primary_that_lives_on_is_safe_when_the_horizon_counts_from_its_death() {
    holds(Setup {
        rule: Rule::HorizonCountsFromDeath,
        stale_answers: true,
        end: 4,
        ..Setup::FAILOVER
    });
}
