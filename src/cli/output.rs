//! How data leaves: rows as JSON and CSV for programs, as tables for people.

use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use super::exit::Exit;

/// `-o`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people: Rp 1.250.000, times in WIB
    Table,
    /// For programs: amounts are integers, times RFC 3339 UTC
    Json,
    /// For spreadsheets: the values of JSON
    Csv,
}

/// Rows that programs read have the fields of their struct as columns, in its order: those are part of the contract.
impl Format {
    /// Renders rows; for people as `table` does, or as `nothing` says when there are none.
    pub(super) fn rows<R: Serialize + Default>(
        self,
        rows: &[R],
        nothing: &str,
        table: impl FnOnce(&[R]) -> String,
    ) -> anyhow::Result<String> {
        match self {
            Self::Table if rows.is_empty() => Ok(format!("{nothing}\n")),
            Self::Table => Ok(table(rows)),
            Self::Json => json(rows),
            Self::Csv => csv(rows),
        }
    }

    /// Renders the one row that there is: in JSON an object.
    pub(super) fn row<R: Serialize + Default>(
        self,
        row: R,
        page: impl FnOnce(&R) -> String,
    ) -> anyhow::Result<String> {
        match self {
            Self::Table => Ok(page(&row)),
            Self::Json => Ok(serde_json::to_string(&row)? + "\n"),
            Self::Csv => csv(&[row]),
        }
    }
}

/// A JSON array with one row per line, so that two outputs can be compared by lines.
fn json<R: Serialize>(rows: &[R]) -> anyhow::Result<String> {
    if rows.is_empty() {
        return Ok("[]\n".to_owned());
    }
    let lines: Result<Vec<String>, _> = rows.iter().map(serde_json::to_string).collect();
    Ok(format!("[\n{}\n]\n", lines?.join(",\n")))
}

/// CSV with a header (RFC 4180, lines end with LF), in which a spreadsheet finds no formula.
fn csv<R: Serialize + Default>(rows: &[R]) -> anyhow::Result<String> {
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
fn cell(column: &str, text: &str) -> String {
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

/// A table for people: no frame, columns as wide as their content. `headings` are separated by `|`; a column whose
/// heading begins with `>` is aligned to the right, as amounts are.
pub(super) fn table(headings: &str, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    // Never squeezed: a broken order number cannot be copied.
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings.split('|').map(|name| name.trim_start_matches('>')));
    for row in rows {
        table.add_row(row.iter().map(|cell| plain(cell)));
    }
    for (column, heading) in table.column_iter_mut().zip(headings.split('|')) {
        column.set_padding((0, 2));
        if heading.starts_with('>') {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
        .lines()
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

/// Text from outside without characters that a terminal would obey or that change what a line seems to say.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() || turns_the_line(c) {
                ' '
            } else {
                c
            }
        })
        .collect()
}

/// Whether a character changes the direction in which a line is read, or breaks it.
const fn turns_the_line(c: char) -> bool {
    matches!(
        c,
        '\u{061c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

/// The same for several lines.
pub(super) fn lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// Writes to stdout. A reader that closed the pipe is not an error.
pub(super) fn print(text: &str) -> Result<(), Exit> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    match written.and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Exit::ReaderGone),
        Err(error) => Err(Exit::of_io("stdout", &error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[derive(Default, Serialize)]
    struct Row {
        name: &'static str,
        amount: Option<i64>,
    }

    #[test]
    fn the_same_rows_are_printed_for_programs_and_for_spreadsheets() {
        let row = |name, amount| Row { name, amount };
        let rows = [
            row("a", Some(1)),
            row("b, \"c\"\n", Some(-2)),
            row("d", None),
        ];
        let text = super::json(&rows).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value[1]["amount"], -2);
        assert_eq!(
            text.lines().nth(3),
            Some("{\"name\":\"d\",\"amount\":null}")
        );
        assert_eq!(
            csv(&rows).unwrap(),
            "name,amount\na,1\n\"b, \"\"c\"\"\n\",-2\nd,\n"
        );
    }

    #[test]
    fn without_rows_a_spreadsheet_still_gets_its_header() {
        assert_eq!(csv::<Row>(&[]).unwrap(), "name,amount\n");
        assert_eq!(super::json::<Row>(&[]).unwrap(), "[]\n");
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

    #[test]
    fn no_output_for_people_holds_a_character_that_turns_the_line() {
        for c in "\u{202a}\u{202e}\u{2066}\u{2069}\u{200e}\u{200f}\u{61c}\u{2028}".chars() {
            let text = format!("gnp.{c}exe");
            assert_eq!(plain(&text), "gnp. exe");
            assert_eq!(lines(&text), "gnp. exe");
            assert_eq!(cell("failure_reason", &text), "gnp. exe");
            assert!(!table("NAME", [vec![text]]).contains(c));
        }
        assert_eq!(plain("Zoë 日本 א"), "Zoë 日本 א");
    }

    #[test]
    fn text_from_outside_cannot_control_the_terminal() {
        let text = table("NAME", [vec!["a\u{1b}[2Jb".to_owned()]]);
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
