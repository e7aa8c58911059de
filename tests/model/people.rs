//! What operators do: one person alone, or one who requests and another who approves.
//!
//! A person alone may be mistaken about everything, in any sequence. When a second person approves, both have looked, and
//! what they state is true. The two are interchangeable, so an approval only tells whether it is the requester's own.

use payout_domain::{
    attention::{Attention, AttentionSet},
    state::State,
};

use crate::{
    row::{Observation, OrderStatus, Request, Row},
    setup::{Rule, Setup},
    table,
    variants::quiet_until,
    world::World,
};

/// What a request is about that concerns no payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Errand {
    Fund,
    AcceptFailover,
    /// The same, with the attention `unproven` for each payout that cannot be queried.
    AcceptSettingAside,
    RegisterAddress,
}

/// One act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    /// Requests it; if that takes one person, it is approved at once.
    Request(Request),
    Run(Errand),
    Approve {
        own: bool,
    },
    ApproveErrand {
        own: bool,
    },
    Reject,
    RejectErrand,
    /// `payout.cancel`, without a request.
    Cancel,
    Replay,
    Pause,
    Resume,
    Reveal,
}

/// What the database has of people's acts, besides the approved request.
// Why: each is a separate fact.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct People {
    /// The request that waits for a second person.
    pub(crate) requested: Option<Request>,
    pub(crate) errand: Option<Errand>,
    /// Somebody other than the requester approved the approved request.
    pub(crate) by_two: bool,
    pub(crate) paused: bool,
    pub(crate) against: Against,
    /// The gateway contradicted a failure, and has not confirmed it since.
    pub(crate) denied: bool,
    /// The gateway's latest answer about a paid payout is that it failed (`payout.return_is_reported`).
    pub(crate) return_reported: bool,
    /// Evidence was stored against a word on which the payout's end rests.
    pub(crate) defied: bool,
}

/// The gateway's evidence against the statement that the payout was paid (`payout.contrary_to_paid`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Against {
    /// It declined it or reported a failure, and has not confirmed the payment since.
    said: bool,
    /// "Not found", and it has neither found it nor confirmed the payment since.
    absent: bool,
}

impl Against {
    fn any(self) -> bool {
        self.said || self.absent
    }
}

impl People {
    /// Requests expire.
    pub(crate) fn expire(&mut self) {
        (self.requested, self.errand, self.by_two) = (None, None, false);
    }

    /// What a fact adds that turned the first row into the second, and perhaps confirmed a failure once more.
    pub(crate) fn learn(&mut self, fact: Observation, before: &Row, after: &Row, reaffirmed: bool) {
        use OrderStatus as S;
        let foreign = after.attention.contains(Attention::ForeignOrder);
        let is_ours = (after.declined_at == 0 || after.proven_ours) && !foreign;
        match fact {
            Observation::Declined(_)
            | Observation::Callback {
                says: S::Failed, ..
            } => self.against.said = true,
            Observation::Callback {
                ours: true,
                says: S::Paid,
            } if before.number_known => {
                self.against = Against::default();
            }
            Observation::NotFound { .. } => self.against.absent = true,
            Observation::Found(says) => {
                self.against.absent = false;
                match says {
                    S::Failed => self.against.said = true,
                    S::Paid if is_ours => self.against.said = false,
                    S::Paid | S::Open => {}
                }
            }
            _ => {}
        }
        let fails = after.state == State::Failed;
        self.return_reported = after.state == State::Paid
            && match fact {
                Observation::Found(says) => says == S::Failed && is_ours,
                Observation::NotFound { .. } => false,
                Observation::Callback { says, .. } => says == S::Failed && self.return_reported,
                _ => self.return_reported,
            };
        self.denied = fails && !reaffirmed && (self.denied || is_against(fact, before));
        let stands = before.stated && after.stated && before.state == after.state;
        self.defied = stands && (self.defied || is_against(fact, before));
    }
}

/// Whether a fact contradicts the end that people stated.
fn is_against(fact: Observation, stated: &Row) -> bool {
    use OrderStatus as S;
    let own = |attempt| attempt == stated.attempt;
    // Without the gateway's number to compare, a callback is only a reason to query.
    if matches!(fact, Observation::Callback { .. }) && !stated.number_known {
        return false;
    }
    match (stated.state, fact) {
        (
            State::Paid,
            Observation::NotSent {
                attempt,
                request_sha256,
            },
        ) => {
            own(attempt)
                && request_sha256 == stated.request_sha256
                && stated.sends - stated.not_sent == 1
        }
        (State::Paid, Observation::Declined(attempt)) => own(attempt),
        (State::Paid, Observation::NotFound { query_sent_at, .. }) => {
            query_sent_at >= stated.quiet_until()
        }
        (State::Paid, Observation::Found(says) | Observation::Callback { ours: true, says }) => {
            says == S::Failed
        }
        (State::Failed, Observation::Found(says) | Observation::Callback { ours: true, says }) => {
            says != S::Failed
        }
        (State::Failed, Observation::Acknowledged(_)) => true,
        (
            State::Returned,
            Observation::Found(says) | Observation::Callback { ours: true, says },
        ) => says != S::Failed,
        _ => false,
    }
}

impl Request {
    fn name(self) -> &'static str {
        match self {
            Self::Resubmit => "resubmit",
            Self::ResolveFailed => "resolve_failed",
            Self::ResolvePaid => "resolve_paid",
            Self::ResolveReturned => "resolve_returned",
            Self::ResolveUnchanged => "resolve_unchanged",
            Self::Cancel => "cancel",
        }
    }
}

/// `payout.people_needed`: for a payout, or for an errand.
fn people_needed(setup: &Setup, act: &'static str, row: &Row, now: u8) -> i32 {
    table::people_needed(act, |&(act, applies_if, _)| {
        let applies = match applies_if {
            "always" | "gateway_funds" => true,
            "contradicted" => {
                let reasons = [Attention::ForeignOrder, Attention::Contradiction];
                row.people.against.any()
                    || reasons.iter().any(|reason| row.attention.contains(*reason))
            }
            "early" => now < row.quiet_until(),
            "unreported" => row.stated || !row.people.return_reported,
            "unproven" => row.attention.contains(Attention::Unproven),
            _ => unreachable!("{applies_if}"),
        };
        // Without its rows that take two, an act takes one person.
        applies && setup.rule != Rule::TakesOnePerson(act, applies_if)
    })
}

/// The same, where the rule of a variant leaves no row: then one person is enough.
fn takes_two(setup: &Setup, act: &'static str, row: &Row, now: u8) -> bool {
    let removed = matches!(setup.rule, Rule::TakesOnePerson(of, "always") if of == act);
    !removed && people_needed(setup, act, row, now) > 1
}

/// Whether an approved request still has the people that it takes now (`payout.use_request`).
pub(crate) fn is_agreed(setup: &Setup, row: &Row, now: u8) -> bool {
    let Some(request) = row.request else {
        return false;
    };
    let counts_again = setup.acts > 0 && setup.rule != Rule::PeopleCountedWhenRequested;
    let own_counts = setup.rule == Rule::OwnApprovalCounts;
    !counts_again || own_counts || row.people.by_two || !takes_two(setup, request.name(), row, now)
}

pub(crate) fn act(setup: &Setup, world: &mut World, act: Act) -> Option<()> {
    if world.acts >= setup.acts {
        return None;
    }
    world.acts += 1;
    let row = &mut world.row;
    match act {
        Act::Request(request) => make_request(setup, world, request),
        Act::Run(errand) => run(setup, world, errand),
        Act::Approve { own } => approve(setup, world, own),
        Act::ApproveErrand { own } => approve_errand(setup, world, own),
        Act::Reject => row.people.requested.take().map(drop),
        Act::RejectErrand => row.people.errand.take().map(drop),
        Act::Cancel => {
            let now = world.now;
            (!takes_two(setup, "cancel", row, now)).then(|| withdraw(row))?
        }
        Act::Replay => {
            let sent = !matches!(row.state, State::Queued | State::Cancelled);
            (sent && !row.is_query_due).then(|| row.is_query_due = true)
        }
        Act::Pause => (!row.people.paused).then(|| row.people.paused = true),
        Act::Resume => row.people.paused.then(|| row.people.paused = false),
        Act::Reveal => {
            // A request that is committed first records it. Otherwise whoever saw it rolls back.
            let hidden = setup.rule == Rule::RevealRecordsItself;
            world.seen_unrecorded |= hidden;
            hidden.then_some(())
        }
    }
}

fn make_request(setup: &Setup, world: &mut World, request: Request) -> Option<()> {
    let now = world.now;
    let row = &mut world.row;
    let waits = row.people.requested.is_some() || row.request.is_some();
    if waits || !is_possible(setup, row, request, now) {
        return None;
    }
    if takes_two(setup, request.name(), row, now) {
        row.people.requested = Some(request);
    } else if request == Request::Cancel {
        return None;
    } else if request == Request::ResolveUnchanged {
        uphold(row, false);
    } else {
        row.request = Some(request);
        row.people.by_two = false;
    }
    Some(())
}

/// `payout.why_no_resubmit` and `payout.why_no_resolve`.
fn is_possible(setup: &Setup, row: &Row, request: Request, now: u8) -> bool {
    let open = matches!(row.state, State::Pending | State::Unknown);
    match request {
        Request::Resubmit => crate::moves::why_resubmit(setup, row, now),
        Request::ResolveFailed => open && now >= quiet_until(setup, row),
        Request::ResolvePaid => open || row.state == State::Failed,
        Request::ResolveReturned => row.state == State::Paid && row.held == 0,
        Request::ResolveUnchanged => {
            let contradicted = row.attention.reasons().any(is_contradiction);
            row.state.is_final() && contradicted && !row.people.denied
        }
        Request::Cancel => row.state == State::Queued,
    }
}

/// `payout.contradictions`.
fn is_contradiction(reason: Attention) -> bool {
    use Attention as A;
    matches!(
        reason,
        A::LateSuccess | A::Contradiction | A::ForeignOrder | A::AmountMismatch
    )
}

/// `payout.uphold`: the end stands on people's word, and the contradiction is over.
fn uphold(row: &mut Row, by_two: bool) {
    let others = row
        .attention
        .reasons()
        .filter(|reason| !is_contradiction(*reason));
    row.attention = others.collect();
    row.stated = true;
    row.people.defied = !by_two;
}

fn approve(setup: &Setup, world: &mut World, own: bool) -> Option<()> {
    if own && setup.rule != Rule::OwnApprovalCounts {
        return None;
    }
    let request = world.row.people.requested.take()?;
    if !own && !is_true(world, request) {
        return None;
    }
    let row = &mut world.row;
    if request == Request::Cancel {
        return withdraw(row);
    }
    if request == Request::ResolveUnchanged {
        let possible = is_possible(setup, row, request, world.now);
        uphold(row, !own);
        return possible.then_some(());
    }
    row.request = Some(request);
    row.people.by_two = !own;
    Some(())
}

/// What two people together state is what the gateway says.
fn is_true(world: &World, request: Request) -> bool {
    let gateway = &world.gateway;
    match request {
        // A worker queries the gateway before it carries these out.
        Request::Resubmit | Request::ResolveFailed => true,
        Request::ResolvePaid => gateway.status == Some(OrderStatus::Paid),
        Request::ResolveReturned => gateway.came_back,
        Request::ResolveUnchanged => match world.row.state {
            State::Paid => gateway.status == Some(OrderStatus::Paid) && !gateway.came_back,
            State::Returned => gateway.came_back,
            _ => is_unpaid(world),
        },
        Request::Cancel => is_unpaid(world),
    }
}

/// The gateway does not pay it and never will.
fn is_unpaid(world: &World) -> bool {
    let gateway = &world.gateway;
    let failed = matches!(gateway.status, None | Some(OrderStatus::Failed));
    failed && world.wire.iter().all(Option::is_none)
}

/// `payout.withdraw`, with what `payout.refuse_cancel_after_failover` requires.
fn withdraw(row: &mut Row) -> Option<()> {
    let unproven = row.attention.contains(Attention::Unproven);
    let proven = !row.fence.query_first || row.is_proven_unsent() || unproven;
    if !row.inserted || row.state != State::Queued || row.fence.shut || !proven {
        return None;
    }
    *row = row.moved_to(State::Cancelled);
    Some(())
}

fn run(setup: &Setup, world: &mut World, errand: Errand) -> Option<()> {
    let (now, row) = (world.now, &world.row);
    if row.people.errand.is_some() {
        return None;
    }
    let act = match errand {
        Errand::Fund => "fund",
        Errand::AcceptFailover | Errand::AcceptSettingAside => "accept_failover",
        Errand::RegisterAddress => "register_address",
    };
    if !takes_two(setup, act, row, now) {
        return carry_out(setup, world, errand, false);
    }
    let possible = match errand {
        Errand::Fund => true,
        Errand::AcceptFailover => row.fence.shut && row.may_be_accepted(now),
        Errand::AcceptSettingAside => row.fence.shut && now >= row.fence.trusted_after,
        Errand::RegisterAddress => world.copy.is_some() && !world.copy_is_registered,
    };
    world.row.people.errand = Some(errand);
    possible.then_some(())
}

fn approve_errand(setup: &Setup, world: &mut World, own: bool) -> Option<()> {
    if own && setup.rule != Rule::OwnApprovalCounts {
        return None;
    }
    let errand = world.row.people.errand.take()?;
    carry_out(setup, world, errand, !own)
}

/// `payout.carry_out`. Of two people, one looks.
fn carry_out(setup: &Setup, world: &mut World, errand: Errand, by_two: bool) -> Option<()> {
    match errand {
        Errand::Fund => {
            world.invented |= !by_two;
            Some(())
        }
        Errand::AcceptFailover => accept(setup, world, false, by_two),
        Errand::AcceptSettingAside => accept(setup, world, true, by_two),
        Errand::RegisterAddress => {
            // It is a copy, and two people see that.
            let allowed = world.copy.is_some() && !world.copy_is_registered && !by_two;
            world.copy_is_registered = true;
            allowed.then_some(())
        }
    }
}

fn accept(setup: &Setup, world: &mut World, sets_aside: bool, by_two: bool) -> Option<()> {
    let failover = world.failover?;
    let now = world.now;
    let dead = failover.old.is_none() && failover.last_claims_at <= failover.found_at;
    let row = &mut world.row;
    let queued = row.inserted && row.state == State::Queued;
    if sets_aside
        && now >= row.fence.trusted_after
        && queued
        && !row.attention.holds_back_claim()
        && !row.is_proven_unsent()
    {
        raise(setup, row, Attention::Unproven);
    }
    if !row.fence.shut || !row.may_be_accepted(now) || (by_two && !dead) {
        return None;
    }
    row.accept();
    world.witness = None;
    world.granted += u8::from(by_two);
    Some(())
}

/// Adds a reason; in a variant, it replaces the others.
fn raise(setup: &Setup, row: &mut Row, reason: Attention) {
    let others = if setup.rule == Rule::AttentionIsOneReason {
        AttentionSet::EMPTY
    } else {
        row.attention
    };
    row.attention = others.with(reason);
}

/// The funds do not cover it, as automation notices.
pub(crate) fn run_short(setup: &Setup, row: &mut Row) -> Option<()> {
    let short = Attention::InsufficientFunds;
    let raised = row.inserted && row.state == State::Queued && !row.attention.contains(short);
    raised.then(|| raise(setup, row, short))
}

/// A worker carries out an approved statement.
pub(crate) fn carry_out_statement(setup: &Setup, world: &mut World) -> Option<()> {
    let now = world.now;
    let row = world.row;
    let fact = match row.request? {
        Request::ResolvePaid => Observation::ResolvedPaid,
        Request::ResolveReturned => Observation::ResolvedReturned,
        Request::Resubmit
        | Request::ResolveFailed
        | Request::ResolveUnchanged
        | Request::Cancel => return None,
    };
    let by_two = row.people.by_two;
    let allowed = is_agreed(setup, &row, now) && is_possible(setup, &row, row.request?, now);
    world.row.request = None;
    world.row.people.by_two = false;
    if !allowed {
        return Some(());
    }
    let contradicted = people_needed(&AS_BUILT, "resolve_paid", &row, now) > 1;
    let after = world.row.record(fact, now);
    world.row = after;
    if fact == Observation::ResolvedPaid {
        world.row.people.defied = contradicted && !by_two;
    }
    Some(())
}

const AS_BUILT: Setup = Setup::PLAIN;

/// A backend pays the debt again by another order, where the database allows that.
pub(crate) fn pay_again(setup: &Setup, world: &mut World) -> Option<()> {
    let now = world.now;
    let row = &mut world.row;
    if world.paid_again || !row.attention.is_empty() {
        return None;
    }
    match row.state {
        State::Cancelled | State::Returned => {}
        // A replacement is sent after its original was queried once more.
        State::Failed if !setup.silent => {
            let answer = Observation::answer(world.gateway.visible(), now);
            let reaffirmed = row.is_reaffirmed_by(answer, now);
            *row = crate::variants::record(setup, *row, answer, now);
            if !reaffirmed || row.state != State::Failed || !row.attention.is_empty() {
                return Some(());
            }
        }
        _ => return None,
    }
    world.paid_again = true;
    Some(())
}
