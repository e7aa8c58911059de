//! Callbacks: what verifies, what does not, and what is refused before any check of a signature.

use bytes::Bytes;
use form_urlencoded::Serializer;
use payout_domain::{callback::Binding, evidence::GatewayStatus};

use super::support::{Bench, MERCHANT_KEY, PLATFORM_KEY, client, instruction};
use crate::{CallbackVerdict, Dialect, keys, read_callback_order, sign};

const FIELDS: [(&str, &str); 10] = [
    ("bankCode", "014"),
    ("fee", "2500"),
    ("feeType", "0"),
    ("money", "10000"),
    ("name", "Siti Rahayu"),
    ("number", "0012345678"),
    ("orderNum", "INV-1"),
    ("platOrderNum", "W2024013109300001"),
    ("status", "2"),
    ("statusMsg", "Success"),
];

/// A form that `key` signed.
fn form(key: &rsa::PrivateKey, fields: &[(&str, &str)]) -> String {
    let signature = sign::sign(key, &sign::signed_text(fields.iter().copied()));
    Serializer::new(String::new())
        .extend_pairs(fields)
        .append_pair("platSign", &signature.expect("a signature"))
        .finish()
}

async fn verdict(body: impl Into<String>) -> CallbackVerdict {
    let client = client("https://gateway.example");
    client.verify_callback(Bytes::from(body.into())).await
}

#[tokio::test]
async fn a_genuine_callback_verifies_and_binds() {
    let body = form(&PLATFORM_KEY, &FIELDS);
    assert_eq!(read_callback_order(body.as_bytes()), Some("INV-1".into()));
    let raw_plus = body.replace("%2B", "+");
    for body in [body.clone(), raw_plus] {
        let CallbackVerdict::Verified(callback) = verdict(body).await else {
            panic!("it verifies");
        };
        assert_eq!(callback.status(), GatewayStatus::Paid);
        assert_eq!(callback.digest().len(), 32);
        let binding = callback.bind(&instruction("INV-1"), Some("W2024013109300001"));
        assert!(matches!(binding, Binding::BoundPaid { .. }), "{binding:?}");
    }
    // Any of the platform's keys may have signed, and empty values contribute nothing.
    let mut fields = FIELDS.to_vec();
    fields.push(("description", ""));
    let other = verdict(form(&MERCHANT_KEY, &fields)).await;
    assert!(matches!(other, CallbackVerdict::Verified(_)));
}

#[tokio::test]
async fn a_signed_text_of_several_blocks_does_not_bind() {
    let long = "a".repeat(100);
    let mut fields = FIELDS.to_vec();
    fields.push(("description", &long));
    let CallbackVerdict::Verified(callback) = verdict(form(&PLATFORM_KEY, &fields)).await else {
        panic!("it verifies");
    };
    let mut sent = instruction("INV-1");
    sent.description = Some(long.clone());
    let binding = callback.bind(&sent, Some("W2024013109300001"));
    assert!(matches!(binding, Binding::Unbound(_)), "{binding:?}");
}

#[tokio::test]
async fn a_forged_callback_does_not_verify() {
    let genuine = form(&PLATFORM_KEY, &FIELDS);
    let stranger = keys::generate(1024).expect("a key");
    let (unsigned, signature) = genuine.rsplit_once("&platSign=").expect("a signature");
    for forged in [
        form(&stranger, &FIELDS),
        genuine.replace("status=2", "status=4"),
        genuine.replace("money=10000", "money=99999"),
        format!("{genuine}&extra=1"),
        unsigned.to_owned(),
        format!("{unsigned}&platSign="),
        format!("{unsigned}&platSign={signature}{signature}"),
        format!("{unsigned}&platSign=%21"),
    ] {
        assert_eq!(
            verdict(forged.as_str()).await,
            CallbackVerdict::BadSignature,
            "{forged:.60}"
        );
    }
}

#[tokio::test]
async fn a_strange_form_is_refused_before_any_rsa() {
    let genuine = form(&PLATFORM_KEY, &FIELDS);
    for strange in [
        String::new(),
        "{}".into(),
        format!("{genuine}&status=2"),
        format!("{genuine}&pad={}", "x".repeat(8 * 1024)),
        format!("{genuine}&a=%00"),
        format!("{genuine}&a=%ff"),
        genuine.replace("INV-1", "INV%201"),
        genuine.replace("INV-1", ""),
        genuine.replace("INV-1", &"9".repeat(33)),
        (0..99).fold(genuine.clone(), |body, n| format!("{body}&k{n}=")),
    ] {
        assert_eq!(
            read_callback_order(strange.as_bytes()),
            None,
            "{strange:.60}"
        );
        let verdict = verdict(strange.as_str()).await;
        assert!(
            matches!(verdict, CallbackVerdict::Malformed(_)),
            "{strange:.60}"
        );
    }
}

#[tokio::test]
async fn what_the_sandbox_sends_verifies() {
    let (url, mut bodies) = receiver().await;
    let bench = Bench::start(Dialect::BDPAY).await;
    let mut settings = super::support::settings(&bench.sandbox.url(), Dialect::BDPAY);
    settings.notify_url = Some(url);
    let client = crate::Client::new(settings).expect("a client");
    super::support::submit(&client, "INV-1").await;
    let body = bodies.recv().await.expect("a callback");
    assert_eq!(read_callback_order(&body), Some("INV-1".into()));
    let CallbackVerdict::Verified(callback) = client.verify_callback(body).await else {
        panic!("it verifies");
    };
    let order = bench.sandbox.order("INV-1").expect("the order");
    let binding = callback.bind(&instruction("INV-1"), Some(&order.platform_order_num));
    assert!(matches!(binding, Binding::BoundPaid { .. }), "{binding:?}");
}

/// An address that receives callbacks.
async fn receiver() -> (String, tokio::sync::mpsc::UnboundedReceiver<Bytes>) {
    let (sender, bodies) = tokio::sync::mpsc::unbounded_channel();
    let take = async move |body: Bytes| {
        sender.send(body).ok();
        "SUCCESS"
    };
    let routes = axum::Router::new().route("/callback", axum::routing::post(take));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!(
        "http://{}/callback",
        listener.local_addr().expect("an address")
    );
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, bodies)
}
