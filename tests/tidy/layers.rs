//! Who may use whom: crates by their manifests, and the modules inside a crate.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    tokens::{Token, production},
    tree::{self, File, is_test, sources},
};

/// The crates of the program from the bottom to the top. A crate depends on those of lower layers alone: the gateway and
/// the store, or the console and the service, do not know each other. The root package is above them all.
const LAYERS: &[&[&str]] = &[
    &["domain"],
    &["permit"],
    &["gateway", "store"],
    &["config", "reports"],
    &["console", "service"],
];

/// Crates that play the world around the worker. No other crate depends on them, but tests and the bench.
const TEST_DOUBLES: &[&str] = &["sandbox", "throwaway-postgres"];

/// Crates that measure.
const TOOLS: &[&str] = &["bench"];

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
    let manifests: Vec<File> = tree::all(root)
        .into_iter()
        .filter(|file| crate_of_manifest(&file.path).is_some())
        .collect();
    if manifests.is_empty() {
        return vec!["crates:1: there is no crate: these rules watch over nothing".to_owned()];
    }
    manifests.iter().flat_map(objections).collect()
}

/// `domain` of `crates/domain/Cargo.toml`.
fn crate_of_manifest(path: &str) -> Option<&str> {
    path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")
}

fn objections(manifest: &File) -> Vec<String> {
    let name = crate_of_manifest(&manifest.path).unwrap_or_default();
    if TOOLS.contains(&name) {
        return Vec::new();
    }
    let own = layer(name);
    if own.is_none() && !TEST_DOUBLES.contains(&name) {
        return vec![manifest.at(
            1,
            "this crate is in no layer: give it one in tests/tidy/layers.rs",
        )];
    }
    let mut objections = Vec::new();
    let mut runs = false;
    for (at, line) in manifest.text.lines().enumerate() {
        if line.starts_with('[') {
            runs = line == "[dependencies]";
        }
        let Some((other, _)) = line.split_once("= { path = \"../").filter(|_| runs) else {
            continue;
        };
        let other = other.trim().trim_start_matches("payout-");
        if own.is_none() || layer(other).is_none() || layer(other) >= own {
            let message = format!("{name} depends on {other}, which is not in a layer below");
            objections.push(manifest.at(at + 1, &message));
        }
    }
    objections
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

fn layer(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&name))
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
