//! The night as a page: what people typed, and what the program answered on the run that wrote the page.

use std::{fmt::Write as _, fs};

use crate::support::{docs, terminal::Said};

/// The worker's host on the page.
const HOST: &str = "a1/";

/// The page so far.
pub(super) struct Page(String);

impl Page {
    pub(super) fn new(heading: &str) -> Self {
        Self(format!("# {heading}\n"))
    }

    pub(super) fn says(&mut self, paragraph: &str) {
        writeln!(self.0, "\n{paragraph}").unwrap();
    }

    /// One call as its terminal showed it. Stderr comes first, as people see it before the table.
    pub(super) fn shows(&mut self, login: &str, arguments: &[&str], said: &Said) {
        let typed: Vec<_> = arguments.iter().map(|word| quoted(word)).collect();
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let here = format!("{}/", host.trim());
        let mut out = String::new();
        for line in said.err.lines().chain(said.out.lines()) {
            writeln!(out, "{}", line.trim_end().replace(&here, HOST)).unwrap();
        }
        let (command, out) = (typed.join(" "), out.trim_matches('\n'));
        write!(self.0, "\n```console\n{login}$ payout {command}\n{out}\n").unwrap();
        if said.code != 0 {
            writeln!(self.0, "{login}$ echo $?\n{}", said.code).unwrap();
        }
        writeln!(self.0, "```").unwrap();
    }

    /// Each run has other times, durations, and numbers of queries; the words must be the same.
    #[track_caller]
    pub(super) fn is(self, path: &str) {
        docs::is_generated_alike(path, &self.0, worded);
    }
}

fn quoted(word: &str) -> String {
    if word.contains([' ', ':']) {
        format!("{word:?}")
    } else {
        word.to_owned()
    }
}

/// A page without what differs from run to run: numbers, widths, units of time, and the history, in which a query may come
/// before or after a callback.
fn worded(page: &str) -> Vec<String> {
    let mut in_history = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        in_history = line == "History" || in_history && !line.is_empty();
        if !in_history {
            lines.push(words(line));
        }
    }
    lines
}

fn words(line: &str) -> String {
    let digits = line.replace(|c: char| c.is_ascii_digit(), "0");
    let mut masked = String::new();
    for c in digits.chars() {
        let repeats = masked.ends_with(c) && (c == '0' || c == '-');
        if !repeats && !c.is_whitespace() {
            masked.push(c);
        }
    }
    for duration in ["0h0min", "0min0s", "0min", "0ms"] {
        masked = masked.replace(duration, "0s");
    }
    // The answer may come before or after the end of `approve`.
    if masked.ends_with("done") {
        for state in ["submitting", "pending"] {
            masked = masked.replace(state, "paid");
        }
    }
    masked
}
