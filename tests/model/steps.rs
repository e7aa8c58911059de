//! The steps that there are.

use crate::{
    row::{self, Word},
    setup::{Rule, Setup},
    world::{SLOTS, WORKERS},
};

/// What the gateway does with a request that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Arrival {
    /// Books it; a question finds it at once.
    Booked,
    /// Books it; a question finds it only later, at the end of the quiet horizon at the latest.
    BookedUnseen,
    /// Books nothing and says `FAIL`.
    Refused,
    /// Books it and says `FAIL` all the same: to a copy of it that it made itself.
    RefusedAndBooked,
    /// Says `FAIL`, being busy, and may book it later.
    RefusedForNow,
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// Time passes, beyond every pause but the horizon.
    Tick,
    Claim(usize),
    /// V2: the claim is looked at once more.
    Reread(usize),
    Send(usize),
    /// The body never left: refused connection, or the send-by time is over.
    RevokeSend(usize),
    /// That is stored with its attempt.
    StoreNotSent(usize),
    /// The same, and the commit is not confirmed, so it will be stored again.
    StoreNotSentUnheard(usize),
    Arrive(usize, Arrival),
    Vanish(usize),
    StoreAnswer(usize),
    /// No answer in time.
    StoreDoubt(usize),
    Crash(usize),
    /// A worker of the old primary finds the new one.
    Reconnect(usize),
    LeaseEnds,
    Ask,
    StoreAsked,
    /// The same, and the commit is not confirmed, so it will be stored again.
    StoreAskedUnheard,
    Settle(Word),
    BookLate,
    CallBack,
    Forge {
        ours: bool,
        says: Word,
    },
    Request(row::Request),
    /// The sender's own question in the step of the resubmit.
    Prove(usize),
    Resubmit(usize),
    ResolveFailed(usize),
    ResolvePaid,
    Cancel,
    StandbyFallsBehind,
    /// It falls behind before the insert.
    StandbyMissesInsert,
    FailOver,
    /// An older state comes back under the same identity.
    PutBack,
    /// A backend inserts again what it does not find.
    InsertAgain,
    OldPrimaryDies,
    AcceptFailover,
}

/// Every step that the setup has, possible now or not.
pub(crate) fn all(setup: &Setup, steps: &mut Vec<Step>) {
    steps.extend([Step::Tick, Step::LeaseEnds, Step::Ask]);
    if !setup.few_answers {
        steps.extend([
            Step::CallBack,
            Step::Settle(Word::Paid),
            Step::Settle(Word::Failed),
            Step::ResolvePaid,
            Step::Cancel,
        ]);
    }
    (0..WORKERS).for_each(|worker| of_worker(setup, worker, steps));
    (0..SLOTS).for_each(|slot| of_request(setup, slot, steps));
    if setup.stale_answers {
        steps.push(Step::StoreAsked);
    }
    if setup.stale_answers && setup.repeats {
        steps.push(Step::StoreAskedUnheard);
    }
    if setup.gives_up {
        steps.push(Step::Request(row::Request::ResolveFailed));
    }
    if setup.resubmits {
        steps.push(Step::Request(row::Request::Resubmit));
    }
    if setup.busy_books {
        steps.push(Step::BookLate);
    }
    if setup.forgeries {
        let forge = |ours, says| Step::Forge { ours, says };
        steps.extend([
            forge(false, Word::Paid),
            forge(false, Word::Failed),
            forge(true, Word::Failed),
        ]);
    }
    if setup.failovers > 0 {
        steps.extend([
            Step::StandbyFallsBehind,
            Step::InsertAgain,
            Step::AcceptFailover,
        ]);
    }
    if setup.put_back {
        steps.push(Step::PutBack);
    } else if setup.failovers > 0 {
        steps.extend([Step::FailOver, Step::OldPrimaryDies]);
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
    if setup.rule == Rule::LeaseEndRequeuesTokenReread {
        steps.push(Step::Reread(worker));
    }
    if setup.gives_up || setup.resubmits {
        steps.push(Step::Prove(worker));
    }
    if setup.gives_up {
        steps.push(Step::ResolveFailed(worker));
    }
    if setup.resubmits {
        steps.push(Step::Resubmit(worker));
    }
    if setup.repeats {
        steps.push(Step::StoreNotSentUnheard(worker));
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
    if setup.busy_books {
        arrive(Arrival::RefusedForNow);
    }
    steps.push(Step::Vanish(slot));
}
