//! Recognises the beneficiary in words from outside by what they say, not by how they look.
//!
//! A text is compared by its projections: its digits alone, and its letters alone, whatever stands between them. Unicode
//! is decomposed first, so full-width digits and letters with accents are what they stand for; letters that look like
//! Latin ones are what they look like. A numeral of another script counts as any digit. Escapes and encodings are undone
//! first (`spelling`).

use unicode_normalization::UnicodeNormalization;

use super::{
    payout::Instruction,
    spelling::{plain, readings},
};

/// A shorter run of the account number reveals nobody: masked numbers show their last four digits.
const DIGITS_MIN: usize = 5;
/// Up to this length a number has no four digits to show.
const SHORT_NUMBER: usize = 6;
/// Runs this long count together when several texts share the number between them.
const DIGITS_SHARED: usize = 3;
/// A run this long in an identifier is the number itself; shorter ones occur in it by chance.
const DIGITS_IN_IDENTIFIER: usize = 8;
/// A run of letters this long is the name anywhere, also within a word or cut off.
const LETTERS_MIN: usize = 6;
/// A whole name of this length is recognised within a longer run of letters.
const NAME_WITHIN: usize = 5;
/// A shorter word is no name by itself.
const NAME_MIN: usize = 3;
/// A word this long that begins a name is that name, cut off.
const NAME_CUT_OFF: usize = 4;
/// No name has more letters.
const NAME_MAX: usize = 32;

/// What stands where `gateway::redact` masked a long number before the payout was known.
const MASK: &str = "*****";

/// A digit of a text; `None` is a numeral of another script.
type Digit = Option<u32>;

/// The account number and the name of one payout, as projections.
pub(crate) struct Beneficiary {
    number: Vec<u32>,
    /// The words of the name.
    words: Vec<String>,
    /// The words, each pair of them in both orders, and the whole name, run together.
    names: Vec<String>,
}

impl Beneficiary {
    pub(crate) fn of(instruction: &Instruction) -> Self {
        let number = digits(instruction.account_number.reveal());
        let words: Vec<String> = tokens(instruction.account_name.reveal());
        let mut names: Vec<String> = words.clone();
        for (at, first) in words.iter().enumerate() {
            for (other, second) in words.iter().enumerate() {
                if at != other {
                    names.push(format!("{first}{second}"));
                }
            }
        }
        names.push(words.concat());
        names.retain(|name| name.len() >= NAME_MIN);
        Self {
            number: number.into_iter().flatten().collect(),
            words,
            names,
        }
    }

    /// Whether this text repeats the number or the name, however it is spelled, escaped or encoded.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        readings(text)
            .iter()
            .any(|reading| self.is_read_in(reading))
    }

    fn is_read_in(&self, text: &str) -> bool {
        let needed = match self.number.len() {
            0 => usize::MAX,
            // The mask may stand for the rest of the number.
            _ if text.contains(MASK) => DIGITS_SHARED,
            length if length <= SHORT_NUMBER => DIGITS_MIN - 1,
            _ => DIGITS_MIN,
        };
        longest(&runs(&self.number, &digits(text))) >= needed || self.names_in(&tokens(text))
    }

    /// Whether these texts together repeat what none of them repeats alone: two of them a name, any of them the number.
    pub(crate) fn is_across(&self, texts: &[&str]) -> bool {
        let pairs = texts.iter().enumerate().flat_map(|(at, first)| {
            let others = texts
                .iter()
                .enumerate()
                .filter(move |(other, _)| *other != at);
            others.map(move |(_, second)| format!("{first}{second}"))
        });
        if pairs.into_iter().any(|pair| self.is_in(&pair)) {
            return true;
        }
        let mut shown = vec![false; self.number.len()];
        for reading in texts.iter().flat_map(|text| readings(text)) {
            for (from, length) in runs(&self.number, &digits(&reading)) {
                if length >= DIGITS_SHARED {
                    shown
                        .iter_mut()
                        .skip(from)
                        .take(length)
                        .for_each(|digit| *digit = true);
                }
            }
        }
        let shown = shown.into_iter().filter(|shown| *shown).count();
        shown >= DIGITS_MIN && shown > self.number.len() / 2
    }

    /// Whether an identifier holds the whole number, or as much of it as is no chance.
    pub(crate) fn is_in_identifier(&self, identifier: &str) -> bool {
        let needed = self.number.len().min(DIGITS_IN_IDENTIFIER);
        needed > 0 && longest(&runs(&self.number, &digits(identifier))) >= needed
    }

    fn names_in(&self, tokens: &[String]) -> bool {
        let letters = tokens.concat();
        let long = self.names.iter().filter(|name| name.len() >= NAME_WITHIN);
        long.into_iter().any(|name| has_run_of(&letters, name)) || self.is_spelled_by(tokens)
    }

    /// Whether tokens in a row make a name, as in `S.i.t.i`, or the beginning of one.
    fn is_spelled_by(&self, tokens: &[String]) -> bool {
        (0..tokens.len()).any(|first| {
            let mut joined = String::new();
            tokens.iter().skip(first).take(NAME_MAX).any(|token| {
                joined.push_str(token);
                let begins = |word: &String| word.starts_with(&joined);
                self.names.contains(&joined)
                    || (joined.len() >= NAME_CUT_OFF && self.words.iter().any(begins))
            })
        })
    }
}

/// Whether `letters` has a run of [`LETTERS_MIN`] letters of `name`, or all of a shorter one.
fn has_run_of(letters: &str, name: &str) -> bool {
    let length = name.len().min(LETTERS_MIN);
    let starts = 0..=name.len().saturating_sub(length);
    starts
        .filter_map(|from| name.get(from..from.saturating_add(length)))
        .any(|run| letters.contains(run))
}

/// The digits of a text, without what stands between them.
fn digits(text: &str) -> Vec<Digit> {
    let numerals = text.nfkd().filter(|c| c.is_numeric());
    numerals.map(|c| c.to_digit(10)).collect()
}

/// The letters of a text in lower case, cut where something else stands between them.
fn tokens(text: &str) -> Vec<String> {
    plain(text)
        .split(|c: char| !c.is_ascii_alphabetic())
        .filter(|token| !token.is_empty())
        .map(str::to_ascii_lowercase)
        .collect()
}

/// Where runs of `number` occur in `text`: the place in the number, and the length.
fn runs(number: &[u32], text: &[Digit]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for from in 0..number.len() {
        for start in 0..text.len() {
            let pairs = number.iter().skip(from).zip(text.iter().skip(start));
            let equal =
                pairs.take_while(|(ours, theirs)| theirs.is_none_or(|digit| digit == **ours));
            found.push((from, equal.count()));
        }
    }
    found
}

fn longest(runs: &[(usize, usize)]) -> usize {
    runs.iter().map(|(_, length)| *length).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        money::{FeeType, Rupiah},
        payout::{PayoutKey, Private},
    };

    fn beneficiary(number: &str, name: &str) -> Beneficiary {
        Beneficiary::of(&Instruction {
            key: PayoutKey {
                merchant_code: "M1".into(),
                order_num: "INV-77".into(),
            },
            amount: Rupiah::new(1000),
            fee_type: FeeType::OnTop,
            bank_code: "014".into(),
            account_number: Private::new(number),
            account_name: Private::new(name),
            description: None,
        })
    }

    #[test]
    fn the_number_and_the_name_are_recognised_however_they_are_spelled() {
        let siti = beneficiary("0012345678", "Siti Rahayu");
        for text in [
            "account 0012345678 unknown",
            "0012-3456 78",
            "0012.345.678",
            "no 0012 then 3456 then 78",
            "００１２３４５６７８",
            "0⃣0⃣1⃣2⃣3⃣4⃣5⃣6⃣7⃣8⃣",
            "٠٠١٢٣٤٥٦٧٨",
            "𝟘𝟘𝟙𝟚𝟛𝟜",
            "+62 12 345 678",
            "001234****",
            "***45678",
            "name SITI RAHAYU mismatch",
            "(siti-rahayu)",
            "SitiRahayu",
            "toRAHAYUSITIfrom",
            "rahayu siti",
            "R.a.h.a.y.u",
            "S i t i",
            "Siti%20Rahayu",
            "ＳＩＴＩ",
            "Síti",
            "Rahay",
            "Raha***",
            "R.a.h.a.",
            "xxrahayuxx",
            "Mrs Siti, please",
            "Ѕіtі",
            "ꓢꓲꓔꓲ",
            "ʀᴀʜᴀʏᴜ",
            "S\u{200b}i\u{2060}t\u{feff}i",
            "0\u{200d}0\u{ad}1\u{180e}2\u{fe0f}3",
            r"\u0030\u0030\u0031\u0032\u0033",
            "&#48;&#48;&#49;&#50;&#51;",
            "%2530%2530%2531%2532%2533",
            "%EF%BC%90%EF%BC%90%EF%BC%91%EF%BC%92%EF%BC%93",
            "ref MDAxMjM0NTY3OA==",
            "c2l0aSByYWhheXU",
            "30303132333435363738",
        ] {
            assert!(siti.is_in(text), "{text:?}");
        }
        for text in [
            "",
            "Success",
            "insufficient balance, code 1001",
            "****5678",
            "order does not exist",
            "Sitivity",
            "system abnormal, retry in 30 s (20261128)",
            "S*** R***",
            "Rah",
            "счёт закрыт",
            "ref MTExMTExMTExMQ==",
            "100% of &amp; and \\u00e9",
        ] {
            assert!(!siti.is_in(text), "{text:?}");
        }
    }

    #[test]
    fn a_short_name_is_recognised_as_a_word_and_a_short_number_by_four_digits() {
        let ani = beneficiary("12345", "Ani Li");
        for text in [
            "to ANI", "a-n-i", "AniLi", "li ani", "Li.Ani", "1234", "23 45",
        ] {
            assert!(ani.is_in(text), "{text:?}");
        }
        for text in ["keterangan ini", "Li", "animal", "123", "5123"] {
            assert!(!ani.is_in(text), "{text:?}");
        }
    }

    #[test]
    fn what_several_texts_share_between_them_is_recognised() {
        let siti = beneficiary("0012345678", "Siti Rahayu");
        for texts in [
            vec!["acct 0012", "345", "678"],
            vec!["5678", "0012", "034"],
            vec!["for rah", "ayu"],
            vec!["ayu", "Request failed", "not found: rah"],
        ] {
            assert!(texts.iter().all(|text| !siti.is_in(text)), "{texts:?}");
            assert!(siti.is_across(&texts), "{texts:?}");
        }
        assert!(!siti.is_across(&["****5678", "code 4902", "FAIL"]));
        assert!(!siti.is_across(&[]));
    }

    #[test]
    fn an_identifier_holds_the_number_only_if_it_holds_all_that_is_no_chance() {
        let siti = beneficiary("0012345678", "Siti Rahayu");
        for identifier in ["W0012345678", "00-1234-5678", "x12345678"] {
            assert!(siti.is_in_identifier(identifier), "{identifier}");
        }
        for identifier in ["W06201234512345", "INV-77", "2026112812345"] {
            assert!(!siti.is_in_identifier(identifier), "{identifier}");
        }
        assert!(!beneficiary("", "Li").is_in_identifier("W06201234512345"));
    }
}
