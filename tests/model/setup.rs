//! The scope of one search: which rule is replaced, which faults occur, and for how long.

use crate::steps::Step;

/// A claim that the standby never received.
pub(crate) const LOST_CLAIM: [Step; 3] = [Step::StandbyFallsBehind, Step::Claim(0), Step::FailOver];

/// A request is lost, and the gateway has answered "not found" three times after the horizon.
pub(crate) const LOST_AND_NOT_FOUND: [Step; 10] = [
    Step::Claim(0),
    Step::Send(1),
    Step::Vanish(1),
    Step::StoreDoubt(1),
    Step::Tick,
    Step::Tick,
    Step::Query,
    Step::Query,
    Step::Tick,
    Step::Query,
];

/// The same with one worker.
pub(crate) const LOST_AND_NOT_FOUND_ALONE: [Step; 10] = [
    Step::Claim(0),
    Step::Send(0),
    Step::Vanish(1),
    Step::StoreDoubt(0),
    Step::Tick,
    Step::Tick,
    Step::Query,
    Step::Query,
    Step::Tick,
    Step::Query,
];

/// A failover is accepted, and the next standby has not received that commit.
pub(crate) const LOST_ACCEPTANCE: [Step; 8] = [
    Step::StandbyFallsBehind,
    Step::FailOver,
    Step::OldPrimaryDies,
    Step::Tick,
    Step::Tick,
    Step::Query,
    Step::StandbyFallsBehind,
    Step::AcceptFailover,
];

/// The standby has not even received the insert.
pub(crate) const LOST_INSERT: [Step; 1] = [Step::StandbyMissesInsert];

/// The rule that differs from production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// None.
    AsBuilt,
    /// V1: an expired lease puts the payout back into the queue.
    ExpiredLeaseRequeues,
    /// V2: the same, but the worker reads its claim again just before the send.
    ExpiredLeaseRequeuesTokenReread,
    /// V3: "not found" puts an unknown payout back into the queue.
    NotFoundRequeues,
    /// V4: "not found" fails an unknown payout.
    NotFoundFails,
    /// V5o: two people may have it resubmitted at any time, without a query.
    ResubmitAtAnyTime,
    /// V5p: after the horizon, without a query by the sender.
    ResubmitWithoutQuery,
    /// V5q: with a query by the sender, before the horizon.
    ResubmitWithoutHorizon,
    /// V6: claims continue after a failover.
    NoFence,
    /// V7hz: claims resume automatically after the horizon, while the old primary is alive.
    FenceOpensAutomatically,
    /// The fence leaves out the send window, so that a claim lost in the failover may still start to send.
    FenceForgetsSendWindow,
    /// Nobody checks that the last claim is still in the database.
    NoWitness,
    /// A person accepts a failover although the old primary outlived it.
    OldPrimaryDiesLate,
    /// A failover can be accepted immediately when nothing is queued.
    FenceOpensWhenNothingIsQueued,
    /// A second failover does not restart the quiet horizon while the first is not accepted.
    SecondFailoverNotNoted,
    /// After an acceptance no payout is queried before its first claim.
    InsertedAgainNotQueriedFirst,
    /// The proof that nothing was sent names its attempt by number, not by the hash of the request.
    NotSentNamesItsNumberOnly,
    /// "Not found" counts from when it was stored, not from when the query was sent.
    NotFoundCountsWhenStored,
    /// A "not found" observed while `submitting` counts towards the three after the horizon.
    NotFoundCountsWhileSubmitting,
    /// A verified callback settles without a comparison of its fields.
    UnboundCallbackSettles,
    /// An answer with another payout's number settles the payout as that one ended.
    OthersNumberSettles,
    /// A timeout means failed.
    TimeoutFails,
    /// A `FAIL` means failed immediately.
    DeclineFails,
    /// "Not found" after a `FAIL` counts only after the quiet horizon.
    DeclineWaitsForHorizon,
    /// A `FAIL` is ignored by a payout whose current request it does not answer.
    DeclineNamesItsRequest,
    /// The horizon restarts when the old primary is known to be dead.
    HorizonCountsFromDeath,
    /// V9: V1 with a gateway that books each order number once.
    ExpiredLeaseRequeuesGatewayDedups,
    /// An act, and the condition of `payout.act` whose row takes one person instead of two.
    TakesOnePerson(&'static str, &'static str),
    /// Whoever made a request may approve it.
    OwnApprovalCounts,
    /// How many people a request takes is not counted again when it is carried out.
    PeopleCountedWhenRequested,
    /// Evidence against a person's word is stored, and nothing more.
    WordOutweighsEvidence,
    /// A reason for attention replaces the one before.
    AttentionIsOneReason,
    /// A reveal is recorded in the transaction that shows the beneficiary.
    RevealRecordsItself,
    /// A worker claims by whatever address it reaches the database.
    AnyAddress,
    /// "Not found" counts while the gateway finds the newest order that it has paid, however old that is.
    NewestPaidVouches,
    /// "Not found" counts while the gateway finds an order that was sent after the payout, perhaps within its horizon.
    NextSentVouches,
}

/// One search.
// Why: each is a separate fault, and they combine freely.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) rule: Rule,
    /// The steps taken before the search starts.
    pub(crate) first_steps: &'static [Step],
    /// The last tick.
    pub(crate) end: u8,
    /// How many times a standby that lacks the latest commits may take over.
    pub(crate) failovers: u8,
    /// Instead of a failover, an older snapshot is restored under the same identity: only the host's witness reveals it.
    pub(crate) restores_snapshot: bool,
    /// Two people may resolve an open payout as failed.
    pub(crate) gives_up: bool,
    /// Two people may have an unknown payout resubmitted.
    pub(crate) resubmits: bool,
    /// Someone forges callbacks, as far as P9 allows it.
    pub(crate) forgeries: bool,
    /// The gateway may refuse requests even with `few_answers`.
    pub(crate) refusals: bool,
    /// A worker whose claim was lost may still report its result to the new database.
    pub(crate) late_reports: bool,
    /// The answer to a query may be stored long after it was given.
    pub(crate) stale_answers: bool,
    /// Evidence may be stored again after an unconfirmed commit.
    pub(crate) repeats: bool,
    /// The gateway may give the payout a number of its own that another payout has, whether it booked this one or not.
    pub(crate) shared_numbers: bool,
    /// The gateway may answer `FAIL` and book the order later, within the quiet horizon.
    pub(crate) late_bookings: bool,
    /// The gateway only books or loses what arrives, and sends no callbacks.
    pub(crate) few_answers: bool,
    /// How many acts people make: alone, or one who requests and another who approves.
    pub(crate) acts: u8,
    /// There is one worker.
    pub(crate) one_worker: bool,
    /// The gateway cannot be queried, and a failover is accepted nevertheless: what is queued is set aside.
    pub(crate) silent: bool,
    /// The gateway answers queries from a copy of its records that may lag for as long as it likes.
    pub(crate) copy_lags: bool,
    /// The data folder may be copied. One worker uses the original, and one the copy.
    pub(crate) copies: bool,
}

impl Setup {
    /// The production rules, without failovers, forgeries and other options.
    pub(crate) const PLAIN: Self = Self {
        rule: Rule::AsBuilt,
        first_steps: &[],
        end: 5,
        failovers: 0,
        restores_snapshot: false,
        gives_up: false,
        resubmits: false,
        forgeries: false,
        refusals: false,
        late_reports: false,
        stale_answers: false,
        repeats: false,
        shared_numbers: false,
        late_bookings: false,
        few_answers: false,
        acts: 0,
        one_worker: false,
        silent: false,
        copy_lags: false,
        copies: false,
    };

    /// Operators, alone and in pairs, in every sequence of up to four acts.
    pub(crate) const OPERATORS: Self = Self {
        acts: 4,
        one_worker: true,
        end: 4,
        ..Self::PLAIN
    };

    /// The same after a failover, at a gateway that cannot be queried.
    pub(crate) const SILENT: Self = Self {
        acts: 4,
        one_worker: true,
        silent: true,
        late_reports: true,
        first_steps: &LOST_CLAIM,
        end: 4,
        ..Self::FAILOVER
    };

    /// A copy of the data folder, and no acts.
    pub(crate) const COPY: Self = Self {
        copies: true,
        end: 4,
        ..Self::PLAIN
    };

    /// One failover, and little else.
    pub(crate) const FAILOVER: Self = Self {
        end: 3,
        failovers: 1,
        few_answers: true,
        ..Self::PLAIN
    };
}

/// A failover loses a claim, whose refusal is stored while the next claim is under way.
pub(crate) const LATE_REFUSAL: Setup = Setup {
    first_steps: &LOST_CLAIM,
    late_reports: true,
    refusals: true,
    end: 4,
    ..Setup::FAILOVER
};

/// A worker stays with the old primary and claims there after the new one is trusted; then the old primary dies.
pub(crate) const OLD_PRIMARY_LIVES_ON: [Step; 9] = [
    Step::StandbyFallsBehind,
    Step::FailOver,
    Step::Reconnect(0),
    Step::Tick,
    Step::Tick,
    Step::Query,
    Step::Claim(1),
    Step::Send(1),
    Step::OldPrimaryDies,
];
