//! Writes a beneficiary as nobody expects it, and recognises what a reader would.

use base64::{Engine, engine::general_purpose};
use payout_worker::domain::spelling::LOOK_ALIKES;
use rand::{RngExt, rngs::StdRng};
use serde_json::Value;

pub(super) const NUMBER: &str = "7716253409";
pub(super) const NAME: [&str; 2] = ["Zubaidah", "Qomar"];
/// The zeros of some scripts; their nine other digits follow.
const ZEROS: [char; 9] = ['0', '０', '٠', '۰', '०', '০', '๐', '𝟎', '𝟢'];
const BETWEEN: [&str; 14] = [
    "", "", "", " ", "-", ".", "/", "_", "\u{a0}", "\u{200b}", " - ", "'", " and ", ", then ",
];
const JOINED: [&str; 9] = ["", " ", ".", "-", "_", "%20", "/", "\u{200d}", "  "];
const BEFORE: [&str; 4] = ["", "no such account: ", "transfer to (", "Bank says: "];
const AFTER: [&str; 4] = ["", ") failed", " unknown", "!"];

/// Writes the number or the name as nobody expects it.
pub(super) struct Speller(pub(super) StdRng);

impl Speller {
    pub(super) fn one_of<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.0.random_range(0..from.len())]
    }

    pub(super) fn secret(&mut self) -> String {
        let words = if self.0.random() {
            self.number()
        } else {
            self.name()
        };
        format!("{}{words}{}", self.one_of(&BEFORE), self.one_of(&AFTER))
    }

    /// A secret that is escaped or encoded, perhaps twice.
    pub(super) fn hidden(&mut self) -> String {
        let secret = if self.0.random() {
            NUMBER.to_owned()
        } else {
            NAME.join(" ")
        };
        let escaped =
            |text: &str, write: &dyn Fn(char) -> String| text.chars().map(write).collect();
        let text: String = match self.0.random_range(0..9) {
            0 => general_purpose::STANDARD.encode(&secret),
            1 => general_purpose::URL_SAFE_NO_PAD.encode(format!("to {secret}!")),
            2 => escaped(&secret, &|c| format!("{:02x}", u32::from(c))),
            3 => escaped(&secret, &|c| format!("\\u{:04x}", u32::from(c))),
            4 => escaped(&secret, &|c| format!("&#{};", u32::from(c))),
            5 => escaped(&secret, &|c| format!("&#x{:x};", u32::from(c))),
            6 => escaped(&secret, &|c| format!("%{:02X}", u32::from(c))),
            7 => escaped(&secret, &|c| format!("%25{:02x}", u32::from(c))),
            _ => escaped(&secret, &|c| format!("{c}\u{200b}")),
        };
        format!("{}{text}{}", self.one_of(&BEFORE), self.one_of(&AFTER))
    }

    /// The name in letters that only look Latin, all of them or some.
    pub(super) fn look_alike(&mut self) -> String {
        let all: bool = self.0.random();
        let word = self.one_of(&NAME);
        let letters = word.chars().map(|c| {
            let row = LOOK_ALIKES
                .iter()
                .find(|(letter, _)| letter.eq_ignore_ascii_case(&c));
            let others: Vec<char> = row.map_or(vec![c], |(_, others)| others.chars().collect());
            if all || self.0.random() {
                self.one_of(&others)
            } else {
                c
            }
        });
        letters.collect()
    }

    /// All of the number, or a part that is longer than a masked number shows.
    fn number(&mut self) -> String {
        let length = self.0.random_range(5..=NUMBER.len());
        let from = self.0.random_range(0..=NUMBER.len() - length);
        let (script, between) = (self.one_of(&ZEROS), self.one_of(&BETWEEN));
        let mixed: bool = self.0.random();
        let mut text = String::new();
        for digit in NUMBER[from..from + length].chars() {
            let zero = if mixed { self.one_of(&ZEROS) } else { script };
            let value = digit.to_digit(10).unwrap();
            text.push(char::from_u32(u32::from(zero) + value).unwrap());
            if mixed || self.0.random_ratio(1, 3) {
                text.push_str(between);
            }
        }
        text
    }

    /// The words in either order, run together or not, in any case, perhaps cut off.
    fn name(&mut self) -> String {
        let mut words = NAME.map(str::to_owned);
        if self.0.random() {
            words.reverse();
        }
        if self.0.random() {
            let at = self.0.random_range(0..2);
            let length = self.0.random_range(4..=words[at].len());
            words[at].truncate(length);
        }
        let kept = self.0.random_range(1..=2);
        let text = words[..kept].join(self.one_of(&JOINED));
        let style = self.0.random_range(0..5);
        text.chars()
            .map(|c| match style {
                0 => c.to_string(),
                1 => c.to_ascii_uppercase().to_string(),
                2 if c.is_ascii_alphabetic() => {
                    char::from_u32(u32::from(c) - u32::from('A') + u32::from('Ａ'))
                        .unwrap()
                        .to_string()
                }
                3 => format!("{c}."),
                _ if self.0.random() => c.to_ascii_uppercase().to_string(),
                _ => c.to_ascii_lowercase().to_string(),
            })
            .collect()
    }

    /// `fields` with a secret in one of these, or cut in two between two of them, beside harmless words.
    pub(super) fn plant(&mut self, mut fields: Value, names: &[&str]) -> Value {
        for name in names {
            fields[*name] = "Failed".into();
        }
        let secret = self.secret();
        let first = self.one_of(names);
        if self.0.random() {
            fields[first] = secret.into();
            return fields;
        }
        let second = self.one_of(names);
        let places: Vec<usize> = secret.char_indices().map(|(at, _)| at).collect();
        let (head, tail) = secret.split_at(self.one_of(&places));
        fields[first] = head.into();
        fields[second] = if first == second {
            secret
        } else {
            tail.to_owned()
        }
        .into();
        fields
    }
}

/// What a reader of the stored words could recognise: digits of any script, and letters, without what is between them.
pub(super) fn projections(text: &str) -> (String, String) {
    let digit = |c: char| {
        let mut place = ZEROS
            .iter()
            .map(|zero| u32::from(c).wrapping_sub(u32::from(*zero)));
        place.find_map(|value| char::from_digit(value, 10))
    };
    let letter = |c: char| match c {
        'Ａ'..='Ｚ' | 'ａ'..='ｚ' => {
            char::from_u32(u32::from(c) - u32::from('Ａ') + u32::from('A'))
                .map(|c| c.to_ascii_lowercase())
        }
        _ => c.is_ascii_alphabetic().then(|| c.to_ascii_lowercase()),
    };
    (
        text.chars().filter_map(digit).collect(),
        text.chars().filter_map(letter).collect(),
    )
}

/// Neither in one text nor over all of them. Digits of several texts that meet by chance are fewer than seven.
#[track_caller]
pub(super) fn names_nobody(what: &str, text: &str) {
    if let Ok(Value::Object(fields)) = serde_json::from_str(text) {
        for field in fields.values() {
            repeats_nobody(what, &field.to_string(), 5);
        }
        repeats_nobody(what, text, 7);
    } else {
        repeats_nobody(what, text, 5);
    }
}

#[track_caller]
fn repeats_nobody(what: &str, text: &str, digits_min: usize) {
    let (digits, letters) = projections(text);
    for from in 0..=NUMBER.len() - digits_min {
        assert!(
            !digits.contains(&NUMBER[from..from + digits_min]),
            "{what}: {text}"
        );
    }
    for word in NAME {
        let beginning = word[..4].to_ascii_lowercase();
        assert!(!letters.contains(&beginning), "{what}: {text}");
    }
}
