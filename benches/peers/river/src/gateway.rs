//! The gateway's calls. An answer that proves nothing is a value, not an error.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, header};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use riverqueue::jiff::{Timestamp, tz::Offset};
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    Config,
    books::{Evidence, Payout},
    signature::{Fields, Keys},
};

const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Gateway {
    pub(crate) keys: Keys,
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    merchant_code: String,
    notify_url: String,
}

/// What an answer to a submit says.
pub(crate) enum Answer {
    Accepted {
        platform_ref: String,
        fee: i64,
    },
    Declined,
    /// The order may be paid: it is not sent again, and its status is queried.
    Unknown(String),
}

impl Gateway {
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Ok(Self {
            keys: Keys::read(&config.private_key_file, &config.platform_public_key_file)?,
            // Nothing is sent a second time.
            client: Client::builder(TokioExecutor::new())
                .retry_canceled_requests(false)
                .build(connector),
            url: config.gateway_url.clone(),
            merchant_code: config.merchant_code.clone(),
            notify_url: config.notify_url.clone(),
        })
    }

    pub(crate) async fn submit(&self, payout: &Payout) -> Answer {
        let fields = [
            ("orderNum", &payout.order_num),
            ("money", &payout.amount),
            ("feeType", &payout.fee_type),
            ("bankCode", &payout.bank_code),
            ("number", &payout.account_number),
            ("name", &payout.account_name),
            ("description", &payout.description),
            ("notifyUrl", &self.notify_url),
        ];
        match self.post("/gateway/cash", &fields).await {
            Ok(answer) => read_submit(payout, &answer),
            Err(why) => Answer::Unknown(format!("{why:#}")),
        }
    }

    /// What settles the order, or nothing: it is still open, or this answer does not tell.
    pub(crate) async fn query(&self, order_num: &str) -> Result<Option<Evidence>> {
        let fields = [("orderNum", &order_num.to_owned())];
        let answer = self.post("/gateway/query", &fields).await?;
        let of = |name: &str| answer.get(name).cloned();
        let status = of("status").unwrap_or_default();
        let is_ours = of("platRespCode").as_deref() == Some("SUCCESS")
            && of("orderNum").as_deref() == Some(order_num);
        if !is_ours || !["2", "3", "4"].contains(&status.as_str()) {
            return Ok(None);
        }
        Ok(Some(Evidence {
            order_num: order_num.to_owned(),
            paid: status == "2",
            platform_ref: of("platOrderNum"),
            fee: of("fee").and_then(|fee| fee.parse().ok()),
            amount: of("amount"),
            ..Evidence::default()
        }))
    }

    async fn post(&self, path: &str, fields: &[(&str, &String)]) -> Result<Fields> {
        let mut signed: Fields = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).clone()))
            .collect();
        signed.insert("merchantCode".to_owned(), self.merchant_code.clone());
        signed.insert("dateTime".to_owned(), date_time());
        let sign = self.keys.sign(&signed)?;
        signed.insert("sign".to_owned(), sign);
        let request = Request::post(format!("{}{path}", self.url))
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Full::from(serde_json::to_vec(&signed)?))?;
        let body = timeout(TIMEOUT, async {
            let response = self.client.request(request).await?;
            ensure!(
                response.status() == 200,
                "HTTP status {}",
                response.status()
            );
            Ok(response.into_body().collect().await?.to_bytes())
        })
        .await??;
        let Value::Object(answer) = serde_json::from_slice(&body)? else {
            bail!("the answer is not an object");
        };
        let answer: Fields = answer
            .into_iter()
            .map(|(name, value)| {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                (name, text)
            })
            .collect();
        ensure!(
            self.keys.verify(&answer),
            "the answer is not signed by the platform"
        );
        Ok(answer)
    }
}

fn read_submit(payout: &Payout, answer: &Fields) -> Answer {
    let is = |name: &str, value: &str| answer.get(name).is_some_and(|found| found == value);
    let is_same = is("orderNum", &payout.order_num)
        && is("money", &payout.amount)
        && is("feeType", &payout.fee_type)
        && is("number", &payout.account_number);
    if !is_same {
        return Answer::Unknown("the answer is of another order".to_owned());
    }
    if is("platRespCode", "FAIL") {
        return Answer::Declined;
    }
    let fee = answer.get("fee").and_then(|fee| fee.parse().ok());
    match (answer.get("platOrderNum"), fee) {
        (Some(platform_ref), Some(fee)) if is("platRespCode", "SUCCESS") => Answer::Accepted {
            platform_ref: platform_ref.clone(),
            fee,
        },
        _ => Answer::Unknown("the answer does not accept the order".to_owned()),
    }
}

/// Jakarta time (protocol P4).
fn date_time() -> String {
    let now = Offset::constant(7).to_datetime(Timestamp::now());
    now.strftime("%Y%m%d%H%M%S").to_string()
}
