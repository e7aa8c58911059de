//! When a failure counts as confirmed again, which lets its replacement be sent: as of when the gateway was queried.

use super::scenario::Scenario;
use crate::money::FeeType::OutOfAmount;

/// The seconds from the claim to the confirmation.
fn assert_confirmed(rows: &[(&str, Option<i64>)]) {
    for (steps, expected) in rows {
        let mut scenario = Scenario::new(OutOfAmount);
        scenario.run(steps);
        assert_eq!(scenario.outcome(), "failed", "{steps}");
        assert_eq!(scenario.reaffirmed_after(), *expected, "{steps}");
    }
}

#[test]
fn a_failure_is_confirmed_as_of_when_the_query_was_sent() {
    #[rustfmt::skip]
    assert_confirmed(&[
        ("ack @100 found:4",                                      None),
        ("ack @100 found:4 @200 found:4",                         Some(200)),
        ("ack @100 found:4 @200 found:3",                         Some(200)),
        ("ack @100 found:4 @200 found:4,ago=50",                  Some(150)),
        ("ack @100 found:4 @200 query?",                          None),
        ("ack @100 found:4 @200 found:4 @300 query?",             Some(200)),
        ("@1 fail @61 none @200 none @1859 none",                 None),
        ("@1 fail @61 none @200 none @1870 none,ago=20",          None),
        ("@1 fail @61 none @200 none @1870 none,ago=5",           Some(1865)),
    ]);
}

#[test]
fn another_answer_ends_the_confirmation_and_an_older_one_does_not_bring_it_back() {
    #[rustfmt::skip]
    assert_confirmed(&[
        ("ack @100 found:4 @200 found:4 @300 found:1",                      None),
        ("ack @100 found:4 @200 found:4 @300 found:5",                      None),
        ("ack @100 found:4 @200 found:4 @300 none",                         None),
        ("ack @100 found:4 @200 found:4 @300 found:1 @310 found:4,ago=20",  None),
        ("ack @100 found:4 @200 found:4 @300 none @310 found:4,ago=20",     None),
        ("ack @100 found:4 @200 found:4 @300 found:1 @400 found:4",         Some(400)),
    ]);
}

/// Protocol P17. The two may be half a minute apart, and the first of them is when the gateway was queried.
#[test]
fn an_unsigned_failure_confirms_only_with_a_second_one_and_as_of_the_first() {
    #[rustfmt::skip]
    assert_confirmed(&[
        ("ack @100 found:4 @200 found:4,unsigned",                                             None),
        ("ack @100 found:4 @200 found:3,unsigned",                                             None),
        ("ack @100 found:4 @200 found:4,unsigned @229 found:4,unsigned",                       None),
        ("ack @100 found:4 @200 found:4,unsigned @230 found:4,unsigned",                       Some(200)),
        ("ack @100 found:4 @200 found:4,unsigned @240 found:4,unsigned,ago=11",                None),
        ("ack @100 found:4 @200 found:3,unsigned @230 found:4,unsigned",                       None),
        ("ack @100 found:4 @200 found:4,unsigned @215 found:1,unsigned @230 found:4,unsigned", None),
        ("ack @100 found:4,unsigned @130 found:4,unsigned @900 found:4,unsigned",              Some(130)),
    ]);
}
