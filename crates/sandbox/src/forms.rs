//! The bodies of callbacks, honest and otherwise (protocol P19).

use form_urlencoded::Serializer;
use serde_json::Value;

use super::{
    answer,
    fault::Fault,
    order::{Order, Status},
    settings::Settings,
    wire::Fields,
};

/// The bodies to send, in order. The last one is about the order itself.
pub(super) fn forms(settings: &Settings, order: &Order, fault: Option<Fault>) -> Vec<String> {
    let mut forms = Vec::new();
    let honest_fields = fields(order);
    let key = &settings.platform_private_key;
    if fault == Some(Fault::FalseFailureCallback) {
        let mut failed = honest_fields.clone();
        set(&mut failed, "status", Status::Failed.code().to_string());
        set(
            &mut failed,
            "statusMsg",
            Status::Failed.message().to_owned(),
        );
        forms.push(encode(&answer::sign(key, failed)));
    }
    if fault == Some(Fault::ForeignCallback) {
        let mut foreign = honest_fields.clone();
        let order_num: String = format!("X{}", order.submit.order_num)
            .chars()
            .take(32)
            .collect();
        set(&mut foreign, "orderNum", order_num);
        forms.push(encode(&answer::sign(key, foreign)));
    }
    forms.push(match fault {
        Some(Fault::ForgedCallback) => encode(&answer::sign_wrongly(key, honest_fields)),
        Some(Fault::BadCallbackAmount) => {
            let mut raised = honest_fields;
            set(
                &mut raised,
                "money",
                order.submit.money_idr.saturating_add(1).to_string(),
            );
            encode(&answer::sign(key, raised))
        }
        Some(Fault::RawPlus) => encode(&answer::sign(key, honest_fields)).replace("%2B", "+"),
        _ => encode(&answer::sign(key, honest_fields)),
    });
    forms
}

fn fields(order: &Order) -> Fields {
    let submit = &order.submit;
    let mut fields = Fields::new();
    set(&mut fields, "bankCode", submit.bank_code.clone());
    set(&mut fields, "fee", order.fee_idr.to_string());
    set(&mut fields, "feeType", submit.fee_type.code().to_string());
    set(&mut fields, "money", submit.money_idr.to_string());
    set(&mut fields, "name", submit.name.clone());
    set(&mut fields, "number", submit.number.clone());
    set(&mut fields, "orderNum", submit.order_num.clone());
    set(
        &mut fields,
        "platOrderNum",
        order.platform_order_num.clone(),
    );
    set(&mut fields, "status", order.status.code().to_string());
    set(&mut fields, "statusMsg", order.status.message().to_owned());
    if let Some(description) = &submit.description {
        set(&mut fields, "description", description.clone());
    }
    fields
}

fn set(fields: &mut Fields, name: &str, value: String) {
    fields.insert(name.to_owned(), Value::String(value));
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
    use crate::{
        tests::support::{order, settings},
        wire,
    };

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
        )
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
