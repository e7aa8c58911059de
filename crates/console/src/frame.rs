//! What every page has around it, and the small parts that pages share.

use std::{
    fmt::{self, Write as _},
    sync::{Arc, Mutex, PoisonError},
};

use askama::{Template, filters::HtmlSafe};
use axum::{
    http::{Method, Uri},
    response::Html,
};
use chrono::{DateTime, Utc};
use payout_domain::payout::PayoutKey;
use payout_reports::spreadsheet::turns_the_line;
use payout_store::find::Status;

use super::{
    failure::Failure,
    language::Language,
    texts::Texts,
    words::{self, When},
};

/// What stands around a page.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) language: Language,
    /// Who is signed in; empty for nobody.
    pub(super) login: String,
    /// Whether the login may act.
    pub(super) may_act: bool,
    /// The address of this page, to come back to after choosing a language.
    pub(super) here: String,
    /// When the page was made.
    pub(super) now: DateTime<Utc>,
}

/// Who is behind a request, once that is known: a page about a failure keeps what stands around the others.
#[derive(Clone, Debug)]
pub(super) struct Visitor(Arc<Mutex<Option<Frame>>>);

impl Visitor {
    /// With what is known so far.
    pub(super) fn new(frame: Option<Frame>) -> Self {
        Self(Arc::new(Mutex::new(frame)))
    }

    pub(super) fn is(&self, frame: &Frame) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(frame.clone());
    }

    /// What stands around the pages of whoever it is, if anybody is signed in.
    pub(super) fn frame(&self) -> Option<Frame> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }
}

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    reason = "templates call methods, and hand over references"
)]
impl Frame {
    /// For this login, before anything is known about its rights: nothing is said about them.
    pub(super) fn of(login: &str, language: Language, method: &Method, uri: &Uri) -> Self {
        let address = uri.path_and_query().filter(|_| method == Method::GET);
        let here = address.map_or_else(|| section(uri.path()), |address| address.as_str());
        Self {
            login: login.to_owned(),
            may_act: true,
            here: here.to_owned(),
            ..Self::outside(language)
        }
    }

    /// For somebody who is not signed in.
    pub(super) fn outside(language: Language) -> Self {
        Self {
            language,
            login: String::new(),
            may_act: false,
            here: "/".to_owned(),
            now: Utc::now(),
        }
    }

    pub(super) fn t(&self) -> &'static Texts {
        self.language.texts()
    }

    /// `page` where this page belongs to the one at `path`.
    pub(super) fn mark(&self, path: &str) -> &'static str {
        if self.section() == path {
            "page"
        } else {
            "false"
        }
    }

    /// The address of the page to which this one belongs.
    pub(super) fn section(&self) -> &'static str {
        section(&self.here)
    }

    pub(super) fn when(&self, at: &DateTime<Utc>) -> When {
        When {
            at: *at,
            now: self.now,
            texts: self.t(),
        }
    }

    /// A time where there is no room for how long ago that is.
    pub(super) fn at(&self, at: &DateTime<Utc>) -> String {
        words::time(*at)
    }

    pub(super) fn rupiah(&self, amount: &i64) -> String {
        words::rupiah(*amount)
    }

    /// An amount that may be missing.
    pub(super) fn rupiah_or(&self, amount: &Option<i64>) -> String {
        amount.map_or_else(|| "–".to_owned(), words::rupiah)
    }

    /// An amount in a table that says that it is in rupiah.
    pub(super) fn digits(&self, amount: &i64) -> String {
        words::digits(*amount)
    }

    /// The same, where it may be missing.
    pub(super) fn digits_or(&self, amount: &Option<i64>) -> String {
        amount.map_or_else(|| "–".to_owned(), words::digits)
    }

    /// What the gateway has more than the books, or less: then people must find out why.
    pub(super) fn difference(&self, amount: &Option<i64>) -> String {
        marked(*amount, self.rupiah_or(amount))
    }

    /// The same in a table that says that it is in rupiah.
    pub(super) fn difference_digits(&self, amount: &Option<i64>) -> String {
        marked(*amount, self.digits_or(amount))
    }

    pub(super) fn badge(&self, state: &str) -> Badge {
        let (icon, class, word) = self.t().state(state);
        Badge { icon, class, word }
    }

    pub(super) fn link(&self, row: &Status) -> String {
        payout(&row.merchant_code, &row.order_num)
    }

    pub(super) fn fill(&self, text: &str, word: &str) -> String {
        words::fill(text, &[word])
    }

    pub(super) fn count(&self, text: &str, count: &usize) -> String {
        words::fill(text, &[&count.to_string()])
    }
}

/// Marks what is missing.
fn marked(amount: Option<i64>, text: String) -> String {
    if amount.is_some_and(|amount| amount < 0) {
        format!("! {text}")
    } else {
        text
    }
}

/// A state as icon and word, coloured by its class.
pub(super) struct Badge {
    icon: &'static str,
    class: &'static str,
    word: &'static str,
}

impl fmt::Display for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { icon, class, word } = self;
        write!(
            f,
            "<span class=\"state {class}\"><span aria-hidden=\"true\">{icon}</span> {word}</span>"
        )
    }
}

/// Made of our own texts alone.
impl HtmlSafe for Badge {}

/// Which of the pages of the navigation an address belongs to; the first one for anything else.
fn section(address: &str) -> &'static str {
    let first = address.trim_start_matches('/').split(['/', '?']).next();
    match first.unwrap_or_default() {
        "payouts" | "payouts.csv" | "act" => "/payouts",
        "approvals" => "/approvals",
        "money" | "money.csv" | "fund" => "/money",
        "workers" | "pause" | "resume" | "failover" => "/workers",
        _ => "/",
    }
}

/// The address of a payout's page.
pub(super) fn payout(merchant: &str, order_num: &str) -> String {
    format!("/payouts/{}/{}", encoded(merchant), encoded(order_num))
}

/// What names a payout in forms and addresses.
pub(super) fn name(key: &PayoutKey) -> String {
    format!(
        "{}/{}",
        encoded(&key.merchant_code),
        encoded(&key.order_num)
    )
}

/// One part of an address.
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            write!(encoded, "%{byte:02X}").ok();
        }
    }
    encoded
}

/// What [`encoded`] was made of; `None` for what it never makes.
pub(super) fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, behind @ ..] = rest {
        rest = behind;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let hex = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(hex, 16).ok()?);
        rest = rest.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}

/// Renders a page.
pub(super) fn render(page: &impl Template) -> Result<Html<String>, Failure> {
    let page = page.render()?;
    // Whatever came from outside: no text is read in another order than it was written.
    let page = page
        .chars()
        .map(|c| if turns_the_line(c) { ' ' } else { c });
    Ok(Html(page.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_made_of_harmless_characters() {
        assert_eq!(payout("S1", "INV-1"), "/payouts/S1/INV-1");
        assert_eq!(encoded("a/b?c\"<é"), "a%2Fb%3Fc%22%3C%C3%A9");
        for text in ["INV-1", "a/b?c\"<é", "%2F", ""] {
            assert_eq!(decoded(&encoded(text)).as_deref(), Some(text));
        }
        for text in ["%", "%2", "%zz", "%FF"] {
            assert_eq!(decoded(text), None, "{text}");
        }
    }
}
