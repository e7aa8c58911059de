//! What becomes of a payout, one line of its life per row.

use super::story::Story;
use crate::{
    attention::Attention,
    decide::{Note, decide},
    evidence::{Doubt, Evidence, Fact, QueryAnswer, Source, SubmitAnswer},
    money::FeeType::{self, OnTop, OutOfAmount},
};

/// Each row lives by itself, with the fee out of the amount.
#[track_caller]
fn become_of(rows: &[(&str, &str)]) {
    become_with(OutOfAmount, rows);
}

#[track_caller]
fn become_with(fee_type: FeeType, rows: &[(&str, &str)]) {
    for (life, outcome) in rows {
        let mut story = Story::new(fee_type);
        assert_eq!(story.tell(life).outcome(), *outcome, "{life}");
    }
}

#[test]
fn no_doubt_and_no_number_of_doubts_ever_makes_a_failure() {
    for doubt in Doubt::ALL {
        let mut story = Story::new(OutOfAmount);
        for (source, fact) in [
            (Source::Submit, Fact::Submitted(SubmitAnswer::Doubt(doubt))),
            (Source::Query, Fact::Queried(QueryAnswer::Doubt(doubt))),
        ] {
            for days in 0..400 {
                story.tell(&format!("@{}", days * 86_400));
                let key = story.payout.instruction.key.clone();
                let detail = serde_json::Value::Null;
                let evidence = Evidence {
                    key,
                    attempt: Some(1),
                    source,
                    fact: fact.clone(),
                    detail,
                    claim: None,
                    query_sent_ago: std::time::Duration::ZERO,
                };
                story.payout = decide(&story.payout, &evidence, &story.rules, story.now).after;
                assert_eq!(story.outcome(), "unknown held=100000", "{}", doubt.name());
                assert!(story.asks_in().is_some(), "it is asked for, for ever");
            }
        }
    }
}

#[test]
fn an_answer_moves_an_open_payout_and_no_answer_asks_on() {
    #[rustfmt::skip]
    become_of(&[
        ("ack",                                  "pending held=100000"),
        ("ack:2",                                "pending held=100000"),
        ("ack:4",                                "pending held=100000"),
        ("doubt ack",                            "pending held=100000"),
        ("doubt says:0",                         "pending held=100000"),
        ("doubt says:5",                         "pending held=100000"),
        ("doubt says:1,amount=-1",               "pending held=100000"),
        ("doubt says:77",                        "pending held=100000"),
        ("ack says:2,fee=5000",                  "paid fee=5000"),
        ("says:2,fee=5000",                      "paid fee=5000"),
        ("doubt says:2,fee=5000",                "paid fee=5000"),
        ("ack,fee=5000 says:2",                  "paid fee=5000"),
        ("ack,fee=5000 says:2,fee=6000",         "paid fee=6000"),
        ("ack says:3",                           "failed"),
        ("ack says:4",                           "failed"),
        ("says:4",                               "failed"),
        ("doubt says:4 ask? ask?",               "failed"),
    ]);
}

#[test]
fn a_final_status_in_the_acceptance_only_asks_at_once() {
    for word in ["ack:2", "ack:3", "ack:4"] {
        assert_eq!(
            Story::new(OutOfAmount).tell(word).asks_in(),
            Some(0),
            "{word}"
        );
    }
}

#[test]
fn a_fail_is_a_failure_only_after_two_spaced_answers_that_nobody_knows_it() {
    #[rustfmt::skip]
    become_of(&[
        ("@1 fail",                              "unknown held=100000"),
        ("@1 fail @60 none @61 none",            "unknown held=100000"),
        ("@1 fail @30 none @60 none",            "unknown held=100000"),
        ("@1 fail @45 none @61 none",            "unknown held=100000"),
        ("@1 fail @61 none @75 none",            "unknown held=100000"),
        ("@1 fail @61 none @76 none",            "failed"),
        ("@1 fail @61 none @68 ask? @76 none",   "failed"),
        ("@1 fail @61 ask? @76 ask? @999 ask?",  "unknown held=100000"),
        ("@1 doubt @2 fail @62 none @77 none",   "failed"),
        ("ack @1 fail @61 none @76 none",        "pending held=100000"),
        ("says:1 @1 fail @61 none @76 none",     "pending foreign_order held=100000"),
    ]);
}

#[test]
fn a_fail_after_more_than_one_send_proves_nothing() {
    #[rustfmt::skip]
    become_of(&[
        ("doubt @2000 resend @2001 fail @2061 none @2076 none @2100 none", "unknown held=100000"),
        ("unsent @5 claim @6 fail @66 none @81 none",                      "failed"),
    ]);
}

#[test]
fn before_the_quiet_horizon_not_known_means_nothing_and_after_it_a_person_is_asked() {
    #[rustfmt::skip]
    become_of(&[
        ("doubt @60 none @900 none @1859 none @1859 none",            "unknown held=100000"),
        ("doubt @1860 none @1861 none @1862 none @1863 none",         "unknown held=100000"),
        ("doubt @1860 none @2459 none",                               "unknown held=100000"),
        ("doubt @1860 none @2160 none @2459 none",                    "unknown held=100000"),
        ("doubt @1860 none @2160 none @2460 none",                    "unknown not_found held=100000"),
        ("doubt @1860 none @2160 none @2460 none @99999999 none",     "unknown not_found held=100000"),
        ("doubt @1860 none @2160 none @2460 none says:2,fee=0",       "paid fee=0"),
        ("doubt @1000 none @1859 none @1860 none @2460 none",         "unknown held=100000"),
    ]);
}

#[test]
fn the_confirming_questions_are_scheduled_and_not_left_to_the_backoff() {
    #[rustfmt::skip]
    let rows = [
        ("@1 fail",                              60),
        ("@1 fail @31 none",                     30),
        ("@1 fail @61 none",                     15),
        ("doubt @1859 none",                      1),
        ("doubt @1860 none",                    300),
        ("doubt @1860 none @2160 none",         300),
        ("ack says:2,unsigned",                  30),
        ("ack says:2,unsigned @10 says:2,unsigned", 20),
    ];
    for (life, seconds) in rows {
        assert_eq!(
            Story::new(OutOfAmount).tell(life).asks_in(),
            Some(seconds),
            "{life}"
        );
    }
}

#[test]
fn an_order_found_after_a_decline_is_foreign_until_a_bound_callback_proves_it_ours() {
    #[rustfmt::skip]
    become_of(&[
        ("@1 fail @61 says:2",                              "unknown foreign_order held=100000"),
        ("@1 fail @61 says:4",                              "unknown foreign_order held=100000"),
        ("@1 fail @61 says:1",                              "unknown foreign_order held=100000"),
        ("@1 fail @61 says:1 @76 none @99 none",            "unknown foreign_order held=100000"),
        ("@1 fail @61 says:2 calls:2",                      "paid fee=5000"),
        ("@1 fail @61 says:1 calls:2,unbound",              "unknown foreign_order held=100000"),
        ("@1 fail @61 calls:2",                             "unknown held=100000"),
        ("@1 fail @61 says:1 calls:1",                      "unknown held=100000"),
        ("@1 fail @61 says:1 calls:4 says:4",               "failed"),
        ("doubt says:1,plat=W2 ack,plat=W1",                "pending contradiction held=100000"),
    ]);
}

#[test]
fn an_unsigned_final_answer_settles_only_when_a_read_thirty_seconds_later_agrees() {
    #[rustfmt::skip]
    become_of(&[
        ("ack says:2,unsigned",                                       "pending held=100000"),
        ("ack says:2,unsigned @29 says:2,unsigned",                   "pending held=100000"),
        ("ack says:2,unsigned @30 says:2,unsigned",                   "paid"),
        ("ack says:2,unsigned @30 says:4,unsigned",                   "pending held=100000"),
        ("ack says:4,unsigned @29 says:4,unsigned",                   "pending held=100000"),
        ("ack says:4,unsigned @30 says:4,unsigned",                   "failed"),
        ("doubt says:2,unsigned @1 says:2",                           "paid"),
        ("ack says:2,unsigned @1 calls:2",                            "paid fee=5000"),
    ]);
}

#[test]
fn a_callback_settles_only_paid_only_bound_and_only_with_a_number_known_before() {
    #[rustfmt::skip]
    become_of(&[
        ("ack calls:2",                          "paid fee=5000"),
        ("doubt says:1 calls:2",                 "paid fee=5000"),
        ("calls:2",                              "submitting held=100000"),
        ("doubt calls:2",                        "unknown held=100000"),
        ("doubt calls:2 calls:2 calls:2",        "unknown held=100000"),
        ("ack calls:2,plat=W2",                  "pending held=100000"),
        ("ack calls:2,unbound",                  "pending held=100000"),
        ("ack calls:2,spliced",                  "pending held=100000"),
        ("ack calls:2,amount=99999",             "pending held=100000"),
        ("ack calls:2,amount=0100000",           "pending held=100000"),
        ("ack calls:2,feeType=1",                "pending held=100000"),
        ("ack calls:4",                          "pending held=100000"),
        ("ack calls:3",                          "pending held=100000"),
        ("ack calls:9",                          "pending held=100000"),
        ("ack calls:4 calls:4 calls:4",          "pending held=100000"),
        ("ack calls:4 says:2,fee=1",             "paid fee=1"),
    ]);
    for life in [
        "ack calls:4",
        "doubt calls:2",
        "ack calls:1",
        "ack calls:2,unbound",
    ] {
        assert_eq!(
            Story::new(OutOfAmount).tell(life).asks_in(),
            Some(0),
            "{life}"
        );
    }
    let mut story = Story::new(OutOfAmount);
    story.rules.callbacks_settle = false;
    assert_eq!(story.tell("ack calls:2").outcome(), "pending held=100000");
    assert_eq!(
        story.asks_in(),
        Some(0),
        "with settle = \"query\" it is a reason to ask"
    );
}

#[test]
fn a_late_flip_is_shown_to_a_person_and_moves_nothing() {
    #[rustfmt::skip]
    become_of(&[
        ("ack says:2 says:4",                    "paid contradiction"),
        ("ack says:2 says:1",                    "paid"),
        ("ack says:2 none none",                 "paid"),
        ("ack says:2 none @1 none @2 none",            "paid contradiction"),
        ("ack says:2 calls:4",                   "paid"),
        ("ack calls:2 says:0,fee=5000",          "paid fee=5000"),
        ("ack says:4 says:2",                    "failed late_success"),
        ("ack says:4 calls:2",                   "failed late_success"),
        ("ack says:4 calls:2,unbound",           "failed"),
        ("unsent calls:2",                       "queued contradiction"),
        ("unsent calls:2,unbound",               "queued"),
        ("ack says:4 says:4 says:3",             "failed"),
        ("ack says:4 calls:4",                   "failed"),
        ("@1 fail @61 none @76 none says:1",     "failed contradiction"),
        ("@1 fail @61 none @76 none says:2",     "failed late_success"),
        ("@1 fail @61 none @76 none ack,plat=W9","failed contradiction"),
        ("ack none none",                        "pending held=100000"),
        ("ack none @1 none @2 none",                   "pending contradiction held=100000"),
        ("ack,plat=W1 says:2,plat=W2",           "pending contradiction held=100000"),
    ]);
    let mut story = Story::new(OutOfAmount);
    assert_eq!(story.tell("ack says:4 calls:2").asks_in(), Some(0));
    assert_eq!(
        story.last.unwrap().notes,
        [
            Note::Contradicted,
            Note::AttentionRaised(Attention::LateSuccess)
        ]
    );
}

#[test]
fn an_amount_that_is_not_ours_settles_nothing() {
    #[rustfmt::skip]
    become_of(&[
        ("ack says:2,amount=99999",              "pending amount_mismatch held=100000"),
        ("ack says:4,amount=99999",              "pending amount_mismatch held=100000"),
        ("ack says:2,amount=-1",                 "pending amount_mismatch held=100000"),
        ("ack says:2,amount=95000,fee=5000",     "paid fee=5000"),
        ("ack says:2,amount=105000,fee=5000",    "paid fee=5000"),
        ("ack,fee=5000 says:2,amount=95000",     "paid fee=5000"),
        ("ack says:2,amount=95001,fee=5000",     "pending amount_mismatch held=100000"),
        ("doubt says:2,amount=95000,fee=5000",   "unknown amount_mismatch held=100000"),
        ("ack says:2,fee=100000",                "pending fee_mismatch held=100000"),
        ("ack says:2,amount=9 says:2,fee=0",     "paid fee=0"),
    ]);
}

#[test]
fn a_fee_on_top_keeps_its_reserve_until_it_is_known() {
    #[rustfmt::skip]
    become_with(OnTop, &[
        ("ack",                                               "pending held=110000"),
        ("ack says:2",                                        "paid held=10000"),
        ("ack says:2 @3600 says:2,fee=5000",                  "paid fee=5000"),
        ("ack says:2 @3600 says:2,fee=5000,unsigned",         "paid held=10000"),
        ("ack says:2,fee=5000 @3600 says:2,fee=6000",         "paid fee=6000"),
        ("ack says:2,fee=10001",                              "paid fee_above_reserve fee=10001"),
        ("ack says:4,fee=5000",                               "failed"),
        ("ack calls:2,feeType=1",                             "paid fee=5000"),
    ]);
    let mut story = Story::new(OnTop);
    let last = story
        .tell("ack says:2 @3600 says:2,fee=5000")
        .last
        .take()
        .unwrap();
    assert_eq!(
        (last.booking.unwrap().kind, last.notes),
        ("fee_known", vec![Note::FeeCorrected])
    );
}

#[test]
fn only_the_proof_that_nothing_left_puts_a_payout_back_and_only_for_the_attempt_that_sent() {
    #[rustfmt::skip]
    become_of(&[
        ("unsent",                               "queued"),
        ("lease unsent",                         "queued"),
        ("unsent,attempt=0",                     "submitting held=100000"),
        ("unsent @5 claim unsent,attempt=1",     "submitting held=100000"),
        ("unsent @5 claim unsent",               "queued"),
        ("unsent unsent",                        "queued"),
        ("doubt resend unsent",                  "submitting held=100000"),
        ("says:1 unsent",                        "pending held=100000"),
        ("ack unsent",                           "pending held=100000"),
        ("says:2,fee=0 unsent",                  "paid fee=0"),
        ("@1 fail @2 unsent",                    "unknown foreign_order held=100000"),
    ]);
    let mut story = Story::new(OutOfAmount);
    for pause in [1, 2, 4, 8] {
        let due_at = story.tell("unsent").payout.due_at;
        assert_eq!(
            (due_at - story.now).num_seconds(),
            pause,
            "each time it waits longer"
        );
        story.tell("claim");
    }
}

#[test]
fn an_ended_lease_makes_its_own_attempt_unknown_and_no_newer_one() {
    #[rustfmt::skip]
    become_of(&[
        ("lease",                                "unknown held=100000"),
        ("lease,attempt=0",                      "submitting held=100000"),
        ("unsent claim lease,attempt=1",         "submitting held=100000"),
        ("unsent lease",                         "queued"),
        ("ack lease",                            "pending held=100000"),
        ("says:2,fee=0 lease",                   "paid fee=0"),
    ]);
}

#[test]
fn what_is_final_is_asked_for_again_after_an_hour_a_day_and_three_days_and_then_no_more() {
    let mut story = Story::new(OutOfAmount);
    let mut asked = vec![story.tell("ack says:2").asks_in()];
    for at in [3_600, 86_400, 259_200] {
        asked.push(story.tell(&format!("@{at} says:2")).asks_in());
    }
    assert_eq!(asked, [Some(3_600), Some(82_800), Some(172_800), None]);
}

/// A failover took the claim back after the request had left (I11).
#[test]
fn what_is_found_after_lost_commits_is_held_and_followed_and_what_is_not_known_waits_for_the_horizon()
 {
    #[rustfmt::skip]
    become_of(&[
        ("lost",                                            "queued"),
        ("lost says:0",                                     "unknown held=100000"),
        ("lost says:2,fee=5000",                            "unknown held=100000"),
        ("lost says:2,fee=5000 says:2,fee=5000",            "paid fee=5000"),
        ("lost says:4 says:4",                              "failed"),
        ("lost says:2,amount=7",                            "queued amount_mismatch"),
        ("lost none none none",                             "queued"),
        // Without lost commits a queued payout's number belongs to somebody else.
        ("unsent says:0",                                   "queued foreign_order"),
    ]);
    #[rustfmt::skip]
    become_with(OnTop, &[
        ("lost says:0",                                     "unknown held=110000"),
        ("lost says:0 says:2,fee=5000",                     "paid fee=5000"),
    ]);
    let mut story = Story::new(OutOfAmount);
    assert!(
        story
            .tell("lost none")
            .asks_in()
            .is_some_and(|pause| pause < 60)
    );
    let finding = |story: &Story| story.last.as_ref().unwrap().finding.clone();
    assert_eq!(finding(&story), "not_found_early");
    assert_eq!(
        story.tell("@1799 none").asks_in(),
        Some(2),
        "just after the horizon"
    );
    story.tell("@1801 none");
    assert_eq!(
        (finding(&story).as_str(), story.asks_in()),
        ("not_found", None),
        "proven: it may be claimed"
    );
}

#[test]
fn the_proof_that_a_lost_claim_was_not_sent_does_not_touch_a_newer_claim_of_the_same_number() {
    #[rustfmt::skip]
    become_of(&[
        ("unsent",                              "queued"),
        ("lost claim unsent,claim=9",           "submitting held=100000"),
        ("lost claim unsent",                   "queued"),
        ("doubt unsent,claim=9",                "unknown held=100000"),
        ("lost claim fail,claim=9 @61 none @76 none", "submitting held=100000"),
        ("lost claim doubt,claim=9",            "submitting held=100000"),
        ("lost claim ack,claim=9",              "pending held=100000"),
        ("doubt unsent",                        "queued"),
    ]);
}

/// The commit of the first answer was not heard of, so the recorder stores it once more (found by a chaos run).
#[test]
fn an_answer_that_is_stored_twice_does_not_count_as_two() {
    #[rustfmt::skip]
    become_of(&[
        ("@1 fail @61 none,ago=0 @76 none,ago=0",            "failed"),
        ("@1 fail @61 none,ago=0 @76 none,ago=15",           "unknown held=100000"),
        ("@1 fail @61 none,ago=5 @76 none,ago=0",            "unknown held=100000"),
        ("doubt @1861 none @2161 none @2461 none",           "unknown not_found held=100000"),
        ("doubt @1861 none @2161 none @2461 none,ago=301",   "unknown held=100000"),
        ("doubt @1861 none,ago=2 @2161 none @2461 none",     "unknown held=100000"),
        ("ack says:4,unsigned @31 says:4,unsigned",          "failed"),
        ("ack says:4,unsigned @31 says:4,unsigned,ago=31",   "pending held=100000"),
    ]);
}

/// A resubmit, and the claims behind it, may be what a failover lost.
#[test]
fn after_a_failover_the_proof_that_nothing_arrived_begins_anew() {
    #[rustfmt::skip]
    become_of(&[
        ("doubt @1861 none @2161 none @2461 none",                              "unknown not_found held=100000"),
        ("doubt @1861 none @2161 none failover @2461 none",                     "unknown held=100000"),
        ("doubt @1861 none @2161 none failover @3962 none @4262 none",          "unknown held=100000"),
        ("doubt @1861 none @2161 none failover @3962 none @4262 none @4562 none", "unknown not_found held=100000"),
    ]);
}
