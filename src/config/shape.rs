//! Which keys exist and of what kind; finds every unknown or mistyped key with its line.

use std::{collections::BTreeMap, ops::Range};

use toml::de::{DeTable, DeValue};

use super::Faults;

/// What a key may hold.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Texts,
    Flag,
    Whole,
    Seconds,
}

impl Kind {
    const fn words(self) -> &'static str {
        match self {
            Self::Text => "a quoted text",
            Self::Texts => "a quoted text or a list of them",
            Self::Flag => "true or false",
            Self::Whole => "a whole number",
            Self::Seconds => "a number of seconds",
        }
    }
}

const MERCHANT: &str = "merchant";

/// Every key that exists, by section.
const KEYS: &[(&str, &[(&str, Kind)])] = &[
    (
        "database",
        &[("url", Kind::Text), ("allow_owner", Kind::Flag)],
    ),
    ("http", &[("listen", Kind::Text)]),
    ("admin", &[("listen", Kind::Text)]),
    (
        "submit",
        &[
            ("concurrency", Kind::Whole),
            ("timeout_seconds", Kind::Seconds),
            ("lease_seconds", Kind::Seconds),
            ("witness_file", Kind::Text),
        ],
    ),
    (
        "poll",
        &[
            ("first_after_seconds", Kind::Seconds),
            ("max_interval_seconds", Kind::Seconds),
            ("quiet_horizon_seconds", Kind::Seconds),
            ("decline_confirm_seconds", Kind::Seconds),
            ("queries_per_second", Kind::Whole),
        ],
    ),
    ("callback", &[("settle", Kind::Text)]),
    (
        MERCHANT,
        &[
            ("code", Kind::Text),
            ("dialect", Kind::Text),
            ("base_url", Kind::Text),
            ("private_key_file", Kind::Text),
            ("platform_public_key_file", Kind::Texts),
            ("notify_url", Kind::Text),
            ("fee_reserve", Kind::Whole),
            ("min_amount", Kind::Whole),
            ("max_amount", Kind::Whole),
            ("funding", Kind::Text),
            ("submit_path", Kind::Text),
            ("query_path", Kind::Text),
            ("balance_path", Kind::Text),
        ],
    ),
];

/// A value of the right kind.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Texts(Vec<String>),
    Flag(bool),
    Whole(i64),
    Seconds(f64),
}

/// One section's values with the line of each, and the line of the section itself.
#[derive(Debug, Default)]
pub(super) struct Section {
    pub(super) line: usize,
    pub(super) values: BTreeMap<String, (Value, usize)>,
}

/// The page, with nothing unknown in it.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) name: String,
    pub(super) sections: BTreeMap<String, Section>,
    pub(super) merchants: Vec<Section>,
}

pub(super) fn read(name: &str, text: &str) -> Result<Page, Faults> {
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(text, &span));
        Faults::one(format!("{name}:{line}: {}", error.message()))
    })?;
    let mut page = Page {
        name: name.to_owned(),
        ..Page::default()
    };
    let mut faults = Faults::default();
    for (key, value) in table.get_ref() {
        let line = line_of(text, &key.span());
        let section = key.get_ref().as_ref();
        let Some((_, keys)) = KEYS.iter().find(|(known, _)| *known == section) else {
            let names: Vec<_> = KEYS.iter().map(|(known, _)| *known).collect();
            faults.push(format!(
                "{name}:{line}: unknown section \"{section}\"; there are {}",
                names.join(", ")
            ));
            continue;
        };
        match value.get_ref() {
            DeValue::Table(table) if section != MERCHANT => {
                let read = read_section(name, text, line, table, keys, &mut faults);
                page.sections.insert(section.to_owned(), read);
            }
            DeValue::Array(list) if section == MERCHANT => {
                for item in list {
                    let line = line_of(text, &item.span());
                    if let DeValue::Table(table) = item.get_ref() {
                        page.merchants.push(read_section(
                            name,
                            text,
                            line,
                            table,
                            keys,
                            &mut faults,
                        ));
                    } else {
                        faults.push(format!(
                            "{name}:{line}: write merchants as [[merchant]] sections"
                        ));
                    }
                }
            }
            _ if section == MERCHANT => {
                faults.push(format!("{name}:{line}: write each merchant as a [[merchant]] section, with two brackets"));
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => faults.push(format!(
                "{name}:{line}: \"{section}\" must be a section: [{section}]"
            )),
        }
    }
    faults.or(page)
}

fn read_section(
    name: &str,
    text: &str,
    line: usize,
    table: &DeTable<'_>,
    keys: &[(&str, Kind)],
    faults: &mut Faults,
) -> Section {
    let mut section = Section {
        line,
        ..Section::default()
    };
    for (key, value) in table {
        let line = line_of(text, &key.span());
        let key = key.get_ref().as_ref();
        let Some((_, kind)) = keys.iter().find(|(known, _)| *known == key) else {
            let names: Vec<_> = keys.iter().map(|(known, _)| *known).collect();
            faults.push(format!(
                "{name}:{line}: unknown key \"{key}\"; allowed here: {}",
                names.join(", ")
            ));
            continue;
        };
        match of_kind(*kind, value.get_ref()) {
            Some(value) => {
                section.values.insert(key.to_owned(), (value, line));
            }
            None => faults.push(format!("{name}:{line}: {key} must be {}", kind.words())),
        }
    }
    section
}

fn of_kind(kind: Kind, value: &DeValue<'_>) -> Option<Value> {
    match kind {
        Kind::Text => value.as_str().map(|text| Value::Text(text.to_owned())),
        Kind::Texts => match value.as_str() {
            Some(text) => Some(Value::Texts(vec![text.to_owned()])),
            None => value
                .as_array()?
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
                .map(Value::Texts),
        },
        Kind::Flag => value.as_bool().map(Value::Flag),
        Kind::Whole => value
            .as_integer()?
            .to_string()
            .replace('_', "")
            .parse()
            .ok()
            .map(Value::Whole),
        Kind::Seconds => {
            let text = match value.as_integer() {
                Some(whole) => whole.to_string(),
                None => value.as_float()?.to_string(),
            };
            text.replace('_', "").parse().ok().map(Value::Seconds)
        }
    }
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    let before = text.get(..span.start).unwrap_or(text);
    before
        .bytes()
        .filter(|byte| *byte == b'\n')
        .count()
        .saturating_add(1)
}
