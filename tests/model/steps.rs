//! The steps that a search can take.

use crate::{
    people::{Act, Errand},
    row::{self, OrderStatus},
    setup::{Rule, Setup},
    world::{SLOTS, WORKERS},
};

/// What the gateway does with an arriving request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Arrival {
    /// Books it; a query finds it immediately.
    Booked,
    /// Books it; a query finds it later, no later than the end of the quiet horizon.
    BookedUnseen,
    /// Books nothing and answers `FAIL`.
    Refused,
    /// Books it and yet answers `FAIL`, to a duplicate of the request that arose on its own side.
    RefusedAndBooked,
    /// Answers `FAIL` because it is busy, and may book it later.
    RefusedForNow,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// Time passes: longer than every pause in the rules except the horizon.
    Tick,
    Claim(usize),
    /// V2: the worker reads its claim again.
    Reread(usize),
    Send(usize),
    /// The body never left: the connection was refused, or the send-by time has passed.
    RevokeSend(usize),
    /// Stores that, with its attempt.
    StoreNotSent(usize),
    /// The same, but the commit is not confirmed, so it will be stored again.
    StoreNotSentUnconfirmed(usize),
    Arrive(usize, Arrival),
    Vanish(usize),
    StoreAnswer(usize),
    /// No answer arrived in time.
    StoreDoubt(usize),
    /// The answer gives the payout a number of the gateway that another payout has.
    StoreOthersNumber(usize),
    Crash(usize),
    /// A worker connected to the old primary switches to the new one.
    Reconnect(usize),
    LeaseExpires,
    Query,
    /// The same, and the answer gives the payout a number of the gateway that another payout has.
    QueryOthersNumber,
    StoreQueryAnswer,
    /// The same, but the commit is not confirmed, so it will be stored again.
    StoreQueryAnswerUnconfirmed,
    /// The copy that answers queries has everything up to now.
    CopyCatchesUp,
    Settle(OrderStatus),
    BookLate,
    Callback,
    Forge {
        ours: bool,
        says: OrderStatus,
    },
    Request(row::Request),
    /// The sender's query, immediately before a resubmit or a resolution.
    Prove(usize),
    Resubmit(usize),
    ResolveFailed(usize),
    ResolvePaid,
    Cancel,
    StandbyFallsBehind,
    /// It falls behind before it receives the insert.
    StandbyMissesInsert,
    FailOver,
    /// An older snapshot is restored under the same identity.
    RestoreSnapshot,
    /// A backend inserts again the payout that it does not find.
    InsertAgain,
    OldPrimaryDies,
    AcceptFailover,
    Act(Act),
    /// A worker carries out an approved statement.
    CarryOut,
    /// The bank sends the money back, or the gateway then reports that as a failure.
    ComeBack {
        reported: bool,
    },
    /// The debt is paid by another order.
    PayAgain,
    /// The funds do not cover what is queued.
    RunShort,
    /// The time after an acceptance ends in which each payout is queried before its first claim.
    QueryFirstEnds,
    CopyData,
}

/// Every step that the setup allows, whether or not it is possible now.
pub(crate) fn all(setup: &Setup, steps: &mut Vec<Step>) {
    steps.extend([Step::Tick, Step::LeaseExpires]);
    of_queries(setup, steps);
    if setup.acts > 0 {
        of_people(setup, steps);
    }
    if setup.copies {
        steps.push(Step::CopyData);
    }
    if !setup.few_answers {
        steps.extend([
            Step::Callback,
            Step::Settle(OrderStatus::Paid),
            Step::Settle(OrderStatus::Failed),
        ]);
    }
    if !setup.few_answers && setup.acts == 0 {
        steps.extend([Step::ResolvePaid, Step::Cancel]);
    }
    let workers = if setup.one_worker { 1 } else { WORKERS };
    (0..workers).for_each(|worker| of_worker(setup, worker, steps));
    (0..SLOTS).for_each(|slot| of_request(setup, slot, steps));
    if setup.stale_answers {
        steps.push(Step::StoreQueryAnswer);
    }
    if setup.stale_answers && setup.repeats {
        steps.push(Step::StoreQueryAnswerUnconfirmed);
    }
    if setup.gives_up {
        steps.push(Step::Request(row::Request::ResolveFailed));
    }
    if setup.resubmits {
        steps.push(Step::Request(row::Request::Resubmit));
    }
    if setup.late_bookings {
        steps.push(Step::BookLate);
    }
    if setup.forgeries {
        let forge = |ours, says| Step::Forge { ours, says };
        steps.extend([
            forge(false, OrderStatus::Paid),
            forge(false, OrderStatus::Failed),
            forge(true, OrderStatus::Failed),
        ]);
    }
    if setup.failovers > 0 {
        steps.extend([Step::StandbyFallsBehind, Step::InsertAgain]);
    }
    if setup.failovers > 0 && setup.acts == 0 {
        steps.push(Step::AcceptFailover);
    }
    if setup.restores_snapshot {
        steps.push(Step::RestoreSnapshot);
    } else if setup.failovers > 0 {
        steps.extend([Step::FailOver, Step::OldPrimaryDies]);
    }
}

fn of_queries(setup: &Setup, steps: &mut Vec<Step>) {
    if !setup.silent {
        steps.push(Step::Query);
    }
    if setup.copy_lags {
        steps.push(Step::CopyCatchesUp);
    }
    if setup.shared_numbers {
        steps.push(Step::QueryOthersNumber);
    }
}

fn of_people(setup: &Setup, steps: &mut Vec<Step>) {
    let mut act = |act| steps.push(Step::Act(act));
    act(Act::Request(row::Request::Cancel));
    act(Act::Cancel);
    act(Act::Reject);
    act(Act::RejectErrand);
    for own in [false, true] {
        act(Act::Approve { own });
        act(Act::ApproveErrand { own });
    }
    act(Act::Run(Errand::Fund));
    act(Act::Reveal);
    act(Act::Pause);
    act(Act::Resume);
    if setup.failovers > 0 {
        act(Act::Run(Errand::AcceptFailover));
    }
    if setup.silent {
        act(Act::Run(Errand::AcceptSettingAside));
    } else {
        act(Act::Request(row::Request::Resubmit));
        act(Act::Request(row::Request::ResolveFailed));
        act(Act::Replay);
    }
    act(Act::Request(row::Request::ResolvePaid));
    act(Act::Request(row::Request::ResolveReturned));
    act(Act::Request(row::Request::ResolveUnchanged));
    if setup.copies {
        act(Act::Run(Errand::RegisterAddress));
    }
    steps.extend([Step::CarryOut, Step::PayAgain]);
    if !setup.few_answers {
        steps.extend([false, true].map(|reported| Step::ComeBack { reported }));
    }
    if setup.silent {
        steps.extend([Step::RunShort, Step::QueryFirstEnds]);
    }
}

fn of_worker(setup: &Setup, worker: usize, steps: &mut Vec<Step>) {
    steps.extend([
        Step::Claim(worker),
        Step::Send(worker),
        Step::RevokeSend(worker),
        Step::StoreNotSent(worker),
        Step::StoreAnswer(worker),
        Step::StoreDoubt(worker),
        Step::Crash(worker),
    ]);
    if setup.rule == Rule::ExpiredLeaseRequeuesTokenReread {
        steps.push(Step::Reread(worker));
    }
    let acts = setup.acts > 0 && !setup.silent && !setup.copies;
    if setup.gives_up || setup.resubmits || acts {
        steps.push(Step::Prove(worker));
    }
    if setup.gives_up || acts {
        steps.push(Step::ResolveFailed(worker));
    }
    if setup.resubmits || acts {
        steps.push(Step::Resubmit(worker));
    }
    if setup.shared_numbers {
        steps.push(Step::StoreOthersNumber(worker));
    }
    if setup.repeats {
        steps.push(Step::StoreNotSentUnconfirmed(worker));
    }
    if setup.failovers > 0 {
        steps.push(Step::Reconnect(worker));
    }
}

fn of_request(setup: &Setup, slot: usize, steps: &mut Vec<Step>) {
    let mut arrive = |arrival| steps.push(Step::Arrive(slot, arrival));
    arrive(Arrival::Booked);
    arrive(Arrival::BookedUnseen);
    if !setup.few_answers || setup.refusals {
        arrive(Arrival::Refused);
        arrive(Arrival::RefusedAndBooked);
    }
    if setup.late_bookings {
        arrive(Arrival::RefusedForNow);
    }
    steps.push(Step::Vanish(slot));
}
