//! Reading the tree: which files there are, and what they say.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// What is not part of the project: built, fetched or made by a run.
const SKIPPED: &[&str] = &[".git", ".pg", ".sqlx", "node_modules", "target"];

/// A text file, by its path from the root, with `/` between the parts.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// `path:line: message`, as editors and people read it.
    pub(crate) fn at(&self, line: usize, message: &str) -> String {
        format!("{}:{line}: {message}", self.path)
    }
}

/// Every text file of the project, in order.
pub(crate) fn all(root: &Path) -> Vec<File> {
    let mut paths = Vec::new();
    collect(root, &mut paths);
    paths.sort();
    paths
        .into_iter()
        .filter_map(|path| read(root, &path))
        .collect()
}

/// The Rust files of the root package and of the other crates, with the tests that stand beside the code.
pub(crate) fn sources(root: &Path) -> Vec<File> {
    let is_source = |path: &str| {
        let below = path
            .strip_prefix("crates/")
            .and_then(|path| path.split_once('/'));
        below.map_or(path, |(_, path)| path).starts_with("src/")
    };
    all(root)
        .into_iter()
        .filter(|file| is_source(&file.path) && is_rust(&file.path))
        .collect()
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// One file, or the plain statement that it is missing.
pub(crate) fn expect(root: &Path, path: &str) -> Result<File, Vec<String>> {
    read(root, &root.join(path))
        .ok_or_else(|| vec![format!("{path}:1: this file is missing: write it")])
}

pub(crate) fn is_rust(path: &str) -> bool {
    has_ending(path, "rs")
}

pub(crate) fn has_ending(path: &str, ending: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|found| found == ending)
}

/// Files of tests only: beside the code, named `…_tests.rs` or `tests.rs`, or in a folder `tests`.
pub(crate) fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.ends_with("_tests.rs") || name == "tests.rs" || path.split('/').any(|part| part == "tests")
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // Links are not followed: they could lead out of the tree, or round in it.
        if path.is_symlink() || SKIPPED.contains(&name.as_str()) || has_ending(&name, "log") {
            continue;
        }
        if path.is_dir() {
            collect(&path, into);
        } else {
            into.push(path);
        }
    }
}

/// Nothing for a file that is not UTF-8: pictures and keys have no lines.
fn read(root: &Path, path: &Path) -> Option<File> {
    let text = fs::read_to_string(path).ok()?;
    let path = path
        .strip_prefix(root)
        .ok()?
        .to_string_lossy()
        .replace('\\', "/");
    Some(File { path, text })
}
