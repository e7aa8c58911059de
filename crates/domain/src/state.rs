//! The state machine as one visible table. `payout.transition` in SQL holds the same rows; a test compares them.

use serde::Serialize;

use super::words;

words! {
    /// The state of a payout, as stored in the `state` columns.
    #[derive(Serialize)]
    #[serde(rename_all = "snake_case")]
    pub enum State: "a state" {
        /// Not sent. Leaves when claimed or withdrawn.
        Queued = "queued",
        /// The intent to send is durable; the request may be on the wire.
        Submitting = "submitting",
        /// The gateway accepted it. Leaves on status 2, 3 or 4.
        Pending = "pending",
        /// The request may or may not have arrived. Its status is queried; it is never resent automatically.
        Unknown = "unknown",
        /// Status 2. Only a person can move it, to `returned`.
        Paid = "paid",
        /// Refused, or status 3 or 4. Only a person can move it, if it was paid after all.
        Failed = "failed",
        /// Withdrawn before it was sent. Final.
        Cancelled = "cancelled",
        /// Paid, then the money came back. Final.
        Returned = "returned",
    }
}

words! {
    /// What happened to a payout, as in `payout.events`. No event has the name of a state.
    pub enum Event: "an event" {
        /// A worker committed the intent to send.
        Claimed = "claimed",
        /// Proof that the body was never handed to the transport (I8).
        NotSent = "not_sent",
        /// A person or a backend withdrew it before it was sent.
        Withdrawn = "withdrawn",
        /// A verified answer says that the gateway has it.
        Acknowledged = "acknowledged",
        /// A verified `FAIL`, which is not yet proof (protocol trap 8).
        Declined = "declined",
        /// A timeout, an `UNKNOWN`, a bad signature, a crash or an expired lease.
        Unanswered = "unanswered",
        /// Two "not found" answers after a `FAIL` (`deploy/payout.toml`, `decline_confirm_seconds`).
        RefusalConfirmed = "refusal_confirmed",
        /// Found at the gateway after the database lost commits (I11).
        FoundAfterFailover = "found_after_failover",
        /// Two people and a fresh proof of absence let the same order number be sent once more (I10).
        ResubmitGranted = "resubmit_granted",
        /// The gateway reports status 2.
        ReportedPaid = "reported_paid",
        /// The gateway reports status 3 or 4.
        ReportedFailed = "reported_failed",
        /// A person stated, with evidence, that it was paid.
        ResolvedPaid = "resolved_paid",
        /// Two people stated, with evidence, that it was not paid.
        ResolvedFailed = "resolved_failed",
        /// A person stated, with evidence, that the money came back.
        ResolvedReturned = "resolved_returned",
    }
}

words! {
    /// The kind of ledger entry that a move must book in the same transaction (I6).
    pub enum Posting: "a posting" {
        /// No money moves.
        None = "none",
        /// From `available` to `held`.
        Hold = "hold",
        /// From `held` to `paid_out` and `fees`. The rest of the hold returns to `available`.
        Capture = "capture",
        /// From `held` back to `available`: exactly what was held.
        Release = "release",
        /// From `paid_out` back to `available`: money that came back.
        Return = "return",
        /// From `available` to `paid_out` and `fees`: paid although the hold was already released.
        LateCapture = "late_capture",
    }
}

/// One row: from, event, to, posting.
pub type Row = (State, Event, State, Posting);

use Event as E;
use Posting as P;
use State as S;

/// Every allowed move. The database refuses any other, for every role.
#[rustfmt::skip]
pub const TRANSITIONS: &[Row] = &[
    // from          event                 to             posting
    (S::Queued,      E::Claimed,           S::Submitting, P::Hold),
    (S::Queued,      E::Withdrawn,         S::Cancelled,  P::None),
    (S::Queued,      E::FoundAfterFailover, S::Unknown,    P::Hold),
    (S::Submitting,  E::NotSent,           S::Queued,     P::Release),
    (S::Submitting,  E::Acknowledged,      S::Pending,    P::None),
    (S::Submitting,  E::Unanswered,        S::Unknown,    P::None),
    (S::Submitting,  E::Declined,          S::Unknown,    P::None),
    (S::Submitting,  E::ReportedPaid,      S::Paid,       P::Capture),
    (S::Submitting,  E::ReportedFailed,    S::Failed,     P::Release),
    (S::Pending,     E::ReportedPaid,      S::Paid,       P::Capture),
    (S::Pending,     E::ReportedFailed,    S::Failed,     P::Release),
    (S::Pending,     E::ResolvedPaid,      S::Paid,       P::Capture),
    (S::Pending,     E::ResolvedFailed,    S::Failed,     P::Release),
    (S::Unknown,     E::NotSent,           S::Queued,     P::Release),
    (S::Unknown,     E::Acknowledged,      S::Pending,    P::None),
    (S::Unknown,     E::RefusalConfirmed,  S::Failed,     P::Release),
    (S::Unknown,     E::ResubmitGranted,   S::Submitting, P::None),
    (S::Unknown,     E::ReportedPaid,      S::Paid,       P::Capture),
    (S::Unknown,     E::ReportedFailed,    S::Failed,     P::Release),
    (S::Unknown,     E::ResolvedPaid,      S::Paid,       P::Capture),
    (S::Unknown,     E::ResolvedFailed,    S::Failed,     P::Release),
    (S::Paid,        E::ResolvedReturned,  S::Returned,   P::Return),
    (S::Failed,      E::ResolvedPaid,      S::Paid,       P::LateCapture),
];

/// The move that `event` makes from `from`, if there is one.
pub fn step(from: State, event: Event) -> Option<(State, Posting)> {
    TRANSITIONS
        .iter()
        .find(|row| row.0 == from && row.1 == event)
        .map(|row| (row.2, row.3))
}

impl State {
    /// Whether only a person can move it from here, if anyone can.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Paid | Self::Failed | Self::Cancelled | Self::Returned
        )
    }

    /// Whether it may have been sent while the gateway has not reported its end.
    pub const fn may_have_left(self) -> bool {
        matches!(self, Self::Submitting | Self::Pending | Self::Unknown)
    }
}

/// The full grid of states and events, as `docs/state-machine.md` shows it.
pub fn grid() -> String {
    let mut page = String::from(
        "# The state machine\n\nGenerated from `crates/domain/src/state.rs`; `UPDATE_DOCS=1 cargo test --test it docs` rewrites it.\n\
         A cell is the state that the event leads to and the ledger entry beside it; `·` means that the database refuses the move.\n\n| event |",
    );
    for state in State::ALL {
        page.extend([" from ", state.name(), " |"]);
    }
    page.push_str("\n|---|");
    page.push_str(&"---|".repeat(State::ALL.len()));
    for event in Event::ALL {
        page.extend(["\n| ", event.name(), " |"]);
        for state in State::ALL {
            let cell = match step(state, event) {
                None => "·".to_owned(),
                Some((to, Posting::None)) => to.to_string(),
                Some((to, posting)) => format!("{to} +{}", posting.name()),
            };
            page.extend([" ", &cell, " |"]);
        }
    }
    page.push('\n');
    page
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_state_and_event_has_at_most_one_move() {
        let pairs: HashSet<_> = TRANSITIONS.iter().map(|row| (row.0, row.1)).collect();
        assert_eq!(pairs.len(), TRANSITIONS.len());
    }

    #[test]
    fn nothing_leaves_a_final_state_but_by_a_person() {
        for (from, event, ..) in TRANSITIONS {
            let person = event.name().starts_with("resolved_");
            assert!(!from.is_final() || person, "{from} {}", event.name());
        }
    }

    #[test]
    fn nothing_leads_back_to_queued_but_the_proof_that_nothing_was_sent() {
        for (_, event, to, _) in TRANSITIONS {
            assert!(*to != State::Queued || *event == Event::NotSent);
        }
    }

    #[test]
    fn only_a_claim_or_a_granted_resubmit_leads_to_a_send() {
        for (_, event, to, _) in TRANSITIONS {
            let sends = matches!(event, Event::Claimed | Event::ResubmitGranted);
            assert_eq!(*to == State::Submitting, sends, "{}", event.name());
        }
    }

    /// Walks every path of up to eight moves and tracks the hold.
    #[test]
    fn every_path_holds_once_and_captures_or_releases_exactly_once() {
        fn walk(state: State, held: bool, moves_left: u8) {
            let should_hold = state.may_have_left();
            assert_eq!(held, should_hold, "in {state}");
            for (_, event, to, posting) in TRANSITIONS.iter().filter(|row| row.0 == state) {
                let held_after = match posting {
                    Posting::None => held,
                    Posting::Hold => {
                        assert!(!held, "{} holds twice", event.name());
                        true
                    }
                    Posting::Capture | Posting::Release => {
                        assert!(held, "{} has nothing to settle", event.name());
                        false
                    }
                    Posting::Return | Posting::LateCapture => {
                        assert!(!held && state.is_final());
                        false
                    }
                };
                if moves_left > 0 {
                    walk(*to, held_after, moves_left - 1);
                }
            }
        }
        walk(State::Queued, false, 8);
    }
}
