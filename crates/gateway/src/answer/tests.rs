//! Signed answers of every kind, honest and otherwise, and what they are taken for.

use std::sync::LazyLock;

use payout_domain::{
    evidence::{Doubt, Found, GatewayStatus, QueryAnswer, SubmitAnswer},
    money::{FeeType, Rupiah},
    payout::{Instruction, PayoutKey, Private},
};
use rsa::PrivateKey;
use serde_json::{Map, Value, json};

use crate::{
    Dialect, GatewayBalance, VerifyingKey, balance_answer, keys, query_answer, sign, submit_answer,
};

static KEY: LazyLock<PrivateKey> = LazyLock::new(|| keys::generate(1024).expect("a key"));

fn believed(key: &PrivateKey) -> VerifyingKey {
    VerifyingKey::new(key.to_public_key()).expect("a key")
}

fn instruction() -> Instruction {
    Instruction {
        key: PayoutKey {
            merchant_code: "S1".into(),
            order_num: "INV-1".into(),
        },
        amount: Rupiah::new(10_000),
        fee_type: FeeType::OutOfAmount,
        bank_code: "014".into(),
        account_number: Private::new("0012345678"),
        account_name: Private::new("Siti Rahayu"),
        description: None,
    }
}

/// `base` with `changes` made to it; a change to null takes the field out.
fn changed(mut base: Value, changes: Value) -> Map<String, Value> {
    let (Value::Object(fields), Value::Object(changes)) = (&mut base, changes) else {
        panic!("objects");
    };
    for (name, value) in changes {
        fields.insert(name, value);
    }
    fields.retain(|_, value| !value.is_null());
    fields.clone()
}

/// Signs the values as they stand in the JSON.
fn signed(mut fields: Map<String, Value>) -> Vec<u8> {
    let token = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let texts: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| (name.clone(), token(value)))
        .collect();
    let pairs = texts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()));
    let signature = sign::sign(&*KEY, &sign::signed_text(pairs)).expect("a signature");
    fields.insert("platSign".into(), signature.into());
    Value::Object(fields).to_string().into_bytes()
}

fn submitted(changes: Value) -> SubmitAnswer {
    let base = json!({
        "platRespCode": "SUCCESS", "platRespMessage": "Request success", "platOrderNum": "W0620",
        "orderNum": "INV-1", "money": "10000", "fee": "5570", "feeType": "0", "bankCode": "014",
        "number": "0012345678", "name": "SITI RAHAYU", "status": 0, "statusMsg": "Apply",
    });
    let body = signed(changed(base, changes));
    submit_answer::read(&body, Dialect::BDPAY, &instruction(), &[believed(&KEY)]).0
}

fn queried(dialect: Dialect, body: &[u8]) -> QueryAnswer {
    query_answer::read(body, dialect, "INV-1", &[believed(&KEY)]).0
}

fn found(changes: Value) -> QueryAnswer {
    let base = json!({
        "platRespCode": "SUCCESS", "platRespMessage": "ok", "platOrderNum": "W0620",
        "orderNum": "INV-1", "amount": 10_000, "fee": 5_570, "status": "2", "msg": "Success",
    });
    queried(Dialect::BDPAY, &signed(changed(base, changes)))
}

#[test]
fn an_acknowledgement_is_read_in_every_spelling_that_was_seen() {
    let honest = SubmitAnswer::Acknowledged {
        platform_order_num: Some("W0620".into()),
        fee: Some(Rupiah::new(5_570)),
        status: GatewayStatus::New,
    };
    for changes in [
        json!({}),
        json!({"money": 10_000, "fee": 5_570, "feeType": 0, "status": "0"}),
        json!({"money": "10000.00", "fee": "5570.00000000"}),
        json!({"feeType": null, "number": null, "name": null, "bankCode": null}),
        json!({"description": "", "extra": true, "nothing": ""}),
        json!({"platRespCode": "success"}),
        json!({"platRespCode": "Success", "money": 1.0e4, "fee": "5.57E3"}),
    ] {
        assert_eq!(submitted(changes.clone()), honest, "{changes}");
    }
    let bare = SubmitAnswer::Acknowledged {
        platform_order_num: None,
        fee: None,
        status: GatewayStatus::Other(String::new()),
    };
    let changes = json!({"platOrderNum": null, "fee": "", "status": null});
    assert_eq!(submitted(changes), bare);
}

#[test]
fn an_acknowledgement_of_anything_else_is_a_doubt() {
    for (changes, doubt) in [
        (json!({"orderNum": "INV-2"}), Doubt::Foreign),
        (json!({"orderNum": null}), Doubt::Foreign),
        (json!({"money": "10001"}), Doubt::Foreign),
        (json!({"money": null}), Doubt::Foreign),
        (json!({"money": "1000000"}), Doubt::Foreign),
        (json!({"feeType": "1"}), Doubt::Foreign),
        (json!({"number": "12345678"}), Doubt::Foreign),
        (json!({"money": "10000.5"}), Doubt::Unreadable),
        (json!({"money": "1e3"}), Doubt::Foreign),
        (json!({"money": "1e-4"}), Doubt::Unreadable),
        (json!({"fee": "5570.1"}), Doubt::Unreadable),
        (json!({"fee": "-1"}), Doubt::Unreadable),
        (json!({"platOrderNum": "W 1"}), Doubt::Unreadable),
        (json!({"platOrderNum": "W\u{0}"}), Doubt::Unreadable),
        (json!({"platRespCode": "UNKNOWN"}), Doubt::GatewayUnsure),
        (json!({"platRespCode": "ERROR"}), Doubt::GatewayUnsure),
        (json!({"platRespCode": "NOTEXIST"}), Doubt::GatewayUnsure),
        (json!({"platRespCode": "SUCCES"}), Doubt::GatewayUnsure),
        (json!({"platRespCode": " SUCCESS"}), Doubt::GatewayUnsure),
        (json!({"platRespCode": null}), Doubt::GatewayUnsure),
    ] {
        let answer = submitted(changes.clone());
        assert_eq!(answer, SubmitAnswer::Doubt(doubt), "{changes}");
    }
}

#[test]
fn a_refusal_must_not_name_another_order_and_shows_no_account() {
    let message = "account 0012345678 is closed";
    let fail = |order_num: Value| {
        submitted(
            json!({"platRespCode": "FAIL", "platRespMessage": message, "orderNum": order_num}),
        )
    };
    let declined = SubmitAnswer::Declined {
        message: "account ***** is closed".into(),
    };
    assert_eq!(fail("INV-1".into()), declined);
    assert_eq!(fail(Value::Null), declined);
    assert_eq!(fail("INV-2".into()), SubmitAnswer::Doubt(Doubt::Foreign));
}

#[test]
fn nothing_is_believed_that_the_platform_did_not_sign() {
    let stranger = keys::generate(1024).expect("a key");
    let refused = br#"{"platRespCode":"FAIL","orderNum":"INV-1"}"#;
    let accepted = signed(changed(json!({}), json!({"platRespCode": "FAIL"})));
    for (body, key) in [(&refused[..], &*KEY), (&accepted, &stranger)] {
        let bad = SubmitAnswer::Doubt(Doubt::BadSignature);
        let answer = submit_answer::read(body, Dialect::BDPAY, &instruction(), &[believed(key)]).0;
        assert_eq!(answer, bad);
    }
}

#[test]
fn a_found_order_is_the_one_that_was_queried() {
    let honest = Found {
        platform_order_num: Some("W0620".into()),
        amount: Some(Rupiah::new(10_000)),
        fee: Some(Rupiah::new(5_570)),
        status: GatewayStatus::Paid,
        message: "Success".into(),
        signed: true,
    };
    assert_eq!(found(json!({})), QueryAnswer::Found(honest.clone()));
    let status = GatewayStatus::Other("22".into());
    let strange = Found {
        status,
        ..honest.clone()
    };
    assert_eq!(found(json!({"status": "22"})), QueryAnswer::Found(strange));
    // Whatever the fee says, a paid order is paid.
    for fee in ["18446744073709551616", "-1", "5570.1", "a lot"] {
        let fee = json!({ "fee": fee });
        let no_amount = Found {
            fee: Some(Rupiah::MAX),
            ..honest.clone()
        };
        assert_eq!(found(fee.clone()), QueryAnswer::Found(no_amount), "{fee}");
    }
    for word in ["NOTEXIST", "NotExist"] {
        let not_found = json!({ "platRespCode": word });
        assert_eq!(found(not_found), QueryAnswer::NotFound);
    }
    // Nobody signed what is nested, so it is neither read nor in the way.
    let body = String::from_utf8(signed(changed(json!({}), json!({"platRespCode": "FAIL"}))));
    let body = body.expect("text");
    let nested = body.replacen('{', r#"{"status":{"is":2},"list":[2],"#, 1);
    assert_eq!(
        queried(Dialect::BDPAY, nested.as_bytes()),
        QueryAnswer::Doubt(Doubt::GatewayUnsure)
    );
    let unsigned = body.replacen('{', r#"{"status":2,"#, 1);
    assert_eq!(
        queried(Dialect::BDPAY, unsigned.as_bytes()),
        QueryAnswer::Doubt(Doubt::BadSignature)
    );
    for (changes, doubt) in [
        (json!({"orderNum": "INV-2"}), Doubt::Foreign),
        (json!({"orderNum": null}), Doubt::Foreign),
        (
            json!({"platRespCode": "NOTEXIST", "orderNum": "INV-2"}),
            Doubt::Foreign,
        ),
        (json!({"amount": 1.5}), Doubt::Unreadable),
        (json!({"status": null}), Doubt::Unreadable),
        (json!({"platRespCode": "FAIL"}), Doubt::GatewayUnsure),
        (json!({"platRespCode": "UNKNOWN"}), Doubt::GatewayUnsure),
    ] {
        assert_eq!(
            found(changes.clone()),
            QueryAnswer::Doubt(doubt),
            "{changes}"
        );
    }
}

#[test]
fn an_envelope_is_opened_only_when_it_reports_success() {
    let data = r#"{"orderNum":"INV-1","amount":"10000.00","fee":"0.00000000","status":5,"statusMsg":"at bank"}"#;
    let query = |envelope: &str| {
        let body = envelope.replace("DATA", data);
        queried(Dialect::TOPPAY, body.as_bytes())
    };
    let open = Found {
        platform_order_num: None,
        amount: Some(Rupiah::new(10_000)),
        fee: Some(Rupiah::ZERO),
        status: GatewayStatus::AtBank,
        message: "at bank".into(),
        signed: false,
    };
    for envelope in [
        r#"{"success":true,"code":1000,"message":"success","data":DATA}"#,
        r#"{"success":true,"data":DATA}"#,
        r#"{"success":true,"data":DATA,"data":DATA,"trace":{"id":[1]}}"#,
    ] {
        assert_eq!(
            query(envelope),
            QueryAnswer::Found(open.clone()),
            "{envelope}"
        );
    }
    for (envelope, doubt) in [
        (
            r#"{"success":false,"code":1000,"data":DATA}"#,
            Doubt::GatewayUnsure,
        ),
        (
            r#"{"success":true,"code":1001,"data":DATA}"#,
            Doubt::GatewayUnsure,
        ),
        (r#"{"code":1000,"data":DATA}"#, Doubt::GatewayUnsure),
        (
            r#"{"success":true,"code":1000,"data":null}"#,
            Doubt::GatewayUnsure,
        ),
        (r#"{"success":true,"code":1000}"#, Doubt::GatewayUnsure),
        (
            r#"{"success":true,"code":1000,"data":[DATA]}"#,
            Doubt::Unreadable,
        ),
        (
            r#"{"success":true,"code":1000,"data":{"a":DATA}}"#,
            Doubt::Foreign,
        ),
        (
            r#"{"success":true,"code":1000,"data":DATA"#,
            Doubt::Unreadable,
        ),
    ] {
        assert_eq!(query(envelope), QueryAnswer::Doubt(doubt), "{envelope}");
    }
}

#[test]
fn a_balance_is_whole_and_of_one_account() {
    let read = |dialect, body: &[u8]| balance_answer::read(body, dialect, &[believed(&KEY)]);
    let expected = GatewayBalance {
        balance: Rupiah::new(7),
        freeze: Rupiah::ZERO,
        pending: Rupiah::new(3),
        signed: true,
    };
    let base = json!({"platRespCode": "SUCCESS", "balance": 7, "freeze": 0, "pendMoney": 3});
    let bdpay = |changes| read(Dialect::BDPAY, &signed(changed(base.clone(), changes)));
    assert_eq!(bdpay(json!({})), Ok(expected));
    for (changes, doubt) in [
        (json!({"platRespCode": "FAIL"}), Doubt::GatewayUnsure),
        (json!({"balance": null}), Doubt::Unreadable),
        (json!({"freeze": 0.5}), Doubt::Unreadable),
    ] {
        assert_eq!(bdpay(changes).map_err(|problem| problem.doubt), Err(doubt));
    }
    let unsigned = br#"{"platRespCode":"SUCCESS","balance":7,"freeze":0}"#;
    let refused = read(Dialect::BDPAY, unsigned).map_err(|problem| problem.doubt);
    assert_eq!(refused, Err(Doubt::BadSignature));
    let account = r#"{"balance":"7.00","freeze":"0.00000000","waitingSettleAmount":"3"}"#;
    let toppay = |list: String| {
        let body = format!(r#"{{"success":true,"code":1000,"data":{list}}}"#);
        read(Dialect::TOPPAY, body.as_bytes()).map_err(|problem| problem.doubt)
    };
    let signed = false;
    assert_eq!(
        toppay(format!("[{account}]")),
        Ok(GatewayBalance { signed, ..expected })
    );
    for list in [
        "[]".into(),
        account.into(),
        format!("[{account},{account}]"),
    ] {
        assert_eq!(toppay(list), Err(Doubt::Unreadable));
    }
}
