//! One submit, one answer, one meaning; and never more than one request.

use std::time::Duration;

use chrono::{TimeZone, Utc};
use payout_domain::{
    evidence::{Doubt, GatewayStatus, SubmitAnswer},
    money::Rupiah,
};
use payout_permit::Submission;
use payout_sandbox::{Fault, Script};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::support::{
    Bench, MERCHANT, TIMEOUT, client, doubt, instruction, not_sent, permit, settings, submit,
};
use crate::{Client, Dialect, SealError};

#[tokio::test]
async fn an_accepted_submit_is_acknowledged_in_both_dialects() {
    for dialect in [Dialect::BDPAY, Dialect::TOPPAY] {
        let bench = Bench::start(dialect).await;
        let permit = permit(&bench.client, "INV-1", Duration::from_mins(1));
        let sha256 = base16ct::lower::encode_string(&permit.request().request_sha256);
        let submission = bench.client.submit(permit).await;
        let Submission::Sent { answer, detail } = submission else {
            panic!("{submission:?}");
        };
        let platform_order_num = bench.sandbox.order("INV-1").map(|o| o.platform_order_num);
        let expected = SubmitAnswer::Acknowledged {
            platform_order_num,
            fee: Some(Rupiah::new(2_500)),
            status: GatewayStatus::New,
        };
        assert_eq!(answer, expected);
        let shown = detail.to_string();
        assert!(
            !shown.contains("0012345678") && !shown.contains("Siti"),
            "{shown}"
        );
        assert!(
            !shown.contains("platSign") && detail["http_status"] == 200,
            "{shown}"
        );
        let seen = bench.sandbox.submits();
        assert_eq!((seen.len(), &seen[0].request_sha256), (1, &sha256));
        assert!(seen[0].verified && seen[0].booked);
    }
}

#[tokio::test]
async fn every_bad_answer_is_a_doubt_after_one_request() {
    let bench = Bench::start(Dialect::BDPAY).await;
    for (fault, expected) in [
        (Fault::Unknown, Doubt::GatewayUnsure),
        (Fault::UnknownLost, Doubt::GatewayUnsure),
        (Fault::BadSign, Doubt::BadSignature),
        (Fault::Http500, Doubt::HttpStatus),
        (Fault::Http500Books, Doubt::HttpStatus),
        (Fault::Redirect, Doubt::HttpStatus),
        (Fault::Garbage, Doubt::Unreadable),
        (Fault::Html, Doubt::Unreadable),
        (Fault::WrongAmount, Doubt::Foreign),
        (Fault::WrongOrder, Doubt::Foreign),
        (Fault::Truncated, Doubt::ConnectionLost),
        (Fault::CutAfter, Doubt::ConnectionLost),
        (Fault::NoAnswerBefore, Doubt::Timeout),
        (Fault::NoAnswerAfter, Doubt::Timeout),
        (Fault::LateBooking, Doubt::Timeout),
        (Fault::Slow, Doubt::Timeout),
    ] {
        bench.sandbox.script(fault.word(), Script::fault(fault));
        let submission = submit(&bench.client, fault.word()).await;
        assert_eq!(doubt(&submission), expected, "{fault}");
        assert_eq!(bench.seen(fault.word()), 1, "{fault}");
    }
}

#[tokio::test]
async fn a_refusal_is_declined_with_its_words() {
    let bench = Bench::start(Dialect::BDPAY).await;
    for fault in [Fault::Fail, Fault::FailBusyBooks] {
        bench.sandbox.script(fault.word(), Script::fault(fault));
        let submission = submit(&bench.client, fault.word()).await;
        let message = "bank maintenance".to_owned();
        assert!(
            matches!(&submission, Submission::Sent { answer, .. }
                if *answer == SubmitAnswer::Declined { message }),
            "{submission:?}"
        );
        assert_eq!(bench.seen(fault.word()), 1, "{fault}");
    }
}

#[tokio::test]
async fn a_connection_closed_unread_leaves_at_most_a_doubt() {
    let bench = Bench::start(Dialect::BDPAY).await;
    bench.sandbox.set_fault(Fault::Down);
    match submit(&bench.client, "INV-1").await {
        Submission::NotSent { .. } => {}
        sent @ Submission::Sent { .. } => assert_eq!(doubt(&sent), Doubt::ConnectionLost),
    }
    assert_eq!(bench.seen("INV-1"), 0);
}

#[tokio::test]
async fn after_the_last_moment_nothing_is_sent() {
    let bench = Bench::start(Dialect::BDPAY).await;
    let late = permit(&bench.client, "INV-1", Duration::ZERO);
    let reason = not_sent(bench.client.submit(late).await);
    assert_eq!(reason, "the time to send had passed");
    assert_eq!(bench.sandbox.submits().len(), 0);
}

#[tokio::test]
async fn a_permit_of_another_merchant_is_not_used() {
    let bench = Bench::start(Dialect::BDPAY).await;
    let mut others = settings(&bench.sandbox.url(), Dialect::BDPAY);
    others.merchant_code = "S9".into();
    let others = Client::new(others).expect("a client");
    let permit = permit(&bench.client, "INV-1", TIMEOUT);
    not_sent(others.submit(permit).await);
    assert_eq!(bench.sandbox.submits().len(), 0);
    let error = others.seal(&instruction("INV-1"), Utc::now()).err();
    assert_eq!(error, Some(SealError::OtherMerchant));
}

#[test]
fn the_sealed_request_follows_the_protocol() {
    let now = Utc
        .with_ymd_and_hms(2024, 1, 31, 18, 30, 5)
        .single()
        .expect("a time");
    let mut settings = settings("https://gateway.example", Dialect::TOPPAY);
    settings.notify_url = Some("https://merchant.example/callback".into());
    let client = Client::new(settings).expect("a client");
    let mut instruction = instruction("INV-1");
    instruction.description = Some(String::new());
    let sealed = client.seal(&instruction, now).expect("a request");
    assert_eq!(
        sealed.request_sha256,
        <[u8; 32]>::from(Sha256::digest(&sealed.body))
    );
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(&sealed.body) else {
        panic!("an object");
    };
    assert!(fields.remove("sign").is_some());
    let expected = serde_json::json!({
        "merchantCode": MERCHANT, "orderNum": "INV-1", "money": "10000", "feeType": "0",
        "bankCode": "014", "number": "0012345678", "name": "Siti Rahayu",
        "dateTime": "20240201013005", "notifyUrl": "https://merchant.example/callback",
        "method": "Transfer", "orderType": "0",
    });
    assert_eq!(Value::Object(fields), expected);
    instruction.bank_code = String::new();
    assert_eq!(
        client.seal(&instruction, now).err(),
        Some(SealError::Empty("bankCode"))
    );
    instruction.amount = Rupiah::ZERO;
    assert_eq!(
        client.seal(&instruction, now).err(),
        Some(SealError::Amount)
    );
}

#[test]
fn what_a_client_is_and_is_not_made_from() {
    let good = client("https://gateway.example");
    assert!(good.self_check().is_ok() && good.dialect().capabilities().balance_is_signed);
    let fingerprints = good.platform_fingerprints();
    assert!(fingerprints.len() == 2 && fingerprints.is_sorted());
    assert!(!format!("{good:?}").contains("key"));
    for bad in ["", "gateway.example", "ftp://gateway.example"] {
        assert!(Client::new(settings(bad, Dialect::BDPAY)).is_err(), "{bad}");
    }
    let mut keyless = settings("https://gateway.example", Dialect::BDPAY);
    keyless.platform_public_keys.clear();
    assert!(Client::new(keyless).is_err());
}
