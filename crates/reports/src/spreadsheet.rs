//! Rows as CSV for spreadsheets: no cell is a formula, and every cell reads in one direction.

use serde::Serialize;

/// CSV with a header (RFC 4180, lines end with LF), in which a spreadsheet finds no formula.
pub fn csv<R: Serialize + Default>(rows: &[R]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row)?;
    }
    if rows.is_empty() {
        // The writer learns the header from a row: this one is cut off again.
        writer.serialize(R::default())?;
    }
    let written = writer.into_inner()?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(written.as_slice());
    let mut safe = csv::Writer::from_writer(Vec::new());
    let mut header: Option<csv::StringRecord> = None;
    for row in reader.records() {
        let row = row?;
        let Some(names) = &header else {
            safe.write_record(&row)?;
            header = Some(row);
            if rows.is_empty() {
                break;
            }
            continue;
        };
        safe.write_record(names.iter().zip(&row).map(|(name, text)| cell(name, text)))?;
    }
    Ok(String::from_utf8(safe.into_inner()?)?)
}

/// Columns with keys, which other programs compare. Ours have only letters, digits, `-` and `_`.
const KEYS: [&str; 4] = [
    "merchant_code",
    "order_num",
    "platform_order_num",
    "replaces",
];

/// A cell that no spreadsheet takes for a formula, and that reads in one direction. Numbers and keys stay as they are, a
/// negative amount too.
pub fn cell(column: &str, text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if turns_the_line(c) { ' ' } else { c })
        .collect();
    let is_number = text
        .strip_prefix('-')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    let is_key = KEYS.contains(&column)
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    // Spreadsheets skip what nobody sees before a formula, and take other forms of a sign for the plain one.
    let first = text.chars().find(|c| !is_blank(*c));
    let begins_a_formula = first.is_some_and(|c| "=+-@\t\r\n＝＋－＠﹦﹢﹣﹫−".contains(c));
    if begins_a_formula && !is_number && !is_key {
        format!("'{text}")
    } else {
        text
    }
}

/// Whether a character shows nothing: a space, or one that Unicode calls ignorable by default.
fn is_blank(c: char) -> bool {
    (c.is_whitespace() && !c.is_control())
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fff8}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Whether a character changes the direction in which a line is read, or breaks it.
pub const fn turns_the_line(c: char) -> bool {
    matches!(
        c,
        '\u{061c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default, Serialize)]
    struct Row {
        name: &'static str,
        amount: Option<i64>,
    }

    #[test]
    fn a_spreadsheet_finds_text_where_outside_words_look_like_a_formula() {
        for text in [
            "=HYPERLINK(\"http://evil.example\",\"paid\")",
            "+1-1",
            "-1+1",
            "-x",
            "- 1",
            "--1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "  =1",
            "\u{feff}=1",
            "\u{202e}=1",
            "＝1",
            "\u{feff}\u{200b}=1",
            " \u{2060}+1",
            "\u{3164}@SUM(A1)",
            "\u{ad}\u{fe0f}-x",
            "\u{e0061}\u{2003}=1",
            "﹦1",
        ] {
            assert!(cell("failure_reason", text).starts_with('\''), "{text:?}");
        }
        for text in [
            "",
            "-2500",
            "-0",
            "2026-11-28T01:00:00Z",
            "a=1",
            "'=1",
            "order does not exist",
        ] {
            assert_eq!(cell("failure_reason", text), text);
        }
        for key in ["-INV_1", "INV-77", "W0620"] {
            assert_eq!(cell("order_num", key), key);
        }
        // From a statement that somebody else wrote.
        assert_eq!(cell("order_num", "=1+1"), "'=1+1");
        let rows = [Row {
            name: "=1+1",
            amount: Some(-2500),
        }];
        assert_eq!(csv(&rows).unwrap(), "name,amount\n'=1+1,-2500\n");
    }
}
