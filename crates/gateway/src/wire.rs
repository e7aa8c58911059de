//! Reads the gateway's JSON strictly, and keeps each value as it was written (protocol P7).

use std::fmt;

use serde::{
    Deserialize,
    de::{Deserializer, Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// Longest answer that is read, in bytes.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// U+FEFF in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Longer than [`BODY_BYTES_MAX`].
    #[error("longer than 64 KiB")]
    TooLong,
    /// Not one JSON object, or a name occurs in it with two values.
    #[error("not a JSON object with one value a name")]
    NotAnObject,
}

/// One JSON object whose values are still raw text.
pub struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// Reads a whole body.
    pub fn parse(body: &'a [u8]) -> Result<Self, WireError> {
        if body.len() > BODY_BYTES_MAX {
            return Err(WireError::TooLong);
        }
        // Some writers begin with a byte order mark. It is no part of the JSON, nor of what is signed.
        let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
        serde_json::from_slice(body).map_err(|_| WireError::NotAnObject)
    }

    /// Reads an object inside another.
    pub fn parse_raw(raw: &'a RawValue) -> Result<Self, WireError> {
        serde_json::from_str(raw.get()).map_err(|_| WireError::NotAnObject)
    }

    /// The raw text of a member.
    pub fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| *value)
    }

    /// The members that are plain values. Objects and lists are left out: nobody signs them (protocol P7).
    pub fn scalars(&self) -> Result<Flat, WireError> {
        let mut fields = Vec::new();
        for (name, raw) in &self.0 {
            if let Some(value) = scalar(raw)? {
                fields.push((name.clone(), value));
            }
        }
        Ok(Flat(fields))
    }
}

/// The value of a scalar: the text of a string, the very token of a number or boolean. Null and what is nested have none.
pub(super) fn scalar(raw: &RawValue) -> Result<Option<String>, WireError> {
    let token = raw.get();
    match token.as_bytes().first() {
        Some(b'{' | b'[') => Ok(None),
        Some(b'"') => serde_json::from_str(token)
            .map(Some)
            .map_err(|_| WireError::NotAnObject),
        Some(_) if token == "null" => Ok(None),
        _ => Ok(Some(token.to_owned())),
    }
}

/// The scalars of an answer, without those that are null: they take no part in the signed text.
pub struct Flat(Vec<(String, String)>);

impl Flat {
    /// The value of a field, exactly as it stood in the JSON.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every field except `left_out`.
    pub fn fields_without<'s>(
        &'s self,
        left_out: &'s str,
    ) -> impl Iterator<Item = (&'s str, &'s str)> {
        let fields = self
            .0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        fields.filter(move |(name, _)| *name != left_out)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OneValueEach).map(Members)
    }
}

struct OneValueEach;

impl<'de> Visitor<'de> for OneValueEach {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// One name with two values makes two answers of one: parsers differ in which one they take. The same member twice
    /// does not.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Self::Value = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, &'de RawValue>()? {
            let known = members.iter().find(|(known, _)| *known == name);
            match known.map(|(_, known)| known.get() == value.get()) {
                Some(true) => {}
                None if members.len() < MEMBERS_MAX => members.push((name, value)),
                _ => {
                    return Err(A::Error::custom(
                        "a name with two values, or too many names",
                    ));
                }
            }
        }
        Ok(members)
    }
}

/// Most members of one object; the gateway sends fifteen.
const MEMBERS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(body: &str) -> Result<Flat, WireError> {
        Members::parse(body.as_bytes())?.scalars()
    }

    #[test]
    fn a_value_is_kept_as_it_was_written() {
        let body = r#" {"a":0.00000000,"b":1e2,"c":"caf\u00e9\n","d":null,"e":true,"f":"","g":0} "#;
        let read = flat(body).expect("a flat object");
        let fields: Vec<_> = read.fields_without("e").collect();
        let expected = [
            ("a", "0.00000000"),
            ("b", "1e2"),
            ("c", "café\n"),
            ("f", ""),
            ("g", "0"),
        ];
        assert_eq!(fields, expected);
        assert_eq!((read.get("e"), read.get("d")), (Some("true"), None));
    }

    #[test]
    fn a_byte_order_mark_before_the_object_is_no_part_of_it() {
        let read = flat("\u{feff}{\"a\":1}").expect("a flat object");
        assert_eq!(read.get("a"), Some("1"));
        assert!(flat("\u{feff}\u{feff}{}").is_err() && flat("{}\u{feff}").is_err());
    }

    #[test]
    fn a_repeated_member_counts_once_and_a_nested_one_not_at_all() {
        let body = r#"{"a":"1","b":{"c":2},"a":"1","d":[3],"b":{"c":2},"e":4,"\u0065":4}"#;
        let read = flat(body).expect("an object");
        let fields: Vec<_> = read.fields_without("").collect();
        assert_eq!(fields, [("a", "1"), ("e", "4")]);
    }

    #[test]
    fn what_two_parsers_could_read_differently_is_refused() {
        let too_long = format!(r#"{{"a":"{}"}}"#, "x".repeat(BODY_BYTES_MAX));
        let many = (0..99).fold(String::new(), |many, n| format!(r#"{many}"k{n}":1,"#));
        let many = format!(r#"{{{many}"z":1}}"#);
        for (body, error) in [
            (r#"{"a":1,"a":2}"#, WireError::NotAnObject),
            (r#"{"a":1,"\u0061":2}"#, WireError::NotAnObject),
            (r#"{"a":1}{"a":2}"#, WireError::NotAnObject),
            (r#"{"a":1"#, WireError::NotAnObject),
            (r#"{"a":01}"#, WireError::NotAnObject),
            (r#"{"a":"\ud800"}"#, WireError::NotAnObject),
            ("[1]", WireError::NotAnObject),
            ("", WireError::NotAnObject),
            ("<html>", WireError::NotAnObject),
            (r#"{"a":{"b":1},"a":{"b":2}}"#, WireError::NotAnObject),
            (r#"{"a":1,"a":1.0}"#, WireError::NotAnObject),
            (r#"{"a":1,"a":null}"#, WireError::NotAnObject),
            (&too_long, WireError::TooLong),
            (&many, WireError::NotAnObject),
        ] {
            assert_eq!(flat(body).err(), Some(error), "{body:.40}");
        }
        assert!(Members::parse(b"{\"a\":\"\xff\"}").is_err());
    }
}
