//! What holds after a failover that lost commits, and for evidence that is stored twice.

use super::scenario::{Scenario, assert_outcomes, assert_outcomes_with};
use crate::{
    evidence_words::Proves,
    finding::Finding,
    money::FeeType::{OnTop, OutOfAmount},
};

/// A failover lost the claim after the request was sent (I11).
#[test]
fn after_lost_commits_a_found_order_is_held_and_followed_and_a_missing_one_waits_for_the_horizon() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("lost",                                            "queued"),
        ("lost found:0",                                     "unknown held=100000"),
        ("lost found:2,fee=5000",                            "unknown held=100000"),
        ("lost found:2,fee=5000 found:2,fee=5000",            "paid fee=5000"),
        ("lost found:4 found:4",                              "failed"),
        ("lost found:2,amount=7",                            "queued amount_mismatch"),
        ("lost none none none",                             "queued"),
        // Without lost commits the number of a queued payout belongs to somebody else.
        ("unsent found:0",                                   "queued foreign_order"),
    ]);
    #[rustfmt::skip]
    assert_outcomes_with(OnTop, &[
        ("lost found:0",                                     "unknown held=110000"),
        ("lost found:0 found:2,fee=5000",                     "paid fee=5000"),
    ]);
    let mut scenario = Scenario::new(OutOfAmount);
    assert!(
        scenario
            .run("lost none")
            .next_query_in()
            .is_some_and(|pause| pause < 60)
    );
    let finding = |scenario: &Scenario| scenario.last.as_ref().unwrap().finding;
    assert_eq!(finding(&scenario), Finding::NOT_FOUND_EARLY);
    assert_eq!(
        scenario.run("@1799 none").next_query_in(),
        Some(2),
        "just after the horizon"
    );
    scenario.run("@1801 none");
    let proven = Finding::NotFound {
        proves: Proves::Absence,
        valid_from: scenario.payout.trusted_after,
    };
    assert_eq!(
        (finding(&scenario), scenario.next_query_in()),
        (proven, None),
        "proven: it may be claimed"
    );
}

#[test]
fn the_proof_that_a_lost_claim_was_not_sent_does_not_touch_a_newer_claim_of_the_same_number() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("unsent",                              "queued"),
        ("lost claim unsent,request=9",           "submitting held=100000"),
        ("lost claim unsent",                   "queued"),
        ("doubt unsent,request=9",                "unknown held=100000"),
        ("lost claim fail,request=9 @61 none @76 none", "submitting held=100000"),
        ("lost claim doubt,request=9",            "submitting held=100000"),
        ("lost claim ack,request=9",              "pending held=100000"),
        ("doubt unsent",                        "queued"),
    ]);
}

/// The commit of the first answer was not confirmed, so the recorder stores it again (found by a chaos run).
#[test]
fn an_answer_that_is_stored_twice_does_not_count_as_two() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("@1 fail @61 none,ago=0 @76 none,ago=0",            "failed"),
        ("@1 fail @61 none,ago=0 @76 none,ago=15",           "unknown held=100000"),
        ("@1 fail @61 none,ago=5 @76 none,ago=0",            "unknown held=100000"),
        ("doubt @1861 none @2161 none @2461 none",           "unknown not_found held=100000"),
        ("doubt @1861 none @2161 none @2461 none,ago=301",   "unknown held=100000"),
        ("doubt @1861 none,ago=2 @2161 none @2461 none",     "unknown held=100000"),
        ("ack found:4,unsigned @31 found:4,unsigned",          "failed"),
        ("ack found:4,unsigned @31 found:4,unsigned,ago=31",   "pending held=100000"),
    ]);
}

/// A failover may lose a resubmit and the claims after it.
#[test]
fn after_a_failover_the_proof_of_absence_starts_over() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("doubt @1861 none @2161 none @2461 none",                              "unknown not_found held=100000"),
        ("doubt @1861 none @2161 none failover @2461 none",                     "unknown held=100000"),
        ("doubt @1861 none @2161 none failover @3962 none @4262 none",          "unknown held=100000"),
        ("doubt @1861 none @2161 none failover @3962 none @4262 none @4562 none", "unknown not_found held=100000"),
    ]);
}
