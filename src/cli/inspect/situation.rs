//! The situation of a payout: what we know, what we don't, and what happens next.

mod ended;
mod people;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use payout_domain::{attention::Attention, policy::OPEN_TOO_LONG, state::State};
use payout_store::{
    decisions::Proof,
    find::{Status, history::Detail},
};

use super::{attention, stuck};
use crate::cli::{paste, words};

/// How a sentence begins that rules out a doubt.
const NO_DOUBT: &str = "Nothing is in doubt";

/// A command that makes sense now, and what it does.
type Step = (String, &'static str);

/// Three answers, and the commands that make sense now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Situation {
    pub(crate) known: String,
    pub(crate) unknown: String,
    pub(crate) next: String,
    pub(crate) commands: Vec<Step>,
    /// How its debt is paid in another way, unless people must find out first how it ended.
    pay_again: Option<String>,
}

impl Situation {
    fn new(known: impl Into<String>, unknown: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            known: known.into(),
            unknown: unknown.into(),
            next: next.into(),
            commands: Vec::new(),
            pay_again: None,
        }
    }

    /// Every reason for attention, gravest first, and what a person can do about each.
    fn add_attention(&mut self, status: &Status) {
        let mut steps: Vec<&str> = Vec::new();
        for reason in status.attention_reasons.split_whitespace() {
            self.known = format!("{} {}", self.known, attention::meaning(reason));
            let step = attention::safe_step(reason, &status.state);
            if !steps.contains(&step) {
                steps.push(step);
            }
            if let Some(command) = resolve(reason, status)
                && !self.commands.contains(&command)
            {
                self.commands.push(command);
            }
        }
        if !steps.is_empty() {
            let steps = steps.join("; ");
            self.next = format!("{} A person is needed: {steps}.", self.next);
        }
    }

    fn with(mut self, steps: impl IntoIterator<Item = Step>) -> Self {
        self.commands.extend(steps);
        self
    }
}

/// Explains it as of `now`; with the proof that a resubmit needs where the payout is unknown.
pub(crate) fn explain(
    status: &Status,
    detail: &Detail,
    proof: Option<&Proof>,
    now: DateTime<Utc>,
) -> Situation {
    let mut situation = match status.state.parse::<State>() {
        Ok(State::Queued) => queued(status, detail, now),
        Ok(State::Submitting) => submitting(status, detail, now),
        Ok(State::Pending) => pending(status, detail, now),
        Ok(State::Unknown) => unknown(status, detail, proof, now),
        Ok(State::Paid) => ended::paid(status, detail),
        Ok(State::Failed) => ended::failed(status, detail),
        Ok(State::Cancelled) => ended::cancelled(status),
        Ok(State::Returned) => ended::returned(status, detail),
        Err(_) => Situation::new(
            format!(
                "Its state is {}, which this program does not know.",
                status.state
            ),
            "What that state means.",
            "Use the program version that migrated this database.",
        ),
    };
    situation.add_statement(status, detail);
    situation.add_attention(status);
    situation.add_pay_again(status, detail);
    situation
}

fn queued(status: &Status, detail: &Detail, now: DateTime<Utc>) -> Situation {
    let known = match detail.not_sent {
        0 => "It has not been sent, and nothing is held for it.".to_owned(),
        times => format!(
            "It has not been sent: in {} the gateway could not be reached and nothing left.",
            words::counted(&times, "attempt")
        ),
    };
    let next = if detail.parked {
        "It is sent once the available balance covers it.".to_owned()
    } else if detail.due_at > now {
        format!("It is due at {} WIB.", words::time(detail.due_at))
    } else if let Some(why) = &detail.why_not_again {
        format!(
            "It is sent only while the gateway confirms that nothing which it replaces was paid; now {why}. All of that \
             is queried again every half minute while it is due."
        )
    } else {
        "A worker sends it as soon as one has capacity.".to_owned()
    };
    let cancel = paste::about("cancel", &status.order_num, "--reason \"…\"");
    Situation::new(known, "Nothing is in doubt: no money has moved.", next)
        .with([(cancel, "while it is queued")])
}

fn submitting(status: &Status, detail: &Detail, now: DateTime<Utc>) -> Situation {
    let then = "its status is queried and it is never resent automatically";
    let next = match detail.lease_until {
        Some(until) if until < now => {
            format!("Its lease has expired: a worker moves it to unknown, then {then}.")
        }
        Some(until) => format!(
            "The gateway's answer decides. Without an answer by {} WIB it becomes unknown; {then}.",
            words::time(until)
        ),
        None => "The gateway's answer decides.".to_owned(),
    };
    Situation::new(
        "The intent to send it is recorded, and a worker may be sending it now.",
        "Whether it has left: the request may be on the wire.",
        next,
    )
    .with([replay(status)])
}

fn pending(status: &Status, detail: &Detail, now: DateTime<Utc>) -> Situation {
    let number = status.platform_order_num.as_ref();
    let number = number.map_or(String::new(), |number| format!(" as {number}"));
    Situation::new(
        format!("The gateway accepted it{number}."),
        "How it ends: accepted is not paid.",
        format!(
            "A callback or the answer to a query settles it; {}.{}",
            next_query(detail),
            whose_turn(status, detail, None, now)
        ),
    )
    .with([replay(status)])
}

fn unknown(
    status: &Status,
    detail: &Detail,
    proof: Option<&Proof>,
    now: DateTime<Utc>,
) -> Situation {
    let sent = match detail.sends.saturating_sub(detail.not_sent) {
        0 => "It may have been sent before a failover lost the last commits".to_owned(),
        1 => "It was sent at most once".to_owned(),
        times => format!("It was sent at most {times} times"),
    };
    let evidence = match (detail.declined_at, detail.queries) {
        (Some(at), _) => format!(
            "the gateway declined it at {} WIB, which is not proof yet",
            words::time(at)
        ),
        (None, 0) => "there is no proof yet of what became of it".to_owned(),
        (None, 1) => "the one query since then proved nothing".to_owned(),
        (None, queries) => format!("{queries} queries since then proved nothing"),
    };
    let resubmission = match proof.map(|proof| &proof.refusal) {
        Some(Some(why)) => {
            let why = why.trim_end_matches('.');
            format!(" Resubmitting it is refused for now: {why}.")
        }
        Some(None) => " The gateway's answers allow two people to resubmit it.".to_owned(),
        None => String::new(),
    };
    let resubmit = proof.filter(|proof| proof.refusal.is_none()).map(|_| {
        (
            paste::about("resubmit", &status.order_num, "--reason \"…\""),
            "needs a second person; the gateway is queried again first",
        )
    });
    Situation::new(
        format!(
            "{sent}; {evidence}. {} stays held.",
            words::rupiah(detail.held)
        ),
        "Whether it arrived: it may or may not have left.",
        format!(
            "Its status is queried and it is never resent automatically; {}.{}{resubmission}",
            next_query(detail),
            whose_turn(status, detail, Some(stuck::UNKNOWN_FOR), now)
        ),
    )
    .with([replay(status)])
    .with(resubmit)
}

/// Where the gateway contradicts itself, a person states the truth.
fn resolve(reason: &str, status: &Status) -> Option<Step> {
    let end = match (reason.parse(), status.state.parse()) {
        (Ok(Attention::LateSuccess | Attention::Contradiction), Ok(State::Failed)) => "paid",
        (Ok(Attention::Contradiction), Ok(State::Paid)) => "returned",
        (Ok(Attention::FeeUnknown), Ok(State::Paid)) => "fee --fee RUPIAH",
        (Ok(Attention::Contradiction), Ok(State::Cancelled | State::Returned)) => "unchanged",
        (
            Ok(Attention::NotFound | Attention::Contradiction | Attention::ForeignOrder),
            Ok(State::Unknown | State::Pending),
        ) => "failed",
        _ => return None,
    };
    let options = format!("--as {end} --evidence \"…\" --reason \"…\"");
    Some((
        paste::about("resolve", &status.order_num, &options),
        "once the gateway has confirmed it in writing",
    ))
}

fn because(status: &Status) -> String {
    let reason = status.failure_reason.as_ref();
    reason.map_or(String::new(), |reason| {
        format!(": {}", reason.trim_end_matches('.'))
    })
}

fn next_query(detail: &Detail) -> String {
    detail.next_query_at.map_or_else(
        || "no query is scheduled".to_owned(),
        |at| format!("the next query is at {} WIB", words::time(at)),
    )
}

/// Until when it needs nobody, or since when it needs a person: what `payout stuck` lists it for. With a
/// reason for attention nothing is normal, and that names its own step.
fn whose_turn(
    status: &Status,
    detail: &Detail,
    in_state_for: Option<Duration>,
    now: DateTime<Utc>,
) -> String {
    if !status.attention_reasons.is_empty() {
        return String::new();
    }
    let after = |since: DateTime<Utc>, length: Duration| {
        since.checked_add_signed(TimeDelta::from_std(length).ok()?)
    };
    let in_state = in_state_for.and_then(|length| after(status.state_since, length));
    let open = after(detail.open_since, OPEN_TOO_LONG);
    let Some(until) = in_state.into_iter().chain(open).min() else {
        return String::new();
    };
    let at = words::time(until);
    if until > now {
        format!(" That is normal until {at} WIB; then it needs a person.")
    } else {
        let step = attention::safe_step("open_long", &status.state);
        format!(" A person is needed since {at} WIB: {step}.")
    }
}

fn replay(status: &Status) -> Step {
    let command = paste::about("replay", &status.order_num, "");
    (command, "always safe: it only queries")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const NOW: &str = "2026-11-25T12:00:00Z";

    pub(super) fn explained(
        state: &str,
        change: impl FnOnce(&mut Status, &mut Detail),
    ) -> Situation {
        let now: DateTime<Utc> = NOW.parse().unwrap();
        let mut status = Status {
            order_num: "INV-1".to_owned(),
            merchant_code: "S1".to_owned(),
            amount: 250_000,
            fee_type: 1,
            state: state.to_owned(),
            state_since: now,
            beneficiary_amount: Some(250_000),
            ..Status::default()
        };
        let mut detail = Detail {
            bank_name: "BCA".to_owned(),
            account_number: "****5678".to_owned(),
            account_name: "S*** R***".to_owned(),
            replaces: None,
            created_by: "billing".to_owned(),
            sends: 1,
            not_sent: 0,
            lease_until: None,
            held: 260_000,
            queries: 0,
            next_query_at: None,
            due_at: now,
            open_since: now,
            parked: false,
            declined_at: None,
            stated_by: None,
            stated_on: None,
            rests_on_statement: false,
            confirmed_at: None,
            why_not_again: None,
        };
        change(&mut status, &mut detail);
        explain(&status, &detail, None, now)
    }

    #[test]
    fn every_state_answers_all_three_questions() {
        for state in State::ALL {
            let situation = explained(state.name(), |_, _| ());
            for words in [&situation.known, &situation.unknown, &situation.next] {
                assert!(
                    words.ends_with('.') && !words.contains(".."),
                    "{state:?}: {words}"
                );
            }
        }
    }

    /// Also for a number that begins with `-`, which would be read as an option.
    #[test]
    fn every_printed_command_can_be_pasted() {
        for order in ["INV-1", "-INV-1", "-w", "-", "--", "--reason"] {
            for state in State::ALL {
                for reason in Attention::ALL {
                    let situation = explained(state.name(), |status, _| {
                        order.clone_into(&mut status.order_num);
                        reason.name().clone_into(&mut status.attention_reasons);
                    });
                    for (command, _) in &situation.commands {
                        paste::tests::parses(command, order);
                    }
                }
            }
        }
    }

    #[test]
    fn only_a_queued_payout_can_be_cancelled() {
        for state in State::ALL {
            let commands = explained(state.name(), |_, _| ()).commands;
            let cancels = commands
                .iter()
                .any(|(command, _)| command.contains("cancel"));
            assert_eq!(cancels, state == State::Queued, "{state:?}");
        }
    }

    #[test]
    fn an_unknown_payout_may_or_may_not_have_left_and_is_never_resent_automatically() {
        let situation = explained("unknown", |_, detail| detail.queries = 61);
        for (answer, words) in [
            (&situation.known, "61 queries since then"),
            (&situation.unknown, "may or may not have left"),
            (
                &situation.next,
                "queried and it is never resent automatically",
            ),
        ] {
            assert!(answer.contains(words), "{words}: {situation:?}");
        }
    }

    #[test]
    fn what_needs_a_person_is_not_called_normal() {
        let hours = |hours| NOW.parse::<DateTime<Utc>>().unwrap() - TimeDelta::hours(hours);
        for (state, attention, in_state, open, normal) in [
            ("unknown", "", 0, 0, true),
            ("unknown", "not_found", 0, 0, false),
            ("unknown", "", 1, 1, false),
            ("unknown", "", 0, 25, false),
            ("pending", "", 1, 1, true),
            ("pending", "", 1, 25, false),
            ("pending", "amount_mismatch", 1, 1, false),
        ] {
            let situation = explained(state, |status, detail| {
                attention.clone_into(&mut status.attention_reasons);
                status.state_since = hours(in_state);
                detail.open_since = hours(open);
            });
            let next = &situation.next;
            assert_eq!(next.contains("normal until"), normal, "{situation:?}");
            assert_eq!(
                next.contains("A person is needed"),
                !normal,
                "{situation:?}"
            );
            assert!(next.ends_with('.') && !next.contains(".."), "{situation:?}");
        }
    }

    #[test]
    fn attention_says_what_it_means_and_what_to_do() {
        let situation = explained("queued", |status, detail| {
            status.attention_reasons = "insufficient_funds".to_owned();
            detail.parked = true;
        });
        assert!(situation.known.contains("does not cover"), "{situation:?}");
        assert!(
            situation.next.contains("top up, or cancel"),
            "{situation:?}"
        );
    }

    #[test]
    fn a_replacement_says_what_it_waits_for() {
        let situation = explained("queued", |_, detail| {
            detail.why_not_again =
                Some("it would pay payout INV-0 again, which is paid".to_owned());
        });
        for words in [
            "only while the gateway confirms",
            "payout INV-0 again, which is paid.",
        ] {
            assert!(situation.next.contains(words), "{situation:?}");
        }
    }

    #[test]
    fn every_reason_for_attention_is_explained_and_the_same_step_is_said_once() {
        let situation = explained("failed", |status, _| {
            status.attention_reasons = "late_success contradiction fee_implausible".to_owned();
        });
        for meaning in [
            "settled as failed",
            "contradict each other",
            "cannot be true",
        ] {
            assert!(situation.known.contains(meaning), "{situation:?}");
        }
        assert!(
            situation.next.ends_with(
                "A person is needed: contact the gateway, then resolve; do not pay again; contact the gateway."
            ),
            "{situation:?}"
        );
        let resolves = |(command, _): &&Step| command.contains("resolve");
        assert_eq!(situation.commands.iter().filter(resolves).count(), 1);
    }
}
