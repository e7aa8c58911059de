//! What must hold at every moment, and that everything can still end.

use payout_worker::domain::{attention::Attention, state::State};

use crate::{
    moves::pass_time,
    row::{HORIZON, Told, Word},
    setup::Setup,
    world::{Hand, Side, World},
};

/// A promise about one moment.
pub(crate) type Promise = (&'static str, fn(&World) -> bool);

pub(crate) const PAID_ONCE: &str = "paid at most once";
pub(crate) const SENT_ONCE: &str = "sent once, and once more per grant";
pub(crate) const FAILED_IS_TRUE: &str = "failed is never paid, or a person is called";
pub(crate) const PAID_IS_TRUE: &str = "paid is paid";
pub(crate) const PROVEN_AFTER_HORIZON: &str = "\"not known\" calls a person only after the horizon";

pub(crate) const PROMISES: [Promise; 8] = [
    (PAID_ONCE, |world| world.gateway.accepts <= 1),
    (SENT_ONCE, |world| world.sent <= 1 + world.granted),
    (FAILED_IS_TRUE, failed_is_true),
    (PAID_IS_TRUE, |world| {
        world.row.state != State::Paid || world.gateway.status == Some(Word::Paid)
    }),
    (
        "queued and cancelled never left, or a person is called",
        queued_is_true,
    ),
    ("money is held exactly while it may have left", |world| {
        let row = &world.row;
        (row.held > 0) == row.state.is_open_at_gateway()
    }),
    ("captured or released exactly once", |world| {
        let (row, books) = (&world.row, &world.row.books);
        let held = u8::from(row.state.is_open_at_gateway());
        books.holds == books.settled + held && books.late <= 1 && books.holds >= books.late
    }),
    (PROVEN_AFTER_HORIZON, |world| {
        let row = &world.row;
        row.attention != Some(Attention::NotFound) || row.not_found.first >= row.send_by + HORIZON
    }),
];

/// What the gateway still pays is not failed, unless that is flagged.
fn failed_is_true(world: &World) -> bool {
    let pays = matches!(world.gateway.status, Some(Word::Open | Word::Paid));
    world.row.state != State::Failed || !pays || world.row.attention.is_some()
}

fn queued_is_true(world: &World) -> bool {
    let row = &world.row;
    let withdrawn = matches!(row.state, State::Queued | State::Cancelled);
    let left = world.gateway.accepts > 0 || world.wire.iter().any(Option::is_some);
    // Of what was put back nobody knows until the host looks for its last claim.
    let unsure = row.must_query_first() || !world.has_last_claim(row);
    !withdrawn || !left || row.attention.is_some() || unsure
}

/// Whether this is what the search is for: after the last failover it is sent, by a resubmit where there are some;
/// without one it is paid.
pub(crate) fn is_about(setup: &Setup, world: &World) -> bool {
    let row = &world.row;
    let sent_again = row.resubmits > 0 || !setup.resubmits;
    let ends = if setup.failovers > 0 {
        world.failovers == setup.failovers
            && row.timeline.ask_first
            && row.state == State::Submitting
    } else {
        row.state == State::Paid
    };
    ends && sent_again
}

/// Whether this ends when from now on nothing breaks any more: every request is lost, every worker restarted, the
/// gateway answers, callbacks come, and people do what the attention asks of them.
pub(crate) fn can_end(world: &World) -> bool {
    let mut world = world.clone();
    world.wire.fill(None);
    world.asked = None;
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
        settle_down(&mut world);
    }
    // It never left here, and the gateway knows the number: a person has to see what it is.
    world.row.state == State::Queued && world.row.attention.is_some()
}

fn settle_down(world: &mut World) {
    let now = world.now;
    if world.gateway.status == Some(Word::Open) {
        world.gateway.status = Some(Word::Paid);
    }
    let row = &mut world.row;
    if row.state == State::Submitting && now >= row.send_by {
        *row = row.hear(Told::LeaseExpired(row.attempt), now);
    }
    if row.is_asked_for || row.is_asked_before_claim() {
        let answer = world.gateway.visible();
        *row = row.hear(Told::answer(answer, now), now);
        if let Some(says) = answer.filter(|_| row.state.is_open_at_gateway()) {
            *row = row.hear(Told::Called { ours: true, says }, now);
        }
    }
    if row.attention == Some(Attention::NotFound) && row.state == State::Unknown {
        *row = row.hear(Told::ResolvedFailed, now);
    }
    if row.timeline.shut && row.may_be_accepted(now) {
        row.accept();
    }
    if row.is_due() {
        *row = row.moved_to(State::Cancelled);
    }
}
