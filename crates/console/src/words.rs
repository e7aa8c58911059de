//! Amounts and times on the pages, as people in Jakarta read them.

use std::fmt;

use askama::filters::HtmlSafe;
use chrono::{DateTime, TimeDelta, Utc};
use payout_domain::money::Rupiah;
use payout_reports::wib;
pub(super) use payout_reports::wib::{day, midnight};
use payout_store::act::Funded;

use super::texts::Texts;

/// `Rp 1.250.000`.
pub(super) fn rupiah(amount: i64) -> String {
    Rupiah::new(amount).to_string()
}

/// `1.250.000`, in a table that says that it is in rupiah.
pub(super) fn digits(amount: i64) -> String {
    rupiah(amount).replacen("Rp ", "", 1)
}

/// Rupiah that a person wrote in digits alone: a dot could separate thousands, or not.
pub(super) fn whole(text: &str) -> Option<i64> {
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    // Without a digit it is no number either.
    text.parse().ok().filter(|_| is_digits)
}

/// `2026-11-25 08:02:10 WIB`.
pub(super) fn time(at: DateTime<Utc>) -> String {
    format!("{} WIB", wib::time(at))
}

/// A length of time in its two largest units: `4 h 12 min`.
pub(super) fn length(time: TimeDelta, texts: &Texts) -> String {
    let seconds = time.num_seconds().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let (d, h, min, s) = (texts.d, texts.h, texts.min, texts.s);
    if days > 0 {
        format!("{days} {d} {} {h}", hours % 24)
    } else if hours > 0 {
        format!("{hours} {h} {} {min}", minutes % 60)
    } else if minutes > 0 {
        format!("{minutes} {min} {} {s}", seconds % 60)
    } else {
        format!("{seconds} {s}")
    }
}

/// A time on a page: WIB, how long ago, and UTC for who points at it.
pub(super) struct When {
    pub(super) at: DateTime<Utc>,
    pub(super) now: DateTime<Utc>,
    pub(super) texts: &'static Texts,
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, now) = (self.at, self.now);
        let utc = at.format("%Y-%m-%dT%H:%M:%SZ");
        let relative = if at > now {
            let left = length(at.signed_duration_since(now), self.texts);
            fill(self.texts.in_time, &[&left])
        } else {
            let age = length(now.signed_duration_since(at), self.texts);
            fill(self.texts.ago, &[&age])
        };
        write!(
            f,
            "<time datetime=\"{utc}\" title=\"{utc}\">{}</time> <small class=\"ago\">{relative}</small>",
            time(at)
        )
    }
}

/// Made of numbers and of our own texts.
impl HtmlSafe for When {}

/// The first few characters of what was typed, to be named in a message.
pub(super) fn start(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Puts words into a text, one for each `{}`.
pub(super) fn fill(text: &str, words: &[&str]) -> String {
    let mut parts = text.split("{}");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    let mut words = words.iter();
    for part in parts {
        filled.push_str(words.next().unwrap_or(&""));
        filled.push_str(part);
    }
    filled
}

/// Who requested something and who approved it; one name where that was one person.
pub(super) fn people(texts: &Texts, first: &str, second: Option<&str>) -> String {
    match second {
        Some(second) if second != first => fill(texts.requested_and_approved, &[first, second]),
        Some(_) | None => first.to_owned(),
    }
}

/// That nothing is booked, because the reference is used.
pub(super) fn booked_before(texts: &Texts, reference: &str, before: &Funded) -> String {
    let who = match &before.requested_by {
        Some(first) if *first != before.actor => people(texts, first, Some(&before.actor)),
        Some(_) | None => fill(texts.by_one, &[&before.actor]),
    };
    let (amount, at) = (rupiah(before.amount), time(before.at));
    fill(texts.fund_booked_before, &[reference, &amount, &at, &who])
}

/// The same text as the beginning of a sentence.
pub(super) fn capital(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next();
    let first = first.into_iter().flat_map(char::to_uppercase);
    first.chain(rest).collect()
}

/// How many of something: `one` for a single one, `several` with a place for the number.
pub(super) fn many(count: usize, one: &str, several: &str) -> String {
    if count == 1 {
        one.to_owned()
    } else {
        fill(several, &[&count.to_string()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    #[test]
    fn a_time_is_wib_with_utc_beside_it() {
        let when = When {
            at: "2026-11-25T01:02:03Z".parse().unwrap(),
            now: "2026-11-25T05:14:03Z".parse().unwrap(),
            texts: Language::English.texts(),
        };
        assert_eq!(
            when.to_string(),
            "<time datetime=\"2026-11-25T01:02:03Z\" title=\"2026-11-25T01:02:03Z\">2026-11-25 08:02:03 WIB</time> \
             <small class=\"ago\">4 h 12 min ago</small>"
        );
    }

    #[test]
    fn an_amount_is_digits_and_nothing_else() {
        assert_eq!(whole("1250000"), Some(1_250_000));
        for text in [
            "",
            "-",
            "-5",
            "+5",
            "1.250.000",
            "1,5",
            "1e6",
            "99999999999999999999",
        ] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn words_go_where_the_text_has_a_place_for_them() {
        assert_eq!(fill("{} of {}", &["1", "2"]), "1 of 2");
        assert_eq!(fill("none", &["1"]), "none");
        assert_eq!(fill("{}: {}", &["{}"]), "{}: ");
    }
}
