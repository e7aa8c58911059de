//! What must hold at every moment, and that every payout can still reach its end.

use payout_domain::{attention::Attention, state::State};

use crate::{
    moves::pass_time,
    row::{HORIZON, Observation, OrderStatus},
    setup::Setup,
    world::{Hand, Side, World},
};

/// A promise about one moment.
pub(crate) type Promise = (&'static str, fn(&World) -> bool);

pub(crate) const PAID_ONCE: &str = "paid at most once";
pub(crate) const SENT_ONCE: &str = "sent once, plus once per grant";
pub(crate) const FAILED_IS_TRUE: &str = "a failed payout is not paid, or it needs attention";
pub(crate) const PAID_IS_TRUE: &str = "a paid payout is paid at the gateway";
pub(crate) const ATTENTION_AFTER_HORIZON: &str =
    "\"not found\" raises attention only after the horizon";

pub(crate) const DEBT_PAID_ONCE: &str = "a debt is not paid again while the gateway pays it";
pub(crate) const RETURNED_IS_TRUE: &str = "a returned payout came back, or it needs attention";
pub(crate) const NO_WORD_AGAINST_EVIDENCE: &str =
    "no word of one person stands against evidence without attention";
pub(crate) const NOT_FREED_BY_ONE: &str = "nobody alone frees money that may have left";
pub(crate) const NOTHING_INVENTED: &str = "nobody alone adds money that the gateway does not have";
pub(crate) const EACH_LOOK_RECORDED: &str = "whoever saw a beneficiary is recorded";

pub(crate) const PROMISES: [Promise; 14] = [
    (PAID_ONCE, |world| world.gateway.accepts <= 1),
    (SENT_ONCE, |world| world.sent <= 1 + world.granted),
    (FAILED_IS_TRUE, failed_is_true),
    (PAID_IS_TRUE, paid_is_true),
    (
        "a queued or cancelled payout never left, or it needs attention",
        queued_is_true,
    ),
    (
        "money is held exactly while the request may have left",
        |world| {
            let row = &world.row;
            (row.held > 0) == row.state.may_have_left()
        },
    ),
    ("captured or released exactly once", |world| {
        let (row, books) = (&world.row, &world.row.books);
        let held = u8::from(row.state.may_have_left());
        books.holds == books.settled + held && books.late <= 1 && books.holds >= books.late
    }),
    (ATTENTION_AFTER_HORIZON, |world| {
        let row = &world.row;
        !row.attention.contains(Attention::NotFound) || row.not_found.first >= row.send_by + HORIZON
    }),
    (DEBT_PAID_ONCE, |world| {
        let pays = matches!(
            world.gateway.status,
            Some(OrderStatus::Open | OrderStatus::Paid)
        );
        !world.paid_again || !pays || world.gateway.came_back
    }),
    (RETURNED_IS_TRUE, |world| {
        let row = &world.row;
        row.state != State::Returned || world.gateway.came_back || !row.attention.is_empty()
    }),
    (NO_WORD_AGAINST_EVIDENCE, |world| {
        !world.row.people.defied || !world.row.attention.is_empty()
    }),
    (NOT_FREED_BY_ONE, |world| !world.freed_by_one),
    (NOTHING_INVENTED, |world| !world.invented),
    (EACH_LOOK_RECORDED, |world| !world.seen_unrecorded),
];

/// Where people act, one of them may have been mistaken: then the end rests on that word, until the gateway's evidence
/// contradicts it.
fn paid_is_true(world: &World) -> bool {
    let row = &world.row;
    let mistaken = world.acts > 0 && (row.stated || !row.attention.is_empty());
    let paid = world.gateway.status == Some(OrderStatus::Paid) || world.gateway.came_back;
    row.state != State::Paid || paid || mistaken
}

/// No payout is failed while the gateway pays it or may yet pay it, unless it is flagged for attention.
fn failed_is_true(world: &World) -> bool {
    let pays = matches!(
        world.gateway.status,
        Some(OrderStatus::Open | OrderStatus::Paid)
    );
    world.row.state != State::Failed || !pays || !world.row.attention.is_empty()
}

fn queued_is_true(world: &World) -> bool {
    let row = &world.row;
    let withdrawn = matches!(row.state, State::Queued | State::Cancelled);
    let left = world.gateway.accepts > 0 || world.wire.iter().any(Option::is_some);
    // Until the host looks for its last claim, nobody knows what a restored snapshot lacks.
    let unsure = row.must_query_first() || !world.has_last_claim(row);
    !withdrawn || !left || !row.attention.is_empty() || unsure
}

/// Whether the search has reached what it is for. With failovers: the payout is sent after the last one; without: it is
/// paid, came back where people act, or is sent where the gateway says little. Where resubmits are allowed, one was made.
pub(crate) fn reaches_goal(setup: &Setup, world: &World) -> bool {
    let row = &world.row;
    let resubmitted = row.resubmits > 0 || !setup.resubmits;
    let arrives = if setup.silent {
        world.acts == setup.acts && row.state == State::Cancelled
    } else if setup.copies {
        world.copy.is_some() && row.state == State::Paid
    } else if setup.failovers > 0 {
        world.failovers == setup.failovers
            && row.fence.query_first
            && row.state == State::Submitting
    } else if setup.acts > 0 {
        row.state == State::Returned
    } else if setup.few_answers {
        row.state == State::Submitting
    } else {
        row.state == State::Paid
    };
    arrives && resubmitted
}

/// Whether the payout ends once nothing else breaks: every request is lost, every worker restarts, the gateway answers,
/// callbacks arrive, and people do what the payout needs attention for.
pub(crate) fn can_end(world: &World) -> bool {
    let mut world = world.clone();
    world.wire.fill(None);
    world.pending_answer = None;
    for worker in &mut world.workers {
        worker.hand = Hand::Empty;
        worker.side = Side::Now;
    }
    if let Some(failover) = &mut world.failover {
        failover.old = None;
    }
    for _ in 0..10 {
        if world.row.state.is_final() || !world.row.inserted {
            return true;
        }
        pass_time(&mut world);
        finish(&mut world);
    }
    // It never left here, yet the gateway knows its number: a person has to find out why.
    world.row.state == State::Queued && !world.row.attention.is_empty()
}

fn finish(world: &mut World) {
    let now = world.now;
    if world.gateway.status == Some(OrderStatus::Open) {
        world.gateway.status = Some(OrderStatus::Paid);
    }
    let row = &mut world.row;
    if row.state == State::Submitting && now >= row.send_by {
        *row = row.record(Observation::LeaseExpired(row.attempt), now);
    }
    if row.is_query_due || row.is_queried_before_claim() {
        let answer = world.gateway.visible();
        *row = row.record(Observation::answer(answer, now), now);
        if let Some(says) = answer.filter(|_| row.state.may_have_left()) {
            *row = row.record(Observation::Callback { ours: true, says }, now);
        }
    }
    if row.attention.contains(Attention::NotFound) && row.state == State::Unknown {
        *row = row.record(Observation::ResolvedFailed, now);
    }
    if row.fence.shut && row.may_be_accepted(now) {
        row.accept();
    }
    if row.is_due() {
        *row = row.moved_to(State::Cancelled);
    }
}
