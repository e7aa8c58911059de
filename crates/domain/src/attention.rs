//! Why a payout needs a person. This is not a state: it moves no money.

use std::fmt;

use super::{state::Event, words};

words! {
    /// The reasons, gravest first: the order in which people see them, and their rank in `payout.attention_reason`.
    pub enum Attention: "a reason for attention" {
        /// The gateway reports it as paid after we settled it as failed.
        LateSuccess = "late_success",
        /// Evidence that contradicts what is settled or recorded.
        Contradiction = "contradiction",
        /// The gateway declined it and yet knows the order number, or gives it the gateway's number of another payout.
        /// The order may be somebody else's.
        ForeignOrder = "foreign_order",
        /// The gateway states a different amount.
        AmountMismatch = "amount_mismatch",
        /// Queued, but perhaps sent before a failover, and the gateway cannot be queried. It is not claimed (I11).
        Unproven = "unproven",
        /// Repeated queries after the quiet horizon were answered "not found" (I10).
        NotFound = "not_found",
        /// The gateway states a fee that cannot be true; the fee stays unknown.
        FeeImplausible = "fee_implausible",
        /// Paid, with a fee above the reserve for it.
        FeeAboveReserve = "fee_above_reserve",
        /// Paid, and no query is left that could state the fee on top; its reserve stays held until people state it.
        FeeUnknown = "fee_unknown",
        /// The gateway's answers to queries cannot be read or verified, time after time.
        UnreadableAnswers = "unreadable_answers",
        /// Open for longer than any payout should be.
        OpenTooLong = "open_too_long",
        /// The available balance does not cover it; it waits in `queued`.
        InsufficientFunds = "insufficient_funds",
    }
}

words! {
    /// Who may clear a reason before a move answers it.
    pub enum ClearedBy: "who clears a reason" {
        /// The worker, once evidence shows that it is over: automation raised it.
        Automation = "automation",
        /// Nobody but people, by an act that answers it.
        Person = "person",
    }
}

/// The rules of one reason.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The reason.
    pub reason: Attention,
    /// Who may clear it before a move answers it.
    pub cleared_by: ClearedBy,
    /// Whether a queued payout with it is not claimed.
    pub holds_back_claim: bool,
    /// The moves that answer it, and so clear it.
    pub answered_by: &'static [Event],
}

/// The rules, gravest reason first: the rows of `payout.attention_reason`. A reason that no move answers stays.
///
/// A settled failure answers no doubt about money that may have left: whoever pays again must see it first (I5).
pub const RULES: [Rule; Attention::ALL.len()] = {
    use Attention as A;
    use ClearedBy::{Automation, Person};
    use Event as E;
    #[rustfmt::skip]
    let rules = [
        rule(A::LateSuccess,       Person,     true,  &[E::ResolvedPaid]),
        rule(A::Contradiction,     Person,     true,  &[E::ResolvedPaid, E::ResolvedFailed, E::ResolvedReturned]),
        rule(A::ForeignOrder,      Automation, true,  &[E::ResolvedPaid, E::ResolvedFailed, E::ResolvedReturned,
                                                        E::Withdrawn]),
        rule(A::AmountMismatch,    Automation, true,  &[E::ReportedPaid, E::ResolvedPaid, E::ResolvedFailed,
                                                        E::ResolvedReturned, E::Withdrawn]),
        rule(A::Unproven,          Person,     true,  &[E::FoundAfterFailover, E::Withdrawn]),
        rule(A::NotFound,          Automation, true,  &[E::NotSent, E::Acknowledged, E::RefusalConfirmed,
                                                        E::ResubmitGranted, E::ReportedPaid, E::ReportedFailed,
                                                        E::ResolvedPaid, E::ResolvedFailed]),
        rule(A::FeeImplausible,    Automation, true,  &[E::NotSent, E::ReportedFailed, E::RefusalConfirmed,
                                                        E::ResolvedFailed]),
        rule(A::FeeAboveReserve,   Automation, true,  &[]),
        rule(A::FeeUnknown,        Automation, true,  &[E::ResolvedReturned]),
        rule(A::UnreadableAnswers, Automation, false, &[E::NotSent, E::Acknowledged, E::RefusalConfirmed,
                                                        E::ResubmitGranted, E::ReportedPaid, E::ReportedFailed,
                                                        E::ResolvedPaid, E::ResolvedFailed, E::ResolvedReturned,
                                                        E::Withdrawn, E::FoundAfterFailover]),
        rule(A::OpenTooLong,       Automation, false, &[E::NotSent, E::Acknowledged, E::Declined, E::Unanswered,
                                                        E::RefusalConfirmed, E::ResubmitGranted, E::ReportedPaid,
                                                        E::ReportedFailed, E::ResolvedPaid, E::ResolvedFailed]),
        rule(A::InsufficientFunds, Automation, false, &[E::Claimed, E::Withdrawn, E::FoundAfterFailover]),
    ];
    rules
};

const fn rule(
    reason: Attention,
    cleared_by: ClearedBy,
    holds_back_claim: bool,
    answered_by: &'static [Event],
) -> Rule {
    Rule {
        reason,
        cleared_by,
        holds_back_claim,
        answered_by,
    }
}

/// The reasons of one payout, as stored in `attention_reasons`. None replaces another.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct AttentionSet(u16);

impl AttentionSet {
    /// No reason: the payout needs nobody.
    pub const EMPTY: Self = Self(0);

    /// Whether it needs nobody.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this is one of the reasons.
    pub const fn contains(self, reason: Attention) -> bool {
        self.0 & bit(reason) != 0
    }

    /// These reasons and this one.
    #[must_use]
    pub const fn with(self, reason: Attention) -> Self {
        Self(self.0 | bit(reason))
    }

    /// These reasons without this one.
    #[must_use]
    pub const fn without(self, reason: Attention) -> Self {
        Self(self.0 & !bit(reason))
    }

    /// What is left of them after the move that `event` makes.
    #[must_use]
    pub fn after(self, event: Event) -> Self {
        let is_left =
            |rule: &&Rule| self.contains(rule.reason) && !rule.answered_by.contains(&event);
        RULES
            .iter()
            .filter(is_left)
            .map(|rule| rule.reason)
            .collect()
    }

    /// Whether a queued payout with them is not claimed.
    pub fn holds_back_claim(self) -> bool {
        RULES
            .iter()
            .any(|rule| rule.holds_back_claim && self.contains(rule.reason))
    }

    /// The reasons, gravest first.
    pub fn reasons(self) -> impl Iterator<Item = Attention> {
        Attention::ALL
            .into_iter()
            .filter(move |reason| self.contains(*reason))
    }

    /// Their names, gravest first.
    pub fn names(self) -> Vec<&'static str> {
        self.reasons().map(Attention::name).collect()
    }
}

const fn bit(reason: Attention) -> u16 {
    1 << reason as u16
}

impl FromIterator<Attention> for AttentionSet {
    fn from_iter<T: IntoIterator<Item = Attention>>(reasons: T) -> Self {
        reasons.into_iter().fold(Self::EMPTY, Self::with)
    }
}

/// For people and logs: `late_success, open_too_long`.
impl fmt::Display for AttentionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.names().join(", "))
    }
}

impl fmt::Debug for AttentionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_stand_in_the_order_of_the_reasons() {
        assert_eq!(RULES.map(|rule| rule.reason), Attention::ALL);
    }

    /// Whatever is raised, in whatever order: both are kept, and clearing one leaves the other.
    #[test]
    fn no_reason_replaces_another() {
        for first in Attention::ALL {
            for second in Attention::ALL {
                let both = AttentionSet::EMPTY.with(first).with(second);
                assert!(both.contains(first) && both.contains(second));
                assert_eq!(both.reasons().next(), Some(first.min(second)));
                assert_eq!(both.without(second).contains(first), first != second);
            }
        }
    }

    #[test]
    fn only_people_end_what_only_people_may_clear() {
        use Event as E;
        let by_people = [
            E::ResolvedPaid,
            E::ResolvedFailed,
            E::ResolvedReturned,
            E::Withdrawn,
        ];
        for rule in RULES {
            let answered = |event: &&Event| !by_people.contains(event);
            let otherwise: Vec<_> = rule.answered_by.iter().filter(answered).collect();
            if rule.reason == Attention::Unproven {
                // Found at the gateway, it is no longer a queued payout that cannot be queried.
                assert_eq!(otherwise, [&E::FoundAfterFailover]);
            } else if rule.cleared_by == ClearedBy::Person {
                assert!(otherwise.is_empty(), "{otherwise:?}");
            }
        }
    }
}
