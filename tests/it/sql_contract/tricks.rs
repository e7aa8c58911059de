//! Characters that slip through a careless pattern: line ends, invisible marks, look-alikes.

use super::refusals::refuses;
use crate::support::database::Database;

/// Each text column, with a valid value.
const TEXTS: [(&str, &str, &str); 7] = [
    ("order_num", "INV-1", "PW001"),
    ("bank_code", "014", "PW004"),
    ("account_number", "7766554433", "PW005"),
    ("account_name", "Canary Zebra", "PW006"),
    ("merchant_code", "S2020198627344", "PW007"),
    ("replaces", "INV-0", "PW008"),
    ("description", "rent", "PW009"),
];

/// Escapes of a Postgres `E'…'` literal.
const TRICKS: [&str; 21] = [
    r"\n",
    r"\r",
    r"\r\n",
    r"\t",
    r"\u000b",
    r"\f",
    r"\u0001",
    r"\u001b[31m",
    r"\u007f",
    r"\u0085",
    r"\u00a0",
    r"\u2028",
    r"\u200b",
    r"\u202e",
    r"\ufeff",
    r"\u0301",
    r"\uff11",
    r"\u0661",
    r"\u0130",
    r"\U0001F600",
    r"\\",
];

/// So that `replaces` refers to a payout that may be replaced.
async fn database_with_failed_inv_0() -> Database {
    let database = Database::with_steps().await;
    database.insert_in("failed", "INV-0").await;
    database
}

#[tokio::test]
async fn no_text_column_accepts_a_line_end_a_control_character_or_a_look_alike() {
    let database = database_with_failed_inv_0().await;
    for (column, text, code) in TEXTS {
        let (head, tail) = text.split_at(text.len() / 2);
        for trick in TRICKS {
            for value in [
                format!("E'{text}{trick}'"),
                format!("E'{trick}{text}'"),
                format!("E'{head}{trick}{tail}'"),
                format!("E'{trick}'"),
            ] {
                refuses(&database, column, &value, code, "").await;
            }
        }
    }
}

#[tokio::test]
async fn a_valid_second_line_does_not_make_an_invalid_first_line_pass() {
    let database = database_with_failed_inv_0().await;
    for (column, text, code) in TEXTS {
        for value in [
            format!("'{text}' || E'\\n'"),
            format!("E'\\n{text}'"),
            format!("E'{text}\\n{text}'"),
            format!("E'; drop table payout.payouts\\n{text}'"),
            format!("E'{text}\\n(?n)'"),
        ] {
            refuses(&database, column, &value, code, "").await;
        }
    }
}
