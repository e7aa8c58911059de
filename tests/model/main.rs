//! An exhaustive search of every order of crashes, pauses, lost answers, forgeries, failovers, copies and acts of people.
//!
//! The model runs the production rules (`domain::decide`, `domain::state::step`) against workers, a network, a gateway, a
//! standby and people that misbehave as badly as they are allowed to. Which acts take two people is a rule of the
//! database: `table` has the same rows. `moves::tick` holds what the rules assume about time: a request arrives or is lost
//! before the quiet horizon of its attempt ends, and from then on a query finds its order.
//!
//! `holds` searches the whole space and must find no broken promise; `breaks` must find the broken promise of a known-bad
//! rule, on a shortest path.
// Why: an overflow or a missing value here fails a test, which is what a test is for.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]

mod failover;
mod known_bad;
mod known_bad_acts;
mod moves;
mod people;
mod promises;
mod row;
mod search;
mod setup;
mod steps;
mod table;
mod variants;
mod world;

use search::holds;
use setup::{
    LATE_REFUSAL, LOST_AND_NOT_FOUND, LOST_AND_NOT_FOUND_ALONE, LOST_CLAIM, LOST_INSERT, Rule,
    Setup,
};

#[test]
fn one_payout_is_paid_once_and_ends_despite_crashes_pauses_and_late_answers() {
    holds(Setup {
        stale_answers: true,
        gives_up: true,
        ..Setup::PLAIN
    });
}

#[test]
fn evidence_stored_again_after_an_unconfirmed_commit_does_not_affect_the_next_claim() {
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

/// Whatever it says under that number, and however often.
#[test]
fn a_gateway_that_gives_the_payout_another_ones_number_neither_pays_nor_fails_it() {
    holds(Setup {
        shared_numbers: true,
        gives_up: true,
        stale_answers: true,
        end: 4,
        ..Setup::PLAIN
    });
}

#[test]
fn a_gateway_that_gives_the_payout_another_ones_number_gets_no_second_send() {
    holds(Setup {
        shared_numbers: true,
        resubmits: true,
        ..Setup::PLAIN
    });
}

#[test]
fn another_payouts_number_after_a_failover_that_loses_a_claim_pays_once() {
    holds(Setup {
        shared_numbers: true,
        late_reports: true,
        first_steps: &LOST_CLAIM,
        ..Setup::FAILOVER
    });
}

#[test]
fn a_resubmit_after_the_horizon_and_a_fresh_query_pays_once() {
    holds(Setup {
        resubmits: true,
        ..Setup::PLAIN
    });
}

/// The copy from which the gateway answers queries may lag for as long as it likes.
#[test]
fn a_resubmit_pays_once_however_far_the_gateways_copy_lags() {
    holds(Setup {
        resubmits: true,
        copy_lags: true,
        few_answers: true,
        ..Setup::PLAIN
    });
}

#[test]
fn a_failover_that_loses_claims_pays_once_behind_the_fence_despite_late_reports() {
    holds(Setup {
        stale_answers: true,
        late_reports: true,
        ..Setup::FAILOVER
    });
}

#[test]
fn a_failover_that_loses_a_resubmit_pays_once_and_the_next_resubmit_waits_for_the_horizon() {
    holds(Setup {
        resubmits: true,
        late_reports: true,
        first_steps: &LOST_AND_NOT_FOUND,
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
        first_steps: &LOST_CLAIM,
        end: 4,
        ..Setup::FAILOVER
    });
}

#[test]
fn a_restored_snapshot_is_noticed_by_the_witness_and_pays_once() {
    holds(Setup {
        restores_snapshot: true,
        late_reports: true,
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
fn a_payout_inserted_again_after_a_failover_is_queried_and_pays_once() {
    holds(Setup {
        stale_answers: true,
        late_reports: true,
        first_steps: &LOST_INSERT,
        end: 4,
        ..Setup::FAILOVER
    });
}

/// The answer to a submit names the request that it answers.
#[test]
fn a_decline_that_names_its_request_does_not_affect_the_next_claim() {
    holds(Setup {
        rule: Rule::DeclineNamesItsRequest,
        ..LATE_REFUSAL
    });
}

/// A person states since when the old primary has been dead (`payout.accept_failover`).
#[test]
fn an_old_primary_that_lives_on_is_safe_when_the_horizon_counts_from_its_death() {
    holds(Setup {
        rule: Rule::HorizonCountsFromDeath,
        stale_answers: true,
        end: 4,
        ..Setup::FAILOVER
    });
}

/// A person alone may state anything, in any sequence with what a second person approves.
#[test]
fn no_four_acts_of_one_or_two_people_pay_twice_lose_or_invent_money() {
    holds(Setup::OPERATORS);
}

/// The same from the moment at which a resubmit is possible.
#[test]
fn no_four_acts_around_a_resubmit_pay_twice() {
    holds(Setup {
        first_steps: &LOST_AND_NOT_FOUND_ALONE,
        end: 7,
        ..Setup::OPERATORS
    });
}

#[test]
fn no_four_acts_after_a_failover_at_a_gateway_that_cannot_be_queried_pay_twice() {
    holds(Setup::SILENT);
}

#[test]
fn no_four_acts_after_a_failover_pay_twice() {
    holds(Setup {
        silent: false,
        ..Setup::SILENT
    });
}

#[test]
fn a_copy_of_the_data_folder_sends_nothing() {
    holds(Setup::COPY);
}
