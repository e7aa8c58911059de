//! What may be kept of words from outside: nothing that repeats the beneficiary.

use serde_json::Value;

use super::{
    beneficiary::Beneficiary,
    evidence::{Doubt, Evidence, Fact, QueryAnswer, SubmitAnswer},
    payout::Instruction,
    spelling::is_opaque,
};

/// What stands in place of words that repeat the beneficiary.
pub const WITHHELD: &str = "text withheld: it repeats the beneficiary";
/// What stands in place of words of which nobody can tell what they say.
pub const UNREADABLE: &str = "text withheld: it is encoded";

/// The gateway's documented codes (protocol P12). They are kept whatever the name is.
const CODES: [&str; 5] = ["SUCCESS", "FAIL", "UNKNOWN", "NOTEXIST", "ERROR"];
/// Fields with our own words, and the logins of those who acted.
const OURS: [&str; 3] = ["problem", "by", "approved_by"];
/// Fields that may hold a long key: a number of another order, or what a person typed.
const KEYS: [&str; 5] = [
    "evidence",
    "orderNum",
    "reason",
    "reference",
    "their_reference",
];
/// Fields with one figure each, which is judged by itself: parts of the number occur in an amount by chance.
const FIGURES: [&str; 6] = ["amount", "bankCode", "fee", "feeType", "money", "status"];
/// Why an answer proves nothing whose order number is the beneficiary's account.
const NUMBER_IN_IDENTIFIER: &str = "the gateway's order number contains the account number";

impl Evidence {
    /// Withholds the gateway's words where they repeat the beneficiary, however they spell it, or hide what they say, and
    /// removes characters that the database cannot store.
    ///
    /// An order number of the gateway is compared later and therefore never masked: one that contains the account number
    /// makes the whole answer a doubt.
    pub fn scrub(&mut self, instruction: &Instruction) {
        let beneficiary = Beneficiary::of(instruction);
        if self.is_identified_by(&beneficiary) {
            self.doubt(Doubt::Unreadable, NUMBER_IN_IDENTIFIER);
        }
        let message = self.message().cloned();
        let mut texts = Vec::new();
        visit(&mut self.detail, "", &mut |name, text| {
            let role = Role::of(name, text, instruction);
            if role == Role::Text || role == Role::Key {
                texts.push(text.clone());
            }
        });
        texts.extend(message);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let repeated =
            texts.iter().any(|text| beneficiary.is_in(text)) || beneficiary.is_across(&texts);
        visit(&mut self.detail, "", &mut |name, text| {
            *text = text.replace('\0', " ");
            let role = Role::of(name, text, instruction);
            let withheld = match role {
                Role::Kept => false,
                Role::Figure => beneficiary.is_in(text),
                Role::Identifier => beneficiary.is_in_identifier(text),
                Role::Key | Role::Text => repeated,
            };
            if withheld {
                WITHHELD.clone_into(text);
            } else if role == Role::Text && is_opaque(text) {
                UNREADABLE.clone_into(text);
            }
        });
        if repeated {
            self.withhold_message(WITHHELD);
        } else if self.message().is_some_and(|message| is_opaque(message)) {
            self.withhold_message(UNREADABLE);
        }
    }

    /// Whether the gateway's order number contains the beneficiary's account number.
    fn is_identified_by(&self, beneficiary: &Beneficiary) -> bool {
        let identifier = match &self.fact {
            Fact::Submitted {
                answer:
                    SubmitAnswer::Acknowledged {
                        platform_order_num, ..
                    },
                ..
            } => platform_order_num.as_deref(),
            Fact::Queried {
                answer: QueryAnswer::Found(found),
                ..
            } => found.platform_order_num.as_deref(),
            Fact::NotSent { .. }
            | Fact::Submitted { .. }
            | Fact::LeaseExpired { .. }
            | Fact::Queried { .. }
            | Fact::Callback(_)
            | Fact::Resolved(_) => None,
        };
        identifier.is_some_and(|identifier| beneficiary.is_in_identifier(identifier))
    }

    /// The gateway's message, which becomes the reason of a failure.
    fn message(&mut self) -> Option<&mut String> {
        match &mut self.fact {
            Fact::Submitted {
                answer: SubmitAnswer::Declined { message },
                ..
            } => Some(message),
            Fact::Queried {
                answer: QueryAnswer::Found(found),
                ..
            } => Some(&mut found.message),
            Fact::NotSent { .. }
            | Fact::Submitted { .. }
            | Fact::LeaseExpired { .. }
            | Fact::Queried { .. }
            | Fact::Callback(_)
            | Fact::Resolved(_) => None,
        }
    }

    /// Keeps the gateway's code in place of its message.
    fn withhold_message(&mut self, why: &str) {
        let status = if let Fact::Queried {
            answer: QueryAnswer::Found(found),
            ..
        } = &self.fact
        {
            Some(found.status.name())
        } else {
            None
        };
        let code = status.unwrap_or("FAIL");
        if let Some(message) = self.message() {
            *message = format!("{code}; {why}");
        }
    }
}

/// How a text of the detail is treated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Ours, or one of the documented codes.
    Kept,
    Figure,
    /// The gateway's order number.
    Identifier,
    /// One of [`KEYS`].
    Key,
    Text,
}

impl Role {
    fn of(name: &str, text: &str, instruction: &Instruction) -> Self {
        let is_ours =
            OURS.contains(&name) || (name == "orderNum" && text == instruction.key.order_num);
        if is_ours || CODES.contains(&text) || [WITHHELD, UNREADABLE].contains(&text) {
            Self::Kept
        } else if FIGURES.contains(&name) {
            Self::Figure
        } else if name == "platOrderNum" {
            Self::Identifier
        } else if KEYS.contains(&name) {
            Self::Key
        } else {
            Self::Text
        }
    }
}

/// Calls `act` with each text in `value` and the name of the field that holds it.
fn visit(value: &mut Value, name: &str, act: &mut impl FnMut(&str, &mut String)) {
    match value {
        Value::String(text) => act(name, text),
        Value::Array(items) => items.iter_mut().for_each(|item| visit(item, name, act)),
        Value::Object(fields) => {
            for (name, field) in fields {
                visit(field, name, act);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use serde_json::json;

    use super::*;
    use crate::{
        evidence::{Found, GatewayStatus, Resolution},
        money::{FeeType, Rupiah},
        payout::{PayoutKey, Private},
    };

    fn scrubbed(fact: Fact, detail: Value) -> Evidence {
        let key = PayoutKey {
            merchant_code: "M1".into(),
            order_num: "INV-0012345678".into(),
        };
        let instruction = Instruction {
            key: key.clone(),
            amount: Rupiah::new(1000),
            fee_type: FeeType::OnTop,
            bank_code: "014".into(),
            account_number: Private::new("0012345678"),
            account_name: Private::new("Siti Rahayu"),
            description: None,
        };
        let mut evidence = Evidence { key, fact, detail };
        evidence.scrub(&instruction);
        evidence
    }

    fn found(platform_order_num: &str, message: &str) -> Fact {
        Fact::Queried {
            answer: QueryAnswer::Found(Found {
                platform_order_num: Some(platform_order_num.into()),
                amount: Some(Rupiah::new(1000)),
                fee: None,
                status: GatewayStatus::Failed,
                message: message.into(),
                signed: true,
            }),
            sent_at: Instant::now(),
        }
    }

    #[test]
    fn words_that_repeat_the_beneficiary_give_way_to_the_gateways_code() {
        let mut evidence = scrubbed(
            found("W0620", "0012.345-678 wrong"),
            json!({"http_status": 200, "platRespCode": "SUCCESS", "msg": "0012.345-678 wrong", "statusMsg": "Failed",
                   "amount": "1000", "orderNum": "INV-0012345678", "platOrderNum": "W0620"}),
        );
        let expected = json!({"http_status": 200, "platRespCode": "SUCCESS", "msg": WITHHELD, "statusMsg": WITHHELD,
                              "amount": "1000", "orderNum": "INV-0012345678", "platOrderNum": "W0620"});
        assert_eq!(evidence.detail, expected);
        assert_eq!(
            evidence.message().unwrap(),
            &format!("status_4; {WITHHELD}")
        );

        let declined = Fact::Submitted {
            attempt: 1,
            request_sha256: [0; 32],
            answer: SubmitAnswer::Declined {
                message: "no such holder: rahayu-siti".into(),
            },
        };
        let mut evidence = scrubbed(declined, json!({"bankCode": "0012345678", "\0": "a\0b"}));
        assert_eq!(evidence.message().unwrap(), &format!("FAIL; {WITHHELD}"));
        assert_eq!(evidence.detail["bankCode"], WITHHELD);
    }

    #[test]
    fn words_that_hide_what_they_say_give_way_to_a_code_and_long_keys_stay() {
        let token = "eJyrVkrLz1eyUkpKLFKqBQAdegQ0";
        let detail = json!({"msg": token, "statusMsg": "Failed", "orderNum": token, "platRespMessage": r"\u4f59\u989d\u4e0d\u8db3\u3002"});
        let evidence = &mut scrubbed(found("W0620", token), detail);
        let expected = json!({"msg": UNREADABLE, "statusMsg": "Failed", "orderNum": token, "platRespMessage": UNREADABLE});
        assert_eq!(evidence.detail, expected);
        let code = format!("status_4; {UNREADABLE}");
        assert_eq!(evidence.message().unwrap(), &code);
    }

    #[test]
    fn other_words_are_kept_as_they_are() {
        let detail = json!({"msg": "insufficient balance", "code": "1001", "problem": "the name Siti is ours"});
        let mut evidence = scrubbed(found("W0620", "insufficient balance"), detail.clone());
        assert_eq!(evidence.detail, detail);
        assert_eq!(evidence.message().unwrap(), "insufficient balance");
        let evidence = scrubbed(Fact::LeaseExpired { attempt: 1 }, json!({"reason": "a\0b"}));
        assert_eq!(evidence.detail["reason"], "a b");
    }

    #[test]
    fn an_order_number_of_the_gateway_is_never_masked_but_one_with_the_account_number_is_a_doubt() {
        let accidental = json!({"platOrderNum": "W2345620012"});
        let evidence = scrubbed(found("W2345620012", ""), accidental.clone());
        assert_eq!(evidence.detail, accidental);

        let evidence = scrubbed(
            found("W-0012345678", ""),
            json!({"platOrderNum": "W-0012345678"}),
        );
        assert_eq!(
            evidence.detail,
            json!({"platOrderNum": WITHHELD, "problem": NUMBER_IN_IDENTIFIER})
        );
        assert!(matches!(
            evidence.fact,
            Fact::Queried {
                answer: QueryAnswer::Doubt(Doubt::Unreadable),
                ..
            }
        ));
        let acknowledged = Fact::Submitted {
            attempt: 1,
            request_sha256: [0; 32],
            answer: SubmitAnswer::Acknowledged {
                platform_order_num: Some("12345678".into()),
                fee: None,
                status: GatewayStatus::New,
            },
        };
        let evidence = scrubbed(acknowledged, json!({}));
        assert!(matches!(
            evidence.fact,
            Fact::Submitted {
                answer: SubmitAnswer::Doubt(Doubt::Unreadable),
                ..
            }
        ));
    }

    #[test]
    fn the_people_who_acted_keep_their_logins() {
        let detail = json!({"by": "siti", "approved_by": "rahayu", "reason": "account 0012345678"});
        let evidence = scrubbed(Fact::Resolved(Resolution::Failed), detail);
        let expected = json!({"by": "siti", "approved_by": "rahayu", "reason": WITHHELD});
        assert_eq!(evidence.detail, expected);
    }
}
