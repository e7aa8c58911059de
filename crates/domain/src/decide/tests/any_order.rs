//! Evidence in any order, at any time, breaks none of the invariants.

use chrono::TimeDelta;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::story::{AMOUNT, Story};
use crate::{
    money::{FeeType, Rupiah},
    payout::Payout,
    state::{Event, State, TRANSITIONS},
};

const SEQUENCES: u32 = 20_000;
const LONGEST: usize = 14;

const FACTS: &[&str] = &[
    "ack",
    "ack,fee=5000",
    "ack:2",
    "ack,plat=W2",
    "ack,plat=",
    "fail",
    "doubt",
    "unsent",
    "unsent,attempt=1",
    "lease",
    "lease,attempt=1",
    "none",
    "none",
    "none",
    "query?",
    "found:0",
    "found:1",
    "found:2",
    "found:2,fee=5000",
    "found:2,fee=20000",
    "found:2,fee=100000",
    "found:2,unsigned",
    "found:2,amount=7",
    "found:2,amount=95000,fee=5000",
    "found:2,plat=W2",
    "found:3",
    "found:4",
    "found:4,unsigned",
    "found:5",
    "found:x",
    "callback:1",
    "callback:2",
    "callback:2,feeType=1",
    "callback:2,unbound",
    "callback:2,plat=W2",
    "callback:2,fee=20000",
    "callback:4",
    "callback:4,feeType=1",
];
const PAUSES: &[i64] = &[0, 1, 15, 30, 60, 300, 1_800, 90_000, -5];

#[test]
fn no_order_of_evidence_breaks_an_invariant() {
    let seed = std::env::var("PAYOUT_TEST_SEED")
        .ok()
        .map_or_else(rand::random::<u64>, |seed| seed.parse().unwrap());
    let mut dice = StdRng::seed_from_u64(seed);
    for _ in 0..SEQUENCES {
        let mut life = Vec::new();
        let fee_type = if dice.random() {
            FeeType::OnTop
        } else {
            FeeType::OutOfAmount
        };
        let mut story = Story::new(fee_type);
        let mut books = [-story.payout.held.idr(), story.payout.held.idr(), 0, 0];
        for _ in 0..dice.random_range(1..=LONGEST) {
            let word = *FACTS.choose(&mut dice).unwrap();
            let pause = *PAUSES.choose(&mut dice).unwrap();
            story.now += TimeDelta::seconds(pause);
            life.push(format!("+{pause} {word}"));
            let what = || format!("PAYOUT_TEST_SEED={seed}, {fee_type:?}: {}", life.join(", "));

            let before = story.payout.clone();
            story.receive(word);
            holds_for_one_step(&before, &story, word, &what);
            if let Some(booking) = story.last.as_ref().unwrap().booking {
                let entry = booking.entry;
                assert_eq!(entry.sum(), Some(Rupiah::ZERO), "{}", what());
                let parts = [entry.available, entry.held, entry.paid_out, entry.fees];
                for (sum, part) in books.iter_mut().zip(parts) {
                    *sum += part.idr();
                }
            }
            holds_between_steps(&story.payout, books, &what);
            send_what_may_be_sent(&mut story, &mut books, &mut life, &mut dice);
        }
    }
}

fn holds_for_one_step(before: &Payout, story: &Story, word: &str, what: &dyn Fn() -> String) {
    let (after, last) = (&story.payout, story.last.as_ref().unwrap());
    let row = TRANSITIONS
        .iter()
        .find(|row| Some(row.1) == last.event && row.0 == before.state);
    assert_eq!(
        last.event.is_some(),
        row.is_some(),
        "a move that is not in the table: {}",
        what()
    );
    assert_eq!(
        after.state,
        row.map_or(before.state, |row| row.2),
        "{}",
        what()
    );
    if let Some(row) = row {
        let kind = last.booking.map_or("none", |booking| booking.kind);
        assert_eq!(kind, row.3.name(), "{}", what());
        assert!(
            !before.state.is_final(),
            "evidence moved a final payout: {}",
            what()
        );
    }
    // What may settle at all: a query's answer, and a callback with status 2.
    match after.state {
        State::Failed if before.state != State::Failed => {
            let queried =
                word.starts_with("found:3") || word.starts_with("found:4") || word == "none";
            assert!(queried, "{}", what());
        }
        State::Paid if before.state != State::Paid => {
            assert!(
                word.starts_with("found:2") || word.starts_with("callback:2"),
                "{}",
                what()
            );
        }
        State::Queued if before.state != State::Queued => {
            assert!(
                last.event == Some(Event::NotSent) && word.starts_with("unsent"),
                "{}",
                what()
            );
        }
        State::Queued
        | State::Submitting
        | State::Pending
        | State::Unknown
        | State::Paid
        | State::Failed
        | State::Cancelled
        | State::Returned => {}
    }
    assert_eq!(after.instruction, before.instruction, "{}", what());
    assert_eq!(
        (after.attempt, after.sends),
        (before.attempt, before.sends),
        "{}",
        what()
    );
    let unsent = i32::from(last.event == Some(Event::NotSent));
    assert_eq!(after.not_sent, before.not_sent + unsent, "{}", what());
}

fn holds_between_steps(payout: &Payout, books: [i64; 4], what: &dyn Fn() -> String) {
    let [_, held, paid_out, fees] = books;
    assert_eq!(
        payout.held.idr(),
        held,
        "held is what the books hold: {}",
        what()
    );
    match payout.state {
        State::Submitting | State::Pending | State::Unknown => {
            assert!(held >= AMOUNT && paid_out == 0 && fees == 0, "{}", what());
        }
        State::Paid => {
            assert!(held >= 0 && paid_out >= 0, "{}", what());
            assert_eq!(fees, payout.fee.map_or(0, Rupiah::idr), "{}", what());
            let received = match payout.instruction.fee_type {
                FeeType::OutOfAmount => paid_out + fees,
                FeeType::OnTop => paid_out,
            };
            assert_eq!(received, AMOUNT, "{}", what());
        }
        State::Queued | State::Failed | State::Cancelled | State::Returned => {
            assert_eq!(books, [0; 4], "{}", what());
        }
    }
    assert_eq!(
        payout.settled_at.is_some(),
        payout.state.is_final(),
        "{}",
        what()
    );
    let waits_for_an_answer = matches!(payout.state, State::Pending | State::Unknown);
    assert!(
        !waits_for_an_answer || payout.next_query_at.is_some(),
        "nothing will query it: {}",
        what()
    );
    let may_have_left = payout.sends - payout.not_sent;
    assert!(
        payout.state != State::Queued || may_have_left == 0,
        "{}",
        what()
    );
}

/// What the store would do next: claim what is queued, and now and then grant a resubmit.
fn send_what_may_be_sent(
    story: &mut Story,
    books: &mut [i64; 4],
    life: &mut Vec<String>,
    dice: &mut StdRng,
) {
    if story.payout.state == State::Queued {
        story.live("claim");
        *books = [-story.payout.held.idr(), story.payout.held.idr(), 0, 0];
        life.push("claim".into());
    } else if story.payout.state == State::Unknown && dice.random_range(0..20) == 0 {
        story.live("resend");
        life.push("resend".into());
    }
}
