//! Queries about orders, and the balance.

use payout_domain::{
    evidence::{Doubt, Found, GatewayStatus, QueryAnswer},
    money::Rupiah,
};
use payout_sandbox::{Ending, Fault, Script};

use super::support::{Bench, client, submit};
use crate::{Dialect, GatewayBalance};

#[tokio::test]
async fn a_paid_order_is_found_in_both_dialects() {
    for dialect in [Dialect::BDPAY, Dialect::TOPPAY] {
        let bench = Bench::start(dialect).await;
        submit(&bench.client, "INV-1").await;
        bench.until_status("INV-1", 2).await;
        let reply = bench.client.query("INV-1").await;
        let order = bench.sandbox.order("INV-1").expect("the order");
        let found = Found {
            platform_order_num: Some(order.platform_order_num),
            amount: Some(Rupiah::new(10_000)),
            fee: Some(Rupiah::new(2_500)),
            status: GatewayStatus::Paid,
            message: "Success".into(),
            signed: dialect == Dialect::BDPAY,
        };
        assert_eq!(reply.answer, QueryAnswer::Found(found));
        assert_eq!(reply.detail["status"], "2");
    }
}

#[tokio::test]
async fn a_failed_order_is_found_failed() {
    let bench = Bench::start(Dialect::BDPAY).await;
    bench
        .sandbox
        .script("INV-1", Script::ends(Ending::Cancelled));
    submit(&bench.client, "INV-1").await;
    bench.until_status("INV-1", 3).await;
    let answer = bench.client.query("INV-1").await.answer;
    assert!(
        matches!(&answer, QueryAnswer::Found(found) if found.status == GatewayStatus::Cancelled),
        "{answer:?}"
    );
}

#[tokio::test]
async fn only_a_signed_answer_counts_as_not_found() {
    let signed = Bench::start(Dialect::BDPAY).await;
    assert_eq!(
        signed.client.query("INV-1").await.answer,
        QueryAnswer::NotFound
    );
    let unsigned = Bench::start(Dialect::TOPPAY).await;
    let answer = unsigned.client.query("INV-1").await.answer;
    assert_eq!(answer, QueryAnswer::Doubt(Doubt::GatewayUnsure));
}

#[tokio::test]
async fn a_bad_answer_to_a_query_is_a_doubt() {
    for (dialect, fault, expected) in [
        (Dialect::BDPAY, Fault::QueryUnknown, Doubt::GatewayUnsure),
        (Dialect::TOPPAY, Fault::QueryUnknown, Doubt::GatewayUnsure),
        (Dialect::BDPAY, Fault::QueryHttp500, Doubt::HttpStatus),
        (Dialect::BDPAY, Fault::QueryBadSign, Doubt::BadSignature),
        (Dialect::BDPAY, Fault::QuerySlow, Doubt::Timeout),
        (Dialect::BDPAY, Fault::Down, Doubt::ConnectionLost),
    ] {
        let bench = Bench::start(dialect).await;
        submit(&bench.client, "INV-1").await;
        bench.sandbox.set_fault(fault);
        let answer = bench.client.query("INV-1").await.answer;
        assert_eq!(answer, QueryAnswer::Doubt(expected), "{fault}");
    }
}

#[tokio::test]
async fn the_balance_is_read_in_both_dialects() {
    for dialect in [Dialect::BDPAY, Dialect::TOPPAY] {
        let bench = Bench::start(dialect).await;
        bench.sandbox.script("INV-1", Script::ends(Ending::Stays));
        submit(&bench.client, "INV-1").await;
        let signed = bench.client.dialect().capabilities().balance_is_signed;
        let expected = GatewayBalance {
            balance: Rupiah::new(990_000),
            freeze: Rupiah::new(10_000),
            pending: Rupiah::ZERO,
            signed,
        };
        assert_eq!(bench.client.balance().await, Ok(expected));
        assert_eq!(signed, dialect == Dialect::BDPAY);
    }
}

#[tokio::test]
async fn nobody_there_is_unreachable() {
    let bench = Bench::start(Dialect::BDPAY).await;
    let client = client(&bench.sandbox.url());
    bench.sandbox.stop().await;
    let answer = client.query("INV-1").await.answer;
    assert_eq!(answer, QueryAnswer::Doubt(Doubt::Unreachable));
    let none = client.balance().await.expect_err("nobody is there");
    assert_eq!(none.to_string(), "unreachable (connection refused)");
}
