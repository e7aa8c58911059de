//! What each step does to the world.

use payout_domain::{
    attention::Attention,
    state::{Event, State},
};

use crate::{
    failover, people,
    row::{self, HORIZON, Observation, OrderStatus, Row},
    setup::{Rule, Setup},
    steps::{Arrival, Step},
    variants::{quiet_until, record},
    world::{Gateway, Hand, LaggingCopy, PendingAnswer, Request, Side, World},
};

/// The time from a claim to its send-by time, in ticks.
pub(crate) const SEND_WINDOW: u8 = 1;

/// The world after a step; none when the step is impossible or changes nothing.
pub(crate) fn after(setup: &Setup, world: &World, step: Step) -> Option<World> {
    let mut next = world.clone();
    match step {
        Step::Tick => tick(setup, &mut next),
        Step::Claim(worker) => claim(setup, &mut next, worker),
        Step::Reread(worker) => reread(&mut next, worker),
        Step::Send(worker) => send(setup, &mut next, worker),
        Step::RevokeSend(worker) => revoke_send(&mut next, worker),
        Step::StoreNotSent(worker) => store_not_sent(setup, &mut next, worker),
        Step::StoreNotSentUnconfirmed(worker) => store_unsent_unconfirmed(setup, &mut next, worker),
        Step::Arrive(slot, arrival) => arrive(setup, &mut next, slot, arrival),
        Step::Vanish(slot) => next.wire[slot].take().map(drop),
        Step::StoreAnswer(worker) => store_answer(setup, &mut next, worker),
        Step::StoreDoubt(worker) => store_doubt(setup, &mut next, worker),
        Step::StoreOthersNumber(worker) => store_others_number(setup, &mut next, worker),
        Step::Crash(worker) => crash(&mut next, worker),
        Step::Reconnect(worker) => reconnect(&mut next, worker),
        Step::LeaseExpires => lease_expires(setup, &mut next),
        Step::Query => query(setup, &mut next),
        Step::QueryOthersNumber => query_others_number(setup, &mut next),
        Step::StoreQueryAnswer => store_query_answer(setup, &mut next),
        Step::StoreQueryAnswerUnconfirmed => store_query_answer_unconfirmed(setup, &mut next),
        Step::Settle(says) => settle(&mut next, says),
        Step::BookLate => book_late(&mut next),
        Step::Callback => next
            .gateway
            .status
            .map(|says| receive_callback(setup, &mut next, true, says)),
        Step::Forge { ours, says } => {
            receive_callback(setup, &mut next, ours, says);
            Some(())
        }
        Step::Request(request) => request_by_two(setup, &mut next, request),
        Step::Prove(worker) => prove(setup, &mut next, worker),
        Step::Resubmit(worker) => resubmit(setup, &mut next, worker),
        Step::ResolveFailed(worker) => resolve_failed(setup, &mut next, worker),
        Step::ResolvePaid => resolve_paid(&mut next),
        Step::Cancel => cancel(&mut next),
        Step::StandbyFallsBehind => failover::fall_behind(setup, &mut next, world.row),
        Step::StandbyMissesInsert => failover::miss_insert(setup, &mut next),
        Step::InsertAgain => failover::insert_again(&mut next),
        Step::FailOver => failover::fail_over(setup, &mut next),
        Step::RestoreSnapshot => failover::restore_snapshot(&mut next),
        Step::OldPrimaryDies => failover::old_primary_dies(setup, &mut next),
        Step::AcceptFailover => failover::accept(setup, &mut next),
        Step::Act(act) => people::act(setup, &mut next, act),
        Step::CarryOut => people::carry_out_statement(setup, &mut next),
        Step::ComeBack { reported } => come_back(&mut next, reported),
        Step::PayAgain => people::pay_again(setup, &mut next),
        Step::RunShort => people::run_short(setup, &mut next.row),
        Step::QueryFirstEnds => failover::end_query_first(&mut next.row),
        Step::CopyData | Step::CopyCatchesUp => copy(&mut next, step),
    }?;
    next.sort_workers_and_requests(setup);
    if setup.acts == 0 {
        next.forget_answers_against_statements();
    }
    if !setup.resubmits {
        next.forget_the_old_primarys_row();
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

/// Lets one tick pass, whatever is on the wire.
pub(crate) fn pass_time(world: &mut World) {
    world.now += 1;
    if world.gateway.shown_by <= world.now {
        world.gateway.shown_by = 0;
    }
    if world.gateway.may_book_by <= world.now {
        world.gateway.may_book_by = 0;
    }
    // An approval and a proof are valid for minutes; a tick is longer.
    world.row.expire_requests();
    if let Some(old) = world
        .failover
        .as_mut()
        .and_then(|failover| failover.old.as_mut())
    {
        old.expire_requests();
    }
    if let Some(standby) = &mut world.standby {
        standby.expire_requests();
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
    if !world.has_last_claim(&row) && !row.fence.shut && setup.rule != Rule::NoWitness {
        failover::note(setup, &mut world.row, world.now);
        return Some(());
    }
    if worker.side == Side::Copy && !world.copy_is_registered && setup.rule != Rule::AnyAddress {
        return None;
    }
    if worker.hand != Hand::Empty || !row.is_due() || row.people.paused || row.attempt >= 3 {
        return None;
    }
    commit_send(world, at, row, Event::Claimed)?;
    // The witness is on disk before anything is sent.
    let row = world.row;
    world.witness = setup
        .restores_snapshot
        .then_some((row.attempt, row.request_sha256));
    Some(())
}

fn commit_send(world: &mut World, at: usize, row: Row, event: Event) -> Option<()> {
    let send_by = world.now + SEND_WINDOW;
    let row = row.sent_by(event, send_by)?;
    let attempt = row.attempt;
    let worker = &mut world.workers[at];
    let side = worker.side;
    worker.hand = Hand::Permit { attempt, send_by };
    worker.claim_was_lost = side == Side::Old;
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
    let rereads = setup.rule == Rule::ExpiredLeaseRequeuesTokenReread;
    let (attempt, send_by) = match world.workers[at].hand {
        Hand::Permit { attempt, send_by } if !rereads => (attempt, send_by),
        Hand::Checked { attempt, send_by } => (attempt, send_by),
        _ => return None,
    };
    // The last check, made inside the body of the request (I9).
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

/// Stores what a worker observed, if its database still exists.
fn store(setup: &Setup, world: &mut World, at: usize, fact: Observation) -> Option<()> {
    let worker = &mut world.workers[at];
    let (side, lost) = (worker.side, worker.claim_was_lost);
    worker.hand = Hand::Empty;
    worker.claim_was_lost = false;
    let foreign =
        setup.rule == Rule::DeclineNamesItsRequest && matches!(fact, Observation::Declined(_));
    if side == Side::Now && lost && (foreign || !setup.late_reports) {
        return Some(());
    }
    let row = world.row_of(side)?;
    let row = record(setup, row, fact, world.now);
    world.set_row(side, row);
    Some(())
}

fn revoke_send(world: &mut World, at: usize) -> Option<()> {
    let hand = &mut world.workers[at].hand;
    let (Hand::Permit { attempt, send_by } | Hand::Checked { attempt, send_by }) = *hand else {
        return None;
    };
    let request_sha256 = send_by;
    *hand = Hand::Unsent {
        attempt,
        request_sha256,
    };
    Some(())
}

fn store_not_sent(setup: &Setup, world: &mut World, at: usize) -> Option<()> {
    let Hand::Unsent {
        attempt,
        request_sha256,
    } = world.workers[at].hand
    else {
        return None;
    };
    store(
        setup,
        world,
        at,
        Observation::NotSent {
            attempt,
            request_sha256,
        },
    )
}

fn store_unsent_unconfirmed(setup: &Setup, world: &mut World, at: usize) -> Option<()> {
    let unsent = world.workers[at];
    store_not_sent(setup, world, at)?;
    world.workers[at] = unsent;
    Some(())
}

fn store_answer(setup: &Setup, world: &mut World, at: usize) -> Option<()> {
    let fact = match world.workers[at].hand {
        Hand::Acknowledged { attempt } => Observation::Acknowledged(attempt),
        Hand::Declined { attempt } => Observation::Declined(attempt),
        _ => return None,
    };
    store(setup, world, at, fact)
}

fn store_doubt(setup: &Setup, world: &mut World, at: usize) -> Option<()> {
    let Hand::Waiting { attempt } = world.workers[at].hand else {
        return None;
    };
    stop_waiting(world, at);
    store(setup, world, at, Observation::Doubt(attempt))
}

fn store_others_number(setup: &Setup, world: &mut World, at: usize) -> Option<()> {
    let (Hand::Waiting { attempt } | Hand::Acknowledged { attempt }) = world.workers[at].hand
    else {
        return None;
    };
    stop_waiting(world, at);
    store(setup, world, at, Observation::AcknowledgedAsOther(attempt))
}

fn crash(world: &mut World, at: usize) -> Option<()> {
    if world.workers[at].hand == Hand::Empty {
        return None;
    }
    stop_waiting(world, at);
    world.workers[at].hand = Hand::Empty;
    world.workers[at].claim_was_lost = false;
    Some(())
}

fn reconnect(world: &mut World, at: usize) -> Option<()> {
    let away = world.workers[at].side == Side::Old;
    world.workers[at].side = Side::Now;
    away.then_some(())
}

fn stop_waiting(world: &mut World, at: usize) {
    for request in world.wire.iter_mut().flatten() {
        request.owner = request.owner.filter(|owner| *owner != at);
    }
}

fn arrive(setup: &Setup, world: &mut World, slot: usize, arrival: Arrival) -> Option<()> {
    let request = world.wire[slot].take()?;
    let gateway = &mut world.gateway;
    let again = gateway.accepts > 0 && setup.rule == Rule::ExpiredLeaseRequeuesGatewayDedups;
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
        gateway.status = Some(OrderStatus::Open);
        gateway.shown_by = shown_by;
    }
}

/// At first silently, and then perhaps the gateway reports it.
fn come_back(world: &mut World, reported: bool) -> Option<()> {
    let gateway = &mut world.gateway;
    let next = gateway.status == Some(OrderStatus::Paid) && gateway.came_back == reported;
    gateway.came_back = true;
    if reported {
        gateway.status = Some(OrderStatus::Failed);
    }
    next.then_some(())
}

/// Of a running server or not: what is committed is in the copy.
fn copy_data(world: &mut World) -> Option<()> {
    let first = world.copy.is_none();
    world.copy = Some(world.row);
    first.then_some(())
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

fn settle(world: &mut World, says: OrderStatus) -> Option<()> {
    let open = world.gateway.status == Some(OrderStatus::Open);
    world.gateway.status = Some(says);
    open.then_some(())
}

fn lease_expires(setup: &Setup, world: &mut World) -> Option<()> {
    let row = world.row;
    if row.state != State::Submitting || world.now < row.send_by {
        return None;
    }
    world.row = record(
        setup,
        row,
        Observation::LeaseExpired(row.attempt),
        world.now,
    );
    Some(())
}

/// Of the data folder, or of the gateway's records.
fn copy(world: &mut World, step: Step) -> Option<()> {
    if step == Step::CopyData {
        return copy_data(world);
    }
    let caught_up = LaggingCopy {
        as_of: world.now,
        sees: world.gateway.visible(),
    };
    let before = world.lagging_copy.replace(caught_up);
    (before != Some(caught_up)).then_some(())
}

/// "Not found", and nothing vouches for it.
struct NotVouchedFor;

/// The gateway's answer to a query about this row.
fn answer(setup: &Setup, world: &World, row: &Row) -> Result<Option<OrderStatus>, NotVouchedFor> {
    let Some(copy) = world.lagging_copy else {
        return Ok(world.gateway.visible());
    };
    // The paid orders that vouch are those that this copy knows.
    let is_vouched_for = match setup.rule {
        // A refusal is confirmed within minutes, and by the newest order.
        _ if row.declined_at > 0 => true,
        Rule::NewestPaidVouches => true,
        Rule::NextSentVouches => copy.as_of >= row.send_by,
        _ => copy.as_of >= quiet_until(setup, row),
    };
    if copy.sees.is_some() || is_vouched_for {
        Ok(copy.sees)
    } else {
        Err(NotVouchedFor)
    }
}

/// On schedule, or because a person requested it; a queued payout only after a failover.
fn query(setup: &Setup, world: &mut World) -> Option<()> {
    if !may_be_queried(world) {
        return None;
    }
    let answer = answer(setup, world, &world.row).ok()?;
    world.pending_answer = Some(PendingAnswer {
        answer,
        at: world.now,
        stored: false,
    });
    if setup.stale_answers {
        Some(())
    } else {
        store_query_answer(setup, world)
    }
}

fn query_others_number(setup: &Setup, world: &mut World) -> Option<()> {
    if !may_be_queried(world) {
        return None;
    }
    world.row = record(setup, world.row, Observation::FoundAsOther, world.now);
    Some(())
}

fn may_be_queried(world: &World) -> bool {
    let row = world.row;
    let wanted = row.is_query_due || row.state.may_have_left() || row.is_queried_before_claim();
    wanted && world.pending_answer.is_none()
}

fn store_query_answer(setup: &Setup, world: &mut World) -> Option<()> {
    let pending = world.pending_answer.take()?;
    let fact = match Observation::answer(pending.answer, pending.at) {
        Observation::NotFound { query_sent_at, .. } => Observation::NotFound {
            query_sent_at,
            again: pending.stored,
        },
        found => found,
    };
    world.row = record(setup, world.row, fact, world.now);
    Some(())
}

fn store_query_answer_unconfirmed(setup: &Setup, world: &mut World) -> Option<()> {
    let pending = world.pending_answer.filter(|answer| !answer.stored)?;
    store_query_answer(setup, world)?;
    world.pending_answer = Some(PendingAnswer {
        stored: true,
        ..pending
    });
    Some(())
}

fn receive_callback(setup: &Setup, world: &mut World, ours: bool, says: OrderStatus) {
    world.row = record(
        setup,
        world.row,
        Observation::Callback { ours, says },
        world.now,
    );
}

/// Two people approve a request, if the database allows it.
fn request_by_two(setup: &Setup, world: &mut World, request: row::Request) -> Option<()> {
    let row = world.row;
    let quiet = world.now >= quiet_until(setup, &row);
    let allowed = match request {
        row::Request::Resubmit => why_resubmit(setup, &row, world.now),
        row::Request::ResolveFailed => {
            matches!(row.state, State::Pending | State::Unknown) && quiet
        }
        _ => false,
    };
    let first = row.request.is_none();
    world.row.request = Some(request);
    world.row.people.by_two = true;
    (allowed && first).then_some(())
}

/// The opposite of `payout.why_no_resubmit`.
pub(crate) fn why_resubmit(setup: &Setup, row: &Row, now: u8) -> bool {
    let known = row.known_to_gateway || row.number_known || row.proven_ours;
    if row.state != State::Unknown || known || row.resubmits > 0 {
        return false;
    }
    let quiet_until = quiet_until(setup, row);
    match setup.rule {
        Rule::ResubmitAtAnyTime | Rule::ResubmitWithoutHorizon => true,
        Rule::ResubmitWithoutQuery => now >= quiet_until,
        _ => {
            let count = row.not_found;
            let proof = count.times >= 3 && count.first >= quiet_until;
            let rest = row.attention.without(Attention::NotFound);
            let alone = row.attention.contains(Attention::NotFound) && !rest.holds_back_claim();
            now >= quiet_until && proof && alone
        }
    }
}

/// The sender's query for an approved request. Two workers may do it at once.
fn prove(setup: &Setup, world: &mut World, at: usize) -> Option<()> {
    let worker = world.workers[at];
    let row = world.row_of(worker.side)?;
    row.request?;
    if worker.hand != Hand::Empty {
        return None;
    }
    let answer = answer(setup, world, &row).ok()?;
    let recorded = record(
        setup,
        row,
        Observation::answer(answer, world.now),
        world.now,
    );
    world.set_row(worker.side, recorded);
    if answer.is_none() && recorded.state == row.state {
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
            Rule::ResubmitAtAnyTime | Rule::ResubmitWithoutQuery
        ),
        _ => false,
    };
    let granted = row.request == Some(row::Request::Resubmit)
        && why_resubmit(setup, &row, world.now)
        && people::is_agreed(setup, &row, world.now)
        && !row.people.paused
        && !row.fence.shut;
    if !proven || !granted {
        return None;
    }
    commit_send(world, at, row, Event::ResubmitGranted)?;
    world.granted += u8::from(row.people.by_two);
    Some(())
}

fn resolve_failed(setup: &Setup, world: &mut World, at: usize) -> Option<()> {
    let worker = world.workers[at];
    let Hand::Proof { .. } = worker.hand else {
        return None;
    };
    let row = world.row_of(worker.side)?;
    world.workers[at].hand = Hand::Empty;
    // `payout.guard_person`: an approved request, the horizon, and a "not found" at most a minute old.
    let allowed = row.request == Some(row::Request::ResolveFailed)
        && matches!(row.state, State::Pending | State::Unknown)
        && world.now >= row.quiet_until()
        && people::is_agreed(setup, &row, world.now)
        && row.not_found.last == world.now;
    if allowed {
        world.freed_by_one |= !row.people.by_two;
        let row = row.record(Observation::ResolvedFailed, world.now);
        world.set_row(worker.side, row);
    }
    Some(())
}

/// One person who saw at the gateway that the order was paid.
fn resolve_paid(world: &mut World) -> Option<()> {
    let row = world.row;
    let stated = world.gateway.status == Some(OrderStatus::Paid);
    let allowed = matches!(row.state, State::Pending | State::Unknown | State::Failed);
    if !stated || !allowed {
        return None;
    }
    world.row = row.record(Observation::ResolvedPaid, world.now);
    Some(())
}

fn cancel(world: &mut World) -> Option<()> {
    let row = world.row;
    // As `payout.refuse_cancel_after_failover` requires.
    if !row.is_due() {
        return None;
    }
    world.row = row.moved_to(State::Cancelled);
    Some(())
}
