//! Small bad trees, one for each rule: a rule that cannot fail holds nothing.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{Rule, code, docs, layers, text};

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
fn a_use_against_the_direction_is_caught_in_every_spelling() {
    let respected = layers::respected;
    is_caught(
        respected,
        &[(
            "src/gateway/a.rs",
            "//! A.\nuse crate::{\n    domain::B,\n    store::C,\n};\n",
        )],
        "src/gateway/a.rs:2:",
    );
    is_caught(
        respected,
        &[("src/store.rs", "//! A.\nfn a() { super::worker::run() }\n")],
        "src/store.rs:2:",
    );
    is_caught(
        respected,
        &[("src/store/b.rs", "//! A.\nuse super::super::gateway::C;\n")],
        "src/store/b.rs:2:",
    );
    is_caught(
        respected,
        &[("src/store/b.rs", "//! A.\nuse crate::config::C;\n")],
        "src/store/b.rs:2:",
    );
    is_caught(
        respected,
        &[("src/worker/b.rs", "//! A.\nuse payout_sandbox::C;\n")],
        "src/worker/b.rs:2:",
    );
    is_caught(
        respected,
        &[("src/config.rs", "//! A.\nuse crate::worker::C;\n")],
        "src/config.rs:2:",
    );
    is_caught(
        respected,
        &[("src/helpers.rs", "//! A.\n")],
        "src/helpers.rs:1:",
    );
    is_caught(respected, &[], "src:1:");
    let good = "//! A.\nuse crate::{config::C, store::{D, gateway}};\n// crate::cli\n#[cfg(test)]\nmod tests {\n    use crate::cli::E;\n}\n";
    passes(respected, &[("src/worker/b.rs", good)]);
    passes(
        respected,
        &[(
            "src/gateway/send_tests.rs",
            "//! A.\nuse crate::{sandbox::B, store::C};\n",
        )],
    );
}

#[test]
fn a_circle_is_caught() {
    let inbound = ("src/inbound.rs", "//! A.\nuse crate::worker::B;\n");
    let worker = ("src/worker/a.rs", "//! A.\nuse crate::inbound::B;\n");
    is_caught(layers::without_circles, &[inbound, worker], "src:1:");
    passes(
        layers::without_circles,
        &[("src/worker/a.rs", "//! A.\nuse crate::worker::B;\n")],
    );
    passes(
        layers::without_circles,
        &[
            inbound,
            ("src/worker/a.rs", "//! A.\nuse crate::domain::B;\n"),
        ],
    );
}

#[test]
fn an_impure_domain_is_caught() {
    let pure = layers::domain_is_pure;
    is_caught(
        pure,
        &[(
            "crates/domain/src/a.rs",
            "//! A.\nfn now() { chrono::Utc::now(); }\n",
        )],
        "crates/domain/src/a.rs:2:",
    );
    passes(
        pure,
        &[(
            "crates/domain/src/a.rs",
            "//! Not `Utc::now`.\nuse chrono::Utc;\nuse State as S;\n",
        )],
    );
}

#[test]
fn bad_code_is_caught() {
    let a = "src/worker/a.rs";
    is_caught(
        code::sql_only_in_store,
        &[(a, "//! A.\nsqlx::query(\"select 1\")\n")],
        "src/worker/a.rs:2:",
    );
    is_caught(
        code::sql_only_in_store,
        &[(a, "//! A.\n\nquery_as!(B, \"select 1\")\n")],
        "src/worker/a.rs:3:",
    );
    passes(
        code::sql_only_in_store,
        &[
            ("src/store/a.rs", "sqlx::query!()"),
            (a, "//! `sqlx::query!(`\n"),
        ],
    );
    is_caught(
        code::no_panics,
        &[(a, "//! A.\nlet b = r#\"\"x\"#;\nb.unwrap()\n")],
        "src/worker/a.rs:3:",
    );
    is_caught(
        code::no_panics,
        &[(a, "//! A.\nlet c = '\"'; b.expect(\"c\")\n")],
        "src/worker/a.rs:2:",
    );
    passes(
        code::no_panics,
        &[(
            a,
            "//! A.\nb.unwrap_or(1); \".unwrap()\"\n#[cfg(test)]\nmod tests {\n    b.unwrap()\n}\n",
        )],
    );
    is_caught(
        code::no_panics,
        &[(
            a,
            "//! A.\n#[cfg(test)]\nmod tests;\nfn a() {\n    b.unwrap()\n}\n",
        )],
        "src/worker/a.rs:5:",
    );
    is_caught(
        code::no_panics,
        &[("crates/a/src/b.rs", "//! A.\nb.unwrap()\n")],
        "crates/a/src/b.rs:2:",
    );
    is_caught(
        code::no_leftovers,
        &[(a, "//! A.\ntodo!()\n")],
        "src/worker/a.rs:2:",
    );
    is_caught(
        code::no_leftovers,
        &[("src/cli.rs", "//! A.\ndbg!(1)\n")],
        "src/cli.rs:2:",
    );
    is_caught(
        code::no_leftovers,
        &[(a, "//! A.\nprintln!(\"\")\n")],
        "src/worker/a.rs:2:",
    );
    passes(
        code::no_leftovers,
        &[("src/cli/a.rs", "//! A.\nprintln!(\"\")\n")],
    );
    is_caught(
        code::no_floats_near_money,
        &[("crates/domain/src/a.rs", "//! A.\nlet b: f64;\n")],
        "crates/domain/src/a.rs:2:",
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
        "src/permit.rs",
        "//! A.\npub(crate) fn of_committed_claim() {}\n",
    );
    let claim = (
        "src/store/claim.rs",
        "//! A.\nSubmitPermit::of_committed_claim()\n",
    );
    passes(code::permit_made_once, &[ports, claim]);
    passes(
        code::permit_made_once,
        &[
            ports,
            claim,
            ("src/gateway/send_tests.rs", "of_committed_claim()"),
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
    is_caught(code::permit_made_once, &[ports], "src/store/claim.rs:1:");
    is_caught(code::permit_made_once, &[claim], "src/permit.rs:1:");
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
    is_caught(docs::paths_exist, &[], "ARCHITECTURE.md:1:");
    let named = |text| {
        [
            ("ARCHITECTURE.md", text),
            ("src/store/claim.rs", "//! A.\n"),
        ]
    };
    passes(
        docs::paths_exist,
        &named("`src/store/claim.rs:3`, `store/claim.rs`, `POST /a/b`, `a::b`, `src/`\n"),
    );
    is_caught(
        docs::paths_exist,
        &named("\n`src/store/gone.rs`\n"),
        "ARCHITECTURE.md:2:",
    );
    is_caught(
        docs::paths_exist,
        &named("`store/gone.rs`\n"),
        "ARCHITECTURE.md:1:",
    );
    is_caught(
        docs::paths_exist,
        &named("`gone.rs`\n"),
        "ARCHITECTURE.md:1:",
    );
    is_caught(
        docs::paths_exist,
        &named("`src/store/{claim,gone}.rs`\n"),
        "ARCHITECTURE.md:1:",
    );
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
