//! `toppay`, the sister hosts: what they do unlike [`super::bdpay`]. Queries and balances come in an envelope that nobody
//! signs, and no form of "not found" is documented (protocol P15, P18).

use super::{Balance, Envelope, Query, Rules, Submit, Unsigned, Value, bdpay};

pub(super) const RULES: Rules = Rules {
    name: "toppay",
    submit: Submit {
        request: &[
            bdpay::SUBMIT,
            &[
                ("method", Value::Fixed("Transfer")),
                ("orderType", Value::Fixed("0")),
            ],
        ],
        ..bdpay::RULES.submit
    },
    query: Query {
        request: &[bdpay::QUERY, &[("queryType", Value::Fixed("CASH_QUERY"))]],
        envelope: Envelope::Unsigned(UNSIGNED),
        ..bdpay::RULES.query
    },
    balance: Balance {
        // Of several accounts nobody can tell which one is meant.
        envelope: Envelope::Unsigned(Unsigned {
            is_list: true,
            ..UNSIGNED
        }),
        pending: "waitingSettleAmount",
        ..bdpay::RULES.balance
    },
    ..bdpay::RULES
};

const UNSIGNED: Unsigned = Unsigned {
    success: "success",
    code: "code",
    code_of_success: "1000",
    data: "data",
    is_list: false,
};
