//! Keys, requests and the merchant's side for the sandbox's own tests.

use std::sync::Arc;

use axum::{Router, extract::State, routing::post};
use chrono::Utc;
use rsa::{PrivateKey, PublicKey};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::mpsc};

use crate::{
    Dialect, Pace, Sandbox, Settings, keys,
    order::{Order, Status},
    request,
    wire::{self, Fields},
};

/// Made for these tests; it guards nothing.
pub(crate) const MERCHANT_KEY: &str = "\
MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAMeeNkHjgXvUohs5KBMMrZxyH9fT94WWkDTP6iYwgGPX7Mz8zc5w
hGwgKs4v7a+yy80QuHD1rQvsToBfXNm2AAqHCd5ZN9OTMqNZZCDPmwDtRoI1jzcT+a0Slmfxi6bOEHwbBYDaaaXE9seGdtlCnl9b
x9ylJYNColBLI+LlRreDAgMBAAECgYALiOXjuszBphDT9+KL70Cc+K9EXnhAHOoqUxVZrZXNry18zuLpmfDc+qLelUBr1a4XJG8z
/85HERmcK2aHIhAwcTgZzw+NZKk7k1oxEYWyhYHYLjIqfnugAtetShwJ/9s4zD81bjAqu9No+XlYbv2EqcP1gNYfiazNXQXyIDox
wQJBAP+7xcdRshs7IUonhbcWYijCKNLEDRUaVEZa67h6KPuepjgO7GTKcegcRO9a14/j2FjNr1p4atRD8k8gV1gVTaMCQQDH03ff
4nMdV0fiXcTS+UtV934W/a6VEiX/smJYwBgXcvDCcoMPPE89ttS7UjpS8XEXFHR87Y9rkvUDkGmsIcyhAkAPXNdfxu+dJSs1yjQF
MKoK6scLCk4C44cGhvW8KlKF8xznJzZaQ7MeD3ywqFNkyHo5s3mCRNOeFsraqAW3O+hjAkBYt+nMC/VB/KNcvHcLmEU7aMOhn4Xo
h4M5cFC7yKWpm42LN1464HLqGod+l3ZvpuSn85v4b1yyzS9dIrvYAbWhAkEAwM7VqIqKATeQJtxPwMgDWKb//jO791aiXuzwx3kK
hm1OduvG9rlmPMk+1+DQr9tUmslUHHloir81LlI2NPanGw==";

const PLATFORM_KEY: &str = "\
MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAK8JqPSlxv6DVUaCGOIoxKbXR/gkaPEopBizJIvN/a5nmF1HCP17
WL1pF+SMdkcHgxDeVrCNVk2bkh32rbjbJOttGRmdzDMMMl4VDVXJFF2SRoslMkhJDfEoRJmojNhRBFSIUQDCg6l+X7+DRMxloB8/
uTgLu/TbuV/jEu6Mdy73AgMBAAECgYAdrO6XI6/8IHoJrS7Y0P6eJquN92ZPVIuVoHGWvkK/GdMsJUnx58KgwjuJxQKcgjqHVpqt
7hhuqex45gSH7adxdtKPu1+yLIGFhJPyPOySFq41EtOwcGTgl2is01vKAa+DY4fSbNL688KSaitjyJSlO2z+nlfMvQ9dOfiY/7k7
UQJBANXrgyp+oj5NsvaVT94wzMLK+T6Ul7G5bNXZVU4gN+ydJRNg+mmOjs4K5pf+REIim7zprty1QKGiDttGOO40e18CQQDReCIT
YGxH5fVIga5kBA1WTquRHoBpfu8tCqdnA17PC1hl9OMmcaRQZyMjOME7pkyavof6UtO55JNJVIJejItpAkEAmtHrSSsDMwI63plr
h0xcNTJ/NtqF+vtPGGpFgdhxgQ6uUZsjQJgLJHXhM+my7wZrHksl4dhQIWrPQ8VL2KIlEwJBALrUoeASgsHmM87GDBudGaA/bvty
7yopU38jH4jcErYs8l2N/QSPG/Wy6D5EIuXnQDBNfM8jDUGixFQFknpudPECQGjdnLcUR/1xIj9mC2IzYBRh0YGOV2HnHDNgX1yi
NeGvuLTN1Jn44rhCcED3zISP6eLn4z+6f1UnZ2/I4vFdYUw=";

/// "hello" signed with [`MERCHANT_KEY`] by openssl.
pub(crate) const HELLO_SIGNED: &str = "\
u0Sh4cIPVKyFWYeeetQHUZJ0euDlwwMBOMqUpBHaWIq/HKBXA0tijYt11hvsY/EqhDDm3c1BOxG9LQwS6MAtxqeksucyOM1PXnULeOLrrdTN\
VYgH6b17nltIFixynKavLP8+8ILzBUuExRPGNSK8u8HldD469CHeXi7nlLIdldo=";

/// The merchant's own key.
pub(crate) fn merchant_key() -> PrivateKey {
    keys::parse_private_key(MERCHANT_KEY).unwrap()
}

/// Verifies the sandbox's answers and callbacks.
pub(crate) fn platform_public_key() -> PublicKey {
    keys::parse_private_key(PLATFORM_KEY)
        .unwrap()
        .to_public_key()
}

/// Settings of a quick sandbox with a million rupiah in which nothing fails by chance.
pub(crate) fn settings() -> Settings {
    Settings {
        dialect: Dialect::Bdpay,
        merchant_code: "S2020198627344".to_owned(),
        merchant_public_key: merchant_key().to_public_key(),
        platform_private_key: keys::parse_private_key(PLATFORM_KEY).unwrap(),
        balance_idr: 1_000_000,
        fee_idr: Settings::DEFAULT_FEE_IDR,
        pace: Pace::quick(),
        fail_percent: 0,
        seed: 7,
        strict: false,
    }
}

/// Adds the merchant's signature.
pub(crate) fn signed(fields: Value) -> Fields {
    let Value::Object(mut fields) = fields else {
        panic!("an object")
    };
    let sign = wire::sign(&merchant_key(), &wire::signed_text(&fields, "sign")).unwrap();
    fields.insert("sign".to_owned(), sign.into());
    fields
}

/// A correct submit.
pub(crate) fn signed_submit(
    order_num: &str,
    money_idr: i64,
    fee_type: u8,
    notify_url: Option<&str>,
) -> Fields {
    let mut fields = json!({
        "merchantCode": "S2020198627344", "orderNum": order_num, "money": money_idr.to_string(),
        "feeType": fee_type.to_string(), "bankCode": "014", "number": "0012345678", "name": "Siti Rahayu",
        "dateTime": "20240131093000",
    });
    if let Some(url) = notify_url {
        fields["notifyUrl"] = url.into();
    }
    signed(fields)
}

/// A paid order.
pub(crate) fn order(order_num: &str) -> Order {
    Order {
        submit: request::read_submit(&signed_submit(order_num, 10_000, 1, None)).unwrap(),
        platform_order_num: "W20240131093000000001".to_owned(),
        fee_idr: 2_500,
        status: Status::Paid,
        booked_at: Utc::now(),
        notified: 0,
        acknowledged: false,
        final_reads: 0,
    }
}

/// A sandbox and a client for it.
pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: reqwest::Client,
}

impl Bench {
    pub(crate) async fn start(settings: Settings) -> Self {
        let sandbox = Sandbox::start(settings, ([127, 0, 0, 1], 0).into())
            .await
            .unwrap();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { sandbox, client }
    }

    /// Posts fields as they are and returns status and body.
    pub(crate) async fn post(&self, path: &str, fields: &Fields) -> reqwest::Result<(u16, String)> {
        let request = self.client.post(format!("{}{path}", self.sandbox.url()));
        let body = serde_json::to_string(fields).unwrap();
        let request = request
            .header("content-type", "application/json; charset=utf-8")
            .body(body);
        let response = request.send().await?;
        let status = response.status().as_u16();
        Ok((status, response.text().await?))
    }

    /// Submits 10 000 rupiah with the fee on top.
    pub(crate) async fn submit(
        &self,
        order_num: &str,
        notify_url: Option<&str>,
    ) -> reqwest::Result<(u16, String)> {
        self.post(
            "/gateway/cash",
            &signed_submit(order_num, 10_000, 1, notify_url),
        )
        .await
    }

    /// Queries an order.
    pub(crate) async fn query(&self, order_num: &str) -> reqwest::Result<(u16, String)> {
        let fields = json!({"merchantCode": "S2020198627344", "orderNum": order_num, "dateTime": "20240131093000"});
        self.post("/gateway/query", &signed(fields)).await
    }

    /// Waits until an order has this status.
    pub(crate) async fn until_status(&self, order_num: &str, status: u8) {
        self.sandbox
            .until(|sandbox| {
                sandbox
                    .order(order_num)
                    .is_some_and(|order| order.status == status)
            })
            .await;
    }
}

/// Reads an answer, which must have the platform's signature.
pub(crate) fn genuine(answer: &str) -> Value {
    let fields: Fields = serde_json::from_str(answer).unwrap();
    assert!(has_genuine_sign(&fields), "{answer}");
    Value::Object(fields)
}

pub(crate) fn has_genuine_sign(fields: &Fields) -> bool {
    let sign = fields["platSign"].as_str().unwrap();
    wire::verify(
        &platform_public_key(),
        &wire::signed_text(fields, "platSign"),
        sign,
        true,
    )
    .is_ok()
}

/// A merchant's callback URL. It answers with `reply` and passes on what it receives.
pub(crate) async fn listener(reply: &'static str) -> (String, mpsc::UnboundedReceiver<Fields>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let handler = async move |State(sender): State<Arc<mpsc::UnboundedSender<Fields>>>,
                              body: String| {
        let fields = form_urlencoded::parse(body.as_bytes());
        sender
            .send(
                fields
                    .map(|(name, value)| (name.into_owned(), value.into_owned().into()))
                    .collect(),
            )
            .ok();
        reply
    };
    let routes = Router::new()
        .route("/callback", post(handler))
        .with_state(Arc::new(sender));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/callback", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, receiver)
}
