//! What people have decided and what is not over yet, as part of the situation.

use payout_domain::{
    state::State,
    stop::{NO_WORKER, StopReason},
};
use payout_store::{
    find::{
        Status,
        history::Detail,
        waits::{OpenRequest, PausedBy, Reservation},
    },
    workers::Claims,
};

use super::{NO_DOUBT, Situation};
use crate::cli::{
    inspect::{claims, pauses},
    words,
};

impl Situation {
    /// Who stated how it ended, on what evidence, and whether the gateway has confirmed that.
    pub(super) fn add_statement(&mut self, status: &Status, detail: &Detail) {
        let Some(people) = &detail.stated_by else {
            return;
        };
        let evidence = words::evidence(detail.stated_on.as_deref());
        let confirmed = detail.confirmed_at.map_or(String::new(), |at| {
            format!(" The gateway confirmed it at {} WIB.", words::time(at))
        });
        self.known = format!("{} {people} stated so{evidence}.{confirmed}", self.known);
        if detail.rests_on_statement {
            let state = status.state.as_str();
            if let ("paid", Some(received)) = (state, status.beneficiary_amount) {
                self.known = format!(
                    "{} They state that the beneficiary received {}.",
                    self.known,
                    words::rupiah(received)
                );
            }
            let doubt = match state {
                "paid" => "Whether it was paid: the gateway has not confirmed it.",
                "returned" => "Whether it was ever paid: the gateway has not confirmed it.",
                _ => "Whether it can still be paid: the gateway has not confirmed the failure.",
            };
            self.unknown = if self.unknown.starts_with(NO_DOUBT) {
                doubt.to_owned()
            } else {
                format!("{doubt} {}", self.unknown)
            };
        }
    }

    /// Whether anything is sent for its merchant, and whether a worker runs that could query it.
    pub(crate) fn add_claims(&mut self, claims: &Claims, state: &str) {
        let Some(stopped_by) = claims.stopped_by.as_deref() else {
            return;
        };
        let is_queued = state == State::Queued.name();
        let is_final = state.parse().is_ok_and(State::is_final);
        // Pauses are named with the command that ends each.
        let concerns_it = if is_queued {
            stopped_by != StopReason::Paused.name()
        } else {
            !is_final && stopped_by == NO_WORKER
        };
        if !concerns_it {
            return;
        }
        let Some(sentence) = claims::sentence(claims) else {
            return;
        };
        self.next = if is_queued {
            format!("{sentence} Then: {}", self.next)
        } else {
            format!(
                "{sentence} Until then its status is not queried. {}",
                self.next
            )
        };
        self.commands.push((
            "payout status".to_owned(),
            "whether payouts are sent and, if not, why",
        ));
    }

    /// The pauses that hold it back: it is not sent before somebody ends them.
    pub(crate) fn add_pauses(&mut self, pauses: &[PausedBy]) {
        for by in pauses {
            let (name, flag) = (
                pauses::name(&by.scope, &by.value),
                pauses::flag(&by.scope, &by.value),
            );
            self.next = format!(
                "{} But {name} is paused{} (by {} since {} WIB: {}).",
                self.next,
                if by.is_daily { " daily" } else { "" },
                by.actor,
                words::time(by.since),
                by.reason.trim_end_matches('.'),
            );
            self.commands.push((
                format!(
                    "payout resume {flag}{} --reason \"…\"",
                    if by.is_daily { " --daily" } else { "" }
                ),
                "sends everything that this pause holds back",
            ));
        }
    }

    /// The payout that keeps funds free for itself; the merchant's others wait behind it.
    pub(crate) fn add_reservation(&mut self, by: &Reservation, order_num: &str) {
        let (hold, until) = (words::rupiah(by.hold), words::time(by.until));
        let what = if by.order_num == order_num {
            format!(
                "It waits for {hold} and keeps the balance free for itself until {until} WIB; then smaller payouts \
                 overtake it again."
            )
        } else {
            format!(
                "It waits behind {}, which waits for {hold} and keeps the balance free for itself until {until} WIB.",
                by.order_num
            )
        };
        self.next = format!("{} {what}", self.next);
    }

    /// The request of an operator that is not carried out yet.
    pub(crate) fn add_request(&mut self, request: &OpenRequest) {
        let (id, kind) = (request.request_id, request.kind.replace('_', " as "));
        let what = if request.approved {
            format!("Request {id}, to {kind}, is approved: a worker carries it out.")
        } else {
            format!(
                "Request {id}, to {kind}, by {}, waits for a second person until {} WIB.",
                request.requested_by,
                words::time(request.expires_at)
            )
        };
        self.next = format!("{} {what}", self.next);
        if !request.approved && !request.yours {
            let approve = format!("payout approve {id}");
            self.commands.push((approve, "if you agree"));
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;
    use crate::cli::inspect::situation::tests::explained;

    #[test]
    fn an_end_that_people_stated_names_them_and_what_the_gateway_has_not_confirmed() {
        for (state, doubt) in [
            ("paid", "Whether it was paid"),
            ("failed", "Whether it can still be paid"),
            ("returned", "Whether it was ever paid"),
        ] {
            let stated = |is_confirmed: bool| {
                explained(state, |status, detail| {
                    status.fee = Some(2_500);
                    detail.stated_by = Some("siti and budi".to_owned());
                    detail.stated_on = Some("letter 7".to_owned());
                    detail.rests_on_statement = !is_confirmed;
                    detail.confirmed_at = is_confirmed.then(Utc::now);
                })
            };
            let unconfirmed = stated(false);
            let people = "siti and budi stated so (evidence: letter 7).";
            let and_received =
                format!("{people} They state that the beneficiary received Rp 250.000.");
            let says = if state == "paid" {
                and_received.as_str()
            } else {
                people
            };
            assert!(unconfirmed.known.ends_with(says), "{unconfirmed:?}");
            assert!(unconfirmed.unknown.starts_with(doubt), "{unconfirmed:?}");
            assert!(
                !unconfirmed.unknown.contains("Nothing is in doubt"),
                "{unconfirmed:?}"
            );
            let confirmed = stated(true);
            assert!(
                confirmed.known.contains("The gateway confirmed it at"),
                "{confirmed:?}"
            );
            assert!(
                confirmed.unknown.starts_with("Nothing is in doubt"),
                "{confirmed:?}"
            );
        }
    }

    fn stopped(by: &str) -> Claims {
        Claims {
            merchant_code: "M-1".to_owned(),
            stopped_by: Some(by.to_owned()),
            since: Some(Utc::now()),
            detail: Some("the query: timeout".to_owned()),
            ..Claims::default()
        }
    }

    #[test]
    fn whatever_stops_claims_is_said_of_each_queued_payout_with_what_ends_it() {
        let reasons = StopReason::ALL.map(StopReason::name);
        for reason in reasons.into_iter().chain([NO_WORKER]) {
            let mut situation = explained("queued", |_, _| ());
            situation.add_claims(&stopped(reason), "queued");
            let is_said = situation.next.starts_with("Nothing is sent for M-1 (since");
            // Each pause is named by itself.
            assert_eq!(is_said, reason != "paused", "{reason}: {situation:?}");
            assert!(!situation.next.contains("does not know"), "{situation:?}");
        }
    }

    #[test]
    fn a_payout_that_was_sent_is_only_held_up_where_no_worker_runs() {
        for (state, reason, says) in [
            ("unknown", "no_worker", true),
            ("pending", "no_worker", true),
            ("unknown", "doubts", false),
            ("paid", "no_worker", false),
        ] {
            let mut situation = explained(state, |_, _| ());
            situation.add_claims(&stopped(reason), state);
            let is_said = situation.next.contains("its status is not queried");
            assert_eq!(is_said, says, "{state} {reason}: {situation:?}");
        }
    }

    fn request(approved: bool, yours: bool) -> OpenRequest {
        OpenRequest {
            request_id: 12,
            kind: "resolve_failed".to_owned(),
            requested_by: "dewi".to_owned(),
            expires_at: Utc::now(),
            approved,
            yours,
        }
    }

    #[test]
    fn a_pause_is_named_with_its_reason_and_the_command_that_ends_it() {
        let mut situation = Situation::default();
        situation.add_pauses(&[PausedBy {
            scope: "bank".to_owned(),
            value: "014".to_owned(),
            reason: "BCA is down.".to_owned(),
            actor: "dewi".to_owned(),
            since: Utc::now(),
            is_daily: false,
        }]);
        assert!(
            situation.next.contains("But bank 014 is paused (by dewi"),
            "{situation:?}"
        );
        assert!(situation.next.ends_with("BCA is down)."), "{situation:?}");
        assert!(
            situation.commands[0]
                .0
                .starts_with("payout resume --bank 014")
        );
    }

    #[test]
    fn a_payout_that_keeps_funds_free_is_named_to_those_behind_it() {
        for (order_num, says) in [
            ("INV-1", "waits behind INV-9, which waits for Rp 900.000"),
            ("INV-9", "keeps the balance free for itself until"),
        ] {
            let mut situation = Situation::default();
            let reservation = Reservation {
                order_num: "INV-9".to_owned(),
                hold: 900_000,
                until: Utc::now(),
            };
            situation.add_reservation(&reservation, order_num);
            assert!(situation.next.contains(says), "{situation:?}");
        }
    }

    #[test]
    fn approval_is_offered_only_to_another_person() {
        for (approved, yours, offers) in [(false, false, 1), (false, true, 0), (true, false, 0)] {
            let mut situation = Situation::default();
            situation.add_request(&request(approved, yours));
            assert!(
                situation.next.contains("Request 12, to resolve as failed,"),
                "{situation:?}"
            );
            assert_eq!(situation.commands.len(), offers, "{approved} {yours}");
        }
    }
}
