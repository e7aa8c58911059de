//! When answers that nobody can read need a person.

use super::scenario::assert_outcomes;

/// Nothing else tells a person that the gateway changed the format of its answers, or its key.
#[test]
fn equal_unreadable_answers_need_a_person_until_one_can_be_read() {
    let times = |step: &str, times: usize, from: usize| -> String {
        let steps = (from..from + times).map(|n| format!(" @{} {step}", 60 * n));
        steps.collect()
    };
    let raised = times("query?:unreadable", 8, 2);
    let start = |rest: &str| format!("doubt{rest}");
    #[rustfmt::skip]
    let rows = [
        (start(&times("query?:unreadable", 7, 2)),          "unknown held=100000"),
        (start(&raised),                                    "unknown unreadable_answers held=100000"),
        (start(&times("query?:bad_signature", 8, 2)),       "unknown unreadable_answers held=100000"),
        (start(&times("query?:foreign", 8, 2)),             "unknown unreadable_answers held=100000"),
        (format!("ack{raised}"),                            "pending unreadable_answers held=100000"),
        // An outage is not a change of format; nor are different answers equal.
        (start(&times("query?:http_status", 40, 2)),        "unknown held=100000"),
        (start(&times("query?:unreadable query?:foreign", 7, 2)), "unknown held=100000"),
        // One that can be read ends it, and begins the count of those in a row again.
        (format!("doubt{raised} @900 query?"),              "unknown unreadable_answers held=100000"),
        (format!("doubt{raised} @900 none"),                "unknown held=100000"),
        (format!("doubt{raised} @900 found:1"),             "pending held=100000"),
        (format!("doubt{raised} @900 found:2"),             "paid"),
        (start(&times("found:1 @70 query?:unreadable", 1, 1)), "pending held=100000"),
        (format!("ack{} @600 found:1 @660 query?:unreadable", times("query?:unreadable", 7, 2)), "pending held=100000"),
        (format!("ack{} @600 found:1 @660 query?:unreadable @720 query?:unreadable", times("query?:unreadable", 7, 2)),
                                                            "pending unreadable_answers held=100000"),
        // What is settled waits for nothing.
        (format!("ack @60 found:2{raised}"),                "paid"),
    ];
    for (steps, expected) in &rows {
        assert_outcomes(&[(steps, expected)]);
    }
}
