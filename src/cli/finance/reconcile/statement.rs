//! Reads a statement of the gateway. What could be read in two ways is not read at all.

use std::collections::VecDeque;

/// How a line of the statement says that it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Open,
    Paid,
    Failed,
    Returned,
}

impl End {
    pub(crate) const fn name(self) -> &'static str {
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
pub(crate) struct Line {
    /// Where it stands in the file.
    pub(crate) number: usize,
    pub(crate) order_num: String,
    pub(crate) amount: i64,
    pub(crate) fee: Option<i64>,
    pub(crate) end: End,
}

/// The columns by the names that gateways and spreadsheets give them, written without case and signs.
const ORDER: &[&str] = &["ordernum", "ordernumber", "orderno", "merchantordernum"];
const AMOUNT: &[&str] = &["amount", "money"];
const STATUS: &[&str] = &["status", "state"];
const FEE: &[&str] = &["fee"];

/// Reads all of it, or says what is wrong with which line.
pub(crate) fn read(text: &str) -> Result<Vec<Line>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let heading = text.lines().next().unwrap_or_default();
    // A spreadsheet whose comma is the decimal sign separates by semicolons.
    let separator = [';', '\t']
        .into_iter()
        .find(|sign| heading.contains(*sign))
        .unwrap_or(',');
    let mut rows = rows(text, separator)?;
    let Some((_, heading)) = rows.pop_front() else {
        return Err("it is empty: its first line must name the columns".to_owned());
    };
    let column = |names: &[&str]| {
        heading
            .iter()
            .position(|cell| names.contains(&&*bare(cell)))
    };
    let missing = |what: &str| format!("line 1: no column is called {what}");
    let order = column(ORDER).ok_or_else(|| missing("order_num"))?;
    let amount = column(AMOUNT).ok_or_else(|| missing("amount"))?;
    let (status, fee) = (column(STATUS), column(FEE));
    rows.into_iter()
        .map(|(number, cells)| {
            let cell = |at: usize| cells.get(at).map(|cell| cell.trim()).unwrap_or_default();
            let of_line = |error: String| format!("line {number}: {error}");
            let stated_fee = fee.map(cell).filter(|fee| !fee.is_empty());
            let order_num = cell(order).to_owned();
            if order_num.is_empty() {
                return Err(of_line("it has no order number".to_owned()));
            }
            Ok(Line {
                number,
                order_num,
                amount: rupiah(cell(amount)).map_err(of_line)?,
                fee: stated_fee.map(rupiah).transpose().map_err(of_line)?,
                end: status
                    .map_or(Ok(End::Paid), |at| end(cell(at)))
                    .map_err(of_line)?,
            })
        })
        .collect()
}

fn bare(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

/// `250000`, or `250000.00` as some exports have it. A point before three digits could be a thousand.
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
        .ok_or_else(|| format!("`{text}` is no amount: write whole rupiah as digits alone"))
}

fn end(word: &str) -> Result<End, String> {
    match word.to_ascii_lowercase().as_str() {
        "0" | "1" | "5" | "pending" | "processing" => Ok(End::Open),
        "2" | "paid" => Ok(End::Paid),
        "3" | "4" | "failed" | "cancelled" => Ok(End::Failed),
        "returned" | "refunded" => Ok(End::Returned),
        "success" => Err(
            "the status SUCCESS can mean accepted or paid: write 2 or paid where it is paid"
                .to_owned(),
        ),
        _ => Err(format!(
            "the status `{word}` is not known: use 0 to 5, paid, failed, pending or returned"
        )),
    }
}

/// Cells of RFC 4180, each row with the number of the line on which it begins. Empty lines are left out.
fn rows(text: &str, separator: char) -> Result<VecDeque<(usize, Vec<String>)>, String> {
    let mut rows = VecDeque::new();
    let (mut cells, mut cell) = (Vec::new(), String::new());
    let (mut line, mut begun) = (1_usize, 1_usize);
    let mut is_quoted = false;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if is_quoted && signs.peek() == Some(&'"') => {
                signs.next();
                cell.push('"');
            }
            '"' if is_quoted || cell.trim().is_empty() => is_quoted = !is_quoted,
            '\n' if !is_quoted => {
                cells.push(std::mem::take(&mut cell));
                rows.push_back((begun, std::mem::take(&mut cells)));
                line = line.saturating_add(1);
                begun = line;
            }
            '\r' if !is_quoted => {}
            other if other == separator && !is_quoted => cells.push(std::mem::take(&mut cell)),
            other => {
                line = line.saturating_add(usize::from(other == '\n'));
                cell.push(other);
            }
        }
    }
    if is_quoted {
        return Err(format!("line {begun}: a quoted cell does not end"));
    }
    cells.push(cell);
    rows.push_back((begun, cells));
    rows.retain(|(_, cells)| cells.iter().any(|cell| !cell.trim().is_empty()));
    Ok(rows)
}

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
            ("order_num,amount,status\nI,5,7\n", "`7` is not known"),
            ("order_num,amount\n\"I,5\n", "does not end"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
