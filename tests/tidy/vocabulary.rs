//! One word for one thing, in names, strings, comments and documents.

use std::{collections::BTreeMap, path::Path};

use crate::tree::{File, all};

/// A retired word or phrase in its forms, and what to write.
type Retired = (&'static [&'static str], &'static str);

const RETIRED: &[Retired] = &[
    (
        &["ask", "asks", "asked", "asking"],
        "a gateway is queried, a person requests",
    ),
    (&["heard"], "evidence is received or observed"),
    (&["sang"], "evidence is received or observed"),
    (&["anew"], "write `again`"),
    (
        &["mend", "mends", "mended", "mending"],
        "write `fix` or `correct`",
    ),
    (
        &["by itself", "by themselves"],
        "write `automatically`, or leave it out",
    ),
    (
        &["timeline", "timelines"],
        "a payout has a history, a database a failover",
    ),
    (&["canary", "canaries"], "it is a control query"),
    (&["fact called"], "it is `Fact::Callback`"),
    (&["not known"], "write `not found`"),
];

/// Where a retired word is the right one.
struct Exception {
    /// What the path begins with.
    path: &'static str,
    /// The first form of the word; nothing for every word.
    word: &'static str,
    /// What its line says beside it, in small letters.
    beside: &'static str,
    why: &'static str,
}

const EXCEPTIONS: &[Exception] = &[
    Exception {
        path: "tests/tidy/",
        word: "",
        beside: "",
        why: "the list itself, and its bad samples",
    },
    Exception {
        path: "",
        word: "timeline",
        beside: "system, timeline",
        why: "Postgres calls a branch of its write-ahead log so, and it is part of a database's identity",
    },
    Exception {
        path: "docs/",
        word: "canary",
        beside: "tests/it/canary.rs",
        why: "the name of that test",
    },
    Exception {
        path: "tests/",
        word: "canary",
        beside: "",
        why: "a test's personal data that is planted to be found where it leaks",
    },
];

/// Retired only where people read it: a comment may say of a condition that it is enough "by itself".
const SHOWN: &[&str] = &["by itself", "by themselves"];

/// Where a word stands in the text.
#[derive(Clone, Copy)]
struct Word {
    begin: usize,
    end: usize,
}

impl Word {
    fn is(self, text: &str, wanted: &str) -> bool {
        text[self.begin..self.end].eq_ignore_ascii_case(wanted)
    }
}

pub(crate) fn is_kept(root: &Path) -> Vec<String> {
    let mut broken = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut used = vec![false; EXCEPTIONS.len()];
    for file in all(root).iter().filter(|file| is_ours(&file.path)) {
        let lines: Vec<&str> = file.text.lines().collect();
        for (number, word, (forms, instead)) in retired_in(file) {
            let line = lines[number - 1];
            if SHOWN.contains(&word) && !is_shown(&file.path, line) {
                continue;
            }
            if let Some(exception) = excuse(&file.path, forms[0], line) {
                used[exception] = true;
                continue;
            }
            *counts.entry(word).or_default() += 1;
            broken.push(file.at(number, &format!("`{word}`: {instead}")));
        }
    }
    broken.extend(needless(root, &used));
    let totals = counts
        .iter()
        .map(|(word, count)| format!("`{word}` is written {count} times"));
    broken.extend(totals);
    broken
}

/// Documents, settings, help and messages; not comments, and not names.
fn is_shown(path: &str, line: &str) -> bool {
    let is_code = [".rs", ".sql", ".py"]
        .iter()
        .any(|ending| path.ends_with(ending));
    let line = line.trim_start();
    let is_comment = ["//", "--", "#"].iter().any(|mark| line.starts_with(mark));
    let is_help = path.starts_with("src/cli") && line.starts_with("///");
    let is_name = line.contains("fn ");
    !is_code || is_help || !is_comment && !is_name
}

/// The licence is not ours; lock files and what a fuzzer found are machine-made.
fn is_ours(path: &str) -> bool {
    let is_made = path.ends_with("Cargo.lock") || path.starts_with("tests/fuzz/corpus/");
    !is_made && path != "LICENSE"
}

fn excuse(path: &str, word: &str, line: &str) -> Option<usize> {
    let line = line.to_lowercase();
    EXCEPTIONS.iter().position(|exception| {
        path.starts_with(exception.path)
            && (exception.word.is_empty() || exception.word == word)
            && line.contains(exception.beside)
    })
}

/// Exceptions that nothing needs any more. A sample needs none.
fn needless(root: &Path, used: &[bool]) -> Vec<String> {
    if !root.join("src/lib.rs").exists() {
        return Vec::new();
    }
    let needless = EXCEPTIONS.iter().zip(used).filter(|(_, used)| !**used);
    needless
        .map(|(exception, _)| {
            let Exception { word, why, .. } = exception;
            format!("tests/tidy/vocabulary.rs:1: nothing needs the exception for `{word}` ({why}): delete it")
        })
        .collect()
}

/// The line and the form of every retired word.
fn retired_in(file: &File) -> Vec<(usize, &'static str, &'static Retired)> {
    let words = words(&file.text);
    let mut found = Vec::new();
    for at in 0..words.len() {
        for retired in RETIRED {
            for form in retired.0 {
                if begins_with(&file.text, &words[at..], form) {
                    let line = file.text[..words[at].begin].matches('\n').count() + 1;
                    found.push((line, *form, retired));
                }
            }
        }
    }
    found
}

fn begins_with(text: &str, words: &[Word], form: &str) -> bool {
    let mut before: Option<Word> = None;
    form.split(' ').enumerate().all(|(at, wanted)| {
        let Some(word) = words.get(at) else {
            return false;
        };
        let joined = before.is_none_or(|before| joins(&text[before.end..word.begin]));
        before = Some(*word);
        joined && word.is(text, wanted)
    })
}

/// What may stand between the words of a phrase: nothing (`notKnown`), what joins a name, or the break of a comment's line.
fn joins(between: &str) -> bool {
    between
        .chars()
        .all(|c| c.is_whitespace() || "_-:/!#*>".contains(c))
}

/// The words of a text, and of the names in it: `StoreAsked` and `is_asked_for` have `asked` in them.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        // The `n` of an escaped line end is no letter.
        if c.is_alphabetic() && before != '\\' {
            let goes_on = before.is_alphabetic() && !(before.is_lowercase() && c.is_uppercase());
            if !goes_on {
                words.push(Word { begin: at, end: at });
            }
            if let Some(word) = words.last_mut() {
                word.end = at + c.len_utf8();
            }
        }
        before = if before == '\\' { ' ' } else { c };
    }
    words
}
