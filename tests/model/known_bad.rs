//! Rules that others use and that pay twice or lie: each is found broken, so the search can see such damage.

use crate::{
    promises::{FAILED_IS_TRUE, PAID_IS_TRUE, PAID_ONCE, PROVEN_AFTER_HORIZON, SENT_ONCE},
    search::{breaks, holds},
    setup::{
        LATE_REFUSAL, LOST_ACCEPTANCE, LOST_AND_NOT_KNOWN, LOST_CLAIM, LOST_INSERT,
        OLD_PRIMARY_LIVES_ON, Rule, Setup,
    },
    steps::Step,
};

const RESUBMITS: Setup = Setup {
    resubmits: true,
    ..Setup::PLAIN
};
const FORGERIES: Setup = Setup {
    forgeries: true,
    ..Setup::PLAIN
};

const BUSY: Setup = Setup {
    busy_books: true,
    ..Setup::PLAIN
};

fn with(rule: Rule, setup: Setup) -> Setup {
    Setup { rule, ..setup }
}

#[test]
fn v1_putting_an_ended_lease_back_into_the_queue_pays_twice() {
    breaks(with(Rule::LeaseEndRequeues, Setup::PLAIN), PAID_ONCE);
}

#[test]
fn v2_reading_the_claim_once_more_before_the_send_pays_twice_all_the_same() {
    let rule = Rule::LeaseEndRequeuesTokenReread;
    breaks(with(rule, Setup::PLAIN), PAID_ONCE);
}

#[test]
fn v3_putting_what_the_gateway_does_not_know_back_into_the_queue_pays_twice() {
    breaks(with(Rule::NotFoundRequeues, Setup::PLAIN), PAID_ONCE);
}

#[test]
fn v4_failing_what_the_gateway_does_not_know_fails_what_it_pays() {
    breaks(with(Rule::NotFoundFails, Setup::PLAIN), FAILED_IS_TRUE);
}

#[test]
fn v5o_a_resubmit_at_any_time_pays_twice() {
    breaks(with(Rule::ResubmitAtAnyTime, RESUBMITS), PAID_ONCE);
}

#[test]
fn v5p_a_resubmit_after_the_horizon_without_a_question_pays_twice() {
    breaks(with(Rule::ResubmitWithoutQuestion, RESUBMITS), PAID_ONCE);
}

#[test]
fn v5q_a_resubmit_after_a_question_before_the_horizon_pays_twice() {
    breaks(with(Rule::ResubmitWithoutHorizon, RESUBMITS), PAID_ONCE);
}

#[test]
fn v6_claiming_on_after_a_failover_pays_twice() {
    breaks(with(Rule::NoFence, Setup::FAILOVER), PAID_ONCE);
}

#[test]
fn v7hz_claiming_on_by_itself_while_the_old_primary_lives_pays_twice() {
    let failed_over = Setup {
        begun: &[Step::StandbyFallsBehind, Step::FailOver],
        ..Setup::FAILOVER
    };
    breaks(with(Rule::FenceEndsByItself, failed_over), PAID_ONCE);
}

#[test]
fn v9_a_gateway_that_books_once_hides_that_an_ended_lease_sends_twice() {
    let rule = Rule::LeaseEndRequeuesGatewayDedups;
    breaks(with(rule, Setup::PLAIN), SENT_ONCE);
}

#[test]
fn believing_a_callback_without_comparing_its_fields_pays_what_is_not_paid() {
    breaks(with(Rule::UnboundCallbackSettles, FORGERIES), PAID_IS_TRUE);
}

#[test]
fn believing_a_callback_without_comparing_its_fields_fails_what_is_paid() {
    let rule = Rule::UnboundCallbackSettles;
    breaks(with(rule, FORGERIES), FAILED_IS_TRUE);
}

#[test]
fn taking_a_timeout_for_a_failure_fails_what_is_paid() {
    breaks(with(Rule::TimeoutFails, Setup::PLAIN), FAILED_IS_TRUE);
}

#[test]
fn taking_a_decline_for_a_failure_at_once_fails_what_is_paid() {
    breaks(with(Rule::DeclineFails, Setup::PLAIN), FAILED_IS_TRUE);
}

/// An accepted limit: it is found out when the failed payout is asked for again.
#[test]
fn a_decline_that_is_booked_after_it_was_confirmed_is_failed_until_it_is_asked_for_again() {
    breaks(BUSY, FAILED_IS_TRUE);
}

/// What it would take to be without that limit.
#[test]
fn a_decline_that_is_confirmed_only_after_the_horizon_is_not_booked_any_more() {
    holds(with(Rule::DeclineWaitsForHorizon, BUSY));
}

/// Where commits were lost, an attempt's number is used again.
#[test]
fn a_not_sent_that_names_its_attempt_by_the_number_only_requeues_the_next_claim() {
    let late = Setup {
        begun: &LOST_CLAIM,
        lost_words: true,
        ..Setup::FAILOVER
    };
    breaks(with(Rule::NotSentNamesItsNumberOnly, late), PAID_ONCE);
}

#[test]
fn a_not_known_asked_before_the_horizon_and_stored_after_it_opens_the_fence() {
    let stale = Setup {
        begun: &LOST_CLAIM,
        stale_answers: true,
        ..Setup::FAILOVER
    };
    breaks(with(Rule::NotKnownCountsWhenStored, stale), PAID_ONCE);
}

#[test]
fn a_fence_that_opens_a_send_window_too_soon_pays_twice() {
    let soon = Setup {
        begun: &LOST_CLAIM,
        ..Setup::FAILOVER
    };
    breaks(with(Rule::FenceForgetsSendWindow, soon), PAID_ONCE);
}

/// A resubmit that was lost stands as unknown.
#[test]
fn a_fence_that_opens_at_once_when_nothing_is_queued_repeats_a_lost_resubmit() {
    let lost = Setup {
        resubmits: true,
        begun: &LOST_AND_NOT_KNOWN,
        end: 4,
        ..Setup::FAILOVER
    };
    breaks(with(Rule::FenceEndsWhenNothingIsQueued, lost), PAID_ONCE);
}

#[test]
fn a_not_known_heard_while_submitting_counts_among_the_three_of_after_the_horizon() {
    let rule = Rule::NotKnownCountsWhileSubmitting;
    breaks(with(rule, Setup::PLAIN), PROVEN_AFTER_HORIZON);
}

#[test]
fn a_second_change_that_does_not_begin_the_horizon_anew_pays_twice() {
    let twice = Setup {
        failovers: 2,
        begun: &LOST_ACCEPTANCE,
        end: 5,
        ..Setup::FAILOVER
    };
    breaks(with(Rule::SecondChangeNotNoted, twice), PAID_ONCE);
}

#[test]
fn what_is_inserted_again_after_the_acceptance_and_not_asked_for_first_pays_twice() {
    let missing = Setup {
        begun: &LOST_INSERT,
        end: 4,
        ..Setup::FAILOVER
    };
    breaks(with(Rule::InsertedAgainNotAskedFirst, missing), PAID_ONCE);
}

#[test]
fn an_older_state_put_back_without_a_witness_pays_twice() {
    let put_back = Setup {
        put_back: true,
        ..Setup::FAILOVER
    };
    breaks(with(Rule::NoWitness, put_back), PAID_ONCE);
}

/// The next claim, under way, is refused by what was said to a lost one (I11).
#[test]
fn a_decline_that_does_not_name_its_request_fails_the_next_claim() {
    breaks(LATE_REFUSAL, FAILED_IS_TRUE);
}

/// Counted from the change that was found, "not known" is believed of before the old primary's last claim (I11).
#[test]
fn a_horizon_that_does_not_count_from_the_old_primarys_death_pays_twice() {
    let late = Setup {
        rule: Rule::OldPrimaryDiesLate,
        begun: &OLD_PRIMARY_LIVES_ON,
        ..Setup::FAILOVER
    };
    breaks(late, PAID_ONCE);
}
