//! Which queries are later looks at what has its end.

use super::scenario::Scenario;
use crate::money::FeeType::OutOfAmount;

/// All other queries go before a later look, however many of those are due.
#[test]
fn only_the_looks_an_hour_a_day_and_three_days_after_the_end_wait_for_other_queries() {
    for (steps, is_later_look) in [
        ("ack", false),
        ("doubt query?", false),
        ("ack @5 found:2", true),
        ("ack @5 found:2 @3700 query?", true),
        ("ack @5 found:2 @3700 found:2", true),
        // Here an answer is wanted soon.
        ("ack @5 found:2 @60 callback:3", false),
        ("ack @5 found:2 @60 callback:3 @61 query?", false),
    ] {
        let mut scenario = Scenario::new(OutOfAmount);
        scenario.run(steps);
        assert!(scenario.next_query_in().is_some(), "{steps}");
        assert_eq!(scenario.payout.later_look, is_later_look, "{steps}");
    }
}

/// Due queries are taken in the order of their times, so one that moved back each time would never have its turn.
#[test]
fn callbacks_that_are_repeated_do_not_move_an_overdue_query_back() {
    for steps in ["ack", "ack @5 found:2"] {
        let mut scenario = Scenario::new(OutOfAmount);
        scenario.run(steps).run("@60 callback:4");
        let due_in = scenario.next_query_in().unwrap();
        assert!(due_in <= 0, "{steps}: in {due_in} s");
        scenario.run("@90 callback:4");
        assert_eq!(scenario.next_query_in(), Some(due_in - 30), "{steps}");
    }
}
