//! The rules that neither the compiler nor a linter checks: layers, where SQL lives, one word for one thing, what the
//! documents promise.
//!
//! Crates, clippy and its settings hold the others: who may depend on whom (`Cargo.toml`), no panics, no prints, nothing
//! unfinished, short functions (`[workspace.lints]`, `clippy.toml`), a domain without a clock (`crates/domain/clippy.toml`).
//!
//! Each rule reads the tree under a root and returns what breaks it, one `file:line: what, and what to do` each.
//! `bad_samples` proves that every rule can fail.
// Why: an overflow or a missing match here fails a test, which is what a test is for.
#![allow(clippy::arithmetic_side_effects, clippy::unwrap_used)]

#[path = "tidy/bad_samples.rs"]
mod bad_samples;
#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/docs.rs"]
mod docs;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/text.rs"]
mod text;
#[path = "tidy/tokens.rs"]
mod tokens;
#[path = "tidy/tree.rs"]
mod tree;
#[path = "tidy/vocabulary.rs"]
mod vocabulary;

use std::path::Path;

/// What a rule is: everything under a root that breaks it.
type Rule = fn(&Path) -> Vec<String>;

#[track_caller]
fn holds(rule: Rule) {
    let broken = rule(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(broken.is_empty(), "\n\n{}\n\n", broken.join("\n"));
}

#[test]
fn a_crate_depends_only_on_layers_below_its_own() {
    holds(layers::respected);
}

#[test]
fn no_modules_use_each_other_in_a_circle() {
    holds(layers::without_circles);
}

#[test]
fn sql_lives_in_the_store_and_in_migrations() {
    holds(code::sql_only_in_store);
}

#[test]
fn the_right_to_send_is_made_in_one_place() {
    holds(code::permit_made_once);
}

#[test]
fn files_are_small() {
    holds(code::files_are_small);
}

#[test]
fn every_file_says_in_its_first_line_what_it_is() {
    holds(code::files_have_a_head);
}

#[test]
fn money_meets_no_floating_point() {
    holds(code::no_floats_near_money);
}

#[test]
fn account_data_is_never_revealed_to_a_log() {
    holds(code::nothing_revealed_in_logs);
}

#[test]
fn comments_have_no_banners() {
    holds(text::no_banners);
}

#[test]
fn an_open_point_names_its_issue() {
    holds(text::open_points_are_numbered);
}

#[test]
fn no_path_of_somebodys_machine_is_committed() {
    holds(text::no_machine_paths);
}

#[test]
fn migrations_are_numbered_and_named_in_words() {
    holds(text::migrations_are_named);
}

#[test]
fn the_readme_is_short() {
    holds(docs::readme_is_short);
}

#[test]
fn the_architecture_names_every_invariant() {
    holds(docs::invariants_are_named);
}

#[test]
fn every_path_in_a_document_exists() {
    holds(docs::paths_exist);
}

#[test]
fn every_test_that_a_document_names_exists() {
    holds(docs::names_exist);
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    holds(docs::links_resolve);
}

#[test]
fn one_thing_has_one_name() {
    holds(vocabulary::is_kept);
}
