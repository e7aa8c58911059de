//! What the running code does not do.

use std::path::Path;

use crate::{
    tokens::{inside_brackets, lines_with, places, production},
    tree::{File, all, is_rust, is_test, sources},
};

const LONGEST_FILE: usize = 500;
const MEDIAN_FILE: usize = 230;

const QUERIES: &[&str] = &[
    "sqlx::query",
    "sqlx::query_as",
    "sqlx::query_scalar",
    "sqlx::query_with",
    "sqlx::raw_sql",
    "query!",
    "query_as!",
    "query_scalar!",
    "query_file!",
    "query_file_as!",
    "QueryBuilder",
];
const LOGS: &[&str] = &[
    "trace!",
    "debug!",
    "info!",
    "warn!",
    "error!",
    "event!",
    "span!",
    "trace_span!",
    "debug_span!",
    "info_span!",
    "warn_span!",
    "error_span!",
    "instrument",
];

/// Demo and bench look at the database from outside, as a user does.
pub(crate) fn sql_only_in_store(root: &Path) -> Vec<String> {
    let elsewhere = |file: &File| {
        let outside = ["crates/store", "src/demo", "crates/bench/"];
        !outside.iter().any(|place| file.path.starts_with(place))
    };
    each_word(
        root,
        QUERIES,
        elsewhere,
        "SQL outside of the store: write a function in crates/store and call that",
    )
}

pub(crate) fn no_floats_near_money(root: &Path) -> Vec<String> {
    let near_money = |file: &File| {
        let path = file.path.as_str();
        path.starts_with("crates/domain/") || path.starts_with("crates/store")
    };
    each_word(
        root,
        &["f32", "f64"],
        near_money,
        "a float near money: whole rupiah are i64",
    )
}

pub(crate) fn permit_made_once(root: &Path) -> Vec<String> {
    const MAKER: &str = "of_committed_claim";
    const HOME: &str = "crates/store/src/claim.rs";
    let mut broken = Vec::new();
    let (mut defined, mut made) = (0, 0);
    for file in running(root) {
        let tokens = production(&file);
        for at in places(&tokens, MAKER) {
            let is_defined = at > 0 && tokens[at - 1].text == "fn";
            if file.path == "crates/permit/src/lib.rs" && is_defined {
                defined += 1;
            } else if file.path == HOME && made == 0 {
                made = 1;
            } else {
                let message = format!(
                    "a second maker of permits: only the committed claim in {HOME} may make one"
                );
                broken.push(file.at(tokens[at].line, &message));
            }
        }
    }
    if defined != 1 {
        broken.push(format!(
            "crates/permit/src/lib.rs:1: `fn {MAKER}` is defined {defined} times here: it must be once"
        ));
    }
    if made == 0 {
        broken.push(format!(
            "{HOME}:1: no permit is made here: the claim makes it after its commit, by `{MAKER}`"
        ));
    }
    broken
}

pub(crate) fn files_are_small(root: &Path) -> Vec<String> {
    let mut lengths = Vec::new();
    let mut broken = Vec::new();
    for file in sources(root) {
        let lines = file.text.lines().count();
        if lines > LONGEST_FILE {
            broken.push(file.at(
                LONGEST_FILE + 1,
                &format!("{lines} lines: split it by what its parts do"),
            ));
        }
        lengths.push(lines);
    }
    lengths.sort_unstable();
    match lengths.get(lengths.len() / 2) {
        Some(median) if *median > MEDIAN_FILE => {
            broken.push(format!("src:1: the median file has {median} lines, more than {MEDIAN_FILE}: split the longest"));
        }
        Some(_) => {}
        None => broken.push("src:1: there are no sources".to_owned()),
    }
    broken
}

pub(crate) fn files_have_a_head(root: &Path) -> Vec<String> {
    let missing = |file: &File| is_rust(&file.path) && !file.text.starts_with("//! ");
    let files = all(root).into_iter().filter(missing);
    files
        .map(|file| file.at(1, "begin with one line `//! …` that says what this file is"))
        .collect()
}

pub(crate) fn nothing_revealed_in_logs(root: &Path) -> Vec<String> {
    let mut broken = Vec::new();
    for file in running(root) {
        let tokens = production(&file);
        for log in LOGS {
            for at in places(&tokens, log) {
                let open = at + if log.ends_with('!') { 2 } else { 1 };
                let logged = inside_brackets(&tokens, open);
                if logged.iter().any(|token| token.text.contains("reveal")) {
                    broken.push(file.at(
                        tokens[at].line,
                        "account data in a log: log the masked value, it has a Debug",
                    ));
                }
            }
        }
    }
    broken
}

/// Every place where one of `words` stands in running code of the files that `concerned` names.
fn each_word(
    root: &Path,
    words: &[&str],
    concerned: impl Fn(&File) -> bool,
    what_to_do: &str,
) -> Vec<String> {
    let mut broken = Vec::new();
    for file in running(root).iter().filter(|file| concerned(file)) {
        let tokens = production(file);
        for word in words {
            for line in lines_with(&tokens, word) {
                broken.push(file.at(line, &format!("`{word}`: {what_to_do}")));
            }
        }
    }
    broken
}

fn running(root: &Path) -> Vec<File> {
    sources(root)
        .into_iter()
        .filter(|file| !is_test(&file.path))
        .collect()
}
