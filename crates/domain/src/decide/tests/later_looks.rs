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
