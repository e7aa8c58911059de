//! What an insert refuses, with which message, and what no message repeats.

use crate::support::{database::Database, refusal::Refusal};

/// The columns of a valid instruction. No message may contain its account.
pub(crate) const INSTRUCTION: [(&str, &str); 6] = [
    ("order_num", "'INV-1'"),
    ("amount", "250000"),
    ("fee_type", "1"),
    ("bank_code", "'014'"),
    ("account_number", "'7766554433'"),
    ("account_name", "'Canary Zebra'"),
];

/// The instruction with `value` in `column`, by INSERT and by `payout.enqueue`.
pub(crate) fn both_ways(column: &str, value: &str) -> [String; 2] {
    let mut given: Vec<(&str, &str)> = INSTRUCTION
        .iter()
        .copied()
        .filter(|(name, _)| *name != column)
        .collect();
    given.push((column, value));
    let names: Vec<_> = given.iter().map(|(name, _)| *name).collect();
    let values: Vec<_> = given.iter().map(|(_, value)| *value).collect();
    let arguments: Vec<_> = given
        .iter()
        .map(|(name, value)| format!("{name} => {value}"))
        .collect();
    [
        format!(
            "insert into payout.payouts ({}) values ({})",
            names.join(", "),
            values.join(", ")
        ),
        format!("select payout.enqueue({})", arguments.join(", ")),
    ]
}

/// Tries both ways; both must be refused with `code` and `words`, name the column, and say what to change.
pub(crate) async fn refuses(
    database: &Database,
    column: &str,
    value: &str,
    code: &str,
    words: &str,
) {
    for statement in both_ways(column, value) {
        let refusal = Refusal::expected(&statement, database.try_run(&statement).await);
        refusal.is(&statement, code, words);
        assert_eq!(refusal.column, column, "{statement}");
        assert!(!refusal.hint.is_empty(), "{statement}: no hint");
        for private in ["77665544", "Zebra"] {
            assert!(
                !refusal.everything.contains(private),
                "{statement}: {}",
                refusal.everything
            );
        }
    }
}

#[tokio::test]
#[rustfmt::skip]
async fn a_refused_insert_names_the_column_and_the_fix_and_repeats_no_account() {
    let database = Database::with_merchant().await;
    let rows = [
        // column           given                       SQLSTATE  words of the message
        ("order_num",       "null",                     "PW001", "1 to 32 characters"),
        ("order_num",       "''",                       "PW001", "1 to 32 characters"),
        ("order_num",       "repeat('A', 33)",          "PW001", "1 to 32 characters"),
        ("order_num",       "'INV 1'",                  "PW001", "A-Z a-z 0-9 _ -"),
        ("order_num",       "'INV/1'",                  "PW001", "A-Z a-z 0-9 _ -"),
        ("amount",          "null",                     "PW002", "whole rupiah"),
        ("amount",          "250000.75",                "PW002", "without a fraction"),
        ("amount",          "0.5",                      "PW002", "without a fraction"),
        ("amount",          "'250.000'",                "PW002", "250.000 could be meant as 250000"),
        ("amount",          "'1.000'",                  "PW002", "three decimals"),
        ("amount",          "'100.000'",                "PW002", "three decimals"),
        ("amount",          "250.000",                  "PW002", "three decimals"),
        ("amount",          "'NaN'",                    "PW002", "a number of whole rupiah"),
        ("amount",          "'Infinity'",               "PW002", "a number of whole rupiah"),
        ("amount",          "'-Infinity'",              "PW002", "a number of whole rupiah"),
        ("amount",          "0",                        "PW002", "from 1 to 1000000000000"),
        ("amount",          "-250000",                  "PW002", "from 1 to 1000000000000"),
        ("amount",          "1000000000001",            "PW002", "from 1 to 1000000000000"),
        ("amount",          "1e300",                    "PW002", "from 1 to 1000000000000"),
        ("fee_type",        "null",                     "PW003", "0 or 1"),
        ("fee_type",        "2",                        "PW003", "0 or 1"),
        ("fee_type",        "-1",                       "PW003", "0 or 1"),
        ("bank_code",       "null",                     "PW004", "3 to 10 digits"),
        ("bank_code",       "''",                       "PW004", "3 to 10 digits"),
        ("bank_code",       "'14'",                     "PW004", "3 to 10 digits"),
        ("bank_code",       "'BCA'",                    "PW004", "3 to 10 digits"),
        ("bank_code",       "repeat('0', 11)",          "PW004", "3 to 10 digits"),
        ("account_number",  "null",                     "PW005", "5 to 32 digits"),
        ("account_number",  "''",                       "PW005", "5 to 32 digits"),
        ("account_number",  "'7766 5544 33'",           "PW005", "without spaces or dashes"),
        ("account_number",  "'7766-5544-33'",           "PW005", "without spaces or dashes"),
        ("account_number",  "'+7766554433'",            "PW005", "5 to 32 digits"),
        ("account_number",  "'7766'",                   "PW005", "5 to 32 digits"),
        ("account_number",  "repeat('7766554433', 4)",  "PW005", "5 to 32 digits"),
        ("account_number",  "'77665544'",               "PW005", "8 digits, but BCA accounts have at least 10"),
        ("account_name",    "null",                     "PW006", "1 to 32 letters"),
        ("account_name",    "''",                       "PW006", "1 to 32 letters"),
        ("account_name",    "'   '",                    "PW006", "1 to 32 letters"),
        ("account_name",    "' Canary Zebra'",          "PW006", "1 to 32 letters"),
        ("account_name",    "'Canary Zebra '",          "PW006", "1 to 32 letters"),
        ("account_name",    "'Canary Zébra'",           "PW006", "1 to 32 letters"),
        ("account_name",    "'Canary O''Zebra'",        "PW006", "1 to 32 letters"),
        ("account_name",    "'PT. Canary Zebra'",       "PW006", "1 to 32 letters"),
        ("account_name",    "repeat('Canary', 6)",      "PW006", "1 to 32 letters"),
        ("merchant_code",   "'S404'",                   "PW007", "not registered"),
        ("merchant_code",   "''",                       "PW007", "not registered"),
        ("replaces",        "'INV-0'",                  "PW008", "names no payout"),
        ("replaces",        "''",                       "PW008", "names no payout"),
        ("description",     "''",                       "PW009", "1 to 32 letters"),
        ("description",     "' rent'",                  "PW009", "1 to 32 letters"),
        ("description",     "'rent '",                  "PW009", "1 to 32 letters"),
        ("description",     "'rent & more'",            "PW009", "1 to 32 letters"),
        ("description",     "repeat('a', 33)",          "PW009", "1 to 32 letters"),
        ("not_before",      "'infinity'",               "PW017", "before the year 10000"),
        ("not_before",      "'-infinity'",              "PW017", "before the year 10000"),
        ("not_before",      "'10000-01-01 UTC'",        "PW017", "before the year 10000"),
    ];
    for (column, given, code, words) in rows {
        refuses(&database, column, given, code, words).await;
    }
    assert_eq!(database.text("select count(*) from payout.payouts").await, "0");
}

#[tokio::test]
async fn a_refused_row_of_a_batch_is_named() {
    let database = Database::with_merchant().await;
    for (column, bad, code) in [
        ("amount", "numeric 'NaN'", "PW002"),
        ("amount", "0", "PW002"),
        ("fee_type", "7", "PW003"),
        ("bank_code", "'x'", "PW004"),
        ("account_number", "'1'", "PW005"),
        ("account_name", "'Zoë'", "PW006"),
        ("merchant_code", "'S404'", "PW007"),
        ("replaces", "'INV-0'", "PW008"),
        ("description", "' '", "PW009"),
        ("not_before", "'infinity'", "PW017"),
    ] {
        let columns = [
            ("order_num", "'INV-' || n"),
            ("amount", "250000"),
            ("fee_type", "1"),
            ("bank_code", "'014'"),
            ("account_number", "'7766554433'"),
            ("account_name", "'Canary Zebra'"),
            ("merchant_code", "null"),
            ("replaces", "null"),
            ("description", "null"),
            ("not_before", "null::timestamptz"),
        ];
        let names = columns.map(|(name, _)| name).join(", ");
        let values = columns.map(|(name, good)| {
            let bad = format!("case when n = 317 then {bad} else {good} end");
            if name == column { bad } else { good.to_owned() }
        });
        let batch = format!(
            "insert into payout.payouts ({names}) select {} from generate_series(1, 500) n",
            values.join(", ")
        );
        let refusal = Refusal::expected(column, database.try_run(&batch).await);
        assert_eq!(refusal.code, code, "{}", refusal.everything);
        assert!(
            refusal.everything.contains("order_num INV-317"),
            "{column}: {}",
            refusal.everything
        );
        assert!(!refusal.everything.contains("Zebra"), "{column}");
    }
}

#[tokio::test]
async fn every_column_accepts_the_limits_of_its_rule_and_keeps_the_value_as_given() {
    let database = Database::with_merchant().await;
    #[rustfmt::skip]
    let rows = [
        // column          given                              kept
        ("amount",         "1e5",                             "100000"),
        ("amount",         "250000.00",                       "250000"),
        ("amount",         "'250000'",                        "250000"),
        ("amount",         "1",                               "1"),
        ("amount",         "1000000000000",                   "1000000000000"),
        ("fee_type",       "0",                               "0"),
        ("bank_code",      "'0140000000'",                    "0140000000"),
        ("bank_code",      "'999'",                           "999"),
        ("account_number", "'0012345678'",                    "0012345678"),
        ("account_number", "repeat('0', 32)",                 "00000000000000000000000000000000"),
        ("account_name",   "repeat('Z', 32)",                 "ZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZZ"),
        ("account_name",   "'7'",                             "7"),
        ("description",    "'rent 11/2026, no. 7'",           "rent 11/2026, no. 7"),
        ("description",    "repeat('a', 32)",                 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("description",    "null",                            ""),
        ("metadata",       r#"'{"team": "kasbon", "é": 1}'"#, r#"{"é": 1, "team": "kasbon"}"#),
        ("priority",       "32767",                           "32767"),
        ("priority",       "null",                            "0"),
        ("not_before",     "'2030-01-01 07:00 UTC'",          "2030-01-01 07:00:00+00"),
        ("merchant_code",  "'S2020198627344'",                "S2020198627344"),
        ("merchant_code",  "null",                            "S2020198627344"),
    ];
    for (number, (column, given, kept)) in rows.into_iter().enumerate() {
        for (way, statement) in both_ways(column, given).into_iter().enumerate() {
            let order_num = format!("ok-{number}-{way}");
            database.run(&statement.replace("INV-1", &order_num)).await;
            let stored =
                format!("select {column} from payout.payouts where order_num = '{order_num}'");
            assert_eq!(database.text(&stored).await, kept, "{statement}");
        }
    }
    for order_num in ["repeat('A', 32)", "'_'", "'-'", "'a_B-9'"] {
        database.run(&both_ways("order_num", order_num)[0]).await;
    }
}

#[tokio::test]
async fn a_number_out_of_its_columns_range_is_refused_first() {
    let database = Database::with_merchant().await;
    #[rustfmt::skip]
    let rows = [
        ("insert", "fee_type", "70000",  "22003", "out of range"),
        ("insert", "priority", "40000",  "22003", "out of range"),
        ("call",   "fee_type", "70000",  "PW003", "0 or 1"),
        ("call",   "priority", "40000",  "PW017", "from -32768 to 32767"),
        ("call",   "priority", "-40000", "PW017", "from -32768 to 32767"),
    ];
    for (way, column, given, code, words) in rows {
        let statement = &both_ways(column, given)[usize::from(way == "call")];
        Refusal::expected(statement, database.try_run(statement).await).is(statement, code, words);
    }
}

#[tokio::test]
async fn an_unquoted_number_is_refused_with_the_advice_to_quote_it() {
    let database = Database::with_merchant().await;
    for (bank_code, account_number) in [
        ("014", "'0012345678'"),
        ("'014'", "0012345678"),
        ("014", "0012345678"),
        ("14::bigint", "12345678::bigint"),
    ] {
        let statement = format!(
            "select payout.enqueue(order_num => 'INV-1', amount => 1000, fee_type => 0, bank_code => {bank_code},
                                   account_number => {account_number}, account_name => 'Siti')"
        );
        let refusal = Refusal::expected(&statement, database.try_run(&statement).await);
        refusal.is(&statement, "PW005", "must be quoted text");
        assert!(refusal.hint.contains("leading zeros"), "{}", refusal.hint);
        let numbers_without_example = refusal.everything.replace("'0012345678'", "");
        assert!(
            !numbers_without_example.contains("12345678"),
            "{numbers_without_example}"
        );
    }
}

#[tokio::test]
async fn the_merchants_limits_bound_the_amount() {
    let database = Database::with_merchant().await;
    database
        .run("update payout.merchants set min_amount = 10000, max_amount = 50000")
        .await;
    for amount in ["9999", "50001"] {
        refuses(&database, "amount", amount, "PW002", "from 10000 to 50000").await;
    }
    database.insert("INV-1", 10_000).await;
    database.insert("INV-2", 50_000).await;
}

#[tokio::test]
async fn the_merchant_must_be_named_unless_there_is_exactly_one() {
    let database = Database::fresh().await;
    refuses(
        &database,
        "merchant_code",
        "null",
        "PW007",
        "0 merchants are registered",
    )
    .await;
    database.register_merchant("M1").await;
    database.register_merchant("M2").await;
    refuses(
        &database,
        "merchant_code",
        "null",
        "PW007",
        "2 merchants are registered",
    )
    .await;
    database.run(&both_ways("merchant_code", "'M2'")[0]).await;
    assert_eq!(
        database
            .text("select merchant_code from payout.payouts")
            .await,
        "M2"
    );
}

/// Only the owner can write these columns at all.
#[tokio::test]
async fn nothing_but_the_instruction_is_taken_from_the_caller() {
    let database = Database::with_merchant().await;
    for state in ["null", "'paid'", "'submitting'"] {
        let [insert, _] = both_ways("state", state);
        let refusal = Refusal::expected(&insert, database.try_run(&insert).await);
        refusal.is(&insert, "PW012", "a new payout must be queued");
        assert!(
            !refusal.everything.contains("Zebra"),
            "{}",
            refusal.everything
        );
    }
    for (column, given) in [
        ("attempt", "7"),
        ("sends", "7"),
        ("held", "7"),
        ("fee", "7"),
        ("resubmits_granted", "7"),
        ("proven_ours", "true"),
        ("platform_order_num", "'W7'"),
        ("attention_reasons", "'{not_found}'"),
        ("settled_at", "now()"),
        ("created_at", "'2001-01-01'"),
        ("created_by", "'somebody'"),
        ("rules", "7"),
    ] {
        let [insert, _] = both_ways(column, given);
        database.run(&insert.replace("INV-1", column)).await;
    }
    let untouched = "select bool_and((attempt, sends, held, resubmits_granted, proven_ours) = (0, 0, 0, 0, false)
                       and num_nulls(fee, platform_order_num, attention, settled_at) = 4
                       and created_at > now() - interval '1 hour' and created_by = session_user and rules = 1)
                     from payout.payouts";
    assert_eq!(database.text(untouched).await, "true");
}
