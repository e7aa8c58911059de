//! How data leaves: one description of a row gives the table, the JSON and the CSV.

use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use serde_json::Value;

use super::exit::Failure;

/// `-o`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people: Rp 1.250.000, times in WIB
    Table,
    /// For programs: amounts are integers, times RFC 3339 UTC
    Json,
    /// For spreadsheets: as JSON
    Csv,
}

/// A row for programs. Its columns are part of the contract.
pub(super) trait Record {
    /// The names, in order.
    const COLUMNS: &'static [&'static str];

    /// One value per column.
    fn values(&self) -> Vec<Value>;
}

/// Rows as a JSON array with one row per line, so that two of them can be compared by lines.
pub(super) fn json<R: Record>(rows: &[R]) -> String {
    if rows.is_empty() {
        return "[]\n".to_owned();
    }
    let lines: Vec<String> = rows.iter().map(object).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

/// One row as a JSON object, its keys in the order of the columns.
pub(super) fn object<R: Record>(row: &R) -> String {
    let pairs: Vec<String> = R::COLUMNS
        .iter()
        .zip(row.values())
        .map(|(name, value)| format!("{}:{value}", Value::from(*name)))
        .collect();
    format!("{{{}}}", pairs.join(","))
}

/// Rows as CSV with a header (RFC 4180, lines ended by LF).
pub(super) fn csv<R: Record>(rows: &[R]) -> String {
    let mut text = format!("{}\n", R::COLUMNS.join(","));
    for row in rows {
        let cells: Vec<String> = row.values().iter().map(csv_cell).collect();
        text.push_str(&cells.join(","));
        text.push('\n');
    }
    text
}

fn csv_cell(value: &Value) -> String {
    let text = match value.as_str() {
        Some(text) => text.to_owned(),
        None if value.is_null() => String::new(),
        None => value.to_string(),
    };
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// One column of a table for people.
#[derive(Clone, Copy)]
pub(super) enum Column {
    /// Text.
    Left(&'static str),
    /// Amounts.
    Right(&'static str),
}

/// A table for people: no frame, columns as wide as they must be.
pub(super) fn table(columns: &[Column], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    // Never squeezed: a broken order number cannot be copied.
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| match column {
        Column::Left(name) | Column::Right(name) => *name,
    }));
    for row in rows {
        table.add_row(row.iter().map(|cell| plain(cell)).collect::<Vec<_>>());
    }
    for (own, column) in table.column_iter_mut().zip(columns) {
        own.set_padding((0, 2));
        if matches!(column, Column::Right(_)) {
            own.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    format!("{}\n", lines.join("\n"))
}

/// Text of strangers without control characters, which a terminal would obey.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// The same for several lines.
pub(super) fn lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// Writes to stdout. A reader that went away is no fault.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::ReaderGone),
        Err(error) => Err(Failure::of_io("stdout", &error)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    struct Row(&'static str, i64);

    impl Record for Row {
        const COLUMNS: &'static [&'static str] = &["name", "amount"];

        fn values(&self) -> Vec<Value> {
            vec![json!(self.0), json!(self.1)]
        }
    }

    #[test]
    fn the_same_rows_are_printed_for_programs_and_for_spreadsheets() {
        let rows = [Row("a", 1), Row("b, \"c\"\n", -2)];
        let value: Value = serde_json::from_str(&super::json(&rows)).unwrap();
        assert_eq!(value[1]["amount"], -2);
        assert_eq!(csv(&rows), "name,amount\na,1\n\"b, \"\"c\"\"\n\",-2\n");
        assert_eq!(super::json::<Row>(&[]), "[]\n");
    }

    #[test]
    fn a_table_does_not_let_a_stranger_steer_the_terminal() {
        let text = table(
            &[Column::Left("NAME")],
            vec![vec!["a\u{1b}[2Jb".to_owned()]],
        );
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }
}
