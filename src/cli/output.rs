//! How data leaves: rows as JSON and CSV for programs, as tables for people.

use std::io::{self, Write};

use clap::ValueEnum;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use payout_reports::spreadsheet::{csv, turns_the_line};
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

    /// Renders rows with what they come to. In JSON both are fields of one object, under these names. A CSV file has the rows
    /// only: a spreadsheet sums them itself, and would count a row of sums twice.
    pub(super) fn rows_with<R: Serialize + Default, S: Serialize>(
        self,
        [name, name_of_sums]: [&str; 2],
        rows: &[R],
        sums: &S,
        page: impl FnOnce() -> String,
    ) -> anyhow::Result<String> {
        match self {
            Self::Table => Ok(page()),
            Self::Json => Ok(format!(
                "{{\"{name}\":{},\n\"{name_of_sums}\":{}}}\n",
                json(rows)?.trim_end(),
                serde_json::to_string(sums)?
            )),
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
    use payout_reports::spreadsheet::cell;

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
