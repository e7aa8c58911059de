//! The pages say what the code does.

use std::process::Command;

use payout_worker::{domain::state::grid, store::schema::objects::objects};
use throwaway_postgres::Binaries;

use crate::{
    support::{database::Database, docs, refusal::Refusal, server::REFUSE_REPLICATED},
    who_must_agree,
};

#[test]
fn the_state_machine_page_is_fresh() {
    docs::is_generated("docs/state-machine.md", &grid());
}

#[test]
fn the_metrics_page_is_fresh() {
    docs::is_generated("docs/metrics.md", &payout_worker::metrics::page());
}

#[tokio::test]
async fn the_page_of_acts_is_fresh() {
    docs::is_generated("docs/who-must-agree.md", &who_must_agree::page().await);
}

/// What `payout doctor` and `payout run` compare a schema with.
#[tokio::test]
async fn the_list_of_what_the_migrations_made_is_fresh() {
    let database = Database::fresh().await;
    database.run(REFUSE_REPLICATED).await;
    let mut lines = objects(database.pool()).await.unwrap();
    lines.sort_unstable();
    docs::is_generated(
        "crates/store/src/schema/objects.txt",
        &format!("{}\n", lines.join("\n")),
    );
}

/// The major version whose `pg_dump` wrote the committed dump: another one writes the same schema differently.
const DUMPED_BY: &str = "15";

/// The schema as one page, so that each migration shows as a difference that a reviewer can read.
#[tokio::test(flavor = "multi_thread")]
async fn the_dump_of_the_schema_is_todays() {
    let database = Database::fresh().await;
    database.run(REFUSE_REPLICATED).await;
    let server = database
        .text("current_setting('server_version_num')::int / 10000")
        .await;
    let Ok(binaries) = Binaries::find(&["pg_dump"]) else {
        eprintln!("SKIPPED: docs/schema.sql is not checked, as there is no pg_dump here");
        return;
    };
    let dump = Command::new(binaries.path("pg_dump"))
        .args(["--schema-only", "--no-owner", "--schema=payout"])
        .args(["--exclude-table=payout._sqlx_migrations", "--dbname"])
        .arg(database.url())
        .output()
        .unwrap();
    let version = Command::new(binaries.path("pg_dump"))
        .arg("--version")
        .output()
        .unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    if server != DUMPED_BY || !version.contains(&format!(") {DUMPED_BY}.")) {
        eprintln!(
            "SKIPPED: docs/schema.sql is a dump of Postgres {DUMPED_BY}; here are {server} and {version}"
        );
        return;
    }
    assert!(
        dump.status.success(),
        "{}",
        String::from_utf8_lossy(&dump.stderr)
    );
    let dump = String::from_utf8(dump.stdout).unwrap();
    let mut page = String::from(
        "-- The schema `payout`, dumped from the migrations. Generated: see tests/it/docs.rs.\n",
    );
    let mut was_blank = false;
    for line in dump.lines() {
        // Settings, versions and random tokens of the dump itself.
        let noise = ["--", "SET ", "SELECT pg_catalog.set_config", "\\"];
        let is_blank = line.is_empty();
        let is_noise = noise.iter().any(|start| line.starts_with(start));
        if !(is_noise || is_blank && was_blank) {
            page.push_str(line);
            page.push('\n');
            was_blank = is_blank;
        }
    }
    docs::is_generated("docs/schema.sql", &page);
}

/// A block whose first line is `-- refused: CODE` must be refused with that SQLSTATE; any other block must run.
#[tokio::test]
async fn every_example_in_the_sql_contract_does_what_the_page_says() {
    let database = Database::with_steps().await;
    database.insert_in("failed", "INV-70").await;
    database.insert_in("pending", "INV-71").await;
    let blocks = docs::blocks(&docs::read("docs/sql-contract.md"), "sql");
    assert!(blocks.len() > 15, "{}", blocks.len());
    for (line, block) in blocks {
        let what = format!("docs/sql-contract.md:{line}");
        let result = database.try_run(&block).await;
        if let Some(code) = block.strip_prefix("-- refused: ") {
            let code = code.lines().next().unwrap();
            Refusal::expected(&what, result).is(&what, code, "");
        } else {
            result.unwrap_or_else(|error| panic!("{what}: {error}"));
        }
    }
    let made =
        "select string_agg(order_num || ' ' || state, ', ' order by order_num) from payout.status";
    let states = "INV-70 failed, INV-70-2 queued, INV-71 pending, INV-77 queued, INV-78 cancelled, INV-90 queued";
    assert_eq!(database.text(made).await, states);
}

/// The table of acts is what decides how many people an act takes.
#[tokio::test]
async fn the_page_lists_every_act_with_its_effects_and_its_number_of_people() {
    let database = Database::fresh().await;
    let rules = "select string_agg(format('| `%s` | %s | `%s` | %s |', a.act, a.in_words, a.effect, e.people), E'\\n'
                                   order by a.act collate \"C\", a.applies_if collate \"C\")
                 from payout.act a join payout.effect e on e.name = a.effect";
    let rules = database.text(rules).await;
    let page = docs::read("docs/sql-contract.md");
    assert!(
        page.contains(&rules),
        "docs/sql-contract.md should say\n{rules}"
    );
}

#[test]
fn the_page_lists_every_sqlstate_that_the_migrations_raise_and_no_other() {
    let codes = |text: &str| -> std::collections::BTreeSet<String> {
        text.match_indices("PW0")
            .map(|(at, _)| text[at..].chars().take(5).collect())
            .collect()
    };
    let page = docs::read("docs/sql-contract.md");
    let table = page.split("## Refusals").nth(1).unwrap();
    let mut raised = std::collections::BTreeSet::new();
    for migration in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap()
    {
        raised.extend(codes(
            &std::fs::read_to_string(migration.unwrap().path()).unwrap(),
        ));
    }
    assert_eq!(codes(table), raised);
}

#[test]
fn the_protocol_page_has_every_rule_that_the_sources_cite() {
    let page = docs::read("docs/protocol.md");
    for number in 1..=23 {
        assert!(page.contains(&format!("**P{number}**")), "P{number}");
    }
    assert!(page.contains("**P16b**"));
}
