//! An honest gateway: orders, money, refusals, queries.

use std::time::Duration;

use serde_json::{Value, json};

use super::support::{Bench, genuine, listener, settings, signed, signed_submit};
use crate::{BalanceView, Dialect, Ending, Fault, Script};

#[tokio::test]
async fn an_order_goes_by_all_statuses_and_is_called_back() {
    let bench = Bench::start(settings()).await;
    let (url, mut callbacks) = listener("SUCCESS").await;
    bench.sandbox.script("INV-1", Script::ends(Ending::Stays));
    let (_, answer) = bench.submit("INV-1", Some(&url)).await.unwrap();
    let answer = genuine(&answer);
    assert_eq!(answer["platRespCode"], "SUCCESS");
    assert_eq!(
        (&answer["status"], &answer["fee"], &answer["money"]),
        (&json!(0), &json!("2500"), &json!("10000"))
    );
    assert_eq!(answer.get("description"), None);

    bench.until_status("INV-1", 5).await;
    let report = genuine(&bench.query("INV-1").await.unwrap().1);
    assert_eq!(
        (&report["status"], &report["amount"], &report["fee"]),
        (&json!("5"), &json!(10_000), &json!(2_500))
    );
    assert_eq!(
        bench.sandbox.balance(),
        BalanceView {
            balance: 987_500,
            freeze: 12_500,
            paid: 0
        }
    );

    bench.sandbox.script("INV-1", Script::ends(Ending::Paid));
    let callback = callbacks.recv().await.unwrap();
    assert!(super::support::has_genuine_sign(&callback));
    assert_eq!(
        (&callback["status"], &callback["platOrderNum"]),
        (&json!("2"), &answer["platOrderNum"])
    );
    bench
        .sandbox
        .until(|sandbox| sandbox.order("INV-1").unwrap().acknowledged)
        .await;
    assert_eq!(
        bench.sandbox.balance(),
        BalanceView {
            balance: 987_500,
            freeze: 0,
            paid: 12_500
        }
    );
    assert_eq!(bench.sandbox.queries("INV-1"), 1);
    bench.sandbox.stop().await;
}

#[tokio::test]
async fn refused_submits_are_remembered_and_change_nothing() {
    let bench = Bench::start(settings()).await;
    bench.sandbox.script(
        "INV-1",
        Script {
            ends: Some(Ending::Failed),
            fee_idr: Some(100),
            ..Script::default()
        },
    );
    bench.submit("INV-1", None).await.unwrap();
    bench.until_status("INV-1", 4).await;
    let before = bench.sandbox.balance();
    assert_eq!(
        before,
        BalanceView {
            balance: 1_000_000,
            freeze: 0,
            paid: 0
        },
        "a failed order returns everything"
    );

    let mut forged = signed_submit("INV-2", 10_000, 1, None);
    forged.insert("money".to_owned(), "90000".into());
    let good = |order_num, money_idr, fee_type| signed_submit(order_num, money_idr, fee_type, None);
    let refused = [
        (good("INV-1", 10_000, 1), "order already exists"),
        (
            forged,
            "sign error: the merchant's key did not make it of this text; the text to sign is: \
             014202401310930001S202019862734490000Siti Rahayu0012345678INV-2",
        ),
        (good("INV-3", 2_000_000, 0), "insufficient balance"),
        (good("INV-4", 1_000_000, 1), "insufficient balance"),
        (good("INV-5", 2_500, 0), "the amount does not cover the fee"),
    ];
    for (fields, message) in refused {
        let answer = genuine(&bench.post("/gateway/cash", &fields).await.unwrap().1);
        assert_eq!(
            (&answer["platRespCode"], &answer["platRespMessage"]),
            (&json!("FAIL"), &json!(message))
        );
        assert_eq!(answer["orderNum"], fields["orderNum"]);
    }
    let submits = bench.sandbox.submits();
    let verified: Vec<bool> = submits.iter().map(|seen| seen.verified).collect();
    assert_eq!(verified, [true, true, false, true, true, true]);
    assert_eq!(submits.iter().filter(|seen| seen.booked).count(), 1);
    assert_eq!(
        submits[0].request_sha256, submits[1].request_sha256,
        "the same bytes twice"
    );
    assert_eq!(bench.sandbox.orders().len(), 1);
    assert_eq!(bench.sandbox.balance(), before);
}

#[tokio::test]
async fn toppay_wraps_answers_to_queries_in_an_unsigned_envelope() {
    let bench = Bench::start(crate::Settings {
        dialect: Dialect::Toppay,
        ..settings()
    })
    .await;
    genuine(&bench.submit("INV-1", None).await.unwrap().1);
    bench.until_status("INV-1", 2).await;
    let report: Value = serde_json::from_str(&bench.query("INV-1").await.unwrap().1).unwrap();
    assert_eq!(
        (&report["success"], &report["code"]),
        (&json!(true), &json!(1000))
    );
    assert_eq!(
        (&report["data"]["amount"], &report["data"]["status"]),
        (&json!("10000"), &json!(2))
    );
    let unknown: Value = serde_json::from_str(&bench.query("INV-2").await.unwrap().1).unwrap();
    assert_eq!(
        (&unknown["success"], &unknown["message"]),
        (&json!(false), &json!("order does not exist"))
    );
    let query = signed(json!({"merchantCode": "S2020198627344", "dateTime": "20240131093000"}));
    let balance = bench
        .post("/gateway/interface/getBalance", &query)
        .await
        .unwrap()
        .1;
    let balance: Value = serde_json::from_str(&balance).unwrap();
    assert_eq!(balance["data"][0]["balance"], "987500.00000000");
}

#[tokio::test]
async fn an_unknown_order_does_not_exist_and_the_balance_is_signed() {
    let bench = Bench::start(settings()).await;
    let report = genuine(&bench.query("INV-9").await.unwrap().1);
    assert_eq!(
        (&report["platRespCode"], &report["orderNum"]),
        (&json!("NOTEXIST"), &json!("INV-9"))
    );
    let query = signed(json!({"merchantCode": "S2020198627344", "dateTime": "20240131093000"}));
    let balance = genuine(
        &bench
            .post("/gateway/interface/getBalance", &query)
            .await
            .unwrap()
            .1,
    );
    assert_eq!(
        (&balance["balance"], &balance["pendMoney"]),
        (&json!(1_000_000), &json!(0))
    );
}

#[tokio::test]
async fn a_fee_can_be_corrected_at_the_end() {
    let bench = Bench::start(settings()).await;
    bench.sandbox.script(
        "INV-1",
        Script {
            final_fee_idr: Some(3_000),
            ..Script::default()
        },
    );
    bench.submit("INV-1", None).await.unwrap();
    bench.until_status("INV-1", 2).await;
    assert_eq!(
        bench.sandbox.balance(),
        BalanceView {
            balance: 987_000,
            freeze: 0,
            paid: 13_000
        }
    );
}

#[tokio::test]
async fn the_admin_side_shows_masked_submits_and_takes_switches() {
    let bench = Bench::start(settings()).await;
    let url = bench.sandbox.url();
    bench.submit("INV-1", None).await.unwrap();
    let get = async |path: &str| {
        bench
            .client
            .get(format!("{url}{path}"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    };
    let post = async |path: &str, body: &'static str| {
        let request = bench
            .client
            .post(format!("{url}{path}"))
            .header("content-type", "application/json")
            .body(body);
        request.send().await.unwrap().status().as_u16()
    };
    for path in ["/admin", "/admin/submits", "/admin/orders"] {
        let text = get(path).await;
        assert!(
            text.contains("INV-1") && !text.contains("0012345678") && !text.contains("Rahayu"),
            "{text}"
        );
    }
    assert_eq!(post("/admin/fault", r#"{"fault":"unknown"}"#).await, 200);
    assert!(get("/admin/fault").await.contains(r#""fault":"unknown""#));
    assert_eq!(post("/admin/fault", "down").await, 200);
    assert!(bench.query("INV-1").await.is_err());
    assert_eq!(post("/admin/fault", "nonsense").await, 400);
    assert_eq!(post("/admin/fault", "off").await, 200);
    assert!(bench.query("INV-1").await.is_ok());
    assert_eq!(post("/admin/topup", r#"{"amount":500}"#).await, 200);
    assert_eq!(post("/admin/topup", r#"{"amount":-9000000}"#).await, 400);
    assert_eq!(post("/admin/callback?order=INV-1", "").await, 200);
    assert_eq!(post("/admin/callback?order=INV-2", "").await, 404);
    assert!(Fault::ALL.len() > 30);
}

#[tokio::test]
async fn stopping_waits_for_nobody_who_is_kept_waiting() {
    let Bench { sandbox, client } = Bench::start(settings()).await;
    let submit = |fault: Fault| {
        sandbox.script(fault.word(), Script::fault(fault));
        let body = serde_json::to_string(&signed_submit(fault.word(), 10_000, 1, None)).unwrap();
        let url = format!("{}/gateway/cash", sandbox.url());
        let request = client
            .post(url)
            .header("content-type", "application/json")
            .body(body);
        tokio::spawn(request.send())
    };
    let waiting = [submit(Fault::Slow), submit(Fault::NoAnswerAfter)];
    sandbox.until(|sandbox| sandbox.orders().len() == 2).await;
    tokio::time::timeout(Duration::from_secs(2), sandbox.stop())
        .await
        .unwrap();
    for answer in waiting {
        assert!(answer.await.unwrap().is_err());
    }
}
