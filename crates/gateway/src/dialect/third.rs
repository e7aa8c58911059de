//! An invented dialect, for tests: other names everywhere, signed queries, and a balance in an unsigned envelope.

use super::{Balance, Envelope, OrderFields, Query, Rules, Shown, Signed, Submit, Unsigned, Value};

pub(super) const RULES: Rules = Rules {
    name: "third",
    signature: "signature",
    submit: Submit {
        request: &[&[
            ("shop", Value::MerchantCode),
            ("reference", Value::OrderNum),
            ("total", Value::Money),
            ("charge", Value::FeeType),
            ("bank", Value::BankCode),
            ("account", Value::AccountNumber),
            ("holder", Value::AccountName),
            ("memo", Value::Description),
            ("hook", Value::NotifyUrl),
            ("at", Value::DateTime),
            ("kind", Value::Fixed("PAYOUT")),
        ]],
        envelope: SIGNED,
        order: ORDER,
        fee_type: "charge",
        account_number: "account",
    },
    query: Query {
        request: &[&[
            ("shop", Value::MerchantCode),
            ("reference", Value::OrderNum),
            ("at", Value::DateTime),
        ]],
        envelope: Envelope::Signed(SIGNED),
        order: ORDER,
    },
    balance: Balance {
        request: &[&[("shop", Value::MerchantCode), ("at", Value::DateTime)]],
        envelope: Envelope::Unsigned(Unsigned {
            success: "ok",
            code: "errno",
            code_of_success: "0",
            data: "result",
            is_list: false,
        }),
        available: "free",
        frozen: "blocked",
        pending: "coming",
    },
    shown: Shown {
        values: &["reference", "their_reference", "total", "state"],
        texts: &["hint"],
    },
};

const SIGNED: Signed = Signed {
    signature: "seal",
    code: "result",
    success: "00",
    failure: "99",
    not_found: Some("44"),
};

const ORDER: OrderFields = OrderFields {
    order_num: "reference",
    platform_order_num: "their_reference",
    amount: &["total"],
    fee: "cost",
    status: "state",
    message: &["hint"],
};
