//! A payout is submitted once, whatever the gateway and the network do.

use payout_sandbox::{Fault, Script};

use crate::support::{
    database::{SENT_AROUND, VOUCHING},
    world::{Wishes, World},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_payout_is_sent_once_resolved_and_accounted_for() {
    let world = World::start().await;
    world.enqueue("PLAIN-1", 100_000, 1).await;
    world.until_state("PLAIN-1", "paid").await;
    assert_eq!(world.submits_of("PLAIN-1"), 1);
    let sent = world.sandbox.submits().remove(0).request_sha256;
    let noted =
        "select encode(request_sha256, 'hex') from payout.attempts where order_num = 'PLAIN-1'";
    assert_eq!(
        world.database.text(noted).await,
        sent,
        "what was sent is what was noted before"
    );
    assert_eq!(
        world.accounts().await,
        [999_897_500, 0, 100_000, 2_500, -1_000_000_000]
    );
    world.assert_books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_answer_is_queried_and_never_sent_again() {
    let world = World::start().await;
    world
        .sandbox
        .script("UNKNOWN-1", Script::fault(Fault::Unknown));
    world.enqueue("UNKNOWN-1", 100_000, 0).await;
    world.until_state("UNKNOWN-1", "paid").await;
    assert_eq!(world.submits_of("UNKNOWN-1"), 1);
    let events = "select string_agg(event, ' ' order by seq) from payout.history where order_num = 'UNKNOWN-1' and to_state is not null";
    let story = world.database.text(events).await;
    assert!(story.starts_with("claimed unanswered"), "{story}");
    world.assert_books_agree().await;
}

/// Every way in which an answer can be lost or corrupted after the gateway may have booked the order. The payout
/// settles as the gateway says, and the gateway received one submit.
#[tokio::test(flavor = "multi_thread")]
async fn no_corrupted_answer_causes_a_second_submit() {
    use Fault as F;
    let booked = [
        F::Unknown,
        F::NoAnswerAfter,
        F::CutAfter,
        F::Http500Books,
        F::BadSign,
        F::Truncated,
        F::Garbage,
        F::Html,
        F::WrongAmount,
        F::WrongOrder,
        F::LateBooking,
        F::Slow,
        F::EarlyCallback,
        F::DuplicateCallbacks,
        F::NoCallbacks,
        F::QueryUnknown,
        F::QueryBadSign,
        F::QueryHttp500,
    ];
    let world = World::with(Wishes {
        workers: 2,
        // One is settled by a callback alone, and on a busy machine the first few may come while its row is locked.
        callback_scale_permille: 10,
        ..Wishes::default()
    })
    .await;
    for fault in booked {
        let order = format!("SPOILED-{}", fault.word());
        world.sandbox.script(order.clone(), Script::fault(fault));
        world.enqueue(&order, 100_000, 1).await;
    }
    // No query of these can be read. A callback before the answer to its submit settles nothing, and on a busy machine
    // all six may come before: so one more comes after.
    for fault in [F::QueryUnknown, F::QueryBadSign, F::QueryHttp500] {
        let unreadable = format!("SPOILED-{}", fault.word());
        let answered =
            "select platform_order_num is not null from payout.payouts where order_num = ";
        world
            .until(&format!("{answered}'{unreadable}'"), "true")
            .await;
        world.sandbox.call_back(&unreadable).await;
    }
    let paid = "select count(*) from payout.payouts where state = 'paid'";
    world.until(paid, &booked.len().to_string()).await;
    for fault in booked {
        assert_eq!(
            world.submits_of(&format!("SPOILED-{}", fault.word())),
            1,
            "{fault:?}"
        );
    }
    world.assert_books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_never_arrived_stays_unknown_and_raises_attention() {
    let world = World::start().await;
    world.vouch().await;
    world.sandbox.script("LOST-1", Script::fault(Fault::Lost));
    world.enqueue("LOST-1", 100_000, 1).await;
    world
        .until(
            "select attention from payout.payouts where order_num = 'LOST-1'",
            "not_found",
        )
        .await;
    assert_eq!(world.database.state("LOST-1").await, "unknown");
    assert_eq!(world.submits_of("LOST-1"), 1);
    let held = world.accounts().await[1];
    assert_eq!(held, 110_000, "its money stays set aside");
    let still_queried =
        "select next_query_at > now() from payout.payouts where order_num = 'LOST-1'";
    assert_eq!(
        world.database.text(still_queried).await,
        "true",
        "and it is queried forever"
    );
}

/// A gateway that answers from an empty replica finds no order: its "not found" is a doubt, even after the horizon.
#[tokio::test(flavor = "multi_thread")]
async fn not_found_from_a_gateway_that_lost_a_paid_order_proves_nothing() {
    let world = World::start().await;
    world.vouch().await;
    for order in VOUCHING {
        let forgotten = Script::fault(Fault::QueryNotFound);
        world.sandbox.script(order, forgotten);
    }
    world
        .sandbox
        .script("LOST-1", Script::fault(Fault::UnknownLost));
    world.enqueue("LOST-1", 100_000, 0).await;
    // Past the quiet horizon of three seconds, and queried more often than it takes to raise attention.
    let unsure = "select count(*) > 0 from payout.evidence where order_num = 'LOST-1' and source = 'query'
                  and doubt = 'gateway_unsure' and times >= 5 and last_at > first_at + interval '6 seconds'";
    world.until(unsure, "true").await;
    let called = "select attention is null and state = 'unknown' from payout.payouts where order_num = 'LOST-1'";
    assert_eq!(world.database.text(called).await, "true");
    for order in VOUCHING {
        world.sandbox.script(order, Script::default());
    }
    world
        .until(
            "select attention from payout.payouts where order_num = 'LOST-1'",
            "not_found",
        )
        .await;
}

/// A copy that lags knows every older order, also the newest one that is paid: only an order that was sent later can show
/// that it has caught up. Five hundred payouts of one minute would look unsent, and two people would send them again.
#[tokio::test(flavor = "multi_thread")]
async fn not_found_proves_nothing_before_an_order_that_was_sent_later_is_found() {
    let world = World::start().await;
    world.enqueue("KNOWN-OLD", 100_000, 0).await;
    world.until_state("KNOWN-OLD", "paid").await;
    world.database.run(SENT_AROUND).await;
    world
        .sandbox
        .script("LOST-1", Script::fault(Fault::UnknownLost));
    world.enqueue("LOST-1", 100_000, 0).await;
    let of_lost = |what: &str| {
        format!(
            "select {what} from payout.evidence where order_num = 'LOST-1' and source = 'query'"
        )
    };
    // Past the horizon of three seconds.
    let not_found = of_lost(
        "bool_or(kind = 'not_found' and times >= 5 and last_at > first_at + interval '6 seconds')",
    );
    world.until(&not_found, "true").await;
    let proves = of_lost("bool_and(proves = 'nothing')");
    assert_eq!(world.database.text(&proves).await, "true");
    let refused = world
        .database
        .try_run("select payout.request_resubmit('{LOST-1}', 'ticket 1')")
        .await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("\"not found\" 0 times"), "{refused}");

    // One that was sent later is paid, but the copy still lags.
    world
        .sandbox
        .script("KNOWN-NEW", Script::fault(Fault::QueryNotFound));
    world.enqueue("KNOWN-NEW", 100_000, 0).await;
    world.until_state("KNOWN-NEW", "paid").await;
    world.database.run(SENT_AROUND).await;
    let lags = of_lost("bool_or(doubt = 'gateway_unsure' and times >= 2)");
    world.until(&lags, "true").await;
    let called = "select attention is null from payout.payouts where order_num = 'LOST-1'";
    assert_eq!(world.database.text(called).await, "true");

    world.sandbox.script("KNOWN-NEW", Script::default());
    let attention = "select attention from payout.payouts where order_num = 'LOST-1'";
    world.until(attention, "not_found").await;
    assert_eq!(world.submits_of("LOST-1"), 1);
}

/// Gateways forget old orders, so old "not found" answers prove nothing. People with a line of the statement decide.
#[tokio::test(flavor = "multi_thread")]
async fn a_month_after_the_last_send_not_found_lets_nothing_be_sent_again() {
    let world = World::start().await;
    world.vouch().await;
    world
        .sandbox
        .script("LOST-1", Script::fault(Fault::UnknownLost));
    world.enqueue("LOST-1", 100_000, 0).await;
    let attention = "select attention from payout.payouts where order_num = 'LOST-1'";
    world.until(attention, "not_found").await;
    let request = "select payout.request_resubmit('{LOST-1}', 'ticket 1')";
    let sent = |days: i32| {
        format!(
            "set session_replication_role = replica;
             update payout.payouts set send_by = now() - interval '{days} days', state_since = now() - interval '{days} days'
             where order_num = 'LOST-1';
             set session_replication_role = origin"
        )
    };
    world.database.run(&sent(31)).await;
    let refused = world.database.try_run(request).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("gateways forget old orders"), "{refused}");
    let proof = "select payout.has_fresh_proof(p, 'resubmit')::text || payout.has_fresh_proof(p, 'resolve_failed')
                 from payout.payouts p where order_num = 'LOST-1'";
    world.until(proof, "falsetrue").await;
    world.database.run(&sent(29)).await;
    world.database.run(request).await;
}

/// A gateway that forgets old orders finds neither this one nor one that was paid before. It is recorded as what it is, so
/// that people can decide.
#[tokio::test(flavor = "multi_thread")]
async fn not_found_from_a_gateway_that_forgets_proves_nothing_and_lets_people_decide() {
    let world = World::start().await;
    world.vouch().await;
    let forgotten = Script::fault(Fault::QueryNotFound);
    world.sandbox.script("KNOWN-OLD", forgotten);
    world
        .sandbox
        .script("LOST-1", Script::fault(Fault::UnknownLost));
    world.enqueue("LOST-1", 100_000, 0).await;
    let nothing = "select bool_and(kind = 'not_found' and proves = 'nothing') and max(times) >= 5
                          and max(last_at - first_at) > interval '6 seconds'
                   from payout.evidence where order_num = 'LOST-1' and source = 'query'";
    world.until(nothing, "true").await;
    let proof = "select payout.has_fresh_proof(p, 'resubmit')::text || payout.has_fresh_proof(p, 'resolve_failed')
                 from payout.payouts p where order_num = 'LOST-1'";
    assert_eq!(
        world.database.text(proof).await,
        "falsefalse",
        "not before a day"
    );
    let a_day_later = "set session_replication_role = replica;
                       update payout.payouts set state_since = now() - interval '25 hours' where order_num = 'LOST-1';
                       set session_replication_role = origin";
    world.database.run(a_day_later).await;
    world.until(proof, "falsetrue").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_stop_while_the_gateway_balance_is_below_the_books_with_nothing_under_way() {
    let world = World::start().await;
    world.enqueue("BEFORE-1", 100_000, 0).await;
    world.until_state("BEFORE-1", "paid").await;
    world
        .database
        .agree("select payout.request_fund(code, 50000, 'a transfer that never came', 'a test') from payout.merchants")
        .await;
    // The second reading with the same result is believed.
    until_balance_is_read(&world, 3).await;
    world.enqueue("WAITS-1", 100_000, 0).await;
    until_balance_is_read(&world, 2).await;
    assert_eq!(world.submits_of("WAITS-1"), 0);
    world
        .database
        .agree("select payout.request_fund(code, -50000, 'taken back', 'a test') from payout.merchants")
        .await;
    world.until_state("WAITS-1", "paid").await;
    world.assert_books_agree().await;
}

async fn until_balance_is_read(world: &World, times: u32) {
    for _ in 0..times {
        let last = world
            .database
            .text("select read_at from payout.gateway_balance")
            .await;
        let newer = format!("select read_at > '{last}' from payout.gateway_balance");
        world.until(&newer, "true").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_left_is_sent_again_under_the_same_order_number() {
    let world = World::start().await;
    world.enqueue("WARM-1", 50_000, 0).await;
    world.until_state("WARM-1", "paid").await;
    world.door.shut().await;
    world.enqueue("DOWN-1", 100_000, 0).await;
    world
        .until(
            "select not_sent > 0 from payout.payouts where order_num = 'DOWN-1'",
            "true",
        )
        .await;
    world.door.open().await;
    world.until_state("DOWN-1", "paid").await;
    assert_eq!(world.submits_of("DOWN-1"), 1);
    let counted = "select sends - not_sent from payout.payouts where order_num = 'DOWN-1'";
    assert_eq!(world.database.text(counted).await, "1");
    world.assert_books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_the_work_and_send_each_payout_once() {
    let world = World::with(Wishes {
        workers: 2,
        fail_percent: 20,
        ..Wishes::default()
    })
    .await;
    for number in 0..150 {
        world
            .enqueue(
                &format!("SHARED-{number}"),
                10_000 + number,
                i16::try_from(number % 2).unwrap(),
            )
            .await;
    }
    world
        .until(
            "select count(*) from payout.payouts where settled_at is not null",
            "150",
        )
        .await;
    assert_eq!(world.sandbox.submits().len(), 150);
    let failed = world
        .database
        .text("select count(*) from payout.payouts where state = 'failed'")
        .await;
    assert_ne!(failed, "0", "the sandbox lets one in five fail");
    world.assert_books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_payout_fails_only_when_it_is_not_found() {
    let world = World::start().await;
    world.sandbox.script("FAIL-1", Script::fault(Fault::Fail));
    world
        .sandbox
        .script("BUSY-1", Script::fault(Fault::FailBusyBooks));
    world.enqueue("FAIL-1", 100_000, 1).await;
    world.enqueue("BUSY-1", 100_000, 1).await;
    world.until_state("FAIL-1", "failed").await;
    // Declined and yet booked, as after a load balancer's second delivery: it may be another system's order, unless a
    // callback whose every field is ours names the same number as the query, whichever comes first.
    world.until_state("BUSY-1", "paid").await;
    assert_eq!(
        (world.submits_of("FAIL-1"), world.submits_of("BUSY-1")),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_callbacks_switched_off_every_payout_is_settled_by_queries() {
    let world = World::with(Wishes {
        fail_percent: 20,
        ..Wishes::default()
    })
    .await;
    world.sandbox.set_fault(Fault::NoCallbacks);
    for number in 0..100 {
        let order = format!("QUERIED-{number}");
        world
            .enqueue(&order, 10_000 + number, i16::try_from(number % 2).unwrap())
            .await;
    }
    world
        .until(
            "select count(*) from payout.payouts where settled_at is not null",
            "100",
        )
        .await;
    let called = "select count(*) from payout.evidence where source = 'callback'";
    assert_eq!(world.database.text(called).await, "0");
    world.assert_books_agree().await;
}
