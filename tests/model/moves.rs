//! What can happen next, and what it makes of the world.

use payout_worker::domain::{
    attention::Attention,
    state::{Event, State},
};

use crate::{
    row::{self, HORIZON, Row, Timeline, Told, Word},
    setup::{Rule, Setup},
    steps::{Arrival, Step},
    world::{Asked, Failover, Gateway, Hand, Request, Side, World},
};

/// From a claim to its send-by time, in ticks.
const SEND_WINDOW: u8 = 1;

/// The world after a step; `None` where the step cannot happen or changes nothing.
pub(crate) fn after(setup: &Setup, world: &World, step: Step) -> Option<World> {
    let mut next = world.clone();
    match step {
        Step::Tick => tick(setup, &mut next),
        Step::Claim(worker) => claim(setup, &mut next, worker),
        Step::Reread(worker) => reread(&mut next, worker),
        Step::Send(worker) => send(setup, &mut next, worker),
        Step::RevokeSend(worker) => revoke_send(&mut next, worker),
        Step::StoreNotSent(worker) => store_not_sent(setup, &mut next, worker),
        Step::StoreNotSentUnheard(worker) => {
            let unsent = next.workers[worker];
            store_not_sent(setup, &mut next, worker).map(|()| next.workers[worker] = unsent)
        }
        Step::Arrive(slot, arrival) => arrive(setup, &mut next, slot, arrival),
        Step::Vanish(slot) => next.wire[slot].take().map(drop),
        Step::StoreAnswer(worker) => store_answer(setup, &mut next, worker),
        Step::StoreDoubt(worker) => store_doubt(setup, &mut next, worker),
        Step::Crash(worker) => crash(&mut next, worker),
        Step::Reconnect(worker) => {
            let away = next.workers[worker].side == Side::Old;
            next.workers[worker].side = Side::Now;
            away.then_some(())
        }
        Step::LeaseEnds => lease_ends(setup, &mut next),
        Step::Ask => ask(setup, &mut next),
        Step::StoreAsked => store_query_answer(setup, &mut next),
        Step::StoreAskedUnheard => store_asked_unheard(setup, &mut next),
        Step::Settle(says) => settle(&mut next, says),
        Step::BookLate => book_late(&mut next),
        Step::CallBack => next
            .gateway
            .status
            .map(|says| call(setup, &mut next, true, says)),
        Step::Forge { ours, says } => {
            call(setup, &mut next, ours, says);
            Some(())
        }
        Step::Request(request) => request_by_two(setup, &mut next, request),
        Step::Prove(worker) => prove(setup, &mut next, worker),
        Step::Resubmit(worker) => resubmit(setup, &mut next, worker),
        Step::ResolveFailed(worker) => resolve_failed(&mut next, worker),
        Step::ResolvePaid => resolve_paid(&mut next),
        Step::Cancel => cancel(&mut next),
        Step::StandbyFallsBehind => fall_behind(setup, &mut next, world.row),
        Step::StandbyMissesInsert => {
            let empty = Row {
                inserted: false,
                ..Row::enqueued()
            };
            fall_behind(setup, &mut next, empty)
        }
        Step::InsertAgain => {
            let missing = !next.row.inserted;
            next.row = next.row.enqueued_again();
            missing.then_some(())
        }
        Step::FailOver => fail_over(setup, &mut next),
        Step::PutBack => put_back(&mut next),
        Step::OldPrimaryDies => {
            let failover = next.failover.as_mut()?;
            failover.last_claims_at = next.now;
            if setup.rule == Rule::HorizonCountsFromDeath && next.row.timeline.shut {
                note_failover(setup, &mut next.row, next.now);
            }
            failover.old.take().map(drop)
        }
        Step::AcceptFailover => accept_failover(setup, &mut next),
    }?;
    next.forget_who_is_who();
    if !setup.resubmits {
        next.forget_what_the_old_primary_heard();
    }
    (next != *world).then_some(next)
}

fn tick(setup: &Setup, world: &mut World) -> Option<()> {
    let now = world.now + 1;
    let arrives_first = world
        .wire
        .iter()
        .flatten()
        .any(|request| request.gone_by <= now);
    if now > setup.end || arrives_first {
        return None;
    }
    pass_time(world);
    Some(())
}

/// One tick, whatever is on the wire.
pub(crate) fn pass_time(world: &mut World) {
    world.now += 1;
    if world.gateway.shown_by <= world.now {
        world.gateway.shown_by = 0;
    }
    if world.gateway.may_book_by <= world.now {
        world.gateway.may_book_by = 0;
    }
    // An approval and a proof are good for minutes, a tick is longer.
    world.row.request = None;
    if let Some(old) = world
        .failover
        .as_mut()
        .and_then(|failover| failover.old.as_mut())
    {
        old.request = None;
    }
    if let Some(standby) = &mut world.standby {
        standby.request = None;
    }
    for worker in &mut world.workers {
        if matches!(worker.hand, Hand::Proof { .. }) {
            worker.hand = Hand::Empty;
        }
    }
}

fn claim(setup: &Setup, world: &mut World, at: usize) -> Option<()> {
    let worker = world.workers[at];
    let row = world.row_of(worker.side)?;
    if !world.has_last_claim(&row) && !row.timeline.shut && setup.rule != Rule::NoWitness {
        note_failover(setup, &mut world.row, world.now);
        return Some(());
    }
    if worker.hand != Hand::Empty || !row.is_due() || row.attempt >= 3 {
        return None;
    }
    commit_send(world, at, row, Event::Claimed)?;
    // On disk before anything is sent.
    let row = world.row;
    world.witness = setup.put_back.then_some((row.attempt, row.claim));
    Some(())
}

fn commit_send(world: &mut World, at: usize, row: Row, event: Event) -> Option<()> {
    let send_by = world.now + SEND_WINDOW;
    let row = row.sent_by(event, send_by)?;
    let attempt = row.attempt;
    let worker = &mut world.workers[at];
    let side = worker.side;
    worker.hand = Hand::Permit { attempt, send_by };
    worker.of_lost_history = side == Side::Old;
    world.set_row(side, row);
    Some(())
}

fn reread(world: &mut World, at: usize) -> Option<()> {
    let worker = world.workers[at];
    let Hand::Permit { attempt, send_by } = worker.hand else {
        return None;
    };
    let row = world.row_of(worker.side)?;
    let still_ours = row.state == State::Submitting && row.attempt == attempt;
    world.workers[at].hand = if still_ours {
        Hand::Checked { attempt, send_by }
    } else {
        Hand::Empty
    };
    Some(())
}

fn send(setup: &Setup, world: &mut World, at: usize) -> Option<()> {
    let rereads = setup.rule == Rule::LeaseEndRequeuesTokenReread;
    let (attempt, send_by) = match world.workers[at].hand {
        Hand::Permit { attempt, send_by } if !rereads => (attempt, send_by),
        Hand::Checked { attempt, send_by } => (attempt, send_by),
        _ => return None,
    };
    // Looked at last, inside the request's body (I9).
    if world.now >= send_by {
        return None;
    }
    let slot = world.wire.iter_mut().find(|slot| slot.is_none())?;
    *slot = Some(Request {
        owner: Some(at),
        gone_by: send_by + HORIZON,
    });
    world.sent = (world.sent + 1).min(3);
    world.workers[at].hand = Hand::Waiting { attempt };
    Some(())
}

/// Stores what a worker saw, where its database still is.
fn store(setup: &Setup, world: &mut World, at: usize, fact: Told) -> Option<()> {
    let worker = &mut world.workers[at];
    let (side, lost) = (worker.side, worker.of_lost_history);
    worker.hand = Hand::Empty;
    worker.of_lost_history = false;
    let foreign = setup.rule == Rule::DeclineNamesItsRequest && matches!(fact, Told::Declined(_));
    if side == Side::Now && lost && (foreign || !setup.lost_words) {
        return Some(());
    }
    let row = world.row_of(side)?;
    let row = hear(setup, row, fact, world.now);
    world.set_row(side, row);
    Some(())
}

fn revoke_send(world: &mut World, at: usize) -> Option<()> {
    let hand = &mut world.workers[at].hand;
    let (Hand::Permit { attempt, send_by } | Hand::Checked { attempt, send_by }) = *hand else {
        return None;
    };
    let claim = send_by;
    *hand = Hand::Unsent { attempt, claim };
    Some(())
}

fn store_not_sent(setup: &Setup, world: &mut World, at: usize) -> Option<()> {
    let Hand::Unsent { attempt, claim } = world.workers[at].hand else {
        return None;
    };
    store(setup, world, at, Told::NotSent { attempt, claim })
}

fn store_answer(setup: &Setup, world: &mut World, at: usize) -> Option<()> {
    let fact = match world.workers[at].hand {
        Hand::Acknowledged { attempt } => Told::Acknowledged(attempt),
        Hand::Declined { attempt } => Told::Declined(attempt),
        _ => return None,
    };
    store(setup, world, at, fact)
}

fn store_doubt(setup: &Setup, world: &mut World, at: usize) -> Option<()> {
    let Hand::Waiting { attempt } = world.workers[at].hand else {
        return None;
    };
    nobody_waits(world, at);
    store(setup, world, at, Told::Doubt(attempt))
}

fn crash(world: &mut World, at: usize) -> Option<()> {
    if world.workers[at].hand == Hand::Empty {
        return None;
    }
    nobody_waits(world, at);
    world.workers[at].hand = Hand::Empty;
    world.workers[at].of_lost_history = false;
    Some(())
}

fn nobody_waits(world: &mut World, at: usize) {
    for request in world.wire.iter_mut().flatten() {
        request.owner = request.owner.filter(|owner| *owner != at);
    }
}

fn arrive(setup: &Setup, world: &mut World, slot: usize, arrival: Arrival) -> Option<()> {
    let request = world.wire[slot].take()?;
    let gateway = &mut world.gateway;
    let again = gateway.accepts > 0 && setup.rule == Rule::LeaseEndRequeuesGatewayDedups;
    let arrival = if again { Arrival::Refused } else { arrival };
    match arrival {
        Arrival::Booked | Arrival::RefusedAndBooked => book(gateway, 0),
        Arrival::BookedUnseen => book(gateway, request.gone_by),
        Arrival::RefusedForNow => gateway.may_book_by = request.gone_by,
        Arrival::Refused => {}
    }
    if let Some(owner) = request.owner {
        let hand = &mut world.workers[owner].hand;
        if let Hand::Waiting { attempt } = *hand {
            *hand = match arrival {
                Arrival::Booked | Arrival::BookedUnseen => Hand::Acknowledged { attempt },
                Arrival::Refused | Arrival::RefusedAndBooked | Arrival::RefusedForNow => {
                    Hand::Declined { attempt }
                }
            };
        }
    }
    Some(())
}

fn book(gateway: &mut Gateway, shown_by: u8) {
    gateway.accepts += 1;
    if gateway.status.is_none() {
        gateway.status = Some(Word::Open);
        gateway.shown_by = shown_by;
    }
}

fn book_late(world: &mut World) -> Option<()> {
    let gateway = &mut world.gateway;
    if gateway.may_book_by == 0 {
        return None;
    }
    gateway.may_book_by = 0;
    book(gateway, 0);
    Some(())
}

fn settle(world: &mut World, says: Word) -> Option<()> {
    let open = world.gateway.status == Some(Word::Open);
    world.gateway.status = Some(says);
    open.then_some(())
}

fn lease_ends(setup: &Setup, world: &mut World) -> Option<()> {
    let row = world.row;
    if row.state != State::Submitting || world.now < row.send_by {
        return None;
    }
    world.row = hear(setup, row, Told::LeaseExpired(row.attempt), world.now);
    Some(())
}

/// By the schedule, or because a person wants it; a queued one only after a failover.
fn ask(setup: &Setup, world: &mut World) -> Option<()> {
    let row = world.row;
    let wanted = row.is_asked_for || row.state.is_open_at_gateway() || row.is_asked_before_claim();
    if !wanted || world.asked.is_some() {
        return None;
    }
    world.asked = Some(Asked {
        answer: world.gateway.visible(),
        at: world.now,
        stored: false,
    });
    if setup.stale_answers {
        Some(())
    } else {
        store_query_answer(setup, world)
    }
}

fn store_query_answer(setup: &Setup, world: &mut World) -> Option<()> {
    let asked = world.asked.take()?;
    let fact = match Told::answer(asked.answer, asked.at) {
        Told::NotFound { query_sent_at, .. } => Told::NotFound {
            query_sent_at,
            again: asked.stored,
        },
        found => found,
    };
    world.row = hear(setup, world.row, fact, world.now);
    Some(())
}

fn store_asked_unheard(setup: &Setup, world: &mut World) -> Option<()> {
    let asked = world.asked.filter(|asked| !asked.stored)?;
    store_query_answer(setup, world)?;
    world.asked = Some(Asked {
        stored: true,
        ..asked
    });
    Some(())
}

fn call(setup: &Setup, world: &mut World, ours: bool, says: Word) {
    world.row = hear(setup, world.row, Told::Called { ours, says }, world.now);
}

/// Two people agree, where the database lets them.
fn request_by_two(setup: &Setup, world: &mut World, request: row::Request) -> Option<()> {
    let row = world.row;
    let quiet = world.now >= quiet_until(setup, &row);
    let allowed = match request {
        row::Request::Resubmit => why_resubmit(setup, &row, world.now),
        row::Request::ResolveFailed => {
            matches!(row.state, State::Pending | State::Unknown) && quiet
        }
    };
    let first = row.request.is_none();
    world.row.request = Some(request);
    (allowed && first).then_some(())
}

/// `payout.quiet_until`, or as it was before.
fn quiet_until(setup: &Setup, row: &Row) -> u8 {
    if setup.rule == Rule::FenceEndsWhenNothingIsQueued {
        row.send_by + HORIZON
    } else {
        row.quiet_until()
    }
}

/// `payout.why_no_resubmit`, the other way round.
fn why_resubmit(setup: &Setup, row: &Row, now: u8) -> bool {
    let known = row.known_to_gateway || row.number_known || row.proven_ours;
    if row.state != State::Unknown || known || row.resubmits > 0 {
        return false;
    }
    let quiet_until = quiet_until(setup, row);
    match setup.rule {
        Rule::ResubmitAtAnyTime | Rule::ResubmitWithoutHorizon => true,
        Rule::ResubmitWithoutQuestion => now >= quiet_until,
        _ => {
            let heard = row.not_found;
            let proof = heard.times >= 3 && heard.first >= quiet_until;
            now >= quiet_until && proof && row.attention == Some(Attention::NotFound)
        }
    }
}

/// The sender's own question for an approved request. Whoever finds a second one at it does not mind.
fn prove(setup: &Setup, world: &mut World, at: usize) -> Option<()> {
    let worker = world.workers[at];
    let row = world.row_of(worker.side)?;
    row.request?;
    if worker.hand != Hand::Empty {
        return None;
    }
    let answer = world.gateway.visible();
    let heard = hear(setup, row, Told::answer(answer, world.now), world.now);
    world.set_row(worker.side, heard);
    if answer.is_none() && heard.state == row.state {
        world.workers[at].hand = Hand::Proof {
            attempt: row.attempt,
            query_sent_at: world.now,
        };
    }
    Some(())
}

fn resubmit(setup: &Setup, world: &mut World, at: usize) -> Option<()> {
    let worker = world.workers[at];
    let row = world.row_of(worker.side)?;
    let proven = match worker.hand {
        Hand::Proof { attempt, .. } => attempt == row.attempt,
        Hand::Empty => matches!(
            setup.rule,
            Rule::ResubmitAtAnyTime | Rule::ResubmitWithoutQuestion
        ),
        _ => false,
    };
    let granted = row.request == Some(row::Request::Resubmit)
        && why_resubmit(setup, &row, world.now)
        && !row.timeline.shut;
    if !proven || !granted {
        return None;
    }
    commit_send(world, at, row, Event::ResubmitGranted)?;
    world.granted += 1;
    Some(())
}

fn resolve_failed(world: &mut World, at: usize) -> Option<()> {
    let worker = world.workers[at];
    let Hand::Proof { .. } = worker.hand else {
        return None;
    };
    let row = world.row_of(worker.side)?;
    world.workers[at].hand = Hand::Empty;
    // `payout.guard_person`: an approved request, the horizon, and "not known" of a minute ago.
    let allowed = row.request == Some(row::Request::ResolveFailed)
        && matches!(row.state, State::Pending | State::Unknown)
        && world.now >= row.quiet_until()
        && row.not_found.last == world.now;
    if allowed {
        let row = row.hear(Told::ResolvedFailed, world.now);
        world.set_row(worker.side, row);
    }
    Some(())
}

/// One person who saw at the gateway that it was paid.
fn resolve_paid(world: &mut World) -> Option<()> {
    let row = world.row;
    let stated = world.gateway.status == Some(Word::Paid);
    let allowed = matches!(row.state, State::Pending | State::Unknown | State::Failed);
    if !stated || !allowed {
        return None;
    }
    world.row = row.hear(Told::ResolvedPaid, world.now);
    Some(())
}

fn cancel(world: &mut World) -> Option<()> {
    let row = world.row;
    // As `payout.refuse_cancel_after_failover` wants it.
    if !row.is_due() {
        return None;
    }
    world.row = row.moved_to(State::Cancelled);
    Some(())
}

fn fall_behind(setup: &Setup, world: &mut World, row: Row) -> Option<()> {
    let old_is_dead = world.failover.is_none_or(|failover| failover.old.is_none());
    let first = world.standby.is_none() && world.failovers < setup.failovers && old_is_dead;
    world.standby = Some(row);
    first.then_some(())
}

/// What is lost to them is marked, and the database is as the standby has it.
fn lose_commits(world: &mut World) -> Option<()> {
    let standby = world.standby.take()?;
    for worker in &mut world.workers {
        worker.of_lost_history = match worker.hand {
            Hand::Empty => worker.of_lost_history,
            Hand::Permit { attempt, .. }
            | Hand::Checked { attempt, .. }
            | Hand::Unsent { attempt, .. }
            | Hand::Waiting { attempt }
            | Hand::Acknowledged { attempt }
            | Hand::Declined { attempt }
            | Hand::Proof { attempt, .. } => attempt > standby.attempt,
        };
    }
    world.failover = Some(Failover {
        old: Some(world.row),
        found_at: world.now,
        last_claims_at: world.now,
    });
    world.failovers += 1;
    world.row = standby;
    Some(())
}

/// Nobody sees it at once, and nobody can go on elsewhere.
fn put_back(world: &mut World) -> Option<()> {
    lose_commits(world)?;
    world.failover.as_mut()?.old = None;
    Some(())
}

/// A standby is promoted, and a worker finds it at once.
fn fail_over(setup: &Setup, world: &mut World) -> Option<()> {
    lose_commits(world)?;
    for worker in &mut world.workers {
        worker.side = Side::Old;
    }
    note_failover(setup, &mut world.row, world.now);
    Some(())
}

/// `payout.note_failover`: the quiet horizon begins anew, also when an earlier change is not accepted.
fn note_failover(setup: &Setup, row: &mut Row, now: u8) {
    let timeline = &mut row.timeline;
    let again = timeline.shut && setup.rule == Rule::SecondChangeNotNoted;
    if again || setup.rule == Rule::NoFence {
        return;
    }
    let window = if setup.rule == Rule::FenceForgetsSendWindow {
        0
    } else {
        SEND_WINDOW
    };
    timeline.shut = true;
    timeline.ask_first = false;
    timeline.trusted_after = now + window + HORIZON;
}

/// `payout.accept_failover`, and what the person who calls it takes care of: the old primary was dead already when the
/// change was found.
fn accept_failover(setup: &Setup, world: &mut World) -> Option<()> {
    let failover = world.failover?;
    let now = world.now;
    let row = &mut world.row;
    let dead = failover.old.is_none();
    let dead_in_time = dead && failover.last_claims_at <= failover.found_at;
    let allowed = match setup.rule {
        Rule::FenceEndsByItself => row.may_be_accepted(now),
        Rule::OldPrimaryDiesLate | Rule::HorizonCountsFromDeath => dead && row.may_be_accepted(now),
        Rule::FenceEndsWhenNothingIsQueued => {
            let waits = row.state == State::Queued && row.attention.is_none();
            dead_in_time && (!waits || row.is_proven_unsent())
        }
        _ => dead_in_time && row.may_be_accepted(now),
    };
    if !row.timeline.shut || !allowed {
        return None;
    }
    row.accept();
    world.witness = None;
    row.timeline.ask_first = setup.rule != Rule::InsertedAgainNotAskedFirst;
    world.granted += 1;
    Some(())
}

/// The production rules, or those of a known-bad variant.
fn hear(setup: &Setup, row: Row, fact: Told, now: u8) -> Row {
    if setup.rule == Rule::FenceEndsWhenNothingIsQueued
        && row.state != State::Queued
        && row.timeline.trusted_after > 0
    {
        let timeline = row.timeline;
        let before = Row {
            timeline: Timeline {
                trusted_after: 0,
                ..timeline
            },
            ..row
        };
        let heard = hear(setup, before, fact, now);
        return Row { timeline, ..heard };
    }
    if let (Rule::DeclineWaitsForHorizon, Told::NotFound { query_sent_at, .. }) = (setup.rule, fact)
        && row.declined_at > 0
        && query_sent_at < row.send_by + HORIZON
    {
        return row;
    }
    let fact = match (setup.rule, fact) {
        (Rule::NotSentNamesItsNumberOnly, Told::NotSent { attempt, .. }) => Told::NotSent {
            attempt,
            claim: row.claim,
        },
        (Rule::NotKnownCountsWhenStored, Told::NotFound { .. }) => Told::answer(None, now),
        _ => fact,
    };
    let open = row.state.is_open_at_gateway();
    let unknown = row.state == State::Unknown;
    let submitting = row.state == State::Submitting;
    let to = match (setup.rule, fact) {
        (
            Rule::LeaseEndRequeues
            | Rule::LeaseEndRequeuesTokenReread
            | Rule::LeaseEndRequeuesGatewayDedups,
            Told::LeaseExpired(_),
        ) if submitting => Some(State::Queued),
        (Rule::NotFoundRequeues, Told::NotFound { .. }) if unknown => Some(State::Queued),
        (Rule::NotFoundFails, Told::NotFound { .. }) if unknown => Some(State::Failed),
        (Rule::TimeoutFails, Told::Doubt(_)) | (Rule::DeclineFails, Told::Declined(_))
            if submitting =>
        {
            Some(State::Failed)
        }
        (Rule::UnboundCallbackSettles, Told::Called { says, .. }) if open => match says {
            Word::Paid => Some(State::Paid),
            Word::Failed => Some(State::Failed),
            Word::Open => None,
        },
        _ => None,
    };
    let mut heard = to.map_or_else(|| row.hear(fact, now), |to| row.moved_to(to));
    if let (
        Rule::NotKnownCountsWhileSubmitting,
        Told::NotFound {
            query_sent_at,
            again,
        },
    ) = (setup.rule, fact)
        && submitting
    {
        heard.not_found.count(0, query_sent_at, again, now);
    }
    heard
}
