//! Who may use whom.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use crate::{
    scan::{inside_brackets, is_word, line_of, places, production},
    tree::{File, is_test, sources},
};

/// From the bottom to the top. A module uses its own layer and those below.
const LAYERS: &[&[&str]] = &[
    &["permit"],
    &["gateway", "store", "metrics"],
    // It knows the names of the gateway's dialects.
    &["config"],
    &["worker", "inbound"],
    &["cli", "demo"],
    &["main", "lib"],
];

/// Beside the layers: modules that use no other module here, and are used from the worker up.
const LEAVES: &[&str] = &["telemetry", "backoff"];
const LEAVES_ARE_USED_FROM: usize = 3;

/// Packages that only the commands and the demo may use: nothing that moves money knows a pretended gateway.
const PRETENDED: &[&str] = &["payout_sandbox", "throwaway_postgres"];
const PRETENDED_ARE_USED_FROM: usize = 4;

/// What no dependency brings in, so that Cargo does not refuse it to the domain.
const IMPURE: &[&str] = &[
    "Instant::now",
    "SystemTime",
    "Utc::now",
    "Local::now",
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
];

/// One mention of a top module in another.
struct Use {
    from: String,
    to: String,
    line: usize,
}

pub(crate) fn respected(root: &Path) -> Vec<String> {
    let files = modules(root);
    if files.is_empty() {
        return vec!["src:1: there are no sources: these rules watch over nothing".to_owned()];
    }
    let mut broken = Vec::new();
    for file in &files {
        if !is_known(&top_module(&file.path)) {
            broken.push(file.at(
                1,
                "this module is in no layer: give it one in tests/tidy/layers.rs",
            ));
        }
        for found in uses(file) {
            if let Some(why) = objection(&found.from, &found.to) {
                broken.push(file.at(
                    found.line,
                    &format!("{} uses {}: {why}", found.from, found.to),
                ));
            }
        }
    }
    broken
}

pub(crate) fn without_circles(root: &Path) -> Vec<String> {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let between = |found: &Use| found.from != found.to;
    for found in modules(root).iter().flat_map(uses).filter(between) {
        graph.entry(found.from).or_default().insert(found.to);
    }
    // What uses nothing that is left cannot be in a circle; whatever stays when all such are taken out is in one,
    // or above one.
    loop {
        let left: BTreeSet<String> = graph.keys().cloned().collect();
        for to in graph.values_mut() {
            to.retain(|module| left.contains(module));
        }
        let before = graph.len();
        graph.retain(|_, to| !to.is_empty());
        if graph.len() == before {
            break;
        }
    }
    if graph.is_empty() {
        return Vec::new();
    }
    let edges: Vec<String> = graph
        .iter()
        .map(|(from, to)| format!("{from} uses {to:?}"))
        .collect();
    vec![format!(
        "src:1: modules use each other in a circle; move what they share below them: {}",
        edges.join(", ")
    )]
}

pub(crate) fn domain_is_pure(root: &Path) -> Vec<String> {
    let mut broken = Vec::new();
    for file in sources(root)
        .iter()
        .filter(|file| file.path.starts_with("crates/domain/src/") && !is_test(&file.path))
    {
        let code = production(&file.text);
        for word in IMPURE {
            for at in places(&code, word) {
                let message = format!("`{word}` in the domain: hand the value in from outside");
                broken.push(file.at(line_of(&code, at), &message));
            }
        }
    }
    broken
}

/// The files of the worker's own package, where modules have layers; between packages Cargo keeps the order.
fn modules(root: &Path) -> Vec<File> {
    let files = sources(root).into_iter();
    files.filter(|file| file.path.starts_with("src/")).collect()
}

fn objection(from: &str, to: &str) -> Option<&'static str> {
    if from == to || from == "lib" {
        return None;
    }
    match (layer(from), layer(to)) {
        (own, _) if PRETENDED.contains(&to) => own
            .is_none_or(|own| own < PRETENDED_ARE_USED_FROM)
            .then_some("that is for the commands, the demo and tests"),
        _ if LEAVES.contains(&from) => Some("a leaf module uses no other"),
        (Some(own), None) if LEAVES.contains(&to) => (own < LEAVES_ARE_USED_FROM)
            .then_some("this belongs to the loops and above: take the value as an argument"),
        (Some(own), Some(other)) if own < other => {
            Some("that is a layer above: turn the direction round")
        }
        (Some(_), Some(_))
            if (from, to) == ("gateway", "store") || (from, to) == ("store", "gateway") =>
        {
            Some("neither knows the other: the loops bring them together")
        }
        _ => None,
    }
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

fn is_known(module: &str) -> bool {
    layer(module).is_some() || LEAVES.contains(&module)
}

/// `store` of `src/store/claim.rs` and of `src/store.rs`.
fn top_module(path: &str) -> String {
    let below = path.trim_start_matches("src/");
    below
        .split('/')
        .next()
        .unwrap_or(below)
        .trim_end_matches(".rs")
        .to_owned()
}

/// Every top module that the running code of a file mentions.
fn uses(file: &File) -> Vec<Use> {
    if is_test(&file.path) {
        return Vec::new();
    }
    let from = top_module(&file.path);
    let code = production(&file.text);
    let climbs = "super::".repeat(depth(&file.path));
    let mut found = Vec::new();
    for package in PRETENDED {
        found.extend(places(&code, package).into_iter().map(|at| Use {
            from: from.clone(),
            to: (*package).to_owned(),
            line: line_of(&code, at),
        }));
    }
    for start in ["crate::", "payout_worker::", climbs.as_str()] {
        // The crate root has nobody above it, and its own modules are all that it holds.
        let starts = if start.is_empty() {
            Vec::new()
        } else {
            places(&code, start)
        };
        for at in starts {
            for to in first_names(&code, at + start.len()) {
                if is_known(&to) {
                    found.push(Use {
                        from: from.clone(),
                        to,
                        line: line_of(&code, at),
                    });
                }
            }
        }
    }
    found
}

/// How many `super::` lead from a file to the crate root.
fn depth(path: &str) -> usize {
    if matches!(path, "src/main.rs" | "src/lib.rs") {
        0
    } else {
        path.trim_end_matches("/mod.rs").matches('/').count()
    }
}

/// `a` of `a::b`; `a` and `c` of `{a::b, c::{d, e}}`.
fn first_names(code: &str, at: usize) -> Vec<String> {
    let name = |text: &str| {
        text.trim_start()
            .chars()
            .take_while(|c| is_word(*c))
            .collect::<String>()
    };
    if !code[at..].starts_with('{') {
        return vec![name(&code[at..])];
    }
    let mut names = Vec::new();
    let (mut depth, mut begin) = (0_usize, 0);
    let group = inside_brackets(code, at);
    for (offset, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                names.push(name(&group[begin..offset]));
                begin = offset + 1;
            }
            _ => {}
        }
    }
    names.push(name(&group[begin..]));
    names
}
