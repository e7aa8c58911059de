//! Evidence in any order, at any time, breaks no invariant.

use chrono::TimeDelta;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use super::scenario::{AMOUNT, Scenario};
use crate::{
    attention::{ClearedBy, RULES, Rule},
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
    "found:2,fee=9223372036854775807",
    "found:1,fee=900000000",
    "ack,fee=900000000",
    "callback:2,fee=900000000",
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
        let mut steps = Vec::new();
        let fee_type = if dice.random() {
            FeeType::OnTop
        } else {
            FeeType::OutOfAmount
        };
        let mut scenario = Scenario::new(fee_type);
        let mut books = [
            -scenario.payout.held.idr(),
            scenario.payout.held.idr(),
            0,
            0,
        ];
        for _ in 0..dice.random_range(1..=LONGEST) {
            let step = *FACTS.choose(&mut dice).unwrap();
            let pause = *PAUSES.choose(&mut dice).unwrap();
            scenario.now += TimeDelta::seconds(pause);
            steps.push(format!("+{pause} {step}"));
            let run_so_far = || {
                format!(
                    "PAYOUT_TEST_SEED={seed}, {fee_type:?}: {}",
                    steps.join(", ")
                )
            };

            let before = scenario.payout.clone();
            scenario.receive(step);
            holds_for_one_step(&before, &scenario, step, &run_so_far);
            if let Some(booking) = scenario.last.as_ref().unwrap().booking {
                let entry = booking.entry;
                assert_eq!(entry.sum(), Some(Rupiah::ZERO), "{}", run_so_far());
                let parts = [entry.available, entry.held, entry.paid_out, entry.fees];
                for (sum, part) in books.iter_mut().zip(parts) {
                    *sum += part.idr();
                }
            }
            holds_between_steps(&scenario.payout, books, &run_so_far);
            send_what_may_be_sent(&mut scenario, &mut books, &mut steps, &mut dice);
        }
    }
}

fn holds_for_one_step(
    before: &Payout,
    scenario: &Scenario,
    step: &str,
    run_so_far: &dyn Fn() -> String,
) {
    let (after, last) = (&scenario.payout, scenario.last.as_ref().unwrap());
    let row = TRANSITIONS
        .iter()
        .find(|row| Some(row.1) == last.event && row.0 == before.state);
    assert_eq!(
        last.event.is_some(),
        row.is_some(),
        "a move that is not in the table: {}",
        run_so_far()
    );
    assert_eq!(
        after.state,
        row.map_or(before.state, |row| row.2),
        "{}",
        run_so_far()
    );
    if let Some(row) = row {
        let kind = last.booking.map_or("none", |booking| booking.kind);
        assert_eq!(kind, row.3.name(), "{}", run_so_far());
        assert!(
            !before.state.is_final(),
            "evidence moved a final payout: {}",
            run_so_far()
        );
    }
    let cleared = before.attention.reasons();
    for reason in cleared.filter(|reason| !after.attention.contains(*reason)) {
        let by_person = |rule: &Rule| rule.reason == reason && rule.cleared_by == ClearedBy::Person;
        assert!(
            !RULES.iter().any(by_person),
            "evidence cleared {reason}: {}",
            run_so_far()
        );
    }
    assert_settled_by_proof(before, scenario, step, run_so_far);
    assert_eq!(after.instruction, before.instruction, "{}", run_so_far());
    assert_eq!(
        (after.attempt, after.sends),
        (before.attempt, before.sends),
        "{}",
        run_so_far()
    );
    let unsent = i32::from(last.event == Some(Event::NotSent));
    assert_eq!(after.not_sent, before.not_sent + unsent, "{}", run_so_far());
}

/// Only an answer to a query, or a callback with status 2, may settle a payout; only "not sent" may put it back.
fn assert_settled_by_proof(
    before: &Payout,
    scenario: &Scenario,
    step: &str,
    run_so_far: &dyn Fn() -> String,
) {
    let last = scenario.last.as_ref().unwrap();
    match scenario.payout.state {
        State::Failed if before.state != State::Failed => {
            let queried =
                step.starts_with("found:3") || step.starts_with("found:4") || step == "none";
            assert!(queried, "{}", run_so_far());
        }
        State::Paid if before.state != State::Paid => {
            assert!(
                step.starts_with("found:2") || step.starts_with("callback:2"),
                "{}",
                run_so_far()
            );
        }
        State::Queued if before.state != State::Queued => {
            assert!(
                last.event == Some(Event::NotSent) && step.starts_with("unsent"),
                "{}",
                run_so_far()
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
}

fn holds_between_steps(payout: &Payout, books: [i64; 4], run_so_far: &dyn Fn() -> String) {
    let [_, held, paid_out, fees] = books;
    assert_eq!(
        payout.held.idr(),
        held,
        "held is what the books hold: {}",
        run_so_far()
    );
    match payout.state {
        State::Submitting | State::Pending | State::Unknown => {
            assert!(
                held >= AMOUNT && paid_out == 0 && fees == 0,
                "{}",
                run_so_far()
            );
        }
        State::Paid => {
            assert!(held >= 0 && paid_out >= 0, "{}", run_so_far());
            assert_eq!(fees, payout.fee.map_or(0, Rupiah::idr), "{}", run_so_far());
            let received = match payout.instruction.fee_type {
                FeeType::OutOfAmount => paid_out + fees,
                FeeType::OnTop => paid_out,
            };
            assert_eq!(received, AMOUNT, "{}", run_so_far());
        }
        State::Queued | State::Failed | State::Cancelled | State::Returned => {
            assert_eq!(books, [0; 4], "{}", run_so_far());
        }
    }
    assert_eq!(
        payout.settled_at.is_some(),
        payout.state.is_final(),
        "{}",
        run_so_far()
    );
    let waits_for_an_answer = matches!(payout.state, State::Pending | State::Unknown);
    assert!(
        !waits_for_an_answer || payout.next_query_at.is_some(),
        "nothing will query it: {}",
        run_so_far()
    );
    let may_have_left = payout.sends - payout.not_sent;
    assert!(
        payout.state != State::Queued || may_have_left == 0,
        "{}",
        run_so_far()
    );
}

/// Does what the store would do next: claims a queued payout, and sometimes grants a resubmit.
fn send_what_may_be_sent(
    scenario: &mut Scenario,
    books: &mut [i64; 4],
    steps: &mut Vec<String>,
    dice: &mut StdRng,
) {
    if scenario.payout.state == State::Queued && !scenario.payout.attention.holds_back_claim() {
        scenario.run("claim");
        *books = [
            -scenario.payout.held.idr(),
            scenario.payout.held.idr(),
            0,
            0,
        ];
        steps.push("claim".into());
    } else if scenario.payout.state == State::Unknown && dice.random_range(0..20) == 0 {
        scenario.run("resend");
        steps.push("resend".into());
    }
}
