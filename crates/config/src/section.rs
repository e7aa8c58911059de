//! Reads a TOML page section by section, and notes every fault with its file and line.

use std::{
    cell::RefCell,
    fmt,
    ops::{Range, RangeInclusive},
    time::Duration,
};

use serde::Deserialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue, ValueDeserializer},
};

use super::Faults;

/// Longest time that a setting may have.
const TIME_MAX: Duration = Duration::from_hours(24 * 365);

/// One file, and what is wrong with it.
pub(super) struct Page<'a> {
    name: &'a str,
    text: &'a str,
    table: DeTable<'a>,
    faults: RefCell<Vec<(usize, String)>>,
}

impl<'a> Page<'a> {
    /// Parses `text`; a text that is not TOML is refused with all its syntax errors.
    pub(super) fn parse(name: &'a str, text: &'a str) -> Result<Self, Faults> {
        let (table, errors) = DeTable::parse_recoverable(text);
        let page = Self {
            name,
            text,
            table: table.into_inner(),
            faults: RefCell::default(),
        };
        for error in errors {
            let line = error.span().map_or(1, |span| page.line_of(&span));
            page.fault(line, error.message());
        }
        page.no_faults()?;
        Ok(page)
    }

    /// Notes a fault.
    pub(super) fn fault(&self, line: usize, words: impl fmt::Display) {
        let sentence = format!("{}:{line}: {words}", self.name);
        self.faults.borrow_mut().push((line, sentence));
    }

    /// All faults noted so far, in the order of their lines.
    pub(super) fn no_faults(&self) -> Result<(), Faults> {
        let mut faults = self.faults.take();
        faults.sort_by_key(|(line, _)| *line);
        if faults.is_empty() {
            return Ok(());
        }
        Err(Faults(faults.into_iter().map(|(_, words)| words).collect()))
    }

    /// Notes every section that is not in `known`.
    pub(super) fn only_sections(&self, known: &[&str]) {
        for key in self.table.keys() {
            let section = key.get_ref();
            if !known.contains(&section.as_ref()) {
                let known = known.join(", ");
                self.fault(
                    self.line_of(&key.span()),
                    format_args!("unknown section \"{section}\"; allowed: {known}"),
                );
            }
        }
    }

    /// The section `[name]`; an empty one when the page has none.
    pub(super) fn section(&self, name: &str) -> Section<'_> {
        let Some((line, value)) = self.find(&self.table, name) else {
            return Section::new(self, 1, None);
        };
        let table = value.get_ref().as_table();
        if table.is_none() {
            let words = format_args!("\"{name}\" must be a section: write [{name}]");
            self.fault(line, words);
        }
        Section::new(self, line, table)
    }

    /// Every section `[[name]]`.
    pub(super) fn sections(&self, name: &str) -> Vec<Section<'_>> {
        let Some((line, value)) = self.find(&self.table, name) else {
            return Vec::new();
        };
        let items = value.get_ref().as_array().into_iter().flatten();
        let tables = items.map(|item| (self.line_of(&item.span()), item.get_ref().as_table()));
        let sections: Option<Vec<_>> = tables
            .map(|(line, table)| Some(Section::new(self, line, Some(table?))))
            .collect();
        let sections = sections.filter(|sections| !sections.is_empty());
        sections.unwrap_or_else(|| {
            let words = format_args!("write each {name} as a section of its own: [[{name}]]");
            self.fault(line, words);
            Vec::new()
        })
    }

    /// A value and the line of its key.
    fn find<'t>(
        &self,
        table: &'t DeTable<'a>,
        name: &str,
    ) -> Option<(usize, &'t Spanned<DeValue<'a>>)> {
        let (key, value) = table.iter().find(|(key, _)| key.get_ref() == name)?;
        Some((self.line_of(&key.span()), value))
    }

    fn line_of(&self, span: &Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        before.matches('\n').count().saturating_add(1)
    }
}

/// One section. Each key that is read from it becomes an allowed key; [`Section::end`] refuses all others.
pub(super) struct Section<'a> {
    page: &'a Page<'a>,
    /// Where the section begins.
    pub(super) line: usize,
    table: Option<&'a DeTable<'a>>,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    fn new(page: &'a Page<'a>, line: usize, table: Option<&'a DeTable<'a>>) -> Self {
        Self {
            page,
            line,
            table,
            known: Vec::new(),
        }
    }

    /// Notes a fault of the section as a whole.
    pub(super) fn fault(&self, words: impl fmt::Display) {
        self.page.fault(self.line, words);
    }

    /// Notes every key that nobody read.
    pub(super) fn end(self) {
        for key in self.table.iter().flat_map(|table| table.keys()) {
            if !self.known.contains(&key.get_ref().as_ref()) {
                let (name, known) = (key.get_ref(), self.known.join(", "));
                self.page.fault(
                    self.page.line_of(&key.span()),
                    format_args!("unknown key \"{name}\"; allowed here: {known}"),
                );
            }
        }
    }

    /// The value of a key with its line, when there is one of the right kind.
    fn get<T: Deserialize<'a>>(&mut self, key: &'static str, kind: &str) -> Option<(usize, T)> {
        self.known.push(key);
        let (line, value) = self.page.find(self.table?, key)?;
        let value = T::deserialize(ValueDeserializer::from(value.clone())).ok();
        if value.is_none() {
            self.page.fault(line, format_args!("{key} must be {kind}"));
        }
        Some((line, value?))
    }

    /// A text that may be left out.
    pub(super) fn text(&mut self, key: &'static str) -> Option<(usize, String)> {
        self.get(key, "a quoted text")
    }

    /// A text that must be there.
    pub(super) fn required(&mut self, key: &'static str) -> String {
        let text = self.text(key).map(|(_, text)| text);
        self.require(key, text.as_ref().map(String::is_empty));
        text.unwrap_or_default()
    }

    /// One text or a list of them; empty when it is left out.
    pub(super) fn list(&mut self, key: &'static str) -> Vec<String> {
        self.texts(key).unwrap_or_default()
    }

    /// One text or a list of them, at least one.
    pub(super) fn required_list(&mut self, key: &'static str) -> Vec<String> {
        let texts = self.texts(key);
        self.require(key, texts.as_ref().map(Vec::is_empty));
        texts.unwrap_or_default()
    }

    fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        let texts = self.get(key, "a quoted text or a list of them");
        texts.map(|(_, texts)| match texts {
            Texts::One(text) => vec![text],
            Texts::Many(texts) => texts,
        })
    }

    /// Notes a missing value. One of the wrong kind has been noted already.
    fn require(&self, key: &str, is_empty: Option<bool>) {
        let is_there = self.table.and_then(|table| self.page.find(table, key));
        if is_empty.unwrap_or(is_there.is_none()) {
            self.fault(format_args!("{key} is missing"));
        }
    }

    /// True or false; false when it is left out.
    pub(super) fn flag(&mut self, key: &'static str) -> bool {
        let flag = self.get(key, "true or false");
        flag.is_some_and(|(_, flag)| flag)
    }

    /// A whole number within `range`.
    pub(super) fn whole(
        &mut self,
        key: &'static str,
        default: i64,
        range: RangeInclusive<i64>,
    ) -> i64 {
        match self.get(key, "a whole number") {
            Some((_, number)) if range.contains(&number) => number,
            Some((line, _)) => {
                let (low, high) = range.into_inner();
                let words = format_args!("{key} must be from {low} to {high}");
                self.page.fault(line, words);
                default
            }
            None => default,
        }
    }

    /// A length of time, at most a year.
    pub(super) fn seconds(&mut self, key: &'static str, default: u64) -> Duration {
        let default = Duration::from_secs(default);
        let Some((line, seconds)) = self.get(key, "a number of seconds") else {
            return default;
        };
        let time = Duration::try_from_secs_f64(seconds).ok();
        let time = time.filter(|time| !time.is_zero() && *time <= TIME_MAX);
        time.unwrap_or_else(|| {
            let words = format_args!("{key} must be more than 0 and at most a year");
            self.page.fault(line, words);
            default
        })
    }

    /// One of `allowed`; the first when it is left out.
    pub(super) fn one_of(&mut self, key: &'static str, allowed: &[&'static str]) -> &'static str {
        let default = allowed.first().copied().unwrap_or_default();
        let Some((line, text)) = self.text(key) else {
            return default;
        };
        let found = allowed.iter().find(|word| **word == text).copied();
        found.unwrap_or_else(|| {
            let allowed = allowed.join("\", \"");
            let words = format_args!("{key} = \"{text}\": use one of \"{allowed}\"");
            self.page.fault(line, words);
            default
        })
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Many(Vec<String>),
}
