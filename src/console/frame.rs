//! What every page has around it, and the small parts that pages share.

use std::fmt::{self, Write as _};

use askama::{Template, filters::HtmlSafe};
use axum::response::Html;
use chrono::{DateTime, Utc};

use super::{
    failure::Failure,
    language::Language,
    texts::Texts,
    words::{self, When},
};
use crate::{domain::payout::PayoutKey, spreadsheet::turns_the_line, store::find::Status};

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

#[expect(
    clippy::ref_option,
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_self,
    reason = "templates call methods, and hand over references"
)]
impl Frame {
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

    /// `page` where the address of this page begins so.
    pub(super) fn mark(&self, path: &str) -> &'static str {
        let path_here = self.here.split('?').next().unwrap_or_default();
        let is_here = path_here == path || path != "/" && path_here.starts_with(path);
        if is_here { "page" } else { "false" }
    }

    pub(super) fn when(&self, at: &DateTime<Utc>) -> When {
        When {
            at: *at,
            now: self.now,
            texts: self.t(),
        }
    }

    pub(super) fn rupiah(&self, amount: &i64) -> String {
        words::rupiah(*amount)
    }

    /// An amount that may be missing.
    pub(super) fn rupiah_or(&self, amount: &Option<i64>) -> String {
        amount.map_or_else(|| "–".to_owned(), words::rupiah)
    }

    /// What the gateway has more than the books, or less: then people must find out why.
    pub(super) fn difference(&self, amount: &Option<i64>) -> String {
        let mark = if amount.is_some_and(|amount| amount < 0) {
            "! "
        } else {
            ""
        };
        format!("{mark}{}", self.rupiah_or(amount))
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
