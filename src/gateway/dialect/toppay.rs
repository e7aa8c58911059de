//! `toppay`, the sister hosts: submits as in [`super::bdpay`], queries and balances in an envelope that nobody signs.

use super::{Balance, Envelope, Query, Rules, Submit, Unsigned, Value, bdpay};

pub(super) const RULES: Rules = Rules {
    name: "toppay",
    signature: "sign",
    // protocol P10, P11
    submit: Submit {
        request: &[
            ("merchantCode", Value::MerchantCode),
            ("method", Value::Fixed("Transfer")),
            ("orderType", Value::Fixed("0")),
            ("orderNum", Value::OrderNum),
            ("money", Value::Money),
            ("feeType", Value::FeeType),
            ("bankCode", Value::BankCode),
            ("number", Value::AccountNumber),
            ("name", Value::AccountName),
            ("description", Value::Description),
            ("notifyUrl", Value::NotifyUrl),
            ("dateTime", Value::DateTime),
        ],
        envelope: bdpay::SIGNED,
        order: bdpay::SUBMITTED,
        fee_type: "feeType",
        account_number: "number",
    },
    // protocol P14, P15. No form of "not found" is documented, so none counts.
    query: Query {
        request: &[
            ("merchantCode", Value::MerchantCode),
            ("queryType", Value::Fixed("CASH_QUERY")),
            ("orderNum", Value::OrderNum),
            ("dateTime", Value::DateTime),
        ],
        envelope: Envelope::Unsigned(UNSIGNED),
        order: bdpay::QUERIED,
    },
    // protocol P18. Of several accounts nobody can tell which one is meant.
    balance: Balance {
        request: bdpay::BALANCE,
        envelope: Envelope::Unsigned(Unsigned {
            is_list: true,
            ..UNSIGNED
        }),
        available: "balance",
        frozen: "freeze",
        pending: "waitingSettleAmount",
    },
    shown: bdpay::SHOWN,
};

const UNSIGNED: Unsigned = Unsigned {
    success: "success",
    code: "code",
    code_of_success: "1000",
    data: "data",
    is_list: false,
};
