//! `bdpay`: every answer is one flat object that the platform signs.

use super::{Balance, Envelope, OrderFields, Query, Rules, Shown, Signed, Submit, Value};

pub(super) const RULES: Rules = Rules {
    name: "bdpay",
    signature: "sign",
    // protocol P10, P11
    submit: Submit {
        request: &[SUBMIT],
        envelope: SIGNED,
        order: SUBMITTED,
        fee_type: "feeType",
        account_number: "number",
    },
    // protocol P14, P15
    query: Query {
        request: &[QUERY],
        envelope: Envelope::Signed(SIGNED),
        order: QUERIED,
    },
    // protocol P18
    balance: Balance {
        request: &[BALANCE],
        envelope: Envelope::Signed(SIGNED),
        available: "balance",
        frozen: "freeze",
        pending: "pendMoney",
    },
    shown: SHOWN,
};

/// protocol P12
const SIGNED: Signed = Signed {
    signature: "platSign",
    code: "platRespCode",
    success: "SUCCESS",
    failure: "FAIL",
    not_found: Some("NOTEXIST"),
};

const SUBMITTED: OrderFields = OrderFields {
    order_num: "orderNum",
    platform_order_num: "platOrderNum",
    amount: &["money"],
    fee: "fee",
    status: "status",
    message: &["platRespMessage", "statusMsg"],
};

const QUERIED: OrderFields = OrderFields {
    amount: &["amount", "money"],
    message: &["msg", "statusMsg"],
    ..SUBMITTED
};

pub(super) const SUBMIT: &[(&str, Value)] = &[
    ("merchantCode", Value::MerchantCode),
    ("orderNum", Value::OrderNum),
    ("money", Value::Money),
    ("feeType", Value::FeeType),
    ("bankCode", Value::BankCode),
    ("number", Value::AccountNumber),
    ("name", Value::AccountName),
    ("description", Value::Description),
    ("notifyUrl", Value::NotifyUrl),
    ("dateTime", Value::DateTime),
];

pub(super) const QUERY: &[(&str, Value)] = &[
    ("merchantCode", Value::MerchantCode),
    ("orderNum", Value::OrderNum),
    ("dateTime", Value::DateTime),
];

const BALANCE: &[(&str, Value)] = &[
    ("merchantCode", Value::MerchantCode),
    ("dateTime", Value::DateTime),
];

/// Also the names of the sister hosts' envelopes.
const SHOWN: Shown = Shown {
    values: &[
        "amount",
        "bankCode",
        "code",
        "fee",
        "feeType",
        "money",
        "orderNum",
        "platOrderNum",
        "status",
        "success",
    ],
    texts: &[
        "message",
        "msg",
        "platRespCode",
        "platRespMessage",
        "statusMsg",
    ],
};
