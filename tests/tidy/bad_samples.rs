//! Small bad trees, one for each rule: a rule that cannot fail holds nothing.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{Rule, code, docs, layers, text, vocabulary};

/// A tree of small files that goes when this does.
struct Sample(PathBuf);

impl Sample {
    fn of(files: &[(&str, &str)]) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let root = env::temp_dir().join(format!("payout-tidy-{}-{number}", process::id()));
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
            fs::write(path, text).unwrap();
        }
        fs::create_dir_all(&root).unwrap();
        Self(root)
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn is_caught(rule: Rule, files: &[(&str, &str)], at: &str) {
    let broken = rule(&Sample::of(files).0);
    assert!(
        broken.iter().any(|line| line.starts_with(at)),
        "{files:?}\nis not caught at {at}, only: {broken:?}"
    );
}

#[track_caller]
fn passes(rule: Rule, files: &[(&str, &str)]) {
    let broken = rule(&Sample::of(files).0);
    assert!(broken.is_empty(), "{files:?}\nis good, but: {broken:?}");
}

#[test]
fn a_crate_that_depends_on_one_beside_or_above_it_is_caught() {
    let of = |name: &str| format!("payout-{name} = {{ path = \"../{name}\" }}\n");
    let bad = [
        ("domain", "permit"),
        ("store", "gateway"),
        ("console", "service"),
        ("service", "sandbox"),
        ("service", "bench"),
        ("sandbox", "domain"),
    ];
    for (from, to) in bad {
        let path = format!("crates/{from}/Cargo.toml");
        let text = format!("[package]\n\n[dependencies]\n{}", of(to));
        is_caught(layers::respected, &[(&path, &text)], &format!("{path}:4:"));
    }
    let doubles = "[dependencies]\nthrowaway-postgres = { path = \"../throwaway-postgres\" }\n";
    let path = "crates/store/Cargo.toml";
    is_caught(
        layers::respected,
        &[(path, doubles)],
        "crates/store/Cargo.toml:2:",
    );
    let new = ("crates/helpers/Cargo.toml", "");
    is_caught(layers::respected, &[new], "crates/helpers/Cargo.toml:1:");
    is_caught(layers::respected, &[], "crates:1:");
}

#[test]
fn a_crate_that_depends_on_those_below_it_passes() {
    let good = "[dependencies]\npayout-store = { path = \"../store\" }\nserde.workspace = true\n\n[dev-dependencies]\npayout-sandbox = { path = \"../sandbox\" }\n";
    let bench = "[dependencies]\nthrowaway-postgres = { path = \"../throwaway-postgres\" }\n";
    passes(
        layers::respected,
        &[
            ("crates/service/Cargo.toml", good),
            ("crates/bench/Cargo.toml", bench),
        ],
    );
}

#[test]
fn a_circle_is_caught() {
    let circles = layers::without_circles;
    let inbound = ("src/inbound.rs", "//! A.\nuse crate::worker::B;\n");
    let back = ("src/worker/a.rs", "//! A.\nuse crate::inbound::B;\n");
    let worker = ("src/worker.rs", "//! A.\n");
    is_caught(circles, &[inbound, worker, back], "src/worker/a.rs:2:");
    passes(circles, &[inbound, worker]);
    let (a, b, c) = (
        ("crates/x/src/m/a.rs", "//! A.\nuse super::b::B;\n"),
        ("crates/x/src/m/b.rs", "//! A.\n\nuse super::c::C;\n"),
        (
            "crates/x/src/m/c.rs",
            "//! A.\nfn a() { crate::m::a::f() }\n",
        ),
    );
    is_caught(circles, &[a, b, c], "crates/x/src/m/b.rs:3:");
    passes(circles, &[a, b, ("crates/y/src/m/c.rs", c.1)]);
    // A parent and its child are one thing.
    let parent = ("src/m.rs", "//! A.\nuse crate::m::a::B;\n");
    passes(
        circles,
        &[
            parent,
            ("src/m/a.rs", "//! A.\nuse super::C;\nuse crate::m::D;\n"),
        ],
    );
}

#[test]
fn bad_code_is_caught() {
    let a = "src/worker/a.rs";
    for sql in [
        "sqlx::query(\"select 1\")",
        "sqlx::query_as::<_, B>(\"select 1\")",
        "query_as!(B, \"select 1\")",
    ] {
        let text = format!("//! A.\nfn a() {{\n    {sql}\n}}\n");
        is_caught(code::sql_only_in_store, &[(a, &text)], "src/worker/a.rs:3:");
        passes(code::sql_only_in_store, &[("crates/store/src/a.rs", &text)]);
    }
    passes(
        code::sql_only_in_store,
        &[(
            a,
            "//! `sqlx::query!(`\n#[cfg(test)]\nmod tests {\n    query!()\n}\n",
        )],
    );
    is_caught(
        code::sql_only_in_store,
        &[(
            a,
            "//! A.\n#[cfg(test)]\nmod tests;\nfn a() {\n    query!()\n}\n",
        )],
        "src/worker/a.rs:5:",
    );
    is_caught(
        code::no_floats_near_money,
        &[("crates/store/src/a.rs", "//! A.\nlet b: f64;\n")],
        "crates/store/src/a.rs:2:",
    );
    passes(
        code::no_floats_near_money,
        &[
            ("src/metrics.rs", "let b: f64;"),
            ("crates/domain/src/a.rs", "let f64x = 1;"),
        ],
    );
    is_caught(
        code::nothing_revealed_in_logs,
        &[(a, "//! A.\ninfo!(\n    number = b.reveal(),\n)\n")],
        "src/worker/a.rs:2:",
    );
    passes(
        code::nothing_revealed_in_logs,
        &[(a, "//! A.\nlet b = c.reveal(); info!(d)\n")],
    );
}

#[test]
fn a_second_maker_of_permits_is_caught() {
    let ports = (
        "crates/permit/src/lib.rs",
        "//! A.\npub(crate) fn of_committed_claim() {}\n",
    );
    let claim = (
        "crates/store/src/claim.rs",
        "//! A.\nSubmitPermit::of_committed_claim()\n",
    );
    passes(code::permit_made_once, &[ports, claim]);
    passes(
        code::permit_made_once,
        &[
            ports,
            claim,
            ("crates/gateway/src/send_tests.rs", "of_committed_claim()"),
        ],
    );
    let second = (
        "src/worker/a.rs",
        "//! A.\nuse SubmitPermit as P;\nP::of_committed_claim()\n",
    );
    is_caught(
        code::permit_made_once,
        &[ports, claim, second],
        "src/worker/a.rs:3:",
    );
    is_caught(
        code::permit_made_once,
        &[ports],
        "crates/store/src/claim.rs:1:",
    );
    is_caught(
        code::permit_made_once,
        &[claim],
        "crates/permit/src/lib.rs:1:",
    );
}

#[test]
fn a_long_or_headless_file_is_caught() {
    let long = "//! A.\n".repeat(501);
    is_caught(
        code::files_are_small,
        &[("src/a.rs", &long)],
        "src/a.rs:501:",
    );
    is_caught(
        code::files_are_small,
        &[("src/a.rs", &"//! A.\n".repeat(231))],
        "src:1:",
    );
    is_caught(code::files_are_small, &[], "src:1:");
    is_caught(
        code::files_have_a_head,
        &[("tests/it/a.rs", "use b;\n")],
        "tests/it/a.rs:1:",
    );
}

#[test]
fn bad_words_are_caught() {
    let (open, banner) = (
        concat!("// TO", "DO: later\n"),
        concat!("//! A.\n\n// --", "-- B ----\n"),
    );
    is_caught(
        text::open_points_are_numbered,
        &[("src/a.rs", open)],
        "src/a.rs:1:",
    );
    is_caught(
        text::open_points_are_numbered,
        &[("dev", concat!("# FIX", "ME(#1)\n"))],
        "dev:1:",
    );
    passes(
        text::open_points_are_numbered,
        &[("src/a.rs", concat!("// TO", "DO(#12): later\n"))],
    );
    is_caught(text::no_banners, &[("src/a.rs", banner)], "src/a.rs:3:");
    is_caught(
        text::no_banners,
        &[("migrations/0001_a.sql", concat!("-- ==", "==\n"))],
        "migrations/0001_a.sql:1:",
    );
    passes(
        text::no_banners,
        &[
            ("src/a.rs", "//! | a |\n//! | --- |\n"),
            ("a.sql", "-- a - b\n"),
        ],
    );
    is_caught(
        text::no_machine_paths,
        &[("README.md", concat!("see /wo", "rk/main\n"))],
        "README.md:1:",
    );
    is_caught(
        text::no_machine_paths,
        &[("a.toml", concat!("b = \"/tm", "p/t\"\n"))],
        "a.toml:1:",
    );
    passes(
        text::no_machine_paths,
        &[("a.md", "https://a.b/work/c /tmp/test /network/work\n")],
    );
    is_caught(
        text::migrations_are_named,
        &[("migrations/1_a.sql", "")],
        "migrations/1_a.sql:1:",
    );
    is_caught(
        text::migrations_are_named,
        &[("migrations/0001_a.sql", ""), ("migrations/0001_b.sql", "")],
        "migrations/0001_b.sql:1:",
    );
    is_caught(text::migrations_are_named, &[], "migrations:1:");
}

#[test]
fn bad_documents_are_caught() {
    is_caught(docs::readme_is_short, &[], "README.md:1:");
    is_caught(
        docs::readme_is_short,
        &[("README.md", &"a\n".repeat(151))],
        "README.md:151:",
    );
    is_caught(docs::invariants_are_named, &[], "ARCHITECTURE.md:1:");
    // I1 must not be found in I10.
    is_caught(
        docs::invariants_are_named,
        &[("ARCHITECTURE.md", "I2 I3 I4 I5 I6 I7 I8 I9 I10 I11 I12 I13")],
        "ARCHITECTURE.md:1: I1 ",
    );
}

#[test]
fn a_document_that_names_what_is_not_there_is_caught() {
    is_caught(docs::paths_exist, &[], "ARCHITECTURE.md:1:");
    let named = |text| {
        [
            ("ARCHITECTURE.md", text),
            ("src/worker/claim.rs", "//! A.\n"),
        ]
    };
    passes(
        docs::paths_exist,
        &named("`src/worker/claim.rs:3`, `worker/claim.rs`, `POST /a/b`, `a::b`, `src/`\n"),
    );
    is_caught(
        docs::paths_exist,
        &named("\n`src/worker/gone.rs`\n"),
        "ARCHITECTURE.md:2:",
    );
    is_caught(
        docs::paths_exist,
        &named("`worker/gone.rs`\n"),
        "ARCHITECTURE.md:1:",
    );
    is_caught(
        docs::paths_exist,
        &named("`gone.rs`\n"),
        "ARCHITECTURE.md:1:",
    );
    is_caught(
        docs::paths_exist,
        &named("`src/worker/{claim,gone}.rs`\n"),
        "ARCHITECTURE.md:1:",
    );
    let code = (
        "tests/it/a.rs",
        "//! A.\nfn a_payout_is_paid_once_only() {}\n",
    );
    let cited = |text| [("docs/a.md", text), code];
    passes(
        docs::names_exist,
        &cited("`it::a_payout_is_paid_once_only`, `a_b`\n"),
    );
    is_caught(
        docs::names_exist,
        &cited("\n`a_payout_is_paid_twice_or_more`\n"),
        "docs/a.md:2:",
    );
}

#[test]
fn a_dead_link_is_caught() {
    let linked = |text| [("docs/a.md", text), ("README.md", "# The name, *of* it\n")];
    passes(
        docs::links_resolve,
        &linked("[b](../README.md#the-name-of-it) [c](https://d.e) `[f](g)`\n"),
    );
    is_caught(
        docs::links_resolve,
        &linked("\n[b](gone.md)\n"),
        "docs/a.md:2:",
    );
    is_caught(
        docs::links_resolve,
        &linked("[b](../README.md#gone)\n"),
        "docs/a.md:1:",
    );
    is_caught(
        docs::links_resolve,
        &linked("[b]: gone.md\n"),
        "docs/a.md:1:",
    );
}

#[test]
fn a_retired_word_is_caught_in_every_spelling() {
    let kept = vocabulary::is_kept;
    for text in [
        "fn is_asked_for() {}",
        r#"let a = "\nasks_per_second";"#,
        "struct StoreAsked;",
        "// it asks again",
        "let notKnown = 1;",
        "//! The gateway says \"not\n//! known\".",
        "Fact::Called",
        "it goes on by itself",
        "HEARD",
    ] {
        is_caught(kept, &[("src/a.rs", text)], "src/a.rs:1:");
    }
    is_caught(kept, &[("docs/a.md", "\nthe timeline\n")], "docs/a.md:2:");
    is_caught(
        kept,
        &[("migrations/0001_a.sql", "-- mended\n")],
        "migrations/0001_a.sql:1:",
    );
    is_caught(kept, &[("dev", "# anew\n")], "dev:1:");
    passes(
        kept,
        &[(
            "src/a.rs",
            "task, basket, mask; is it not? Known so far. Recommended\n",
        )],
    );
    passes(kept, &[("tests/tidy/a.rs", "asked\n")]);
}
