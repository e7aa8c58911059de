//! What people have decided and what is not over yet, as part of the story.

use super::{
    super::super::{operate::pause, words},
    Story,
};
use crate::store::find::waits::{OpenRequest, PausedBy};

impl Story {
    /// A pause is a person's word: it is not sent before another one.
    pub(crate) fn held_back(&mut self, pauses: &[PausedBy]) {
        for by in pauses {
            let name = pause::name(&by.scope, &by.value);
            self.next = format!(
                "{} Not while {name} is paused: by {} since {} WIB, {}.",
                self.next,
                by.actor,
                words::time(by.since),
                by.reason.trim_end_matches('.'),
            );
            self.commands.push((
                format!(
                    "payout resume {} --reason \"…\"",
                    pause::flag(&by.scope, &by.value)
                ),
                "sends everything that waits there",
            ));
        }
    }

    /// Somebody has asked for something and it is not done yet.
    pub(crate) fn asked_for(&mut self, request: &OpenRequest) {
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
            self.commands
                .push((format!("payout approve {id}"), "when you agree"));
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Utc;

    use super::*;

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
    fn a_pause_is_named_with_its_reason_and_the_way_out_of_it() {
        let mut story = Story::default();
        story.held_back(&[PausedBy {
            scope: "bank".to_owned(),
            value: "014".to_owned(),
            reason: "BCA is down.".to_owned(),
            actor: "dewi".to_owned(),
            since: Utc::now(),
        }]);
        assert!(story.next.contains("while bank 014 is paused"), "{story:?}");
        assert!(story.next.ends_with("BCA is down."), "{story:?}");
        assert!(story.commands[0].0.starts_with("payout resume --bank 014"));
    }

    #[test]
    fn only_somebody_else_is_told_to_approve() {
        for (approved, yours, offers) in [(false, false, 1), (false, true, 0), (true, false, 0)] {
            let mut story = Story::default();
            story.asked_for(&request(approved, yours));
            assert!(
                story.next.contains("Request 12, to resolve as failed,"),
                "{story:?}"
            );
            assert_eq!(story.commands.len(), offers, "{approved} {yours}");
        }
    }
}
