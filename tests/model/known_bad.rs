//! Rules that other systems use and that pay twice or report a wrong outcome. The search must find each of them broken,
//! which shows that it can see such damage.

use crate::{
    promises::{ATTENTION_AFTER_HORIZON, FAILED_IS_TRUE, PAID_IS_TRUE, PAID_ONCE, SENT_ONCE},
    search::{breaks, holds},
    setup::{
        LATE_REFUSAL, LOST_ACCEPTANCE, LOST_AND_NOT_FOUND, LOST_CLAIM, LOST_INSERT,
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

const LATE_BOOKINGS: Setup = Setup {
    late_bookings: true,
    ..Setup::PLAIN
};

fn with(rule: Rule, setup: Setup) -> Setup {
    Setup { rule, ..setup }
}

#[test]
fn v1_requeueing_an_expired_lease_pays_twice() {
    breaks(with(Rule::ExpiredLeaseRequeues, Setup::PLAIN), PAID_ONCE);
}

#[test]
fn v2_rereading_the_claim_before_the_send_still_pays_twice() {
    let rule = Rule::ExpiredLeaseRequeuesTokenReread;
    breaks(with(rule, Setup::PLAIN), PAID_ONCE);
}

#[test]
fn v3_requeueing_a_payout_that_is_not_found_pays_twice() {
    breaks(with(Rule::NotFoundRequeues, Setup::PLAIN), PAID_ONCE);
}

#[test]
fn v4_failing_a_payout_that_is_not_found_fails_one_that_the_gateway_pays() {
    breaks(with(Rule::NotFoundFails, Setup::PLAIN), FAILED_IS_TRUE);
}

#[test]
fn v5o_a_resubmit_at_any_time_pays_twice() {
    breaks(with(Rule::ResubmitAtAnyTime, RESUBMITS), PAID_ONCE);
}

#[test]
fn v5p_a_resubmit_after_the_horizon_without_a_query_pays_twice() {
    breaks(with(Rule::ResubmitWithoutQuery, RESUBMITS), PAID_ONCE);
}

#[test]
fn v5q_a_resubmit_after_a_query_before_the_horizon_pays_twice() {
    breaks(with(Rule::ResubmitWithoutHorizon, RESUBMITS), PAID_ONCE);
}

/// The gateway answers queries from a copy that lags, and that knows every order which was paid before.
const LAGS: Setup = Setup {
    copy_lags: true,
    few_answers: true,
    ..RESUBMITS
};

#[test]
fn a_not_found_that_only_an_older_paid_order_vouches_for_pays_twice() {
    breaks(with(Rule::NewestPaidVouches, LAGS), PAID_ONCE);
}

#[test]
fn a_not_found_that_an_order_sent_within_the_horizon_vouches_for_pays_twice() {
    breaks(with(Rule::NextSentVouches, LAGS), PAID_ONCE);
}

#[test]
fn v6_claiming_without_a_fence_after_a_failover_pays_twice() {
    breaks(with(Rule::NoFence, Setup::FAILOVER), PAID_ONCE);
}

#[test]
fn v7hz_a_fence_that_opens_automatically_while_the_old_primary_lives_pays_twice() {
    let failed_over = Setup {
        first_steps: &[Step::StandbyFallsBehind, Step::FailOver],
        ..Setup::FAILOVER
    };
    breaks(with(Rule::FenceOpensAutomatically, failed_over), PAID_ONCE);
}

#[test]
fn v9_a_gateway_that_books_once_hides_that_a_requeued_lease_sends_twice() {
    let rule = Rule::ExpiredLeaseRequeuesGatewayDedups;
    breaks(with(rule, Setup::PLAIN), SENT_ONCE);
}

#[test]
fn trusting_a_callback_without_comparing_its_fields_records_an_unpaid_payout_as_paid() {
    breaks(with(Rule::UnboundCallbackSettles, FORGERIES), PAID_IS_TRUE);
}

#[test]
fn trusting_a_callback_without_comparing_its_fields_records_a_paid_payout_as_failed() {
    let rule = Rule::UnboundCallbackSettles;
    breaks(with(rule, FORGERIES), FAILED_IS_TRUE);
}

/// The other payout was paid, and this one was never booked.
#[test]
fn taking_the_answer_with_another_payouts_number_records_an_unpaid_payout_as_paid() {
    let shared = Setup {
        shared_numbers: true,
        ..Setup::PLAIN
    };
    breaks(with(Rule::OthersNumberSettles, shared), PAID_IS_TRUE);
}

#[test]
fn treating_a_timeout_as_a_failure_fails_a_paid_payout() {
    breaks(with(Rule::TimeoutFails, Setup::PLAIN), FAILED_IS_TRUE);
}

#[test]
fn treating_a_decline_as_an_immediate_failure_fails_a_paid_payout() {
    breaks(with(Rule::DeclineFails, Setup::PLAIN), FAILED_IS_TRUE);
}

/// An accepted limit: the next query of the failed payout reveals it.
#[test]
fn an_order_booked_after_its_decline_was_confirmed_stays_failed_until_the_next_query() {
    breaks(LATE_BOOKINGS, FAILED_IS_TRUE);
}

/// What removing that limit would take.
#[test]
fn an_order_whose_decline_is_confirmed_after_the_horizon_is_never_booked() {
    holds(with(Rule::DeclineWaitsForHorizon, LATE_BOOKINGS));
}

/// After lost commits, attempt numbers are used again.
#[test]
fn a_not_sent_that_names_only_its_attempt_number_requeues_the_next_claim() {
    let late = Setup {
        first_steps: &LOST_CLAIM,
        late_reports: true,
        ..Setup::FAILOVER
    };
    breaks(with(Rule::NotSentNamesItsNumberOnly, late), PAID_ONCE);
}

#[test]
fn a_not_found_queried_before_the_horizon_and_stored_after_it_opens_the_fence() {
    let stale = Setup {
        first_steps: &LOST_CLAIM,
        stale_answers: true,
        ..Setup::FAILOVER
    };
    breaks(with(Rule::NotFoundCountsWhenStored, stale), PAID_ONCE);
}

#[test]
fn a_fence_that_opens_one_send_window_early_pays_twice() {
    let soon = Setup {
        first_steps: &LOST_CLAIM,
        ..Setup::FAILOVER
    };
    breaks(with(Rule::FenceForgetsSendWindow, soon), PAID_ONCE);
}

/// After a lost resubmit the payout is unknown, not queued.
#[test]
fn a_fence_that_opens_immediately_when_nothing_is_queued_repeats_a_lost_resubmit() {
    let lost = Setup {
        resubmits: true,
        first_steps: &LOST_AND_NOT_FOUND,
        end: 4,
        ..Setup::FAILOVER
    };
    breaks(with(Rule::FenceOpensWhenNothingIsQueued, lost), PAID_ONCE);
}

#[test]
fn a_not_found_observed_while_submitting_counts_towards_the_three_after_the_horizon() {
    let rule = Rule::NotFoundCountsWhileSubmitting;
    breaks(with(rule, Setup::PLAIN), ATTENTION_AFTER_HORIZON);
}

#[test]
fn a_second_failover_that_does_not_restart_the_horizon_pays_twice() {
    let twice = Setup {
        failovers: 2,
        first_steps: &LOST_ACCEPTANCE,
        end: 5,
        ..Setup::FAILOVER
    };
    breaks(with(Rule::SecondFailoverNotNoted, twice), PAID_ONCE);
}

#[test]
fn a_payout_inserted_again_after_the_acceptance_and_not_queried_first_pays_twice() {
    let missing = Setup {
        first_steps: &LOST_INSERT,
        end: 4,
        ..Setup::FAILOVER
    };
    breaks(with(Rule::InsertedAgainNotQueriedFirst, missing), PAID_ONCE);
}

#[test]
fn a_restored_snapshot_without_a_witness_pays_twice() {
    let snapshot = Setup {
        restores_snapshot: true,
        ..Setup::FAILOVER
    };
    breaks(with(Rule::NoWitness, snapshot), PAID_ONCE);
}

/// A decline of a lost claim is taken for a decline of the next one, which is under way (I11).
#[test]
fn a_decline_that_does_not_name_its_request_fails_the_next_claim() {
    breaks(LATE_REFUSAL, FAILED_IS_TRUE);
}

/// Counted from when the failover was found, the horizon ends before the old primary's last claim is visible (I11).
#[test]
fn a_horizon_that_does_not_count_from_the_old_primarys_death_pays_twice() {
    let late = Setup {
        rule: Rule::OldPrimaryDiesLate,
        first_steps: &OLD_PRIMARY_LIVES_ON,
        ..Setup::FAILOVER
    };
    breaks(late, PAID_ONCE);
}
