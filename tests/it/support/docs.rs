//! Pages that are generated from the code, and pages whose examples run.

use std::{env, fs, path::Path};

/// The text of a file, by its path from the project's root.
pub(crate) fn read(path: &str) -> String {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&place).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Checks that the page says what the code says; with `UPDATE_DOCS=1` it is written first.
#[track_caller]
pub(crate) fn is_generated(path: &str, page: &str) {
    assert!(
        committed(path, page) == page,
        "{path} is stale: run  UPDATE_DOCS=1 cargo test --test it docs  and commit it"
    );
}

/// Like [`is_generated`], for a page of which each run writes another copy: `same` keeps what copies have in common.
#[track_caller]
pub(crate) fn is_generated_alike(path: &str, page: &str, same: fn(&str) -> Vec<String>) {
    let (committed, now) = (same(&committed(path, page)), same(page));
    let differs = committed.iter().zip(&now).find(|(was, is)| was != is);
    assert!(
        committed == now,
        "{path} is stale, at {differs:?}: write it with UPDATE_DOCS=1 and commit it\n{page}"
    );
}

/// The page as it is; with `UPDATE_DOCS=1` it is written first.
fn committed(path: &str, page: &str) -> String {
    if env::var_os("UPDATE_DOCS").is_some() {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        fs::write(place, page).unwrap();
    }
    read(path)
}

/// The code blocks of `language` in a page, each with the number of its first line.
pub(crate) fn blocks(page: &str, language: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut inside = false;
    for (number, line) in page.lines().enumerate() {
        if inside && line == "```" {
            inside = false;
        } else if inside {
            let block = &mut found.last_mut().unwrap().1;
            block.push_str(line);
            block.push('\n');
        } else if line == format!("```{language}") {
            inside = true;
            found.push((number + 2, String::new()));
        }
    }
    assert!(!inside, "a block does not end");
    found
}
