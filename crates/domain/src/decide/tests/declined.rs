//! An order that the gateway declined and has all the same: ours, or somebody else's.

use super::scenario::assert_outcomes;

#[test]
fn an_order_found_after_a_decline_is_foreign_until_a_bound_callback_proves_it_ours() {
    #[rustfmt::skip]
    assert_outcomes(&[
        ("@1 fail @61 found:2",                              "unknown foreign_order held=100000"),
        ("@1 fail @61 found:4",                              "unknown foreign_order held=100000"),
        ("@1 fail @61 found:1",                              "unknown foreign_order held=100000"),
        ("@1 fail @61 found:1 @76 none @99 none",            "unknown foreign_order held=100000"),
        ("@1 fail @61 found:2 callback:2",                      "paid fee=5000"),
        ("@1 fail @61 found:1 callback:2,unbound",              "unknown foreign_order held=100000"),
        ("@1 fail @61 callback:2",                             "unknown held=100000"),
        // A load balancer sent it twice: the first copy was booked, the answer is the second one's.
        ("@1 fail @61 callback:2 found:2",                      "paid"),
        ("@1 callback:2 fail @61 found:2",                      "paid"),
        ("@1 callback:2 found:2 fail",                          "paid"),
        ("@1 fail @61 callback:2 found:1 @90 found:2",          "paid"),
        ("@1 fail @61 callback:2 found:2,unsigned",             "unknown held=100000"),
        ("@1 fail @61 callback:2 found:2,unsigned @92 found:2,unsigned", "paid"),
        ("@1 fail @61 callback:2 @76 none @99 none @200 none",  "unknown held=100000"),
        // The number of the query is another one, or the callback is not quite ours, or does not report the payment.
        ("@1 fail @61 callback:2,plat=W9 found:2",              "unknown foreign_order held=100000"),
        ("@1 fail @61 callback:2,spliced found:2",              "unknown foreign_order held=100000"),
        ("@1 fail @61 callback:2,unbound found:2",              "unknown foreign_order held=100000"),
        ("@1 fail @61 callback:2,amount=1 found:2",             "unknown foreign_order held=100000"),
        ("@1 fail @61 callback:4 found:2",                      "unknown foreign_order held=100000"),
        ("@1 fail @61 callback:1 found:2",                      "unknown foreign_order held=100000"),
        ("@1 fail @61 found:1 callback:1",                      "unknown held=100000"),
        ("@1 fail @61 found:1 callback:4 found:4",               "failed"),
        ("@1 found:1 fail",                                  "pending foreign_order held=100000"),
        ("@1 found:2 fail",                                  "paid foreign_order"),
        ("doubt found:1,plat=W2 ack,plat=W1",                "pending contradiction held=100000"),
    ]);
}
