//! What one search looks at: which rule is changed, which faults happen, and how far it goes.

use crate::steps::Step;

/// A claim that the standby never saw.
pub(crate) const LOST_CLAIM: [Step; 3] = [Step::StandbyFallsBehind, Step::Claim(0), Step::FailOver];

/// A request is lost, and after the horizon the gateway has said three times that it does not know it.
pub(crate) const LOST_AND_NOT_KNOWN: [Step; 10] = [
    Step::Claim(0),
    Step::Send(1),
    Step::Vanish(1),
    Step::StoreDoubt(1),
    Step::Tick,
    Step::Tick,
    Step::Ask,
    Step::Ask,
    Step::Tick,
    Step::Ask,
];

/// A failover is about to be accepted, and the next standby has not seen that.
pub(crate) const LOST_ACCEPTANCE: [Step; 8] = [
    Step::StandbyFallsBehind,
    Step::FailOver,
    Step::OldPrimaryDies,
    Step::Tick,
    Step::Tick,
    Step::Ask,
    Step::StandbyFallsBehind,
    Step::AcceptFailover,
];

/// The standby has not even seen the insert.
pub(crate) const LOST_INSERT: [Step; 1] = [Step::StandbyMissesInsert];

/// The rule that differs from production.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// None.
    AsBuilt,
    /// V1: the end of a lease puts the payout back into the queue.
    LeaseEndRequeues,
    /// V2: the same, and the claim is read once more just before the send.
    LeaseEndRequeuesTokenReread,
    /// V3: "not known" puts an unknown payout back into the queue.
    NotFoundRequeues,
    /// V4: "not known" makes an unknown payout failed.
    NotFoundFails,
    /// V5o: two people may have it sent again at any time, without a question.
    ResubmitAtAnyTime,
    /// V5p: after the horizon, without a question of the sender's own.
    ResubmitWithoutQuestion,
    /// V5q: with a question of the sender's own, before the horizon.
    ResubmitWithoutHorizon,
    /// V6: claims go on after a failover.
    NoFence,
    /// V7hz: after the horizon claims go on by themselves, with the old primary alive.
    FenceEndsByItself,
    /// Claims lost in a failover can still begin to send when the quiet horizon is counted from the change.
    FenceForgetsSendWindow,
    /// Nobody looks whether the last claim is still there.
    NoWitness,
    /// The person accepts a failover although the old primary lived on after it.
    OldPrimaryDiesLate,
    /// A failover can be accepted at once when nothing is queued.
    FenceEndsWhenNothingIsQueued,
    /// A second change does not begin the quiet horizon anew while the first is not accepted.
    SecondChangeNotNoted,
    /// After an acceptance nothing is asked for before its first claim.
    InsertedAgainNotAskedFirst,
    /// The proof that nothing was sent names its attempt by the number, not by the request's hash.
    NotSentNamesItsNumberOnly,
    /// "Not known" counts by when it was stored, not by when it was asked.
    NotKnownCountsWhenStored,
    /// Observed while it is `submitting`, "not known" counts among the three of after the horizon.
    NotKnownCountsWhileSubmitting,
    /// A verified callback is believed without comparing its fields.
    UnboundCallbackSettles,
    /// No answer in time means failed.
    TimeoutFails,
    /// A `FAIL` means failed at once.
    DeclineFails,
    /// "Not known" after a `FAIL` counts only after the quiet horizon.
    DeclineWaitsForHorizon,
    /// A `FAIL` is nothing to a payout whose request it does not answer.
    DeclineNamesItsRequest,
    /// The horizon begins anew when the old primary is known to be dead.
    HorizonCountsFromDeath,
    /// V9: V1 with a gateway that books an order number once.
    LeaseEndRequeuesGatewayDedups,
}

/// One search.
// Why: each is a fault of its own, and any of them may go together.
#[allow(clippy::struct_excessive_bools)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) rule: Rule,
    /// What happened before the search begins.
    pub(crate) begun: &'static [Step],
    /// The last tick.
    pub(crate) end: u8,
    /// How often a standby may take over, without the latest commits.
    pub(crate) failovers: u8,
    /// Instead, an older state is put back under the same identity: only the host's witness tells.
    pub(crate) put_back: bool,
    /// Two people may give an open payout up as failed.
    pub(crate) gives_up: bool,
    /// Two people may have an unknown payout sent again.
    pub(crate) resubmits: bool,
    /// Somebody forges callbacks as far as P9 allows.
    pub(crate) forgeries: bool,
    /// The gateway may refuse, also when all else is `few_answers`.
    pub(crate) refusals: bool,
    /// What a worker of the lost history still holds may reach the new database.
    pub(crate) lost_words: bool,
    /// An answer to a question may be stored long after it was given.
    pub(crate) stale_answers: bool,
    /// What was stored may be stored again, its commit not having been confirmed.
    pub(crate) repeats: bool,
    /// The gateway may say `FAIL` and book the order later, within the quiet horizon.
    pub(crate) busy_books: bool,
    /// The gateway only books or loses what arrives, and says nothing not_queried.
    pub(crate) few_answers: bool,
}

impl Setup {
    /// Production's rules without a failover, nobody forging.
    pub(crate) const PLAIN: Self = Self {
        rule: Rule::AsBuilt,
        begun: &[],
        end: 5,
        failovers: 0,
        put_back: false,
        gives_up: false,
        resubmits: false,
        forgeries: false,
        refusals: false,
        lost_words: false,
        stale_answers: false,
        repeats: false,
        busy_books: false,
        few_answers: false,
    };

    /// A failover, and little else.
    pub(crate) const FAILOVER: Self = Self {
        end: 3,
        failovers: 1,
        few_answers: true,
        ..Self::PLAIN
    };
}

/// A claim that a failover took, whose refusal is stored when another one is under way.
pub(crate) const LATE_REFUSAL: Setup = Setup {
    begun: &LOST_CLAIM,
    lost_words: true,
    refusals: true,
    end: 4,
    ..Setup::FAILOVER
};

/// A worker stays with the old primary, claims there when the new one is trusted already, and both are gone then.
pub(crate) const OLD_PRIMARY_LIVES_ON: [Step; 9] = [
    Step::StandbyFallsBehind,
    Step::FailOver,
    Step::Reconnect(0),
    Step::Tick,
    Step::Tick,
    Step::Ask,
    Step::Claim(1),
    Step::Send(1),
    Step::OldPrimaryDies,
];
