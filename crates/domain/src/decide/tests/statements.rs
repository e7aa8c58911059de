//! Evidence against a person's word reaches a person, whatever carries it and in whatever order; evidence for it is
//! recorded as such.

use super::scenario::{Scenario, assert_outcomes};
use crate::{decide::Note, money::FeeType::OutOfAmount};

/// What confirms or says nothing, and what contradicts: with the word before it.
#[test]
fn every_answer_against_a_stated_payment_is_a_contradiction() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("doubt resolved:paid",                              "paid fee=5000"),
        ("doubt resolved:paid found:4",                      "paid contradiction fee=5000"),
        ("doubt resolved:paid found:4,unsigned",             "paid contradiction fee=5000"),
        ("doubt resolved:paid found:3",                      "paid contradiction fee=5000"),
        ("doubt resolved:paid found:2,amount=99999",         "paid amount_mismatch fee=5000"),
        ("ack resolved:paid found:2,plat=W2",                "paid contradiction, foreign_order fee=5000"),
        ("ack resolved:paid callback:4",                     "paid contradiction fee=5000"),
        ("ack resolved:paid callback:3",                     "paid contradiction fee=5000"),
        ("doubt resolved:paid fail",                         "paid contradiction fee=5000"),
        ("doubt resolved:paid unsent",                       "paid contradiction fee=5000"),
        ("doubt @1860 resolved:paid none",                   "paid contradiction fee=5000"),
        ("doubt @1860 none @2160 none @2460 none resolved:paid", "paid fee=5000"),
        ("doubt @1860 none @2160 none @2460 none resolved:paid @6060 none", "paid contradiction fee=5000"),
        // Confirmed and then reversed, or reversed and then confirmed: both were observed.
        ("doubt resolved:paid found:2,fee=5000 found:4",     "paid contradiction fee=5000"),
        ("doubt resolved:paid found:4 found:2,fee=5000",     "paid contradiction fee=5000"),
        // Before the quiet horizon it may still arrive; an order in progress is not paid yet, and may be.
        ("doubt resolved:paid none none",                    "paid fee=5000"),
        ("ack resolved:paid found:1 callback:1",             "paid fee=5000"),
        ("ack resolved:paid callback:4,unbound",             "paid fee=5000"),
        ("doubt resolved:paid query?",                       "paid fee=5000"),
    ]);
}

#[test]
fn every_answer_against_a_stated_failure_is_a_contradiction() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("doubt @1860 resolved:failed",                      "failed"),
        ("doubt @1859 resolved:failed",                      "unknown held=100000"),
        ("doubt @1860 resolved:failed found:2",              "failed late_success"),
        ("doubt @1860 resolved:failed found:0",              "failed contradiction"),
        ("doubt @1860 resolved:failed found:1",              "failed contradiction"),
        ("doubt @1860 resolved:failed found:5",              "failed contradiction"),
        ("doubt @1860 resolved:failed found:1,unsigned",     "failed contradiction"),
        ("doubt @1860 resolved:failed found:2,amount=99999", "failed amount_mismatch"),
        ("ack @1860 resolved:failed callback:2",             "failed late_success"),
        ("ack @1860 resolved:failed callback:1",             "failed contradiction"),
        ("ack @1860 resolved:failed ack",                    "failed contradiction"),
        ("doubt @1860 resolved:failed ack",                  "failed contradiction"),
        ("@1 fail @1860 resolved:failed found:1",            "failed contradiction"),
        // The gateway agrees, or says nothing.
        ("doubt @1860 resolved:failed found:4 found:3",      "failed"),
        ("doubt @1860 resolved:failed none none none",       "failed"),
        ("ack @1860 resolved:failed callback:4",             "failed"),
        ("ack @1860 resolved:failed callback:1,unbound",     "failed"),
    ]);
}

/// The hold was freed on people's word: that the gateway pays only now must not go unseen.
#[test]
fn every_answer_against_a_stated_return_is_a_contradiction() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("doubt resolved:paid resolved:returned",                    "returned fee=5000"),
        ("doubt resolved:paid resolved:returned found:2",            "returned contradiction fee=5000"),
        ("doubt resolved:paid resolved:returned found:1",            "returned contradiction fee=5000"),
        ("doubt resolved:paid resolved:returned found:2,unsigned",   "returned contradiction fee=5000"),
        ("ack resolved:paid resolved:returned callback:2",           "returned contradiction fee=5000"),
        ("ack resolved:paid resolved:returned callback:1",           "returned contradiction fee=5000"),
        ("doubt resolved:paid resolved:returned found:4 none",       "returned fee=5000"),
        ("ack resolved:paid resolved:returned callback:2,unbound",   "returned fee=5000"),
        // The gateway had confirmed the payment, so status 2 is what was returned. On its way again is not.
        ("doubt resolved:paid found:2,fee=5000 resolved:returned found:2", "returned fee=5000"),
        ("ack found:2,fee=5000 resolved:returned found:2 callback:2", "returned fee=5000"),
        ("ack found:2,fee=5000 resolved:returned found:1",           "returned contradiction fee=5000"),
    ]);
}

/// What proves nothing by itself leads to a query, whose answer counts.
#[test]
fn a_callback_that_proves_nothing_is_a_reason_to_query_at_once() {
    for steps in [
        "ack resolved:paid callback:4,unbound",
        "ack resolved:paid callback:2,unbound",
        "ack @1860 resolved:failed callback:1,unbound",
        "ack @1860 resolved:failed callback:2,unbound",
        "ack resolved:paid resolved:returned callback:2,unbound",
        "doubt resolved:paid resolved:returned ack",
    ] {
        let mut scenario = Scenario::new(OutOfAmount);
        assert_eq!(scenario.run(steps).next_query_in(), Some(0), "{steps}");
    }
    let mut scenario = Scenario::new(OutOfAmount);
    scenario.rules.callbacks_settle = false;
    scenario.run("ack resolved:paid callback:2");
    assert_eq!(scenario.next_query_in(), Some(0), "the query decides");
    assert!(scenario.payout.by_statement);
}

/// A payout that ended on people's word goes on being queried, whatever was scheduled before.
#[test]
fn an_end_that_people_stated_is_queried_again() {
    for steps in [
        "doubt resolved:paid",
        "doubt @1860 resolved:failed",
        "doubt resolved:paid @3600 none @86400 none @259200 none @259201 resolved:returned",
    ] {
        let mut scenario = Scenario::new(OutOfAmount);
        assert_eq!(scenario.run(steps).next_query_in(), Some(3600), "{steps}");
    }
}

#[test]
fn what_people_stated_is_recorded_as_confirmed_once_the_gateway_reports_it() {
    #[rustfmt::skip]
    let confirmed = [
        ("doubt resolved:paid",                                  false),
        ("doubt resolved:paid found:2,fee=5000",                 true),
        ("doubt resolved:paid found:4 found:2,fee=5000",         true),
        ("ack resolved:paid callback:2",                         true),
        ("@1 fail resolved:paid callback:2",                     false),
        ("@1 fail @2 found:1 resolved:paid found:2",             false),
        ("doubt @1860 resolved:failed found:4",                  true),
        ("ack @1860 resolved:failed callback:4",                 false),
        ("doubt @1860 resolved:failed none none none",           false),
        ("doubt resolved:paid found:1",                          false),
        ("doubt resolved:paid found:2,unsigned",                 false),
        ("doubt resolved:paid found:2,unsigned @30 found:2,unsigned", true),
        ("doubt resolved:paid found:2,unsigned @15 found:4,unsigned @30 found:2,unsigned", false),
        ("doubt @1860 resolved:failed found:4,unsigned @1890 found:4,unsigned", true),
        ("doubt @1860 resolved:failed found:4,unsigned @1875 found:1,unsigned @1890 found:4,unsigned", false),
        ("doubt resolved:paid found:2,amount=99999 found:2,fee=5000", false),
    ];
    for (steps, is_confirmed) in confirmed {
        let mut scenario = Scenario::new(OutOfAmount);
        scenario.run(steps);
        assert_eq!(scenario.payout.by_statement, !is_confirmed, "{steps}");
        let notes = scenario.last.unwrap().notes;
        assert_eq!(
            notes.contains(&Note::StatementConfirmed),
            is_confirmed,
            "{steps}"
        );
    }
}
