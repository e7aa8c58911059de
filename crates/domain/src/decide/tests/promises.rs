//! The outcome of a payout, one scenario per row.

use std::time::Instant;

use super::scenario::{Scenario, assert_outcomes, assert_outcomes_with};
use crate::{
    attention::Attention,
    decide::{Note, Now, decide},
    evidence::{Doubt, Evidence, Fact, QueryAnswer, SubmitAnswer},
    money::FeeType::{OnTop, OutOfAmount},
};

#[test]
fn no_number_of_doubts_ever_makes_a_failure() {
    for doubt in Doubt::ALL {
        let mut scenario = Scenario::new(OutOfAmount);
        let (attempt, sent_at) = (1, Instant::now());
        for fact in [
            Fact::Submitted {
                attempt,
                request_sha256: [1; 32],
                answer: SubmitAnswer::Doubt(doubt),
            },
            Fact::Queried {
                answer: QueryAnswer::Doubt(doubt),
                sent_at,
            },
        ] {
            for days in 0..400 {
                scenario.run(&format!("@{}", days * 86_400));
                let evidence = Evidence {
                    key: scenario.payout.instruction.key.clone(),
                    fact: fact.clone(),
                    detail: serde_json::Value::Null,
                };
                let now = Now {
                    utc: scenario.now,
                    instant: sent_at,
                };
                scenario.payout = decide(&scenario.payout, &evidence, &scenario.rules, now).after;
                let expected = if doubt == Doubt::NumberInUse {
                    "unknown foreign_order held=100000"
                } else {
                    "unknown held=100000"
                };
                assert_eq!(scenario.outcome(), expected, "{}", doubt.name());
                assert!(scenario.next_query_in().is_some(), "it is queried for ever");
            }
        }
    }
}

#[test]
fn an_answer_moves_an_open_payout_and_without_one_queries_go_on() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("ack",                                  "pending held=100000"),
        ("ack:2",                                "pending held=100000"),
        ("ack:4",                                "pending held=100000"),
        ("doubt ack",                            "pending held=100000"),
        ("doubt found:0",                         "pending held=100000"),
        ("doubt found:5",                         "pending held=100000"),
        ("doubt found:1,amount=-1",               "pending held=100000"),
        ("doubt found:77",                        "pending held=100000"),
        ("ack found:2,fee=5000",                  "paid fee=5000"),
        ("found:2,fee=5000",                      "paid fee=5000"),
        ("doubt found:2,fee=5000",                "paid fee=5000"),
        ("ack,fee=5000 found:2",                  "paid fee=5000"),
        ("ack,fee=5000 found:2,fee=6000",         "paid fee=6000"),
        ("ack found:3",                           "failed"),
        ("ack found:4",                           "failed"),
        ("found:4",                               "failed"),
        ("doubt found:4 query? query?",               "failed"),
    ]);
}

#[test]
fn a_final_status_in_the_acceptance_only_queries_at_once() {
    for step in ["ack:2", "ack:3", "ack:4"] {
        assert_eq!(
            Scenario::new(OutOfAmount).run(step).next_query_in(),
            Some(0),
            "{step}"
        );
    }
}

#[test]
fn a_fail_becomes_a_failure_only_after_two_spaced_not_found_answers() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("@1 fail",                              "unknown held=100000"),
        ("@1 fail @60 none @61 none",            "unknown held=100000"),
        ("@1 fail @30 none @60 none",            "unknown held=100000"),
        ("@1 fail @45 none @61 none",            "unknown held=100000"),
        ("@1 fail @61 none @75 none",            "unknown held=100000"),
        ("@1 fail @61 none @76 none",            "failed"),
        ("@1 fail @61 none @68 query? @76 none",   "failed"),
        ("@1 fail @61 query? @76 query? @999 query?",  "unknown held=100000"),
        ("@1 doubt @2 fail @62 none @77 none",   "failed"),
        // After lost commits or a jump of the clock, only what comes after the quiet horizon counts.
        ("@1 fail failover @61 none @76 none",   "unknown held=100000"),
        ("@1 fail @61 none failover @1862 none", "unknown held=100000"),
        ("@1 fail @61 none failover @1862 none @1877 none", "failed"),
        ("ack @1 fail @61 none @76 none",        "pending held=100000"),
        ("found:1 @1 fail @61 none @76 none",     "pending foreign_order held=100000"),
    ]);
}

#[test]
fn a_fail_after_more_than_one_send_proves_nothing() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("doubt @2000 resend @2001 fail @2061 none @2076 none @2100 none", "unknown held=100000"),
        ("unsent @5 claim @6 fail @66 none @81 none",                      "failed"),
    ]);
}

#[test]
fn before_the_quiet_horizon_not_found_means_nothing_and_after_it_a_person_must_look() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("doubt @60 none @900 none @1859 none @1859 none",            "unknown held=100000"),
        ("doubt @1860 none @1861 none @1862 none @1863 none",         "unknown held=100000"),
        ("doubt @1860 none @2459 none",                               "unknown held=100000"),
        ("doubt @1860 none @2160 none @2459 none",                    "unknown held=100000"),
        ("doubt @1860 none @2160 none @2460 none",                    "unknown not_found held=100000"),
        ("doubt @1860 none @2160 none @2460 none @99999999 none",     "unknown not_found held=100000"),
        ("doubt @1860 none @2160 none @2460 none found:2,fee=0",       "paid fee=0"),
        ("doubt @1000 none @1859 none @1860 none @2460 none",         "unknown held=100000"),
    ]);
}

#[test]
fn confirming_queries_are_scheduled_and_not_left_to_the_backoff() {
    #[rustfmt::skip]
    let rows = [
        ("@1 fail",                              60),
        ("@1 fail @31 none",                     30),
        ("@1 fail @61 none",                     15),
        ("doubt @1859 none",                      1),
        ("doubt @1860 none",                    300),
        ("doubt @1860 none @2160 none",         300),
        ("ack found:2,unsigned",                  30),
        ("ack found:2,unsigned @10 found:2,unsigned", 20),
        // Counted from the latest, so that they come to be half a minute apart.
        ("ack found:4,unsigned @15 found:2,unsigned @20 found:4,unsigned", 30),
        ("ack found:4,unsigned @15 found:2,unsigned @20 found:4,unsigned @40 found:4,unsigned", 30),
    ];
    for (steps, seconds) in rows {
        assert_eq!(
            Scenario::new(OutOfAmount).run(steps).next_query_in(),
            Some(seconds),
            "{steps}"
        );
    }
}

#[test]
fn an_unsigned_final_answer_settles_only_when_a_read_thirty_seconds_later_agrees() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("ack found:2,unsigned",                                       "pending held=100000"),
        ("ack found:2,unsigned @29 found:2,unsigned",                   "pending held=100000"),
        ("ack found:2,unsigned @30 found:2,unsigned",                   "paid"),
        ("ack found:2,unsigned @30 found:4,unsigned",                   "pending held=100000"),
        ("ack found:4,unsigned @29 found:4,unsigned",                   "pending held=100000"),
        ("ack found:4,unsigned @30 found:4,unsigned",                   "failed"),
        ("doubt found:2,unsigned @1 found:2",                           "paid"),
        ("ack found:2,unsigned @1 callback:2",                            "paid fee=5000"),
    ]);
}

/// The attack: a gateway that wavers without signing freed the hold with the second of two answers, between which it had
/// said that the order was paid.
#[test]
fn two_unsigned_answers_do_not_agree_if_the_gateway_said_otherwise_between_them() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("ack found:4,unsigned @15 found:2,unsigned @30 found:4,unsigned",   "pending held=100000"),
        ("ack found:4,unsigned @15 found:1,unsigned @30 found:4,unsigned",   "pending held=100000"),
        ("ack found:4,unsigned @15 found:1 @30 found:4,unsigned",            "pending held=100000"),
        ("ack found:4,unsigned @15 none @30 found:4,unsigned",               "pending held=100000"),
        ("ack found:2,unsigned @15 found:4,unsigned @30 found:2,unsigned",   "pending held=100000"),
        ("ack found:2,unsigned @15 found:1,unsigned @30 found:2,unsigned",   "pending held=100000"),
        ("ack found:2,unsigned @15 none @30 found:2,unsigned",               "pending held=100000"),
        // The query was sent before the gateway said otherwise, and its answer was stored after.
        ("ack found:4,unsigned @40 found:2,unsigned @41 found:4,unsigned,ago=5", "pending held=100000"),
        // After another answer, two that agree settle it.
        ("ack found:4,unsigned @15 found:2,unsigned @30 found:4,unsigned @59 found:4,unsigned", "pending held=100000"),
        ("ack found:4,unsigned @15 found:2,unsigned @30 found:4,unsigned @60 found:4,unsigned", "failed"),
        ("ack found:4,unsigned @15 found:2,unsigned @45 found:2,unsigned",   "paid"),
        ("ack found:4,unsigned @15 found:2,unsigned @30 found:4,unsigned @40 found:2,unsigned @70 found:4,unsigned",
                                                                             "pending held=100000"),
        // Cancelled and failed are both an end without a payment, and no answer says nothing.
        ("ack found:4,unsigned @15 found:3,unsigned @30 found:4,unsigned",   "failed"),
        ("ack found:4,unsigned @15 query? @30 found:4,unsigned",             "failed"),
        // A signed answer needs no other one.
        ("ack found:4,unsigned @15 found:2,unsigned @30 found:4",            "failed"),
    ]);
}

#[test]
fn a_callback_settles_only_paid_only_bound_and_only_with_a_number_known_before() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("ack callback:2",                          "paid fee=5000"),
        ("doubt found:1 callback:2",                 "paid fee=5000"),
        ("callback:2",                              "submitting held=100000"),
        ("doubt callback:2",                        "unknown held=100000"),
        ("doubt callback:2 callback:2 callback:2",        "unknown held=100000"),
        ("ack callback:2,plat=W2",                  "pending held=100000"),
        ("ack callback:2,unbound",                  "pending held=100000"),
        ("ack callback:2,spliced",                  "pending held=100000"),
        ("ack callback:2,amount=99999",             "pending held=100000"),
        ("ack callback:2,amount=0100000",           "pending held=100000"),
        ("ack callback:2,feeType=1",                "pending held=100000"),
        ("ack callback:4",                          "pending held=100000"),
        ("ack callback:3",                          "pending held=100000"),
        ("ack callback:9",                          "pending held=100000"),
        ("ack callback:4 callback:4 callback:4",          "pending held=100000"),
        ("ack callback:4 found:2,fee=1",             "paid fee=1"),
    ]);
    for steps in [
        "ack callback:4",
        "doubt callback:2",
        "ack callback:1",
        // It came before the answer to the submit was stored.
        "callback:2 ack",
        "callback:2 doubt",
        "callback:2 lease",
        "callback:2 fail",
        "doubt resend callback:2 fail",
        "ack callback:2,unbound",
    ] {
        assert_eq!(
            Scenario::new(OutOfAmount).run(steps).next_query_in(),
            Some(0),
            "{steps}"
        );
    }
    let mut scenario = Scenario::new(OutOfAmount);
    scenario.rules.callbacks_settle = false;
    assert_eq!(
        scenario.run("ack callback:2").outcome(),
        "pending held=100000"
    );
    assert_eq!(
        scenario.next_query_in(),
        Some(0),
        "with settle = \"query\" it is a reason to query"
    );
}

#[test]
fn a_late_reversal_is_shown_to_a_person_and_moves_nothing() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("ack found:2 found:4",                    "paid contradiction"),
        ("ack found:2,plat=W1 found:4,plat=W2",   "paid contradiction, foreign_order"),
        ("ack found:2 found:1",                    "paid"),
        ("ack found:2 none none",                 "paid"),
        ("ack found:2 none @1 none @2 none",            "paid contradiction"),
        ("ack found:2 callback:4",                   "paid"),
        ("ack callback:2 found:0,fee=5000",          "paid fee=5000"),
        ("ack found:4 found:2",                    "failed late_success"),
        ("ack found:4 callback:2",                   "failed late_success"),
        ("ack found:4 callback:2,unbound",           "failed"),
        ("unsent callback:2",                       "queued contradiction"),
        ("unsent callback:2,unbound",               "queued"),
        ("ack found:4 found:4 found:3",             "failed"),
        ("ack found:4 callback:4",                   "failed"),
        ("@1 fail @61 none @76 none found:1",     "failed contradiction"),
        ("@1 fail @61 none @76 none found:2",     "failed late_success"),
        ("@1 fail @61 none @76 none ack,plat=W9","failed contradiction"),
        ("ack none none",                        "pending held=100000"),
        ("ack none @1 none @2 none",                   "pending contradiction held=100000"),
        ("ack,plat=W1 found:2,plat=W2",           "pending contradiction held=100000"),
    ]);
    let mut scenario = Scenario::new(OutOfAmount);
    assert_eq!(
        scenario.run("ack found:4 callback:2").next_query_in(),
        Some(0)
    );
    assert_eq!(
        scenario.last.unwrap().notes,
        [
            Note::Contradicted,
            Note::AttentionRaised(Attention::LateSuccess)
        ]
    );
}

#[test]
fn no_reason_for_attention_gives_way_to_another_or_to_a_move_that_does_not_answer_it() {
    #[rustfmt::skip]
    assert_outcomes(&[
        // On the failed payout, the reason that blocks its replacement stays.
        ("ack found:4 found:2 found:2,amount=99999",   "failed late_success, amount_mismatch"),
        ("ack found:4 found:2 found:4,plat=W2",        "failed late_success, contradiction"),
        ("ack found:4 found:2,plat=W2 found:2",        "failed late_success, contradiction"),
        // The gateway has another order under this number, so that the failure of ours is not the end of it.
        ("ack found:2,plat=W2 found:4",                "failed contradiction"),
        ("ack found:1,amount=99999 found:4",           "failed amount_mismatch"),
        ("ack none @1 none @2 none found:4",           "failed contradiction"),
        // Settled as paid with our amount, the other amount is answered, and nothing else is.
        ("ack found:2,amount=99999 found:2",           "paid"),
        ("ack found:2,plat=W2 found:1,amount=99999 found:2", "paid contradiction"),
        ("doubt @1860 none @2160 none @2460 none found:1",   "pending held=100000"),
    ]);
}

#[test]
fn an_amount_that_is_not_ours_settles_nothing() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("ack found:2,amount=99999",              "pending amount_mismatch held=100000"),
        ("ack found:4,amount=99999",              "pending amount_mismatch held=100000"),
        ("ack found:2,amount=-1",                 "pending amount_mismatch held=100000"),
        ("ack found:2,amount=95000,fee=5000",     "paid fee=5000"),
        ("ack found:2,amount=105000,fee=5000",    "paid fee=5000"),
        ("ack,fee=5000 found:2,amount=95000",     "paid fee=5000"),
        ("ack found:2,amount=95001,fee=5000",     "pending amount_mismatch held=100000"),
        ("doubt found:2,amount=95000,fee=5000",   "unknown amount_mismatch held=100000"),
        ("ack found:2,amount=9 found:2,fee=0",     "paid fee=0"),
    ]);
}

/// A fee that cannot be true is not booked, and hides nothing: neither that the payout was paid, nor the fee itself.
#[test]
fn a_payout_is_paid_whatever_its_fee_says_and_an_implausible_fee_stays_unknown_until_a_plausible_one()
 {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("ack found:2,fee=100000",                                "paid fee_implausible"),
        ("ack found:2,fee=99999",                                 "paid fee_implausible"),
        ("ack found:2,fee=-1",                                    "paid fee_implausible"),
        ("ack found:2,fee=9223372036854775807",                   "paid fee_implausible"),
        ("ack,fee=5000 found:2,fee=900000000",                    "paid fee_implausible"),
        ("ack,fee=900000000",                                     "pending fee_implausible held=100000"),
        ("ack,fee=900000000 found:2,fee=5000",                    "paid fee=5000"),
        ("ack,fee=900000000 found:4",                             "failed"),
        ("ack found:1,fee=900000000 found:2",                     "paid fee_implausible"),
        ("ack found:2,fee=900000000 @3600 found:2,fee=5000",      "paid fee=5000"),
        ("ack found:2,fee=900000000 @3600 found:2,fee=5000,unsigned", "paid fee_implausible"),
        ("ack found:2,fee=5000 @3600 found:2,fee=900000000",      "paid fee_implausible fee=5000"),
        ("ack found:2,fee=5000 @3600 found:2,fee=900000000 @7200 found:2,fee=5000", "paid fee=5000"),
        // A callback with such a fee settles nothing; the answer to the query that it causes does.
        ("ack callback:2,fee=900000000",                          "pending held=100000"),
        ("ack callback:2,fee=900000000 found:2,fee=900000000",    "paid fee_implausible"),
        // Nor does it make another amount ours.
        ("ack found:2,amount=900100000,fee=900000000",            "pending amount_mismatch held=100000"),
    ]);
    #[rustfmt::skip]
    assert_outcomes_with(OnTop, &[
        ("ack found:2,fee=50000",                                 "paid fee_above_reserve fee=50000"),
        ("ack found:2,fee=50001",                                 "paid fee_implausible held=10000"),
        ("ack found:2,fee=9223372036854775807",                   "paid fee_implausible held=10000"),
        ("ack found:2,fee=50001 @3600 found:2,fee=5000",          "paid fee=5000"),
        ("ack found:2,fee=50000 @3600 found:2,fee=5000",          "paid fee=5000"),
        ("ack found:2,fee=5000 @3600 found:2,fee=50000",          "paid fee_above_reserve fee=50000"),
        ("ack callback:2,feeType=1,fee=50001",                    "pending held=110000"),
    ]);
    let mut scenario = Scenario::new(OutOfAmount);
    assert_eq!(
        scenario.run("ack callback:2,fee=900000000").next_query_in(),
        Some(0)
    );
}

#[test]
fn a_fee_on_top_keeps_its_reserve_until_it_is_known() {
    #[rustfmt::skip]
    assert_outcomes_with(OnTop, &[
        ("ack",                                               "pending held=110000"),
        ("ack found:2",                                        "paid held=10000"),
        ("ack found:2 @3600 found:2,fee=5000",                  "paid fee=5000"),
        ("ack found:2 @3600 found:2,fee=5000,unsigned",         "paid held=10000"),
        ("ack found:2,fee=5000 @3600 found:2,fee=6000",         "paid fee=6000"),
        ("ack found:2,fee=10001",                              "paid fee_above_reserve fee=10001"),
        ("ack found:4,fee=5000",                               "failed"),
        ("ack callback:2,feeType=1",                             "paid fee=5000"),
    ]);
    let mut scenario = Scenario::new(OnTop);
    let last = scenario
        .run("ack found:2 @3600 found:2,fee=5000")
        .last
        .take()
        .unwrap();
    assert_eq!(
        (last.booking.unwrap().kind, last.notes),
        ("fee_known", vec![Note::FeeCorrected])
    );
}

/// The attack: the reserve for a fee that the gateway never states stayed held for ever, and nobody was told.
#[test]
fn a_fee_that_is_never_stated_needs_people_after_the_last_query() {
    let hour_and_day = "ack found:2 @3600 found:2 @86400 found:2";
    let later = |steps: &str| format!("{hour_and_day} @259200 {steps}");
    #[rustfmt::skip]
    let rows = [
        (later(""),                                       "paid held=10000"),
        (later("found:2"),                                "paid fee_unknown held=10000"),
        (later("query?"),                                 "paid held=10000"),
        (later("query? @270000 found:2"),                 "paid fee_unknown held=10000"),
        (later("found:2,fee=50001"),                      "paid fee_implausible, fee_unknown held=10000"),
        (later("found:2 @270000 found:2,fee=5000"),       "paid fee=5000"),
        (later("found:2,fee=5000"),                       "paid fee=5000"),
    ];
    for (steps, expected) in &rows {
        assert_outcomes_with(OnTop, &[(steps, expected)]);
    }
    assert_outcomes(&[(&later("found:2"), "paid")]);
}

#[test]
fn a_fee_other_than_the_one_that_people_stated_is_booked_and_is_a_contradiction() {
    for (stated, expected) in [
        ("2500", "paid fee=2500"),
        ("3000", "paid contradiction fee=3000"),
        ("50001", "paid contradiction, fee_implausible fee=2500"),
        ("3000,unsigned", "paid contradiction fee=2500"),
    ] {
        let mut scenario = Scenario::new(OnTop);
        scenario.run("ack found:2,fee=2500");
        scenario.payout.fee_by_statement = true;
        scenario.run(&format!("@3600 found:2,fee={stated}"));
        assert_eq!(scenario.outcome(), expected, "{stated}");
    }
}

#[test]
fn only_the_proof_that_nothing_left_puts_a_payout_back_and_only_for_the_attempt_that_sent() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("unsent",                               "queued"),
        ("lease unsent",                         "queued"),
        ("unsent,attempt=0",                     "submitting held=100000"),
        ("unsent @5 claim unsent,attempt=1",     "submitting held=100000"),
        ("unsent @5 claim unsent",               "queued"),
        ("unsent unsent",                        "queued"),
        ("doubt resend unsent",                  "submitting held=100000"),
        ("found:1 unsent",                        "pending held=100000"),
        ("ack unsent",                           "pending held=100000"),
        ("found:2,fee=0 unsent",                  "paid fee=0"),
        ("@1 fail @2 unsent",                    "unknown foreign_order held=100000"),
    ]);
    let mut scenario = Scenario::new(OutOfAmount);
    for pause in [1, 2, 4, 8] {
        let due_at = scenario.run("unsent").payout.due_at;
        assert_eq!(
            (due_at - scenario.now).num_seconds(),
            pause,
            "each time it waits longer"
        );
        scenario.run("claim");
    }
}

#[test]
fn an_expired_lease_makes_its_own_attempt_unknown_and_no_newer_one() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("lease",                                "unknown held=100000"),
        ("lease,attempt=0",                      "submitting held=100000"),
        ("unsent claim lease,attempt=1",         "submitting held=100000"),
        ("unsent lease",                         "queued"),
        ("ack lease",                            "pending held=100000"),
        ("found:2,fee=0 lease",                   "paid fee=0"),
    ]);
}

#[test]
fn a_final_payout_is_queried_after_an_hour_a_day_and_three_days_and_then_no_more() {
    let mut scenario = Scenario::new(OutOfAmount);
    let mut pauses = vec![scenario.run("ack found:2").next_query_in()];
    for at in [3_600, 86_400, 259_200] {
        pauses.push(scenario.run(&format!("@{at} found:2")).next_query_in());
    }
    assert_eq!(pauses, [Some(3_600), Some(82_800), Some(172_800), None]);
}
