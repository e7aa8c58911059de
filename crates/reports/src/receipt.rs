//! The receipt of a payout that was paid, as HTML. Every value is escaped, and the page loads nothing.

mod words;

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use payout_domain::{
    money::{FeeType, Rupiah},
    state::State,
};
use payout_store::find::{Status, history::Detail};

pub use self::words::{ENGLISH, INDONESIAN, Words};
use crate::{spreadsheet::turns_the_line, wib};

/// Black on white, for A4; no script, no font and no picture from elsewhere.
const STYLE: &str = "\
@page{size:A4;margin:20mm}
body{font:11pt/1.45 system-ui,sans-serif;color:#111;background:#fff;max-width:170mm;margin:12mm auto;padding:0 6mm}
h1{font-size:17pt;margin:0 0 2mm}
p{margin:0 0 5mm}
table{width:100%;border-collapse:collapse;margin:0 0 7mm;break-inside:avoid}
th,td{padding:1.6mm 0;border-bottom:.2mm solid #bbb;vertical-align:top;text-align:left;overflow-wrap:anywhere}
th{width:42%;font-weight:400;color:#444;padding-right:6mm}
td.idr{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tr.sum th,tr.sum td{font-weight:700;color:#111;border-bottom:.4mm solid #111}
.mark{border:.6mm solid #a00;color:#a00;padding:2mm 4mm;font-weight:700}
small{color:#444}
@media print{body{margin:0;padding:0}}";

/// Whether there is a receipt: what was not paid has none, whatever it may become.
pub fn is_possible(status: &Status) -> bool {
    matches!(
        status.state.parse::<State>(),
        Ok(State::Paid | State::Returned)
    )
}

/// As it is shown: masked or in full.
pub struct Beneficiary {
    /// The number of the account.
    pub account_number: String,
    /// Its holder.
    pub account_name: String,
    /// Whether both are masked, which the receipt then says.
    pub is_masked: bool,
}

impl Beneficiary {
    /// As everybody may see it.
    pub fn masked(detail: &Detail) -> Self {
        Self {
            account_number: detail.account_number.clone(),
            account_name: detail.account_name.clone(),
            is_masked: true,
        }
    }
}

/// A payout that was paid.
pub struct Receipt<'a> {
    /// Where it stands.
    pub status: &'a Status,
    /// What was ordered, and its history.
    pub detail: &'a Detail,
    /// Who was paid.
    pub beneficiary: &'a Beneficiary,
    /// The language.
    pub words: &'static Words,
}

impl Receipt<'_> {
    /// The whole page.
    pub fn html(&self, now: DateTime<Utc>) -> String {
        let (order, words) = (escaped(&self.status.order_num), self.words);
        let Words {
            language,
            title,
            heading,
            ..
        } = words;
        let head = format!(
            "<!doctype html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n<title>{title} {order}</title>\n\
             <style>\n{STYLE}\n</style>\n</head>\n<body>\n<h1>{heading} {order}</h1>\n"
        );
        let mut page = head;
        if self.is_returned() {
            let returned = words.returned;
            // Writing to a String cannot fail.
            writeln!(page, "<p class=\"mark\">{returned}</p>").ok();
        }
        page.push_str(&table(&self.about()));
        page.push_str(&table(&self.money()));
        write!(
            page,
            "<p><small>{} {} {} WIB.</small></p>\n</body>\n</html>\n",
            escaped(&self.basis()),
            words.printed,
            escaped(&wib::time(now))
        )
        .ok();
        page
    }

    fn is_returned(&self) -> bool {
        self.status.state == "returned"
    }

    fn about(&self) -> Vec<Row> {
        let (status, words) = (self.status, self.words);
        let bank = if self.detail.bank_name == status.bank_code {
            status.bank_code.clone()
        } else {
            format!("{} ({})", self.detail.bank_name, status.bank_code)
        };
        let moment = |name, at: Option<DateTime<Utc>>| {
            let at = at.map_or("-".to_owned(), |at| format!("{} WIB", wib::time(at)));
            Row::text(name, &at)
        };
        let masked = if self.beneficiary.is_masked {
            format!(" ({})", words.masked)
        } else {
            String::new()
        };
        let number = status.platform_order_num.as_deref().unwrap_or("-");
        let mut rows = vec![
            Row::text(words.merchant, &status.merchant_code),
            Row::text(words.order, &status.order_num),
            Row::text(words.gateway_number, number),
            moment(words.paid, status.paid_at),
        ];
        rows.extend(
            self.is_returned()
                .then(|| moment(words.came_back, status.settled_at)),
        );
        rows.extend([
            Row::text(words.bank, &bank),
            Row::text(
                &format!("{}{masked}", words.account_number),
                &self.beneficiary.account_number,
            ),
            Row::text(
                &format!("{}{masked}", words.account_name),
                &self.beneficiary.account_name,
            ),
        ]);
        rows
    }

    /// In the words of docs/finance.md.
    fn money(&self) -> Vec<Row> {
        let (status, words) = (self.status, self.words);
        let bearer = match FeeType::from_code(status.fee_type) {
            Some(FeeType::OutOfAmount) => words.fee_out,
            Some(FeeType::OnTop) => words.fee_on_top,
            None => words.fee,
        };
        let net = if self.is_returned() {
            words.net_returned
        } else {
            words.net
        };
        vec![
            self.money_row(words.gross, Some(status.amount)),
            self.money_row(bearer, status.fee),
            self.money_row(net, status.beneficiary_amount).sum(),
            self.money_row(words.debit, status.debit_total),
        ]
    }

    /// What the receipt rests on: the gateway, or people.
    fn basis(&self) -> String {
        let words = self.words;
        let stated = self.detail.stated_by.as_deref();
        let by =
            |text: &str, people: &str| text.replacen("{}", &people.replace(" and ", words.and), 1);
        match stated.filter(|_| self.detail.rests_on_statement || self.is_returned()) {
            Some(people) if self.is_returned() => by(words.stated_back, people),
            Some(people) => by(words.stated_paid, people),
            None => words.as_reported.to_owned(),
        }
    }

    /// A row of the money, which may not be known.
    fn money_row(&self, name: &str, idr: Option<i64>) -> Row {
        let not_stated = self.words.not_stated.to_owned();
        let value = idr.map_or(not_stated, |idr| Rupiah::new(idr).to_string());
        Row {
            is_money: true,
            ..Row::text(name, &value)
        }
    }
}

struct Row {
    name: String,
    value: String,
    is_money: bool,
    is_sum: bool,
}

impl Row {
    fn text(name: &str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
            is_money: false,
            is_sum: false,
        }
    }

    fn sum(self) -> Self {
        Self {
            is_sum: true,
            ..self
        }
    }
}

fn table(rows: &[Row]) -> String {
    let lines = rows.iter().map(|row| {
        let tr = if row.is_sum {
            "<tr class=\"sum\">"
        } else {
            "<tr>"
        };
        let td = if row.is_money {
            "<td class=\"idr\">"
        } else {
            "<td>"
        };
        let (name, value) = (escaped(&row.name), escaped(&row.value));
        format!("{tr}<th scope=\"row\">{name}</th>{td}{value}</td></tr>\n")
    });
    format!("<table>\n{}</table>\n", lines.collect::<String>())
}

/// Text as HTML shows it, in an element or a quoted attribute, on one line and in one direction.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() || turns_the_line(c) => safe.push(' '),
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(state: &str, hostile: &str) -> String {
        receipt_in(&ENGLISH, state, hostile)
    }

    fn receipt_in(words: &'static Words, state: &str, hostile: &str) -> String {
        let status = Status {
            order_num: "INV-77".to_owned(),
            merchant_code: hostile.to_owned(),
            state: state.to_owned(),
            platform_order_num: Some(hostile.to_owned()),
            bank_code: "014".to_owned(),
            amount: 100_000,
            fee: Some(2_500),
            debit_total: Some(100_000),
            beneficiary_amount: Some(97_500),
            settled_at: "2026-11-21T01:02:03Z".parse().ok(),
            paid_at: if state == "paid" {
                "2026-11-21T01:02:03Z"
            } else {
                "2026-11-19T23:00:00Z"
            }
            .parse()
            .ok(),
            ..Status::default()
        };
        let detail = Detail {
            bank_name: hostile.to_owned(),
            account_number: "****5678".to_owned(),
            account_name: "S*** R***".to_owned(),
            stated_by: Some(hostile.to_owned()),
            rests_on_statement: true,
            ..Detail::default()
        };
        let beneficiary = Beneficiary {
            account_number: hostile.to_owned(),
            account_name: hostile.to_owned(),
            is_masked: true,
        };
        let receipt = Receipt {
            status: &status,
            detail: &detail,
            beneficiary: &beneficiary,
            words,
        };
        receipt.html("2026-11-29T13:00:00Z".parse().unwrap())
    }

    #[test]
    fn every_value_is_escaped_and_nothing_is_loaded() {
        let page = receipt("paid", "<script>'\"&\u{202e}\n</td>");
        assert!(
            !page.contains("<script") && !page.contains('\u{202e}'),
            "{page}"
        );
        let shown = page.matches("&lt;script&gt;&#39;&quot;&amp;").count();
        assert_eq!(shown, 6, "{page}");
        for loads in ["src=", "href=", "url(", "@import"] {
            assert!(!page.contains(loads), "{loads}");
        }
    }

    #[test]
    fn it_has_the_four_sums_and_says_when_the_money_came_back() {
        let page = receipt("paid", "X");
        for text in [
            "Gross: the instructed amount</th><td class=\"idr\">Rp 100.000<",
            "Fee, deducted from the amount</th><td class=\"idr\">Rp 2.500<",
            "Net: the beneficiary received</th><td class=\"idr\">Rp 97.500<",
            "2026-11-21 08:02:03 WIB",
            "Printed 2026-11-29 20:00:00 WIB",
        ] {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert!(!page.contains("RETURNED") && page.contains("it was paid was stated by X."));
        let back = receipt("returned", "X");
        assert!(back.contains("RETURNED") && back.contains("the money came back was stated by X."));
        for row in [
            "Paid</th><td>2026-11-20 06:00:00 WIB<",
            "Came back</th><td>2026-11-21 08:02:03 WIB<",
        ] {
            assert!(back.contains(row), "{row}: {back}");
        }
        assert!(
            page.contains("Paid</th><td>2026-11-21 08:02:03 WIB<") && !page.contains("Came back")
        );
    }

    #[test]
    fn an_indonesian_receipt_has_no_english_words() {
        for state in ["paid", "returned"] {
            let page = receipt_in(&INDONESIAN, state, "ani and budi");
            let (_, shown) = page.split_once("</style>").unwrap();
            for english in [
                "eceipt", "Order", "amount", "Fee", "received", "masked", "stated", "Printed",
            ] {
                assert!(!shown.contains(english), "{english}: {shown}");
            }
            assert!(page.contains("<html lang=\"id\">") && shown.contains("ani dan budi"));
        }
    }
}
