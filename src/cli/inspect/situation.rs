//! What we know, what we don't, and what happens next: three answers for every state.

mod waits;

use chrono::{DateTime, Utc};

use crate::cli::{inspect::attention, words};
use crate::{
    domain::{attention::Attention, state::State},
    store::{
        decisions::Proof,
        find::{Status, history::Detail},
    },
};

/// The three answers, and commands that make sense now.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Story {
    pub(crate) known: String,
    pub(crate) unknown: String,
    pub(crate) next: String,
    /// Command, and what it does.
    pub(crate) commands: Vec<(String, &'static str)>,
}

const ALWAYS_SAFE: &str = "always safe: it only asks";

/// Tells it as of `now`; with the proof for sending once more where it is unknown.
pub(crate) fn tell(
    status: &Status,
    detail: &Detail,
    proof: Option<&Proof>,
    now: DateTime<Utc>,
) -> Story {
    let mut story = match status.state.parse::<State>() {
        Ok(State::Queued) => queued(status, detail, now),
        Ok(State::Submitting) => submitting(status, detail, now),
        Ok(State::Pending) => pending(status, detail),
        Ok(State::Unknown) => unknown(status, detail, proof),
        Ok(State::Paid) => paid(status, detail),
        Ok(State::Failed) => failed(status),
        Ok(State::Cancelled) => Story {
            known: format!("It was withdrawn before it was sent{}.", because(status)),
            unknown: "Nothing is in doubt: no request ever left.".to_owned(),
            next: "Nothing. The order number is not used again.".to_owned(),
            ..Story::default()
        },
        Ok(State::Returned) => Story {
            known: format!("It was paid, and the money came back{}.", because(status)),
            unknown: "Nothing is in doubt.".to_owned(),
            next: "Nothing. To pay it again, insert a new payout.".to_owned(),
            ..Story::default()
        },
        Err(_) => Story {
            known: format!(
                "Its state is {}, which this program does not know.",
                status.state
            ),
            unknown: "What that means.".to_owned(),
            next: "Use the program of the version that migrated this database.".to_owned(),
            ..Story::default()
        },
    };
    if let Some(word) = &status.attention {
        story.known = format!("{} {}", story.known, attention::meaning(word));
        story.next = format!(
            "{} A person is needed: {}.",
            story.next,
            attention::safe_step(word, &status.state)
        );
        story.commands.extend(resolve(word, status));
    }
    story
}

fn queued(status: &Status, detail: &Detail, now: DateTime<Utc>) -> Story {
    let unsent = match detail.not_sent {
        0 => "It has not been sent, and nothing is held for it.".to_owned(),
        times => format!(
            "It has not been sent: {times} times the gateway was not reached and nothing left."
        ),
    };
    let next = if detail.parked {
        "It is sent when the available balance covers it.".to_owned()
    } else if detail.due_at > now {
        format!("It is sent from {} WIB on.", words::time(detail.due_at))
    } else {
        "A worker sends it as soon as one has room.".to_owned()
    };
    Story {
        known: unsent,
        unknown: "Nothing is in doubt: no money has moved.".to_owned(),
        next,
        commands: vec![(
            format!("payout cancel {} --reason \"…\"", status.order_num),
            "while it is queued",
        )],
    }
}

fn submitting(status: &Status, detail: &Detail, now: DateTime<Utc>) -> Story {
    let next = match detail.lease_until {
        Some(until) if until < now => {
            "Its lease is over: the next worker to look makes it unknown. Then it is asked for and never sent again by \
             itself."
                .to_owned()
        }
        Some(until) => format!(
            "Its answer moves it; without one it becomes unknown at {} WIB, is asked for and never sent again by itself.",
            words::time(until)
        ),
        None => "Its answer moves it.".to_owned(),
    };
    Story {
        known: "The intent to send it is recorded, and a worker may be sending it now.".to_owned(),
        unknown: "Whether it has left: the request may be on the wire.".to_owned(),
        next,
        commands: vec![replay(status)],
    }
}

fn pending(status: &Status, detail: &Detail) -> Story {
    let number = status.platform_order_num.as_ref();
    let number = number.map_or(String::new(), |number| format!(" as {number}"));
    Story {
        known: format!("The gateway has accepted it{number}."),
        unknown: "How it ends: accepted is not paid.".to_owned(),
        next: format!("A callback or an answer settles it; {}.", asked(detail)),
        commands: vec![replay(status)],
    }
}

fn unknown(status: &Status, detail: &Detail, proof: Option<&Proof>) -> Story {
    let times = match detail.sends.saturating_sub(detail.not_sent) {
        0 => "It may have been sent by a database that lost its last commits".to_owned(),
        1 => "It was sent once at most".to_owned(),
        more => format!("It was sent {more} times at most"),
    };
    let heard = match (detail.declined_at, detail.queries) {
        (Some(at), _) => format!(
            "the gateway declined it at {} WIB, which is not yet proof",
            words::time(at)
        ),
        (None, 0) => "no answer has proven anything".to_owned(),
        (None, 1) => "the one question since has proven nothing".to_owned(),
        (None, asks) => format!("{asks} questions since have proven nothing"),
    };
    Story {
        known: format!(
            "{times}; {heard}. {} stays held.",
            words::rupiah(detail.held)
        ),
        unknown: "Whether it arrived: it may or may not have left.".to_owned(),
        next: format!(
            "It is asked for and never sent again by itself; {}.{}",
            asked(detail),
            proof.map_or_else(String::new, again)
        ),
        commands: [
            vec![replay(status)],
            proof
                .filter(|proof| proof.refusal.is_none())
                .map(|_| resubmit(status))
                .into_iter()
                .collect(),
        ]
        .concat(),
    }
}

/// Whether people may have it sent once more.
fn again(proof: &Proof) -> String {
    match &proof.refusal {
        Some(why) => format!(
            " Sending it once more is refused for now: {}.",
            why.trim_end_matches('.')
        ),
        None => " The gateway's answers allow that two people have it sent once more.".to_owned(),
    }
}

fn resubmit(status: &Status) -> (String, &'static str) {
    (
        format!("payout resubmit {} --reason \"…\"", status.order_num),
        "needs a second person; the gateway is asked again first",
    )
}

/// Where the gateway contradicts itself, a person states the truth.
fn resolve(word: &str, status: &Status) -> Option<(String, &'static str)> {
    let end = match (word.parse(), status.state.parse()) {
        (Ok(Attention::LateSuccess | Attention::Contradiction), Ok(State::Failed)) => "paid",
        (Ok(Attention::Contradiction), Ok(State::Paid)) => "returned",
        (
            Ok(Attention::NotFound | Attention::Contradiction | Attention::ForeignOrder),
            Ok(State::Unknown | State::Pending),
        ) => "failed",
        _ => return None,
    };
    Some((
        format!(
            "payout resolve {} --as {end} --evidence \"…\" --reason \"…\"",
            status.order_num
        ),
        "when the gateway has said so in writing",
    ))
}

fn paid(status: &Status, detail: &Detail) -> Story {
    let when = status.settled_at;
    let when = when.map_or(String::new(), |at| {
        format!(" It was settled at {} WIB.", words::time(at))
    });
    let received = status.beneficiary_amount;
    let received = received.map_or(String::new(), |amount| {
        format!(" The beneficiary received {}.", words::rupiah(amount))
    });
    let unknown = match status.fee {
        Some(_) => "Nothing is in doubt.".to_owned(),
        None if detail.held > 0 => {
            format!(
                "What the fee was: {} stays held for it.",
                words::rupiah(detail.held)
            )
        }
        None => "What the fee was.".to_owned(),
    };
    let next = match status.fee {
        Some(_) => "Nothing. A bank can still return the money days later.",
        None => "The fee is booked when the gateway states it.",
    };
    Story {
        known: format!("The gateway says that it is paid.{when}{received}"),
        unknown,
        next: next.to_owned(),
        commands: vec![replay(status)],
    }
}

fn failed(status: &Status) -> Story {
    Story {
        known: format!(
            "It was not paid{}. What was held for it is available again.",
            because(status)
        ),
        unknown: "Nothing is in doubt, unless the gateway changes its word.".to_owned(),
        next: format!(
            "Nothing by itself. To pay it again, insert a new payout with replaces = '{}'.",
            status.order_num
        ),
        commands: vec![replay(status)],
    }
}

fn because(status: &Status) -> String {
    let reason = status.failure_reason.as_ref();
    reason.map_or(String::new(), |reason| {
        format!(": {}", reason.trim_end_matches('.'))
    })
}

fn asked(detail: &Detail) -> String {
    detail.next_query_at.map_or_else(
        || "it is not asked for at the moment".to_owned(),
        |at| format!("asked for next at {} WIB", words::time(at)),
    )
}

fn replay(status: &Status) -> (String, &'static str) {
    (format!("payout replay {}", status.order_num), ALWAYS_SAFE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-25T12:00:00Z";

    fn told(state: &str, change: impl FnOnce(&mut Status, &mut Detail)) -> Story {
        let now: DateTime<Utc> = NOW.parse().unwrap();
        let mut status = Status {
            order_num: "INV-1".to_owned(),
            merchant_code: "S1".to_owned(),
            bank_code: "014".to_owned(),
            amount: 250_000,
            fee_type: 1,
            state: state.to_owned(),
            state_since: now,
            created_at: now,
            fee: None,
            debit_total: None,
            beneficiary_amount: Some(250_000),
            platform_order_num: None,
            failure_reason: None,
            attention: None,
            attention_since: None,
            settled_at: None,
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
            parked: false,
            declined_at: None,
        };
        change(&mut status, &mut detail);
        tell(&status, &detail, None, now)
    }

    #[test]
    fn every_state_answers_all_three_questions() {
        for state in State::ALL {
            let story = told(state.name(), |_, _| ());
            for words in [&story.known, &story.unknown, &story.next] {
                assert!(
                    words.ends_with('.') && !words.contains(".."),
                    "{state:?}: {words}"
                );
            }
        }
    }

    #[test]
    fn only_a_queued_payout_is_offered_for_cancelling() {
        for state in State::ALL {
            let commands = told(state.name(), |_, _| ()).commands;
            let cancels = commands
                .iter()
                .any(|(command, _)| command.contains("cancel"));
            assert_eq!(cancels, state == State::Queued, "{state:?}");
        }
    }

    #[test]
    fn an_unknown_payout_may_or_may_not_have_left_and_is_never_sent_again_by_itself() {
        let story = told("unknown", |_, detail| detail.queries = 61);
        assert!(story.known.contains("61 questions"), "{story:?}");
        assert!(
            story.unknown.contains("may or may not have left"),
            "{story:?}"
        );
        assert!(
            story.next.contains("asked for and never sent again"),
            "{story:?}"
        );
    }

    #[test]
    fn attention_says_what_it_means_and_what_to_do() {
        let story = told("queued", |status, detail| {
            status.attention = Some("insufficient_funds".to_owned());
            detail.parked = true;
        });
        assert!(story.known.contains("does not cover"), "{story:?}");
        assert!(story.next.contains("fund, or cancel"), "{story:?}");
    }
}
