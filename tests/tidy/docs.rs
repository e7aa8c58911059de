//! What the documents promise.

use std::path::Path;

use crate::{
    scan::places,
    tree::{File, all, expect, has_ending},
};

const README_LINES: usize = 150;
const INVARIANTS: usize = 13;
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
        .filter(|name| places(&architecture.text, name).is_empty())
        .map(|name| architecture.at(1, &format!("{name} is not named: say what holds it")))
        .collect()
}

pub(crate) fn paths_exist(root: &Path) -> Vec<String> {
    let architecture = match expect(root, "ARCHITECTURE.md") {
        Ok(file) => file,
        Err(missing) => return missing,
    };
    let mut broken = Vec::new();
    for (number, line) in prose(&architecture.text) {
        // Every second piece between backticks is code.
        for span in line
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|span| is_path(root, span))
        {
            let path = span
                .split([':', '#'])
                .next()
                .unwrap_or(span)
                .trim_end_matches('/');
            if path.contains(['*', '{', '…']) {
                broken.push(architecture.at(
                    number,
                    &format!("`{span}` cannot be checked: write the paths out"),
                ));
            } else if ![root.join(path), root.join("src").join(path)]
                .iter()
                .any(|place| place.exists())
            {
                broken.push(architecture.at(
                    number,
                    &format!("`{span}` does not exist: name what is there now"),
                ));
            }
        }
    }
    broken
}

/// A path begins at a folder of the project, or is a bare file name with an ending that files here have.
fn is_path(root: &Path, span: &str) -> bool {
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
            known.contains(&first) || (root.join("src").join(first).is_dir() && !rest.is_empty())
        }
        None => ENDINGS
            .iter()
            .any(|ending| has_ending(without_place, ending)),
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
        return Some("leads nowhere: mend it, or write what it should lead to");
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
