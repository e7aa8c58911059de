//! Who may use whom inside a crate. Between crates, Cargo sees to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    tokens::{Token, production},
    tree::{File, is_test, sources},
};

/// The root package from the bottom to the top. A module uses its own layer and those below.
const LAYERS: &[&[&str]] = &[
    &["metrics"],
    &["config"],
    &["notifier", "statement"],
    &["worker", "inbound"],
    &["service", "receipt"],
    &["console"],
    &["cli", "demo"],
];

/// Beside the layers: they use no other module, and the loops and everything above may use them.
const LEAVES: &[&str] = &["telemetry", "backoff", "spreadsheet", "wib"];
const LEAVES_ARE_USED_FROM: usize = 3;

/// Crates that play the world around the worker. What pays must not know them.
const TEST_DOUBLES: &[&str] = &["payout_sandbox", "throwaway_postgres"];
const TEST_DOUBLES_ARE_USED_FROM: usize = 6;

/// A module by its names from the crate root, which itself has none.
type Module = Vec<String>;

/// The modules of each crate.
type Known<'a> = BTreeMap<&'a str, BTreeSet<Module>>;

/// One mention of a module in another one of the same crate.
struct Use {
    from: Module,
    to: Module,
    line: usize,
}

pub(crate) fn respected(root: &Path) -> Vec<String> {
    let files = sources(root);
    if files.is_empty() {
        return vec!["src:1: there are no sources: these rules watch over nothing".to_owned()];
    }
    let known = modules(&files);
    let mut broken = Vec::new();
    for file in files.iter().filter(|file| file.path.starts_with("src/")) {
        let module = module_of(&file.path);
        let Some(top) = module.first() else {
            continue;
        };
        if layer(top).is_none() && !LEAVES.contains(&top.as_str()) {
            broken.push(file.at(
                1,
                "this module is in no layer: give it one in tests/tidy/layers.rs",
            ));
        }
        for found in uses(file, &known) {
            let Some(to) = found.to.first() else {
                continue;
            };
            if let Some(why) = objection(top, to) {
                broken.push(file.at(found.line, &format!("{top} uses {to}: {why}")));
            }
        }
        broken.extend(test_doubles_in(file, top));
    }
    broken
}

fn test_doubles_in(file: &File, top: &str) -> Vec<String> {
    if is_test(&file.path) || layer(top) >= Some(TEST_DOUBLES_ARE_USED_FROM) {
        return Vec::new();
    }
    production(file)
        .iter()
        .filter(|token| TEST_DOUBLES.contains(&token.text.as_str()))
        .map(|token| {
            let message = format!("{top} uses {}: only cli and demo start it", token.text);
            file.at(token.line, &message)
        })
        .collect()
}

/// At no level do sibling modules use each other in a circle. Parents and children may: a parent names its children,
/// and a child uses what its parent declares.
pub(crate) fn without_circles(root: &Path) -> Vec<String> {
    let files = sources(root);
    let known = modules(&files);
    let mut graph: BTreeMap<(&str, Module), BTreeSet<Module>> = BTreeMap::new();
    let mut places = Vec::new();
    for file in &files {
        let home = crate_of(&file.path);
        for found in uses(file, &known) {
            if let Some((from, to)) = siblings(&found.from, &found.to) {
                let known = graph.entry((home, from.clone())).or_default();
                known.insert(to.clone());
                places.push((file, found.line, from, to));
            }
        }
    }
    let leads_back = |home, from: &Module, to: &Module| {
        let mut seen = BTreeSet::from([to.clone()]);
        let mut open = vec![to.clone()];
        while let Some(module) = open.pop() {
            for next in graph.get(&(home, module)).into_iter().flatten() {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen.contains(from)
    };
    let mut broken = Vec::new();
    for (file, line, from, to) in places {
        if leads_back(crate_of(&file.path), &from, &to) {
            let (from, to) = (from.join("::"), to.join("::"));
            let message =
                format!("{from} uses {to}, which uses {from}: move what they share below both");
            broken.push(file.at(line, &message));
        }
    }
    broken
}

/// The modules below the last common parent that the two belong to; none when one is the other's parent.
fn siblings(from: &Module, to: &Module) -> Option<(Module, Module)> {
    let shared = from.iter().zip(to).take_while(|(a, b)| a == b).count();
    let below = |module: &Module| module.get(..=shared).map(<[String]>::to_vec);
    Some((below(from)?, below(to)?))
}

fn objection(from: &str, to: &str) -> Option<&'static str> {
    if from == to {
        return None;
    }
    match (layer(from), layer(to)) {
        _ if LEAVES.contains(&from) => Some("a leaf module uses no other"),
        (Some(own), None) if LEAVES.contains(&to) => (own < LEAVES_ARE_USED_FROM)
            .then_some("this belongs to the loops and above: take the value as an argument"),
        (Some(own), Some(other)) if own < other => {
            Some("that is a layer above: turn the direction round")
        }
        _ => None,
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// `crates/domain/` of a member's file; nothing for the root package.
fn crate_of(path: &str) -> &str {
    path.find("src/").map_or("", |at| &path[..at])
}

/// `worker`, `submit` of `src/worker/submit.rs`.
fn module_of(path: &str) -> Module {
    let below = path[crate_of(path).len()..].trim_start_matches("src/");
    let names = below.trim_end_matches(".rs").trim_end_matches("/mod");
    if matches!(names, "lib" | "main") {
        return Vec::new();
    }
    names.split('/').map(str::to_owned).collect()
}

fn modules(files: &[File]) -> Known<'_> {
    let mut known = Known::new();
    for file in files {
        let modules = known.entry(crate_of(&file.path)).or_default();
        modules.insert(module_of(&file.path));
    }
    known
}

/// Every module of the same crate that the running code of a file mentions.
fn uses(file: &File, known: &Known) -> Vec<Use> {
    if is_test(&file.path) {
        return Vec::new();
    }
    let known = &known[crate_of(&file.path)];
    let from = module_of(&file.path);
    let tokens = production(file);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Some((base, rest)) = base_of(&tokens, at, &from) else {
            continue;
        };
        for names in paths(&tokens, rest) {
            let mut to = [base.clone(), names].concat();
            while !known.contains(&to) && !to.is_empty() {
                to.pop();
            }
            found.push(Use {
                from: from.clone(),
                to,
                line: token.line,
            });
        }
    }
    found
}

/// What a path that begins at `at` with `crate::` or with some `super::` starts from, and where it goes on.
fn base_of(tokens: &[Token], at: usize, from: &Module) -> Option<(Module, usize)> {
    let word = |at: usize| tokens.get(at).map(|token| token.text.as_str());
    let joined = |at: usize| word(at) == Some(":") && word(at + 1) == Some(":");
    if at > 1 && joined(at - 2) || !joined(at + 1) {
        return None;
    }
    match word(at)? {
        "crate" | "payout_worker" => Some((Vec::new(), at + 3)),
        "super" => {
            let (mut base, mut next) = (from.clone(), at);
            while word(next) == Some("super") && joined(next + 1) {
                base.pop();
                next += 3;
            }
            Some((base, next))
        }
        _ => None,
    }
}

/// `a::b` of `a::b`; `a::b` and `c` of `{a::b, c}`.
fn paths(tokens: &[Token], mut at: usize) -> Vec<Module> {
    let mut names = Vec::new();
    while let Some(token) = tokens.get(at) {
        if token.text == "{" {
            let ends = group(tokens, at)
                .into_iter()
                .flat_map(|at| paths(tokens, at));
            return ends.map(|end| [names.clone(), end].concat()).collect();
        }
        if !token
            .text
            .starts_with(|c: char| c.is_alphabetic() || c == '_')
        {
            break;
        }
        names.push(token.text.clone());
        if tokens.get(at + 1).is_none_or(|next| next.text != ":") {
            break;
        }
        at += 3;
    }
    vec![names]
}

/// Where the parts of a group that opens at `open` begin.
fn group(tokens: &[Token], open: usize) -> Vec<usize> {
    let mut depth = 0_usize;
    let mut begin = vec![open + 1];
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" if depth <= 1 => break,
            "}" => depth -= 1,
            "," if depth == 1 => begin.push(at + 1),
            _ => {}
        }
    }
    begin
}
