//! What a person can do about payouts, and what a person fills in for each.

use payout_domain::{attention::Attention, state::State};
use payout_store::find::Status;

use super::{
    confirm::{Field, Kind},
    failure::Sentence,
    situation::Around,
    texts::Texts,
};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Replay,
    Cancel,
    Resubmit,
    Resolve(End),
    Reveal,
}

/// How a payout ended, according to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Paid,
    Failed,
    Returned,
    Fee,
    Unchanged,
}

impl End {
    /// As the database calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Returned => "returned",
            Self::Fee => "fee",
            Self::Unchanged => "unchanged",
        }
    }
}

impl Deed {
    const ALL: [Self; 9] = [
        Self::Replay,
        Self::Cancel,
        Self::Resubmit,
        Self::Resolve(End::Paid),
        Self::Resolve(End::Failed),
        Self::Resolve(End::Returned),
        Self::Resolve(End::Fee),
        Self::Resolve(End::Unchanged),
        Self::Reveal,
    ];

    /// Its name in addresses.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Cancel => "cancel",
            Self::Resubmit => "resubmit",
            Self::Resolve(End::Paid) => "resolve-paid",
            Self::Resolve(End::Failed) => "resolve-failed",
            Self::Resolve(End::Returned) => "resolve-returned",
            Self::Resolve(End::Fee) => "resolve-fee",
            Self::Resolve(End::Unchanged) => "resolve-unchanged",
            Self::Reveal => "reveal",
        }
    }

    pub(super) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.name() == name)
    }

    /// Its name for people.
    pub(super) const fn word(self, t: &Texts) -> &'static str {
        match self {
            Self::Replay => t.replay,
            Self::Cancel => t.cancel,
            Self::Resubmit => t.resubmit,
            Self::Resolve(End::Paid) => t.resolve_paid,
            Self::Resolve(End::Failed) => t.resolve_failed,
            Self::Resolve(End::Returned) => t.resolve_returned,
            Self::Resolve(End::Fee) => t.resolve_fee,
            Self::Resolve(End::Unchanged) => t.resolve_unchanged,
            Self::Reveal => t.reveal,
        }
    }

    /// What it does.
    pub(super) const fn does(self, t: &Texts) -> &'static str {
        match self {
            Self::Replay => t.replay_does,
            Self::Cancel => t.cancel_does,
            Self::Resubmit => t.resubmit_does,
            Self::Resolve(_) => t.resolve_does,
            Self::Reveal => t.reveal_does,
        }
    }

    /// Whether several payouts can be selected for it.
    pub(super) const fn takes_several(self) -> bool {
        matches!(self, Self::Replay | Self::Cancel | Self::Resubmit)
    }

    /// Whether the order number must be typed.
    pub(super) const fn is_dangerous(self) -> bool {
        matches!(self, Self::Resubmit | Self::Resolve(_))
    }

    /// What a person fills in.
    pub(super) fn fields(self, t: &'static Texts) -> Vec<Field> {
        let reason = Field::new("reason", t.field_reason, Kind::Words);
        let evidence = Field::new("evidence", t.field_evidence, Kind::Words);
        let amount = |label| Field::new("stated", label, Kind::Number);
        match self {
            Self::Replay => Vec::new(),
            Self::Cancel | Self::Resubmit | Self::Reveal => vec![reason],
            Self::Resolve(End::Paid) => vec![evidence, reason, amount(t.field_fee).optional()],
            Self::Resolve(End::Fee) => vec![evidence, reason, amount(t.field_fee)],
            Self::Resolve(End::Returned) => {
                vec![evidence, reason, amount(t.field_back).optional()]
            }
            Self::Resolve(End::Failed | End::Unchanged) => vec![evidence, reason],
        }
    }

    /// What else is wrong with this many payouts.
    pub(super) fn objection(self, payouts: usize) -> Option<Sentence> {
        match payouts {
            0 => Some(|t| t.select_none),
            1 => None,
            _ if self.takes_several() => None,
            _ => Some(|t| t.cannot_read),
        }
    }
}

/// What may be done about a payout in this state. The database has the last word.
pub(super) fn possible(status: &Status, around: &Around) -> Vec<Deed> {
    let has = |wanted: Attention| {
        let mut reasons = status.attention_reasons.split_whitespace();
        reasons.any(|reason| reason == wanted.name())
    };
    let mut deeds = match status.state.parse::<State>() {
        Ok(State::Queued) => vec![Deed::Cancel],
        Ok(State::Submitting) => vec![Deed::Replay],
        Ok(State::Pending) => vec![
            Deed::Replay,
            Deed::Resolve(End::Paid),
            Deed::Resolve(End::Failed),
        ],
        Ok(State::Unknown) => {
            let is_proven = around
                .proof
                .as_ref()
                .is_some_and(|proof| proof.refusal.is_none());
            let resubmit = (is_proven && around.request.is_none()).then_some(Deed::Resubmit);
            let ends = [End::Paid, End::Failed].map(Deed::Resolve);
            [Deed::Replay]
                .into_iter()
                .chain(resubmit)
                .chain(ends)
                .collect()
        }
        Ok(State::Paid) => vec![Deed::Replay, Deed::Resolve(End::Returned)],
        Ok(State::Failed) => vec![Deed::Replay, Deed::Resolve(End::Paid)],
        Ok(State::Cancelled | State::Returned) if has(Attention::Contradiction) => {
            vec![Deed::Resolve(End::Unchanged)]
        }
        Ok(State::Cancelled | State::Returned) | Err(_) => Vec::new(),
    };
    if has(Attention::FeeUnknown) {
        deeds.push(Deed::Resolve(End::Fee));
    }
    deeds.push(Deed::Reveal);
    deeds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_deed_is_found_by_its_name() {
        for deed in Deed::ALL {
            assert_eq!(Deed::of_name(deed.name()), Some(deed));
        }
        assert_eq!(Deed::of_name("send"), None);
    }
}
