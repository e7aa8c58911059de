//! Nothing that the program prints, logs or exposes names a beneficiary: all of it is searched for a name and an
//! account number that appear nowhere else.

use std::{collections::BTreeSet, fs};

use payout_sandbox::{Fault, Script};

use crate::support::site::{ACCOUNT, NAME, Site};

/// Parts of them count too: masking leaves the last four digits and the first letters.
const SECRETS: [&str; 4] = [NAME, ACCOUNT, "Kanari", "Rahasia"];
/// It shows them on purpose, and each use is recorded with its reason.
const SHOWS_THEM: &str = "reveal";
/// These run until stopped, or need a different setup; `tests/it/console.rs` looks at the console's pages and its log.
const ELSEWHERE: [&str; 5] = ["run", "demo", "sandbox", "console", "help"];

#[track_caller]
fn names_nobody(what: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_no_log_and_no_metric_names_a_beneficiary() {
    let site = Site::with_horizon(3).await;
    for login in ["siti", "budi"] {
        site.login(login, "payout_operator").await;
    }
    let worker = site.worker("one.toml", "worker.log");
    site.vouch().await;
    for (order, fault) in [
        ("R-1", Fault::Lost),
        ("R-2", Fault::CutAfter),
        ("R-3", Fault::WrongAmount),
        ("R-4", Fault::Garbage),
        ("R-5", Fault::BadCallbackAmount),
        ("R-6", Fault::Lost),
    ] {
        site.sandbox.script(order, Script::fault(fault));
    }
    site.enqueue(0..12).await;
    site.until(
        "select count(*) from payout.payouts where order_num in ('R-1', 'R-6') and attention = 'not_found'",
        "2",
    )
    .await;

    let mut tried = BTreeSet::new();
    for arguments in calls(&site).await {
        let command = arguments[0].clone();
        for format in ["table", "json", "csv"] {
            let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let said = site
                .payout("siti", &[&words[..], &["-o", format]].concat())
                .await;
            names_nobody(&format!("{words:?}"), &said.all());
        }
        tried.insert(command);
    }
    let help = site.payout("siti", &["--help"]).await.with(0).out;
    for command in commands(&help) {
        let is_known = tried.contains(&command)
            || command == SHOWS_THEM
            || ELSEWHERE.contains(&command.as_str());
        assert!(is_known, "`payout {command}` is not tried here");
    }
    let shown = site
        .payout("siti", &["reveal", "R-0", "--reason", "the bank enquires"])
        .await
        .with(0);
    assert!(
        shown.out.contains(ACCOUNT),
        "the canary is there: {}",
        shown.out
    );
    names_nobody("audit", &site.payout("siti", &["audit"]).await.all());

    for page in ["metrics", "readyz", "livez"] {
        let answer = reqwest::get(format!("http://{}/{page}", site.admin)).await;
        let text = answer.unwrap().text().await.unwrap();
        assert!(!text.is_empty());
        names_nobody(page, &text);
    }
    for refused in [
        "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
         select 'bad number', amount, fee_type, bank_code, account_number, account_name from payout.payouts limit 1",
        "update payout.payouts set amount = 1",
        "update payout.payouts set state = 'paid'",
        "select payout.enqueue(order_num => 'R-0', amount => 7, fee_type => 1, bank_code => '014',
                               account_number => '7788990011223344', account_name => 'Kanari Rahasia')",
    ] {
        let error = sqlx::query(refused).execute(&site.pool).await.unwrap_err();
        names_nobody(refused, &format!("{error} {error:?}"));
    }
    assert_eq!(worker.terminate(), Some(0));
    let log = fs::read_to_string(site.folder.path().join("worker.log")).unwrap();
    assert!(log.lines().count() > 50, "the log is empty");
    names_nobody("the worker's log", &log);
}

/// Every command, with the options that print the most, and some that are refused.
async fn calls(site: &Site) -> Vec<Vec<String>> {
    let file = site.folder.path().join("one.toml");
    let config = file.to_str().unwrap();
    let folder = site.folder.path().join("made");
    let made = folder.to_str().unwrap();
    let statement = site.folder.path().join("statement.csv");
    fs::write(
        &statement,
        "order_num,amount,status\nR-0,10000,2\nR-1,10001,2\nELSE-1,5,2\n",
    )
    .unwrap();
    let statement = statement.to_str().unwrap();
    let request = site
        .payout(
            "siti",
            &["resubmit", "R-1", "--reason", "ticket 1", "-o", "json"],
        )
        .await
        .with(5)
        .out;
    let request: serde_json::Value = serde_json::from_str(&request).unwrap();
    let id = request[0]["request_id"].to_string();
    let accept = vec![
        "failover",
        "accept",
        "--old-primary-dead-since",
        "2026-11-21T08:00:00+07:00",
        "--reason",
        "ticket 1",
    ];
    let mut calls: Vec<Vec<&str>> = vec![
        vec!["list"],
        vec!["list", "--attention", "--text", "r-", "--min", "1rb"],
        vec!["status"],
        vec!["stuck", "--unknown-for", "0s", "--open-for", "0s"],
        vec!["balance"],
        vec!["reconcile"],
        vec!["reconcile", "--statement", statement, "--day", "today"],
        vec!["report"],
        vec!["report", "--month", "this", "--by", "bank"],
        vec!["report", "day", "today"],
        vec!["report", "failures"],
        vec!["report", "ageing"],
        vec!["approvals", "--all"],
        vec!["pauses"],
        vec!["audit"],
        vec!["doctor", "-c", config],
        vec!["config", "check", config],
        vec!["config", "example"],
        vec!["address", "list"],
        vec!["address", "add", "db.example:5432", "--reason", "ticket 1"],
        vec![
            "address",
            "remove",
            "x.example:5432",
            "--reason",
            "ticket 1",
        ],
        vec!["failover", "status"],
        accept,
        vec!["keys", "generate", made, "--bits", "1024"],
        vec!["man", made],
        vec!["completions", "bash"],
        vec!["migrate", "-c", config],
        vec!["replay", "--state", "unknown,pending"],
        vec!["cancel", "R-0", "--reason", "too late"],
        vec!["fund", "1000", "--reference", "TOP-1"],
        vec!["pause", "--bank", "008", "--reason", "ticket 1"],
        vec!["resume", "--bank", "008", "--reason", "ticket 1"],
        vec![
            "resolve",
            "R-0",
            "--as",
            "failed",
            "--evidence",
            "e",
            "--reason",
            "r",
            "--confirm",
            "R-0",
        ],
        vec![
            "resolve",
            "R-6",
            "--as",
            "failed",
            "--evidence",
            "e",
            "--reason",
            "r",
            "--confirm",
            "R-6",
        ],
        vec!["resubmit", "R-0", "R-6", "--reason", "ticket 1"],
        vec!["approve", &id],
        vec!["reject", &id, "--reason", "ticket 1"],
    ];
    let orders: Vec<String> = (0..12).map(|number| format!("R-{number}")).collect();
    for order in &orders {
        calls.push(vec!["show", order]);
        calls.push(vec!["receipt", order]);
        calls.push(vec!["show", order, "--history"]);
    }
    calls
        .into_iter()
        .map(|words| words.into_iter().map(str::to_owned).collect())
        .collect()
}

/// The commands in the help: one per line between `Commands:` and the next empty line.
fn commands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let found: Vec<String> = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .collect();
    assert!(found.len() > 20, "{help}");
    found
}
