//! Rows that arrive where no trigger fires: from a subscription, or under `session_replication_role = replica`.

use super::refusals::INSTRUCTION;
use crate::support::{database::Database, refusal::Refusal};

/// A column, a value that the trigger would refuse, and the constraint that refuses it too.
const BAD: [(&str, &str, &str); 25] = [
    ("order_num", "'INV 1'", "order_num_is_plain"),
    ("order_num", "''", "order_num_is_plain"),
    ("order_num", "repeat('x', 33)", "order_num_is_plain"),
    ("amount", "250000.75", "amount_is_whole_rupiah"),
    ("amount", "0", "amount_is_whole_rupiah"),
    ("amount", "-1", "amount_is_whole_rupiah"),
    ("amount", "'NaN'", "amount_is_whole_rupiah"),
    ("amount", "'Infinity'", "amount_is_whole_rupiah"),
    ("amount", "1000000000001", "amount_is_whole_rupiah"),
    ("fee_type", "7", "fee_type_is_known"),
    ("fee_type", "-1", "fee_type_is_known"),
    ("bank_code", "'14'", "bank_code_is_digits"),
    ("bank_code", "'BCA'", "bank_code_is_digits"),
    ("account_number", "'12-34'", "account_number_is_digits"),
    ("account_number", "'1234'", "account_number_is_digits"),
    (
        "account_number",
        "'\u{661}\u{662}\u{663}\u{664}\u{665}'",
        "account_number_is_digits",
    ),
    (
        "account_name",
        "repeat('\u{738b}', 30)",
        "account_name_is_plain",
    ),
    ("account_name", "repeat('x', 60)", "account_name_is_plain"),
    ("account_name", "' Siti'", "account_name_is_plain"),
    ("account_name", "''", "account_name_is_plain"),
    ("description", "'=1+1'", "description_is_plain"),
    ("description", "''", "description_is_plain"),
    ("not_before", "'infinity'", "not_before_is_a_time"),
    ("not_before", "'20000-01-01'", "not_before_is_a_time"),
    (
        "metadata",
        "jsonb_build_object('a', repeat('x', 16384))",
        "metadata_is_small",
    ),
];

#[tokio::test]
async fn the_table_itself_refuses_what_no_trigger_sees() {
    let database = Database::with_merchant().await;
    for (column, value, constraint) in BAD {
        let (columns, values): (Vec<_>, Vec<_>) = INSTRUCTION
            .into_iter()
            .filter(|(name, _)| *name != column)
            .chain([(column, value), ("merchant_code", "'S2020198627344'")])
            .unzip();
        let insert = format!(
            "set session_replication_role = replica;
             insert into payout.payouts ({}) values ({})",
            columns.join(", "),
            values.join(", ")
        );
        let mut session = database.connect().await;
        let refused = sqlx::raw_sql(sqlx::AssertSqlSafe(insert.clone()))
            .execute(&mut session)
            .await;
        let refusal = Refusal::expected(&insert, refused);
        assert_eq!(refusal.code, "23514", "{insert}");
        assert!(refusal.message.contains(constraint), "{}", refusal.message);
    }
}
