//! Each fault does what it says.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::{Bench, genuine, has_genuine_sign, settings};
use crate::{Ending, Fault, Pace, Script, Settings};

/// Submits one order under a script. Returns the answer, and whether the order now exists.
async fn submit_under(bench: &Bench, fault: Fault) -> (Option<(u16, String)>, bool) {
    let order_num = fault.word();
    bench.sandbox.script(
        order_num,
        Script {
            fault: Some(fault),
            ends: Some(Ending::Stays),
            ..Script::default()
        },
    );
    let answer =
        tokio::time::timeout(Duration::from_millis(200), bench.submit(order_num, None)).await;
    (
        answer.ok().and_then(Result::ok),
        bench.sandbox.order(order_num).is_some(),
    )
}

#[tokio::test]
async fn unreadable_answers_come_with_or_without_a_booking() {
    let bench = Bench::start(settings()).await;
    for (fault, status, part, booked) in [
        (Fault::Http500, 500, "", false),
        (Fault::Http500Books, 500, "", true),
        (Fault::Garbage, 200, "}{", true),
        (Fault::Html, 200, "<html>", true),
        (Fault::Redirect, 307, "", false),
    ] {
        let (answer, exists) = submit_under(&bench, fault).await;
        let (code, text) = answer.unwrap();
        assert_eq!((code, exists), (status, booked), "{fault}");
        assert!(text.starts_with(part), "{fault}: {text}");
    }
}

#[tokio::test]
async fn missing_answers_come_with_or_without_a_booking() {
    let bench = Bench::start(settings()).await;
    for (fault, booked) in [
        (Fault::NoAnswerBefore, false),
        (Fault::NoAnswerAfter, true),
        (Fault::CutAfter, true),
        (Fault::Truncated, true),
        (Fault::Slow, true),
        (Fault::LateBooking, false),
        (Fault::Down, false),
    ] {
        assert_eq!(submit_under(&bench, fault).await, (None, booked), "{fault}");
    }
    bench
        .sandbox
        .until(|sandbox| sandbox.order("late_booking").is_some())
        .await;
    let answers: Vec<String> = bench
        .sandbox
        .submits()
        .into_iter()
        .map(|seen| seen.answer)
        .collect();
    assert_eq!(
        answers,
        [
            "no answer",
            "no answer",
            "closed",
            "torn",
            "SUCCESS",
            "no answer",
            "closed"
        ]
    );
}

#[tokio::test]
async fn signed_refusals_come_with_or_without_a_booking() {
    let bench = Bench::start(settings()).await;
    for (fault, word, booked) in [
        (Fault::Unknown, "UNKNOWN", true),
        (Fault::UnknownLost, "UNKNOWN", false),
        (Fault::Fail, "FAIL", false),
        (Fault::FailBusyBooks, "FAIL", true),
    ] {
        let (answer, exists) = submit_under(&bench, fault).await;
        let answer = genuine(&answer.unwrap().1);
        assert_eq!(
            (&answer["platRespCode"], exists),
            (&json!(word), booked),
            "{fault}"
        );
        assert_eq!(answer["orderNum"], fault.word());
    }
}

#[tokio::test]
async fn wrong_echoes_are_signed_and_a_bad_sign_is_not() {
    let bench = Bench::start(settings()).await;
    let answer = genuine(&submit_under(&bench, Fault::WrongAmount).await.0.unwrap().1);
    assert_eq!(answer["money"], "10001");
    let answer = genuine(&submit_under(&bench, Fault::WrongOrder).await.0.unwrap().1);
    assert_eq!(answer["orderNum"], "Xwrong_order");
    let (answer, exists) = submit_under(&bench, Fault::BadSign).await;
    assert!(exists && !has_genuine_sign(&serde_json::from_str(&answer.unwrap().1).unwrap()));
}

#[tokio::test]
async fn a_lost_order_is_never_found_and_a_healed_unknown_one_is() {
    let bench = Bench::start(settings()).await;
    bench.sandbox.set_fault(Fault::Lost);
    let mut words = 0;
    for n in 0..8 {
        words += usize::from(bench.submit(&format!("LOST-{n}"), None).await.is_ok());
    }
    assert!(
        (1..8).contains(&words),
        "some are answered, some are cut: {words}"
    );
    bench.sandbox.set_fault(Fault::Unknown);
    bench.submit("INV-1", None).await.unwrap();
    bench.sandbox.heal();
    bench.until_status("INV-1", 2).await;
    assert_eq!(
        genuine(&bench.query("INV-1").await.unwrap().1)["status"],
        "2"
    );
    assert_eq!(
        genuine(&bench.query("LOST-0").await.unwrap().1)["platRespCode"],
        "NOTEXIST"
    );
    assert_eq!(
        (bench.sandbox.submits().len(), bench.sandbox.orders().len()),
        (9, 1)
    );
}

#[tokio::test]
async fn down_closes_everything_unread_until_it_is_healed() {
    let bench = Bench::start(settings()).await;
    bench.submit("INV-1", None).await.unwrap();
    bench.sandbox.set_fault(Fault::Down);
    assert!(
        bench.submit("INV-2", None).await.is_err(),
        "on the connection that was open"
    );
    assert!(bench.query("INV-1").await.is_err(), "on a new one");
    assert_eq!(bench.sandbox.submits().len(), 1);
    bench.sandbox.heal();
    assert!(bench.submit("INV-2", None).await.is_ok());
}

#[tokio::test]
async fn queries_misbehave_when_the_fault_is_about_queries() {
    let pace = Pace {
        slow_answer_ms: 1,
        ..Pace::quick()
    };
    let bench = Bench::start(Settings { pace, ..settings() }).await;
    bench.submit("INV-1", None).await.unwrap();
    bench.until_status("INV-1", 2).await;
    let query = async || bench.query("INV-1").await.unwrap();
    bench.sandbox.set_fault(Fault::QueryUnknown);
    assert_eq!(genuine(&query().await.1)["platRespCode"], "UNKNOWN");
    bench.sandbox.set_fault(Fault::QueryNotFound);
    assert_eq!(genuine(&query().await.1)["platRespCode"], "NOTEXIST");
    bench.sandbox.set_fault(Fault::QueryHttp500);
    assert_eq!(query().await.0, 500);
    bench.sandbox.set_fault(Fault::QuerySlow);
    assert_eq!(genuine(&query().await.1)["status"], "2");
    bench.sandbox.set_fault(Fault::QueryBadSign);
    assert!(!has_genuine_sign(
        &serde_json::from_str(&query().await.1).unwrap()
    ));
    bench.sandbox.set_fault(Fault::QueryWrongAmount);
    assert_eq!(genuine(&query().await.1)["amount"], 1_000_000);
}

#[tokio::test]
async fn a_final_status_flips_on_the_second_query() {
    let bench = Bench::start(settings()).await;
    for (fault, ending, first, then) in [
        (Fault::FlipAfterPaid, Ending::Paid, "2", "4"),
        (Fault::FlipAfterFailed, Ending::Failed, "4", "2"),
    ] {
        let order_num = fault.word();
        bench.sandbox.script(
            order_num,
            Script {
                fault: Some(fault),
                ends: Some(ending),
                ..Script::default()
            },
        );
        bench.submit(order_num, None).await.unwrap();
        bench.until_status(order_num, first.parse().unwrap()).await;
        for expected in [first, then, then] {
            let report: Value = genuine(&bench.query(order_num).await.unwrap().1);
            assert_eq!(report["status"], expected, "{fault}");
        }
    }
}
