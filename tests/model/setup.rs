//! What one search looks at: which rule is changed, which faults happen, and how far it goes.

use crate::steps::Step;

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
    /// The person accepts a failover as soon as `payout.accept_timeline` lets them.
    FenceEndsWhenAllowed,
    /// The same, and the database would count the horizon from the last send-by time.
    FenceEndsWhenNothingIsQueued,
    /// A verified callback is believed without comparing its fields.
    UnboundCallbackSettles,
    /// No answer in time means failed.
    TimeoutFails,
    /// A `FAIL` means failed at once.
    DeclineFails,
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
    /// A standby may take over once, without the latest commits.
    pub(crate) failover: bool,
    /// Two people may give an open payout up as failed.
    pub(crate) gives_up: bool,
    /// Two people may have an unknown payout sent again.
    pub(crate) resubmits: bool,
    /// Somebody forges callbacks as far as P9 allows.
    pub(crate) forgeries: bool,
    /// What a worker of the lost history still holds may reach the new database.
    pub(crate) lost_words: bool,
    /// An answer to a question may be stored long after it was given.
    pub(crate) stale_answers: bool,
    /// What was stored may be stored again, its commit not having been confirmed.
    pub(crate) repeats: bool,
    /// The gateway may say `FAIL` and book the order later.
    pub(crate) busy_books: bool,
    /// The gateway only books or loses what arrives, and says nothing unasked.
    pub(crate) few_answers: bool,
    /// The three "not known" that call a person must all be of after the horizon.
    pub(crate) strict_proof: bool,
}

impl Setup {
    /// Production's rules without a failover, nobody forging.
    pub(crate) const PLAIN: Self = Self {
        rule: Rule::AsBuilt,
        begun: &[],
        end: 5,
        failover: false,
        gives_up: false,
        resubmits: false,
        forgeries: false,
        lost_words: false,
        stale_answers: false,
        repeats: false,
        busy_books: false,
        few_answers: false,
        strict_proof: false,
    };

    /// A failover, and little else.
    pub(crate) const FAILOVER: Self = Self {
        end: 3,
        failover: true,
        few_answers: true,
        ..Self::PLAIN
    };
}
