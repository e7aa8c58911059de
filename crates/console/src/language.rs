//! English and Indonesian.

use axum::http::{
    HeaderMap,
    header::{ACCEPT_LANGUAGE, COOKIE},
};
use payout_reports::receipt;

use super::texts::{ENGLISH, INDONESIAN, Texts};

/// The cookie that remembers a person's choice.
pub(super) const COOKIE_NAME: &str = "payout_language";

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Language {
    #[default]
    English,
    Indonesian,
}

impl Language {
    /// `en` or `id`.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Indonesian => "id",
        }
    }

    /// Every text of the pages in this language.
    pub(super) const fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::Indonesian => &INDONESIAN,
        }
    }

    /// The words of a receipt in this language.
    pub(super) const fn receipt(self) -> &'static receipt::Words {
        match self {
            Self::English => &receipt::ENGLISH,
            Self::Indonesian => &receipt::INDONESIAN,
        }
    }

    pub(super) fn of_code(code: &str) -> Option<Self> {
        match code {
            "en" => Some(Self::English),
            "id" => Some(Self::Indonesian),
            _ => None,
        }
    }

    /// The chosen one, or else the first of the browser's that there is.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if let Some(chosen) = cookie(headers, COOKIE_NAME).and_then(Self::of_code) {
            return chosen;
        }
        let wanted = headers.get(ACCEPT_LANGUAGE);
        let wanted = wanted.and_then(|wanted| wanted.to_str().ok());
        let mut codes = wanted.unwrap_or_default().split(',').take(16);
        codes
            .find_map(|code| {
                let code = code.split([';', '-']).next().unwrap_or_default();
                // `in` is what Indonesian was called before 1989, and some phones still say it.
                Self::of_code(match code.trim() {
                    "in" => "id",
                    other => other,
                })
            })
            .unwrap_or_default()
    }
}

/// The value of a cookie.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(COOKIE).iter();
    let cookies = cookies.filter_map(|cookies| cookies.to_str().ok());
    cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find_map(|(found, value)| (found == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_language_wins_then_the_browsers_then_english() {
        let of = |accepted: &str, cookies: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_LANGUAGE, accepted.parse().unwrap());
            headers.insert(COOKIE, cookies.parse().unwrap());
            Language::of(&headers)
        };
        assert_eq!(of("id-ID,id;q=0.9,en;q=0.8", ""), Language::Indonesian);
        assert_eq!(of("in", ""), Language::Indonesian);
        assert_eq!(of("de, en", ""), Language::English);
        assert_eq!(of("de", ""), Language::English);
        assert_eq!(of("en", "a=b; payout_language=id"), Language::Indonesian);
        assert_eq!(of("id", "payout_language=xx"), Language::Indonesian);
    }
}
