//! What no file of the project says, and how migrations are named.

use std::{collections::BTreeSet, fs, path::Path};

use crate::tree::{File, all, has_ending, is_word};

/// Joined here from halves, or this file would break its own rule.
const OPEN_POINTS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("HA", "CK"),
];
const MACHINE_PATHS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/tm", "p/t"),
    concat!("/tm", "p/h_"),
    concat!("/ro", "ot/"),
];

pub(crate) fn no_banners(root: &Path) -> Vec<String> {
    each_line(root, |file, line| {
        let marks: &[&str] = match file.path.rsplit('.').next() {
            Some("rs") => &["///", "//!", "//"],
            Some("sql") => &["--"],
            Some("toml" | "yaml" | "yml" | "sh") => &["#"],
            _ if matches!(file.path.as_str(), "dev" | ".ci/run") => &["#"],
            _ => return None,
        };
        let comment = marks
            .iter()
            .find_map(|mark| line.trim_start().strip_prefix(mark))?
            .trim_start();
        let first = comment.chars().next()?;
        let is_banner = "-=*#~_+—–─━═".contains(first)
            && comment.chars().take_while(|c| *c == first).count() >= 3;
        is_banner.then_some("a banner: a heading that needs a frame wants to be a file of its own")
    })
}

pub(crate) fn open_points_are_numbered(root: &Path) -> Vec<String> {
    each_line(root, |_, line| {
        let is_open = OPEN_POINTS.iter().any(|word| {
            line.match_indices(word).any(|(at, _)| {
                let rest = &line[at + word.len()..];
                let alone = !line[..at].ends_with(is_word) && !rest.starts_with(is_word);
                alone && !(*word == OPEN_POINTS[0] && is_issue(rest))
            })
        });
        is_open.then_some(
            "an open point without an issue: write the word followed by (#number), or do it",
        )
    })
}

/// `(#12)` at the start.
fn is_issue(rest: &str) -> bool {
    let number = rest
        .strip_prefix("(#")
        .and_then(|rest| rest.split_once(')'));
    number
        .is_some_and(|(digits, _)| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

pub(crate) fn no_machine_paths(root: &Path) -> Vec<String> {
    each_line(root, |_, line| {
        let is_here = MACHINE_PATHS.iter().any(|path| {
            line.match_indices(path).any(|(at, _)| {
                // Part of a longer path, such as a web address, it is somebody else's.
                let begins = !line[..at].ends_with(|c: char| is_word(c) || ".-}".contains(c));
                let ends = path.ends_with(['/', '_'])
                    || !line[at + path.len()..].starts_with(|c: char| is_word(c) || c == '-');
                begins && ends
            })
        });
        is_here.then_some("a path of one machine: name it from the root of the project")
    })
}

pub(crate) fn migrations_are_named(root: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root.join("migrations")) else {
        return vec!["migrations:1: this folder is missing: the schema lives there".to_owned()];
    };
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| !has_ending(name, "md")).collect();
    names.sort();
    let mut numbers = BTreeSet::new();
    let mut broken = Vec::new();
    for name in &names {
        if !is_migration_name(name) {
            broken.push(format!(
                "migrations/{name}:1: call it 0001_words_with_underscores.sql"
            ));
        } else if !numbers.insert(name[..4].to_owned()) {
            broken.push(format!(
                "migrations/{name}:1: its number is taken: give it the next one"
            ));
        }
    }
    if names.is_empty() {
        broken.push("migrations:1: there are no migrations".to_owned());
    }
    broken
}

fn is_migration_name(name: &str) -> bool {
    let Some((number, words)) = name
        .strip_suffix(".sql")
        .and_then(|stem| stem.split_once('_'))
    else {
        return false;
    };
    let is_words = words.starts_with(|c: char| c.is_ascii_lowercase())
        && words
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit()) && is_words
}

/// `rule` for every line of every file but the lock file, which is machine-made.
fn each_line(root: &Path, rule: impl Fn(&File, &str) -> Option<&'static str>) -> Vec<String> {
    let mut broken = Vec::new();
    for file in all(root).iter().filter(|file| file.path != "Cargo.lock") {
        for (number, line) in file.text.lines().enumerate() {
            broken.extend(rule(file, line).map(|message| file.at(number + 1, message)));
        }
    }
    broken
}
