//! What the documents promise.

use std::{collections::BTreeSet, path::Path};

use crate::tree::{File, all, expect, has_ending, is_word};

const README_LINES: usize = 150;
const INVARIANTS: usize = 13;
/// From so many on a name is specific enough to be looked for.
const NAME_UNDERSCORES: usize = 4;
/// Settings of Postgres.
const NAMES_OF_OTHERS: &[&str] = &["log_parameter_max_length_on_error"];
const ENDINGS: &[&str] = &[
    "rs", "sql", "md", "toml", "yaml", "yml", "json", "sh", "service",
];

pub(crate) fn readme_is_short(root: &Path) -> Vec<String> {
    let readme = match expect(root, "README.md") {
        Ok(file) => file,
        Err(missing) => return missing,
    };
    let lines = readme.text.lines().count();
    if lines <= README_LINES {
        return Vec::new();
    }
    vec![readme.at(
        README_LINES + 1,
        &format!("{lines} lines: move what not everybody needs into docs/"),
    )]
}

pub(crate) fn invariants_are_named(root: &Path) -> Vec<String> {
    let architecture = match expect(root, "ARCHITECTURE.md") {
        Ok(file) => file,
        Err(missing) => return missing,
    };
    (1..=INVARIANTS)
        .map(|number| format!("I{number}"))
        .filter(|name| !words(&architecture.text).any(|word| word == name))
        .map(|name| architecture.at(1, &format!("{name} is not named: say what holds it")))
        .collect()
}

/// Documents name paths from the root, from `src`, or from where they stand themselves.
pub(crate) fn paths_exist(root: &Path) -> Vec<String> {
    if let Err(missing) = expect(root, "ARCHITECTURE.md") {
        return missing;
    }
    let mut broken = Vec::new();
    for document in documents(root) {
        for (number, span) in code_spans(&document.text) {
            if is_path(root, &document, &span)
                && let Some(why) = missing(root, &document, &span)
            {
                broken.push(document.at(number, &format!("`{span}` {why}")));
            }
        }
    }
    broken
}

fn missing(root: &Path, document: &File, span: &str) -> Option<&'static str> {
    let path = span.split([':', '#']).next().unwrap_or(span);
    let path = path.trim_end_matches('/');
    if path.contains(['*', '{', '…']) {
        return Some("cannot be checked: write the paths out");
    }
    let own = root.join(&document.path);
    let homes = [root, &root.join("src"), own.parent().unwrap_or(root)];
    let exists = homes.iter().any(|home| home.join(path).exists());
    (!exists).then_some("does not exist: name what is there now")
}

/// A name of many words in a document is that of a test, a function, a constraint or a metric: it stands in a source.
pub(crate) fn names_exist(root: &Path) -> Vec<String> {
    let sources: Vec<File> = all(root)
        .into_iter()
        .filter(|file| !has_ending(&file.path, "md"))
        .collect();
    let known: BTreeSet<&str> = sources.iter().flat_map(|file| words(&file.text)).collect();
    let mut broken = Vec::new();
    for document in documents(root) {
        for (number, span) in code_spans(&document.text) {
            let name = span.rsplit("::").next().unwrap_or(&span);
            let is_name = name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            if is_name
                && name.matches('_').count() >= NAME_UNDERSCORES
                && !known.contains(name)
                && !NAMES_OF_OTHERS.contains(&name)
            {
                let message = format!("`{name}` is in no source: name what is there now");
                broken.push(document.at(number, &message));
            }
        }
    }
    broken
}

/// What the project says of itself today; the change log also names what was.
fn documents(root: &Path) -> Vec<File> {
    all(root)
        .into_iter()
        .filter(|file| has_ending(&file.path, "md") && file.path != "CHANGELOG.md")
        .collect()
}

/// Every piece between backticks, with its line.
fn code_spans(text: &str) -> Vec<(usize, String)> {
    let mut spans = Vec::new();
    for (number, line) in prose(text) {
        let in_line = line.split('`').skip(1).step_by(2);
        spans.extend(in_line.map(|span| (number, span.to_owned())));
    }
    spans
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_word(c)).filter(|word| !word.is_empty())
}

/// A path begins at a folder of the project, or is a bare file name with an ending that files here have.
/// In a document of a test suite, a short path may also be that of a file which a run makes.
fn is_path(root: &Path, document: &File, span: &str) -> bool {
    let is_short_path_ours = !document.path.starts_with("tests/");
    if span.is_empty() || span.starts_with('/') || span.contains([' ', '(', '<', '=']) {
        return false;
    }
    let without_place = span.split([':', '#']).next().unwrap_or(span);
    match without_place.split_once('/') {
        Some((first, rest)) => {
            let known = [
                "src",
                "crates",
                "tests",
                "migrations",
                "docs",
                "deploy",
                ".ci",
                ".sqlx",
            ];
            known.contains(&first)
                || (is_short_path_ours && root.join("src").join(first).is_dir() && !rest.is_empty())
        }
        None => ENDINGS
            .iter()
            .any(|ending| is_short_path_ours && has_ending(without_place, ending)),
    }
}

pub(crate) fn links_resolve(root: &Path) -> Vec<String> {
    let mut broken = Vec::new();
    for file in all(root).iter().filter(|file| has_ending(&file.path, "md")) {
        for (number, line) in prose(&file.text) {
            for target in targets(&line) {
                if let Some(why) = dead(root, file, &target) {
                    broken.push(file.at(number, &format!("the link to {target} {why}")));
                }
            }
        }
    }
    broken
}

fn dead(root: &Path, file: &File, target: &str) -> Option<&'static str> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let place = if path.is_empty() {
        root.join(&file.path)
    } else if let Some(from_root) = path.strip_prefix('/') {
        root.join(from_root)
    } else {
        root.join(&file.path).parent().unwrap_or(root).join(path)
    };
    if !place.exists() {
        return Some("leads nowhere: correct it, or write what it should lead to");
    }
    if heading.is_empty() || !has_ending(&place.to_string_lossy(), "md") {
        return None;
    }
    let text = std::fs::read_to_string(place).unwrap_or_default();
    let known = prose(&text)
        .into_iter()
        .any(|(_, line)| line.starts_with('#') && slug(&line) == heading);
    (!known).then_some("names a heading that is not there")
}

/// A heading as it is written in a link: small letters, hyphens for spaces, no other signs.
fn slug(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    words
        .chars()
        .filter(kept)
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// The lines outside of code blocks, with their numbers.
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut in_block = false;
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            lines.push((number + 1, line.to_owned()));
        }
    }
    lines
}

/// What `[text](target)` and `[text]: target` lead to, outside of backticks.
fn targets(line: &str) -> Vec<String> {
    let text: String = line.split('`').step_by(2).collect::<Vec<_>>().join("code");
    let mut found: Vec<String> = Vec::new();
    for (at, _) in text.match_indices("](") {
        let target = text[at + 2..].split([')', ' ']).next().unwrap_or_default();
        found.push(target.trim_matches(['<', '>']).to_owned());
    }
    if let Some((_, target)) = text
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]: "))
    {
        found.extend(target.split_whitespace().next().map(ToOwned::to_owned));
    }
    found
}
