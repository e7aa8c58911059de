//! The admin page: a plain table.

use super::{account::BalanceView, fault::Fault, view::SeenSubmit};

/// Maximum rows: more than a person reads.
const ROWS_MAX: usize = 500;

/// Renders the page with the latest submits, newest first.
pub(super) fn render(submits: &[SeenSubmit], balance: BalanceView, fault: Option<Fault>) -> String {
    let mut rows = String::new();
    for seen in submits.iter().rev().take(ROWS_MAX) {
        let cells: [&str; 11] = [
            &seen.at.to_rfc3339(),
            &seen.order_num,
            &seen
                .amount
                .map_or_else(String::new, |amount| amount.to_string()),
            &seen.fee_type,
            &seen.bank_code,
            &seen.account_number,
            &seen.account_name,
            &seen.answer,
            &seen.message,
            if seen.booked { "booked" } else { "" },
            if seen.verified { "" } else { "bad signature" },
        ];
        let cells = cells.map(|cell| format!("<td>{}</td>", escape(cell)));
        rows.extend(["<tr>", &cells.concat(), "</tr>\n"]);
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sandbox gateway</title>\
         <meta http-equiv=\"refresh\" content=\"2\"></head><body><h1>Sandbox gateway</h1>\n\
         <p>balance {} &middot; freeze {} &middot; paid {} &middot; fault {} &middot; submits {}</p>\n\
         <table border=\"1\"><tr><th>at</th><th>orderNum</th><th>money</th><th>feeType</th><th>bankCode</th>\
         <th>number</th><th>name</th><th>answer</th><th>message</th><th></th><th></th></tr>\n{rows}</table></body></html>\n",
        balance.balance,
        balance.freeze,
        balance.paid,
        fault.map_or("off", Fault::word),
        submits.len(),
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_stranger_wrote_becomes_markup() {
        assert_eq!(
            escape("<b a=\"1\">&'"),
            "&lt;b a=&quot;1&quot;&gt;&amp;&#39;"
        );
    }
}
