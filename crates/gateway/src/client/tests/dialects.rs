//! Every dialect, the invented third one too, through the real client: its calls are those of `tests/vectors/dialects`,
//! which were signed without our code.

use std::{fs, path::Path, time::Duration};

use chrono::{TimeZone, Utc};
use payout_domain::{
    evidence::{Doubt, Found, GatewayStatus, QueryAnswer, SubmitAnswer},
    money::Rupiah,
    payout::Instruction,
};
use payout_permit::{SendBy, Submission, SubmitPermit};
use rsa::PrivateKey;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    broken_servers::{http, server},
    support::{doubt, instruction, settings},
};
use crate::{Capabilities, Client, Dialect, GatewayBalance, SigningKey, VerifyingKey, keys, sign};

#[derive(Deserialize)]
struct Vector {
    capabilities: Value,
    submit: Call,
    query: Call,
    balance: Call,
}

#[derive(Deserialize)]
struct Call {
    request: Map<String, Value>,
    answer: Map<String, Value>,
    signed: Option<bool>,
    not_found: Option<Map<String, Value>>,
    names: Option<Names>,
}

/// The fields of a request that no vector can hold, because they hang on the time.
#[derive(Deserialize)]
struct Names {
    date_time: String,
    signature: String,
}

fn read(path: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
    fs::read_to_string(folder.join(path)).expect("a file of vectors")
}

fn vector(dialect: Dialect) -> Vector {
    let text = read(&format!("dialects/{}.json", dialect.name()));
    serde_json::from_str(&text).expect("a vector")
}

fn public_key() -> VerifyingKey {
    VerifyingKey::new(key().to_public_key()).expect("a key")
}

fn key() -> PrivateKey {
    let sets: Value = serde_json::from_str(&read("signatures.json")).expect("the vectors");
    let text = sets[0]["private_keys"]["pkcs8_bare"].as_str();
    keys::parse_private_key(text.expect("a key")).expect("a private key")
}

fn client(dialect: Dialect, url: &str) -> Client {
    let mut settings = settings(url, dialect);
    settings.notify_url = Some("https://merchant.example/callback".into());
    settings.private_key = SigningKey::new(key()).expect("a key");
    settings.platform_public_keys = vec![public_key()];
    Client::new(settings).expect("a client")
}

fn payout() -> Instruction {
    Instruction {
        description: Some("rent".into()),
        ..instruction("INV-1")
    }
}

/// A client whose gateway gives this answer to everything, and the requests that the gateway reads.
async fn gateway(
    dialect: Dialect,
    answer: &Map<String, Value>,
) -> (Client, tokio::sync::mpsc::UnboundedReceiver<String>) {
    let body = serde_json::to_string(answer).expect("JSON");
    let (url, requests) = server(http("200 OK", "", &body)).await;
    (client(dialect, &url), requests)
}

async fn submit(dialect: Dialect, answer: &Map<String, Value>) -> (Submission, Map<String, Value>) {
    let (client, mut requests) = gateway(dialect, answer).await;
    let now = Utc.with_ymd_and_hms(2024, 1, 31, 18, 30, 5).single();
    let request = client.seal(&payout(), now.expect("a time"));
    let send_by = SendBy::after(Duration::from_mins(1));
    let permit =
        SubmitPermit::of_committed_claim(payout(), 1, request.expect("a request"), send_by);
    let submission = client.submit(permit).await;
    (submission, fields(&requests.try_recv().expect("a request")))
}

fn fields(request: &str) -> Map<String, Value> {
    let (_, body) = request.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("an object")
}

/// Takes the time and the signature out of a request, once the signature has proven to cover all the rest.
fn without_time(mut request: Map<String, Value>, names: &Names) -> Map<String, Value> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let signature = request.remove(&names.signature).expect("a signature");
    let pairs: Vec<_> = request
        .iter()
        .map(|(name, value)| (name.as_str(), text(value)))
        .collect();
    let signed = sign::signed_text(pairs.iter().map(|(name, value)| (*name, value.as_str())));
    assert!(sign::verify(&public_key(), &signed, &text(&signature)));
    let time = request.remove(&names.date_time).expect("a time");
    assert_eq!(text(&time).len(), 14);
    request
}

#[test]
fn each_dialect_has_the_capabilities_that_its_vectors_state() {
    for dialect in Dialect::ALL {
        let Capabilities {
            balance_is_signed,
            not_found_is_proof,
        } = dialect.capabilities();
        let stated = vector(*dialect).capabilities;
        assert_eq!(
            stated["balance_is_signed"], balance_is_signed,
            "{dialect:?}"
        );
        assert_eq!(
            stated["not_found_is_proof"], not_found_is_proof,
            "{dialect:?}"
        );
    }
}

#[tokio::test]
async fn a_submit_has_the_very_fields_and_its_answer_is_understood() {
    for dialect in Dialect::ALL {
        let call = vector(*dialect).submit;
        let (submission, request) = submit(*dialect, &call.answer).await;
        assert_eq!(request, call.request, "{dialect:?}");
        let Submission::Sent { answer, detail } = submission else {
            panic!("{dialect:?}: {submission:?}");
        };
        let expected = SubmitAnswer::Acknowledged {
            platform_order_num: Some("W0620".into()),
            fee: Some(Rupiah::new(2_500)),
            status: GatewayStatus::New,
        };
        assert_eq!(answer, expected, "{dialect:?}");
        let shown = detail.to_string();
        assert!(shown.contains("INV-1"), "{shown}");
        assert!(
            !shown.contains("0012345678") && !shown.contains("Siti"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_submit_answer_that_was_changed_on_its_way_is_a_doubt_in_every_dialect() {
    for dialect in Dialect::ALL {
        let mut answer = vector(*dialect).submit.answer;
        answer.insert("added".into(), "1".into());
        let (submission, _) = submit(*dialect, &answer).await;
        assert_eq!(doubt(&submission), Doubt::BadSignature, "{dialect:?}");
    }
}

#[tokio::test]
async fn a_query_has_the_very_fields_and_its_answer_is_understood() {
    for dialect in Dialect::ALL {
        let call = vector(*dialect).query;
        let (client, mut requests) = gateway(*dialect, &call.answer).await;
        let answer = client.query("INV-1").await.answer;
        let request = fields(&requests.try_recv().expect("a request"));
        let names = call.names.expect("names");
        assert_eq!(without_time(request, &names), call.request, "{dialect:?}");
        let QueryAnswer::Found(found) = answer else {
            panic!("{dialect:?}: {answer:?}");
        };
        let expected = Found {
            platform_order_num: Some("W0620".into()),
            amount: Some(Rupiah::new(10_000)),
            fee: Some(Rupiah::new(2_500)),
            status: GatewayStatus::Paid,
            message: "Success".into(),
            signed: call.signed.expect("signed or not"),
        };
        assert_eq!(found, expected, "{dialect:?}");
    }
}

#[tokio::test]
async fn not_found_is_read_only_where_it_counts_as_proof() {
    for dialect in Dialect::ALL {
        let answer = vector(*dialect).query.not_found.expect("an answer");
        let (client, _requests) = gateway(*dialect, &answer).await;
        let expected = if dialect.capabilities().not_found_is_proof {
            QueryAnswer::NotFound
        } else {
            QueryAnswer::Doubt(Doubt::GatewayUnsure)
        };
        assert_eq!(client.query("INV-1").await.answer, expected, "{dialect:?}");
    }
}

#[tokio::test]
async fn a_balance_is_read_and_known_to_be_signed_or_not() {
    for dialect in Dialect::ALL {
        let vector = vector(*dialect);
        let (client, mut requests) = gateway(*dialect, &vector.balance.answer).await;
        let balance = client.balance().await;
        let request = fields(&requests.try_recv().expect("a request"));
        let names = vector.query.names.expect("names");
        assert_eq!(
            without_time(request, &names),
            vector.balance.request,
            "{dialect:?}"
        );
        let expected = GatewayBalance {
            balance: Rupiah::new(7),
            freeze: Rupiah::ZERO,
            pending: Rupiah::new(3),
            signed: dialect.capabilities().balance_is_signed,
        };
        assert_eq!(balance, Ok(expected), "{dialect:?}");
    }
}
