//! Looking at Rust code without its comments, its strings and its tests.

/// The code with comments and literals blanked out, every line where it was.
pub(crate) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skipped_from(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(
                chars[at..end]
                    .iter()
                    .map(|c| if *c == '\n' { '\n' } else { ' ' }),
            );
            at = end;
        }
    }
    out
}

/// The same without what only tests compile.
pub(crate) fn production(text: &str) -> String {
    without_tests(&code_only(text))
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none begins there.
fn skipped_from(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    match chars[at] {
        '/' if next == Some('/') => find(chars, at, |rest| rest[0] == '\n'),
        '/' if next == Some('*') => find(chars, at + 2, |rest| rest.starts_with(&['*', '/'])) + 2,
        '"' => end_of_string(chars, at + 1),
        'r' if !follows_a_word(chars, at) => end_of_raw_string(chars, at).unwrap_or(at),
        '\'' if next == Some('\\') => find(chars, at + 3, |rest| rest[0] == '\'') + 1,
        // A lifetime has no closing quote.
        '\'' if chars.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
    .min(chars.len())
}

fn find(chars: &[char], from: usize, found: impl Fn(&[char]) -> bool) -> usize {
    (from..chars.len())
        .find(|at| found(&chars[*at..]))
        .unwrap_or(chars.len())
}

fn end_of_string(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// `r"…"`, `r#"…"#`; the `b` of a byte string stays in the code and does no harm.
fn end_of_raw_string(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
    let quote = at + 1 + hashes;
    if chars.get(quote) != Some(&'"') {
        return None;
    }
    let mut close = vec!['"'];
    close.resize(hashes + 1, '#');
    Some(find(chars, quote + 1, |rest| rest.starts_with(&close)) + close.len())
}

fn follows_a_word(chars: &[char], at: usize) -> bool {
    at > 0 && is_word(chars[at - 1]) && chars[at - 1] != 'b'
}

/// Blanks every item under `#[cfg(test)]`. Rustfmt closes an item where its first line began.
fn without_tests(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        out.push('\n');
        for inside in lines.by_ref() {
            out.push('\n');
            let ends_here = inside.trim_end().ends_with([';', '}']) && inside.starts_with(indent);
            if ends_here && !inside[indent.len()..].starts_with(' ') {
                break;
            }
        }
    }
    out
}

pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where `word` stands by itself, as bytes from the start; `word` may end in `(` or `!`.
pub(crate) fn places(code: &str, word: &str) -> Vec<usize> {
    let stands_alone = |at: usize| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let begins_inside = word.starts_with(is_word) && before.is_some_and(is_word);
        let ends_inside = word.ends_with(is_word) && after.is_some_and(is_word);
        !begins_inside && !ends_inside
    };
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(|at| stands_alone(*at))
        .collect()
}

/// The line, counted from 1, of a place.
pub(crate) fn line_of(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

/// What stands between the bracket at `open` and the one that closes it.
pub(crate) fn inside_brackets(code: &str, open: usize) -> &str {
    let mut depth = 0_usize;
    for (offset, c) in code[open..].char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth <= 1 => return &code[open + 1..open + offset],
            ')' | ']' | '}' => depth -= 1,
            _ => {}
        }
    }
    &code[(open + 1).min(code.len())..]
}
