//! The commands and queries in the runbook run.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use sqlx::{AssertSqlSafe, Executor};

use crate::support::database::Database;

fn runbook() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/runbook.md")).unwrap()
}

fn blocks(page: &str, language: &str) -> Vec<String> {
    let begins = format!("\n```{language}\n");
    let blocks = page.split(begins.as_str()).skip(1);
    blocks
        .map(|rest| rest.split("\n```").next().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn every_query_runs_with_read_only_rights() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    let reader = database.login(&["payout_reader"]).await;
    let mut session = database.connect_as(&reader).await;
    let queries = blocks(&runbook(), "sql");
    assert!(
        queries.len() > 20,
        "the queries are not found any more: {}",
        queries.len()
    );
    for query in queries {
        let ran = session
            .fetch_all(sqlx::raw_sql(AssertSqlSafe(query.clone())))
            .await;
        assert!(ran.is_ok(), "{query}\n{ran:?}");
    }
}

/// `--help` at the end keeps a command from doing anything, but a wrong command or option before it is still an error.
#[test]
fn every_command_exists() {
    let commands: BTreeSet<_> = blocks(&runbook(), "sh").into_iter().collect();
    assert!(
        commands.len() > 5,
        "the commands are not found any more: {commands:?}"
    );
    for command in commands {
        assert!(!command.contains('\n'), "one command: {command}");
        let words = command
            .strip_prefix("payout ")
            .unwrap_or_else(|| panic!("not ours: {command}"));
        let mut run = Command::new(env!("CARGO_BIN_EXE_payout"));
        let done = run.args(words.split(' ')).arg("--help").output().unwrap();
        assert!(
            done.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}
