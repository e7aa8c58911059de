//! What may be kept of an answer: never an account number, a name or a signature (protocol trap 10).

use serde_json::{Map, Value};

use super::{dialect::Shown, wire::Flat};

/// Longest value that is shown as it is.
const VALUE_CHARS_MAX: usize = 64;
/// Longest text for people.
const TEXT_CHARS_MAX: usize = 200;
/// A run of this many digits may be an account number.
const ACCOUNT_DIGITS_MIN: usize = 5;

/// The gateway's words with every long number masked, at most 200 characters.
pub(super) fn words(text: &str) -> String {
    let mut out = String::new();
    let mut run = String::new();
    for c in text.chars() {
        let continues = c.is_numeric()
            || (!c.is_alphanumeric() && run.chars().next_back().is_some_and(char::is_numeric));
        if continues {
            run.push(c);
        } else {
            end_run(&mut run, &mut out);
            out.push(c);
        }
    }
    end_run(&mut run, &mut out);
    clean(&out, TEXT_CHARS_MAX)
}

/// A run may hold single separators, as in `0812-3456 7890`.
fn end_run(run: &mut String, out: &mut String) {
    if run.chars().filter(|c| c.is_numeric()).count() < ACCOUNT_DIGITS_MIN {
        out.push_str(run);
    } else {
        out.push_str("*****");
        out.extend(run.chars().next_back().filter(|c| !c.is_numeric()));
    }
    run.clear();
}

/// Without control characters: the database takes no NUL, and terminals obey the others.
fn clean(text: &str, chars_max: usize) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(chars_max).collect()
}

/// What people may see of one answer.
#[derive(Default)]
pub(super) struct Detail {
    fields: Map<String, Value>,
    shown: Option<&'static Shown>,
}

impl Detail {
    /// Of an answer whose fields may be shown as `shown` allows.
    pub(super) fn of_answer(shown: &'static Shown) -> Self {
        Self {
            shown: Some(shown),
            ..Self::of_status(200)
        }
    }

    /// Of an HTTP answer whose body is ignored.
    pub(super) fn of_status(http_status: u16) -> Self {
        let mut detail = Self::default();
        detail
            .fields
            .insert("http_status".into(), http_status.into());
        detail
    }

    /// Adds those fields of an answer that may be shown.
    pub(super) fn add(&mut self, answer: &Flat) {
        let Some(shown) = self.shown else { return };
        let plain: fn(&str) -> String = |value| clean(value, VALUE_CHARS_MAX);
        for (names, show) in [(shown.values, plain), (shown.texts, words)] {
            for name in names {
                if let Some(value) = answer.get(name) {
                    self.fields.insert((*name).into(), show(value).into());
                }
            }
        }
    }

    /// The finished object, with the problem if there was one.
    pub(super) fn finish(mut self, problem: Option<&str>) -> Value {
        if let Some(problem) = problem {
            self.fields.insert("problem".into(), problem.into());
        }
        Value::Object(self.fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dialect::Dialect, wire::Members};

    #[test]
    fn numbers_that_could_be_an_account_are_masked() {
        for (text, masked) in [
            ("Success", "Success"),
            ("retry in 30 s, code 1001", "retry in 30 s, code 1001"),
            ("account 0012345678 unknown", "account ***** unknown"),
            ("0812-3456 7890.", "*****."),
            ("a1b2c3d4e5", "a1b2c3d4e5"),
            ("١٢٣٤٥٦", "*****"),
            ("bad\u{0}\n12", "bad  12"),
            ("", ""),
        ] {
            assert_eq!(words(text), masked, "{text:?}");
        }
        assert_eq!(words(&"x".repeat(999)).len(), TEXT_CHARS_MAX);
    }

    #[test]
    fn only_known_fields_are_shown() {
        let body = br#"{"number":"0012345678","name":"Siti","accountNo":"0012345678","money":"10000",
            "platSign":"c2ln","sign":"c2ln","description":"rent","statusMsg":"to 0012345678","status":0}"#;
        let flat = Members::parse(body).and_then(|members| members.scalars());
        let mut detail = Detail::of_answer(&Dialect::BDPAY.rules().shown);
        detail.add(&flat.expect("an object"));
        let shown = detail.finish(Some("why")).to_string();
        let expected = r#"{"http_status":200,"money":"10000","problem":"why","status":"0","statusMsg":"to *****"}"#;
        assert_eq!(shown, expected);
    }
}
