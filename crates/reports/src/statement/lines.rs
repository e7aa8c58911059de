//! Reads a statement of the gateway. What could be read in two ways is refused.

use serde::Serialize;

/// How a payout ended according to the statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It has not ended.
    Open,
    /// The beneficiary has the money.
    Paid,
    /// It was not paid.
    Failed,
    /// It was paid and came back.
    Returned,
}

impl End {
    /// Its word, for people and programs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Returned => "returned",
        }
    }
}

/// One payout in the statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The line of the file on which it begins, from 1.
    pub number: usize,
    /// Whose order it is.
    pub order_num: String,
    /// In rupiah.
    pub amount: i64,
    /// In rupiah, where it is stated.
    pub fee: Option<i64>,
    /// How it ended.
    pub end: End,
}

/// The columns by the names that gateways and spreadsheets give them, in lower case without punctuation.
const ORDER: &[&str] = &["ordernum", "ordernumber", "orderno", "merchantordernum"];
const AMOUNT: &[&str] = &["amount", "money"];
const STATUS: &[&str] = &["status", "state"];
const FEE: &[&str] = &["fee"];

/// Reads every line.
///
/// # Errors
/// What is wrong with which line.
pub fn read(text: &str) -> Result<Vec<Line>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let mut records = records(text)?.into_iter();
    let Some((_, heading)) = records.next() else {
        return Err("it is empty: its first line must name the columns".to_owned());
    };
    let columns = Columns::of(&heading)?;
    records
        .map(|(number, cells)| {
            columns
                .line(number, &cells)
                .map_err(|error| format!("line {number}: {error}"))
        })
        .collect()
}

/// Where each value stands in a record.
struct Columns {
    order: usize,
    amount: usize,
    status: Option<usize>,
    fee: Option<usize>,
    count: usize,
}

impl Columns {
    fn of(heading: &csv::StringRecord) -> Result<Self, String> {
        let find = |names: &[&str]| {
            heading
                .iter()
                .position(|cell| names.contains(&&*bare(cell)))
        };
        let missing = |what: &str| format!("line 1: no column is called {what}");
        Ok(Self {
            order: find(ORDER).ok_or_else(|| missing("order_num"))?,
            amount: find(AMOUNT).ok_or_else(|| missing("amount"))?,
            status: find(STATUS),
            fee: find(FEE),
            count: heading.len(),
        })
    }

    fn line(&self, number: usize, cells: &csv::StringRecord) -> Result<Line, String> {
        // A separator that was not quoted shifts the cells behind it, and an amount could be read from another column.
        if cells.iter().skip(self.count).any(|cell| !cell.is_empty()) {
            return Err("it has more cells than line 1 names columns".to_owned());
        }
        let cell = |at: usize| cells.get(at).unwrap_or_default();
        if cell(self.order).is_empty() {
            return Err("it has no order number".to_owned());
        }
        let fee = self.fee.map(cell).filter(|fee| !fee.is_empty());
        Ok(Line {
            number,
            order_num: cell(self.order).to_owned(),
            amount: rupiah(cell(self.amount))?,
            fee: fee.map(rupiah).transpose()?,
            end: self.status.map_or(Ok(End::Paid), |at| end(cell(at)))?,
        })
    }
}

fn bare(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// `250000`, or `250000.00` as some exports have it. A dot before three digits could separate thousands.
fn rupiah(text: &str) -> Result<i64, String> {
    let whole = text
        .strip_suffix(".00")
        .or_else(|| text.strip_suffix(".0"))
        .unwrap_or(text);
    let is_plain = !whole.is_empty() && whole.bytes().all(|b| b.is_ascii_digit());
    whole
        .parse()
        .ok()
        .filter(|_| is_plain)
        .ok_or_else(|| format!("`{text}` is not an amount: write whole rupiah in digits only"))
}

fn end(word: &str) -> Result<End, String> {
    match word.to_ascii_lowercase().as_str() {
        "0" | "1" | "5" | "pending" | "processing" => Ok(End::Open),
        "2" | "paid" => Ok(End::Paid),
        "3" | "4" | "failed" | "cancelled" => Ok(End::Failed),
        "returned" | "refunded" => Ok(End::Returned),
        "success" => Err(
            "the status SUCCESS can mean accepted or paid: write 2 or paid if it is paid"
                .to_owned(),
        ),
        _ => Err(format!(
            "unknown status `{word}`: use 0 to 5, paid, failed, pending or returned"
        )),
    }
}

/// The records that are not blank, with the lines on which they begin.
fn records(text: &str) -> Result<Vec<(usize, csv::StringRecord)>, String> {
    let heading = text.lines().next().unwrap_or_default();
    // A spreadsheet whose decimal sign is the comma separates by semicolons.
    let separator = [b';', b'\t']
        .into_iter()
        .find(|sign| heading.contains(char::from(*sign)));
    // The reader takes a quote that is never closed for a cell up to the end of the file: it would swallow this record.
    let text = text.replace("\r\n", "\n") + "\n" + LAST;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(separator.unwrap_or(b','))
        .from_reader(text.as_bytes());
    let mut records = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        if record.iter().any(|cell| !cell.is_empty()) {
            records.push((first_line(&record, &text), record));
        }
    }
    match records.pop() {
        Some((_, last)) if last.iter().eq([LAST]) => Ok(records),
        last => {
            let line = last.map_or(0, |(line, _)| line);
            Err(format!("line {line}: a quoted cell is not closed"))
        }
    }
}

/// The reader's position stands before the empty lines that it skips.
fn first_line(record: &csv::StringRecord, text: &str) -> usize {
    let Some(position) = record.position() else {
        return 0;
    };
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let rest = text.bytes().skip(number(position.byte()));
    let empty = rest.take_while(|byte| *byte == b'\n').count();
    number(position.line()).saturating_add(empty)
}

/// What no statement holds.
const LAST: &str = "\u{1}";

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize, order_num: &str, amount: i64, fee: Option<i64>, end: End) -> Line {
        Line {
            number,
            order_num: order_num.to_owned(),
            amount,
            fee,
            end,
        }
    }

    #[test]
    fn columns_are_found_by_name_in_any_order_and_dialect() {
        let commas =
            "Status,Order Num,\"Amount\",fee\r\n2,INV-1,250000.00,2500\r\n\r\n4,\"INV-2\",100,\r\n";
        let read_commas = read(commas).unwrap();
        assert_eq!(
            read_commas,
            [
                line(2, "INV-1", 250_000, Some(2_500), End::Paid),
                line(4, "INV-2", 100, None, End::Failed),
            ]
        );
        let semicolons =
            "\u{feff}orderNum;money;remark\nINV-1;250000;\"a; \"\"b\"\"\nc\"\nINV-2;1;\n";
        let numbers: Vec<_> = read(semicolons)
            .unwrap()
            .into_iter()
            .map(|line| (line.number, line.order_num, line.end))
            .collect();
        assert_eq!(
            numbers,
            [
                (2, "INV-1".to_owned(), End::Paid),
                (4, "INV-2".to_owned(), End::Paid)
            ]
        );
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_named_with_its_line() {
        for (text, words) in [
            ("", "empty"),
            ("order_num,total\n", "no column is called amount"),
            ("amount\n1\n", "no column is called order_num"),
            ("order_num,amount\nINV-1,250.000\n", "line 2: `250.000`"),
            ("order_num,amount\nINV-1,-5\n", "line 2: `-5`"),
            ("order_num,amount\n,5\n", "line 2: it has no order number"),
            ("order_num,amount,status\nI,5,SUCCESS\n", "accepted or paid"),
            ("order_num,amount,status\nI,5,7\n", "unknown status `7`"),
            (
                "order_num,amount\n\n\"I,5\n",
                "line 3: a quoted cell is not",
            ),
            (
                "order_num,amount\nI,5\nJ,\"6\nK,7\n",
                "line 3: a quoted cell is",
            ),
            (
                "order_num,note,amount\nI, \"a, 5\",6\n",
                "line 2: it has more cells",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
