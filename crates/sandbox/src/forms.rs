//! The bodies of callbacks, honest and otherwise (protocol P19).

use form_urlencoded::Serializer;
use serde_json::{Value, json};

use super::{
    answer,
    fault::Fault,
    order::{Order, Status},
    settings::Settings,
    wire::{self, Fields},
};

/// The bodies to send, in order. The last one is about the order itself.
pub(super) fn forms(settings: &Settings, order: &Order, fault: Option<Fault>) -> Vec<String> {
    let key = &settings.platform_private_key;
    let honest = || encode(&answer::sign(key, fields(order)));
    let changed = |changes: Value| {
        let mut fields = fields(order);
        fields.extend(wire::fields(changes));
        encode(&answer::sign(key, fields))
    };
    match fault {
        Some(Fault::FalseFailureCallback) => {
            let (code, message) = (Status::Failed.code().to_string(), Status::Failed.message());
            vec![
                changed(json!({"status": code, "statusMsg": message})),
                honest(),
            ]
        }
        Some(Fault::ForeignCallback) => {
            let order_num = format!("X{}", order.submit.order_num);
            let order_num: String = order_num.chars().take(32).collect();
            vec![changed(json!({"orderNum": order_num})), honest()]
        }
        Some(Fault::BadCallbackAmount) => {
            let money = order.submit.money_idr.saturating_add(1).to_string();
            vec![changed(json!({"money": money}))]
        }
        Some(Fault::ForgedCallback) => vec![encode(&answer::sign_wrongly(key, fields(order)))],
        Some(Fault::RawPlus) => vec![honest().replace("%2B", "+")],
        _ => vec![honest()],
    }
}

fn fields(order: &Order) -> Fields {
    let submit = &order.submit;
    wire::fields(json!({
        "bankCode": submit.bank_code,
        "fee": order.fee_idr.to_string(),
        "feeType": submit.fee_type.code().to_string(),
        "money": submit.money_idr.to_string(),
        "name": submit.name,
        "number": submit.number,
        "orderNum": submit.order_num,
        "platOrderNum": order.platform_order_num,
        "status": order.status.code().to_string(),
        "statusMsg": order.status.message(),
        "description": submit.description,
    }))
}

fn encode(fields: &Fields) -> String {
    let pairs = fields
        .iter()
        .filter_map(|(name, value)| value.as_str().map(|value| (name, value)));
    Serializer::new(String::new()).extend_pairs(pairs).finish()
}

#[cfg(test)]
mod tests {
    use rsa::traits::PublicKeyParts;

    use super::*;
    use crate::tests::support::{order, settings};

    fn decode(form: &str) -> Fields {
        form_urlencoded::parse(form.as_bytes())
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect()
    }

    fn is_genuine(form: &Fields) -> bool {
        let public = settings().platform_private_key.to_public_key();
        wire::verify(
            &public,
            &wire::signed_text(form, "platSign"),
            form["platSign"].as_str().unwrap(),
            true,
        )
        .is_ok()
    }

    #[test]
    fn a_callback_is_signed_and_leaves_out_what_was_not_sent() {
        let forms = forms(&settings(), &order("INV-1"), None);
        let form = decode(&forms[0]);
        assert_eq!(forms.len(), 1);
        assert!(is_genuine(&form));
        assert!(!form.contains_key("description"));
        assert_eq!(
            (&form["orderNum"], &form["status"], &form["money"]),
            (&"INV-1".into(), &"2".into(), &"10000".into())
        );
    }

    #[test]
    fn the_longest_ordinary_callback_fits_one_block_of_a_2048_bit_key() {
        let mut order = order(&"N".repeat(32));
        order.submit.name = "n".repeat(32);
        order.submit.description = Some("d".repeat(32));
        order.submit.number = "9".repeat(20);
        order.submit.money_idr = 1_000_000_000_000;
        order.platform_order_num = format!("W{}", "9".repeat(20));
        order.status = Status::AtBank;
        assert!(wire::signed_text(&fields(&order), "platSign").len() <= 245);
        assert_eq!(
            settings().platform_private_key.size(),
            128,
            "the test key is smaller than that"
        );
    }

    #[test]
    fn each_dishonest_callback_is_what_its_fault_says() {
        let of = |fault| -> Vec<Fields> {
            forms(&settings(), &order("INV-1"), Some(fault))
                .iter()
                .map(|form| decode(form))
                .collect()
        };
        assert!(!is_genuine(&of(Fault::ForgedCallback)[0]));
        let raised = of(Fault::BadCallbackAmount);
        assert!(is_genuine(&raised[0]) && raised[0]["money"] == "10001");
        let failed = of(Fault::FalseFailureCallback);
        assert!(is_genuine(&failed[0]) && failed[0]["status"] == "4" && failed[1]["status"] == "2");
        let foreign = of(Fault::ForeignCallback);
        assert!(
            is_genuine(&foreign[0])
                && foreign[0]["orderNum"] == "XINV-1"
                && foreign[1]["orderNum"] == "INV-1"
        );
        let raw = forms(&settings(), &order("INV-1"), Some(Fault::RawPlus)).remove(0);
        assert!(!raw.contains("%2B"));
    }
}
