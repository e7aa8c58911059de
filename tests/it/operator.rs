//! The command line as operators and scripts use it: exit codes, columns, and no personal data.

use std::{fs, io::Read, os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use payout_worker::store::addresses::Address;
use tempfile::TempDir;

use crate::support::{
    database::{Database, MERCHANT},
    server::{REFUSE_REPLICATED, TAKE_REPLICATED, run},
    terminal::{Said, bare, payout, program},
};

const COLUMNS: [&str; 21] = [
    "order_num",
    "merchant_code",
    "bank_code",
    "amount",
    "fee_type",
    "state",
    "state_since",
    "created_at",
    "fee",
    "debit_total",
    "beneficiary_amount",
    "platform_order_num",
    "failure_reason",
    "attention",
    "attention_reasons",
    "attention_since",
    "waits_for",
    "settled_at",
    "settled_day",
    "paid_at",
    "paid_day",
];
/// They appear nowhere else, so that a match is always a leak.
const CANARY_NUMBER: &str = "9081726354";
const CANARY_NAME: &str = "Kenanga Wulandari";

/// Moves the payout as a claim would: the database accepts no state without everything that belongs to it.
async fn claim(database: &Database, order_num: &str) {
    database
        .run(&format!(
            "do $$ declare moved bigint; begin
             insert into payout.attempts (merchant_code, order_num, attempt, send_by, lease_until, worker, request_sha256,
                                          address, gateway)
             select code, '{order_num}', 1, now(), now() + interval '90 s', 'test/1', sha256('x'),
                    (select min(address) from payout.addresses), gateway
             from payout.merchants where code = '{MERCHANT}';
             insert into payout.history (merchant_code, order_num, event, from_state, to_state, source, attempt)
             values ('{MERCHANT}', '{order_num}', 'claimed', 'queued', 'submitting', 'worker', 1) returning seq into moved;
             insert into payout.ledger (merchant_code, kind, order_num, attempt, available, held)
             select '{MERCHANT}', 'hold', '{order_num}', 1, -amount, amount from payout.payouts
             where order_num = '{order_num}';
             update payout.payouts set state = 'submitting', last_seq = moved, attempt = 1, sends = 1, held = amount,
                    send_by = now(), lease_until = now() + interval '90 s'
             where order_num = '{order_num}'; end $$"
        ))
        .await;
}

/// As if no answer had arrived.
pub(crate) async fn doubt(database: &Database, order_num: &str) {
    claim(database, order_num).await;
    database
        .run(&format!(
            "do $$ declare moved bigint; begin
             insert into payout.evidence (merchant_code, order_num, attempt, source, kind, proves, detail, times)
             values ('{MERCHANT}', '{order_num}', 1, 'query', 'not_found', 'absence', '{{\"code\":\"NOTEXIST\"}}', 61);
             insert into payout.evidence (merchant_code, order_num, attempt, source, kind, doubt, detail)
             values ('{MERCHANT}', '{order_num}', 1, 'submit', 'doubt', 'timeout', '{{}}');
             insert into payout.history (merchant_code, order_num, event, from_state, to_state, source, attempt, detail)
             values ('{MERCHANT}', '{order_num}', 'unanswered', 'submitting', 'unknown', 'submit', 1,
                     '{{\"problem\":\"timeout\"}}') returning seq into moved;
             update payout.payouts set state = 'unknown', last_seq = moved, queries = 61,
                    next_query_at = now() + interval '1 hour'
             where order_num = '{order_num}'; end $$"
        ))
        .await;
}

#[tokio::test]
async fn list_and_show_have_exactly_the_columns_of_the_view() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 1_250_000).await;
    let view = "select string_agg(attname, ',' order by attnum) from pg_attribute
                where attrelid = 'payout.status'::regclass and attnum > 0 and not attisdropped";
    assert_eq!(database.text(view).await, COLUMNS.join(","));

    let mut expected = COLUMNS.to_vec();
    expected.sort_unstable();
    let listed = payout(&database, &["list", "-o", "json"]).with(0).json();
    let mut shown = payout(&database, &["show", "INV-1", "-o", "json"])
        .with(0)
        .json();
    // Beside the columns, everything that was recorded.
    let recorded = ["history", "attempts", "evidence"].map(|part| {
        let rows = shown.as_object_mut().unwrap().remove(part).unwrap();
        rows.as_array().unwrap().len()
    });
    assert_eq!(recorded, [1, 0, 0]);
    assert_eq!(listed[0], shown);
    let keys: Vec<&str> = shown
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys, expected);
    assert_eq!(shown["amount"], 1_250_000);
    assert!(shown["created_at"].as_str().unwrap().ends_with('Z'));

    let csv = payout(&database, &["list", "-o", "csv"]).with(0).out;
    assert_eq!(csv.lines().next(), Some(COLUMNS.join(",").as_str()));
    let table = payout(&database, &["list"]).with(0).out;
    assert!(
        table.contains("Rp 1.250.000") && table.contains("WIB"),
        "{table}"
    );
    let none = payout(&database, &["list", "--state", "paid,failed", "-o", "json"]).with(0);
    assert_eq!(none.json(), serde_json::json!([]));
}

#[tokio::test]
async fn a_list_for_a_program_is_never_cut_unless_it_is_limited() {
    let database = Database::with_merchant().await;
    database
        .run(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
             select 'INV-' || n, 10000, 1, '014', '0012345678', 'Siti Rahayu' from generate_series(1, 600) n",
        )
        .await;
    let csv = payout(&database, &["list", "-o", "csv"]).with(0).out;
    assert_eq!(csv.lines().count(), 601, "a header and every row");
    let json = payout(&database, &["list", "-o", "json"]).with(0).json();
    assert_eq!(json.as_array().unwrap().len(), 600);
    let table = payout(&database, &["list"]).with(0);
    assert_eq!(table.out.lines().count(), 51);
    table.says(&["showing only the newest 50"]);
    let limited = payout(&database, &["list", "-o", "csv", "--limit", "7"]).with(0);
    assert_eq!(limited.out.lines().count(), 8);
    limited.says(&["showing only the newest 7"]);
}

#[tokio::test]
async fn a_list_can_be_filtered_by_every_supported_option() {
    let database = Database::with_steps().await;
    for (state, order) in [
        ("paid", "INV-1"),
        ("failed", "INV-2"),
        ("queued", "OTHER-3"),
    ] {
        database.insert_in(state, order).await;
    }
    database
        .run(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
             values ('BIG-4', 2000000, 1, '008', '1234567890123', 'Siti Rahayu')",
        )
        .await;
    let listed = |arguments: &[&str]| -> String {
        let rows = payout(&database, &[&["list", "-o", "json"], arguments].concat())
            .with(0)
            .json();
        let names = rows.as_array().unwrap().iter();
        let mut names: Vec<_> = names
            .map(|row| row["order_num"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names.join(" ")
    };
    for (arguments, orders) in [
        (&["--bank", "008"][..], "BIG-4"),
        (&["--min", "1jt"], "BIG-4"),
        (&["--min", "100.000"], "BIG-4 INV-1 INV-2 OTHER-3"),
        (&["--text", "inv"], "INV-1 INV-2"),
        (
            &["--state", "queued,failed", "--bank", "014"],
            "INV-2 OTHER-3",
        ),
        (&["--since", "1h", "--state", "paid"], "INV-1"),
        (&["--older-than", "1h"], ""),
        (&["--older-than", "0s", "--text", "other"], "OTHER-3"),
        (&["--since", "2020-01-01", "--limit", "1"], "BIG-4"),
        (&["--attention"], ""),
    ] {
        assert_eq!(listed(arguments), orders, "{arguments:?}");
    }
    for wrong in [
        ["--min", "1.5jt"],
        ["--older-than", "soon"],
        ["--since", "once"],
    ] {
        payout(&database, &[&["list"][..], &wrong].concat()).with(2);
    }
}

#[test]
fn every_command_has_a_manual_page_and_completions() {
    let folder = TempDir::new().unwrap();
    let pages = folder.path().join("man");
    bare(&["man", pages.to_str().unwrap()]).with(0);
    for page in [
        "payout.1",
        "payout-show.1",
        "payout-resubmit.1",
        "payout-report-day.1",
    ] {
        let text = fs::read_to_string(pages.join(page)).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = bare(&["completions", shell]).with(0).out;
        assert!(script.contains("resubmit"), "{shell}");
    }
    bare(&["man", "/proc/nowhere"]).with(1);
}

#[tokio::test]
async fn show_says_what_we_know_what_we_do_not_and_what_happens_next() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    doubt(&database, "INV-1").await;
    let page = payout(&database, &["show", "INV-1"]).with(0).out;
    for words in [
        "What we know",
        "What we don't know",
        "may or may not have left",
        "What happens next",
        "queried and it is never resent automatically",
        "not_found",
        "61 times",
        "timeout",
        "BCA ****5678 S*** R***",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
    let lines = payout(&database, &["show", "INV-1", "--history", "-o", "json"])
        .with(0)
        .json();
    let what: Vec<&str> = lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["what"].as_str().unwrap())
        .collect();
    assert_eq!(what[0], "enqueued");
    assert!(
        what.contains(&"claimed") && what.contains(&"unanswered"),
        "{what:?}"
    );
}

#[tokio::test]
async fn show_names_the_pauses_that_hold_a_payout_back_and_how_they_end() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    let show = || payout(&database, &["show", "INV-1"]).with(0).out;
    assert!(!show().contains("paused"));
    let pause = |arguments: &[&str]| {
        let reason = ["--no-input", "pause", "--reason", "ticket 9"];
        payout(&database, &[&reason, arguments].concat()).with(0);
    };
    pause(&["--bank", "008"]);
    assert!(!show().contains("paused"), "another bank's");
    pause(&["--bank", "014"]);
    pause(&["--all"]);
    let page = show();
    for words in [
        "But bank 014 is paused (by ",
        "payout resume --bank 014 --reason",
        "But everything is paused (by ",
        "payout resume --all --reason",
        "ticket 9",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
}

#[tokio::test]
async fn no_command_shows_a_number_or_a_name() {
    let database = Database::with_merchant().await;
    for (order, amount) in [("INV-1", 250_000), ("INV-2", 300_000), ("INV-3", 400_000)] {
        database
            .run(&format!(
                "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
                 values ('{order}', {amount}, 1, '014', '{CANARY_NUMBER}', '{CANARY_NAME}')"
            ))
            .await;
    }
    doubt(&database, "INV-2").await;
    claim(&database, "INV-3").await;
    let mut calls = vec![
        vec!["balance"],
        vec!["cancel", "INV-3", "--reason", "too late"],
        vec!["cancel", "INV-1", "--reason", "twice"],
        vec!["replay", "INV-1"],
        vec!["replay", "INV-2", "NO-SUCH"],
        vec!["show", "NO-SUCH"],
    ];
    for format in ["table", "json", "csv"] {
        calls.push(vec!["list", "-o", format]);
        calls.push(vec![
            "stuck",
            "--unknown-for",
            "0s",
            "--open-for",
            "0s",
            "-o",
            format,
        ]);
        for order in ["INV-1", "INV-2", "INV-3"] {
            calls.push(vec!["show", order, "-o", format]);
            calls.push(vec!["show", order, "--history", "-o", format]);
        }
    }
    for arguments in calls {
        let said = payout(&database, &arguments);
        let all = format!("{}{}", said.out, said.err);
        assert!(!all.trim().is_empty(), "{arguments:?}");
        for secret in [CANARY_NUMBER, "Kenanga", "Wulandari"] {
            assert!(!all.contains(secret), "{arguments:?}: {all}");
        }
    }
}

#[tokio::test]
async fn only_a_payout_that_was_never_sent_can_be_cancelled() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    database.insert("INV-2", 250_000).await;
    claim(&database, "INV-2").await;
    let said = payout(&database, &["cancel", "INV-2", "--reason", "mistake"]).with(4);
    assert!(
        said.err.contains("submitting") && said.err.contains("may have been sent"),
        "{}",
        said.err
    );
    assert_eq!(database.state("INV-2").await, "submitting");

    let row = payout(
        &database,
        &["cancel", "INV-1", "--reason", "mistake", "-o", "json"],
    )
    .with(0)
    .json();
    assert_eq!(row["state"], "cancelled");
    payout(&database, &["cancel", "INV-1", "--reason", "again"]).with(4);
    payout(&database, &["cancel", "INV-1"]).with(2);
}

#[tokio::test]
async fn replay_queries_now_and_sends_nothing() {
    let database = Database::with_merchant().await;
    for order in ["INV-1", "INV-2", "INV-3", "INV-4"] {
        database.insert(order, 250_000).await;
    }
    for order in ["INV-1", "INV-2", "INV-3"] {
        doubt(&database, order).await;
    }
    let due = "select string_agg(order_num, ',' order by order_num) from payout.payouts where next_query_at <= now()";
    let sends = "select sum(sends) from payout.payouts";
    payout(&database, &["replay", "INV-1"]).with(0);
    assert_eq!(database.text(due).await, "INV-1");
    // One that cannot be queried does not hold up the others.
    let said = payout(&database, &["replay", "NO-SUCH", "INV-4", "INV-2"]).with(3);
    assert!(
        said.err.contains("NO-SUCH") && said.err.contains("INV-4"),
        "{}",
        said.err
    );
    assert_eq!(database.text(due).await, "INV-1,INV-2");
    let rows = payout(&database, &["replay", "--state", "unknown", "-o", "json"])
        .with(0)
        .json();
    assert_eq!(rows.as_array().unwrap().len(), 3);
    assert_eq!(database.text(due).await, "INV-1,INV-2,INV-3");
    assert_eq!(database.text(sends).await, "3");
    payout(&database, &["replay", "INV-4"]).with(4);
    payout(&database, &["replay", "--state", "queued"]).with(2);
    // One that somebody has locked keeps none of the others waiting for a person to name them.
    let mut session = database.connect().await;
    run(
        &mut session,
        "begin; select from payout.payouts where order_num = 'INV-1' for update",
    )
    .await;
    let said = payout(&database, &["replay", "--state", "unknown", "-o", "json"]).with(1);
    assert!(
        said.err.contains("1 payout was not queried"),
        "{}",
        said.err
    );
    assert_eq!(said.json().as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn stuck_lists_payouts_that_need_a_person_oldest_first() {
    let database = Database::with_merchant().await;
    for order in ["INV-1", "INV-2", "INV-3"] {
        database.insert(order, 250_000).await;
    }
    let none = payout(&database, &["stuck"]).with(0).out;
    assert!(none.contains("no payout needs a person"), "{none}");
    doubt(&database, "INV-2").await;
    claim(&database, "INV-3").await;
    database
        .run(
            "update payout.payouts set lease_until = now() - interval '1 hour' where order_num = 'INV-3';
             update payout.payouts set attention_reasons = '{insufficient_funds}', parked = true where order_num = 'INV-1'",
        )
        .await;
    let rows = payout(&database, &["stuck", "--unknown-for", "0s", "-o", "json"])
        .with(0)
        .json();
    let orders: Vec<&str> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["order_num"].as_str().unwrap())
        .collect();
    assert_eq!(orders, ["INV-3", "INV-2", "INV-1"]);
    let page = payout(&database, &["stuck"]).with(0).out;
    assert!(
        page.contains("lease_over") && page.contains("top up, or cancel"),
        "{page}"
    );
    assert!(
        page.contains("2 payouts need a person; in doubt of these: Rp 250.000;"),
        "{page}"
    );
    // The sum of `payout status`: INV-2 is in doubt too, and needs nobody yet.
    let in_all = format!("in doubt in all: 2 payouts of {MERCHANT}, Rp 500.000;");
    assert!(page.contains(&in_all), "{page}");
    let status = payout(&database, &["status"]).out;
    assert!(
        status.contains("in doubt: may or may not have left"),
        "{status}"
    );
    let attentive = payout(&database, &["list", "--attention", "-o", "json"])
        .with(0)
        .json();
    assert_eq!(attentive[0]["order_num"], "INV-1");
    assert_eq!(attentive.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_reference_is_booked_once_and_the_books_are_shown() {
    let database = Database::with_merchant().await;
    let fund = ["fund", "1000", "--reference", "BCA-1", "-o", "json"];
    let before = payout(&database, &fund).with(0).json();
    assert_eq!(before[0]["account"], "available");
    assert_eq!(before[0]["balance"], 10_000_001_000_i64);
    assert_eq!(payout(&database, &fund).with(0).json(), before);
    let again = payout(&database, &["fund", "1000", "--reference", "bca-1"]);
    again.with(0).says(&[
        "nothing was booked, because bca-1 was booked already, on 20",
        " WIB, by ",
    ]);
    assert_eq!(
        payout(&database, &["balance", "-o", "json"]).with(0).json(),
        before
    );
    payout(&database, &["fund", "2000", "--reference", "BCA-1"]).with(4);
    payout(&database, &["fund", "-20000000000", "--reference", "BCA-2"]).with(4);
    payout(&database, &["fund", "1.000", "--reference", "BCA-3"]).with(2);
}

#[tokio::test]
async fn an_order_number_used_by_several_merchants_needs_its_merchant() {
    let database = Database::with_merchant().await;
    database.register_merchant("S2").await;
    for merchant in [MERCHANT, "S2"] {
        database
            .run(&format!(
                "insert into payout.payouts (merchant_code, order_num, amount, fee_type, bank_code, account_number,
                 account_name) values ('{merchant}', 'INV-1', 250000, 1, '014', '0012345678', 'Siti Rahayu')"
            ))
            .await;
    }
    let said = payout(&database, &["show", "INV-1"]).with(1);
    assert!(said.err.contains("--merchant"), "{}", said.err);
    let shown = payout(
        &database,
        &["show", "INV-1", "--merchant", "S2", "-o", "json"],
    )
    .with(0)
    .json();
    assert_eq!(shown["merchant_code"], "S2");
    payout(&database, &["fund", "1000", "--reference", "R"]).with(2);
}

#[tokio::test]
async fn an_operator_needs_only_the_operator_role() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    database.insert("INV-2", 250_000).await;
    doubt(&database, "INV-2").await;
    let operator = database.login(&["payout_operator"]).await;
    let reader = database.login(&["payout_reader"]).await;
    let by = |login: &str, arguments: &[&str]| -> Said {
        let mut command = program(arguments);
        command.args(["--database-url", &database.url_as(login)]);
        command.output().unwrap().into()
    };
    for arguments in [&["list"][..], &["show", "INV-2"], &["stuck"], &["balance"]] {
        by(&operator, arguments).with(0);
        by(&reader, arguments).with(0);
    }
    let refused = by(&reader, &["replay", "INV-2"]).with(1);
    assert!(
        refused.err.contains("grant payout_operator"),
        "{}",
        refused.err
    );
    by(&operator, &["replay", "INV-2"]).with(0);
    by(&operator, &["fund", "1000", "--reference", "R1"]).with(0);
    by(&operator, &["cancel", "INV-1", "--reason", "twice"]).with(0);
    let page = by(&reader, &["show", "INV-1"]).with(0).out;
    assert!(page.contains(&format!("twice; by {operator}")), "{page}");
}

#[tokio::test]
async fn the_exit_code_says_what_to_do_next() {
    let database = Database::with_merchant().await;
    payout(&database, &["show", "NO-SUCH"]).with(3);
    payout(&database, &["list", "--state", "lost"]).with(2);
    payout(&database, &["no-such-command"]).with(2);

    let nobody = [
        "list",
        "--database-url",
        "postgres://postgres@127.0.0.1:1/nothing",
    ];
    let said = payout(&database, &nobody).with(69);
    assert!(
        said.out.is_empty() && said.err.contains("cannot be reached"),
        "{}",
        said.err
    );

    let unmigrated = database
        .url()
        .replace(&database.text("current_database()").await, "postgres");
    for command in [&["list"][..], &["show", "INV-1"], &["balance"], &["stuck"]] {
        let said = bare(&[command, &["--database-url", &unmigrated]].concat()).with(78);
        assert!(said.err.contains("payout migrate"), "{}", said.err);
    }
    let said = bare(&["list"]).with(78);
    assert!(said.err.contains("PAYOUT_DATABASE_URL"), "{}", said.err);
    bare(&["list", "--database-url", "mysql://x"]).with(78);
    // A service under systemd starts again after 69, and stays down after 78.
    let login = database.login(&["payout_reader"]).await;
    let (url, rotated) = (
        database.url_as(&login),
        format!("alter role {login} nologin"),
    );
    bare(&["list", "--database-url", &url]).with(0);
    database.run(&rotated).await;
    bare(&["list", "--database-url", &url])
        .with(69)
        .says(&["Correct the login or password"]);
}

#[tokio::test]
async fn migrate_registers_the_configured_merchants_and_no_other_gateway_by_mistake() {
    let database = Database::fresh().await;
    let folder = TempDir::new().unwrap();
    let file = page_with_keys(folder.path());
    let migrate = |more: &[&str]| payout(&database, &[&["migrate", "-c", &file], more].concat());
    let dry = migrate(&["--dry-run"]).with(0);
    assert!(dry.out.contains(MERCHANT), "{}", dry.out);
    assert_eq!(
        database.text("select count(*) from payout.merchants").await,
        "0"
    );
    migrate(&[]).with(0);
    assert_eq!(
        database.text("select code from payout.merchants").await,
        MERCHANT
    );

    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("gateway.example", "staging.example")).unwrap();
    let refused = migrate(&[]).with(4);
    assert!(refused.err.contains("--accept-gateway"), "{}", refused.err);
    migrate(&["--accept-gateway", MERCHANT]).with(0);
    assert_eq!(
        database.text("select base_url from payout.merchants").await,
        "https://staging.example"
    );
}

#[tokio::test]
async fn migrate_registers_the_first_address_and_no_other() {
    let here = Database::fresh().await;
    let stated = Database::fresh().await;
    let folder = TempDir::new().unwrap();
    let file = page_with_keys(folder.path());
    let registered = "select string_agg(address, ' ') from payout.addresses";
    let migrate = |database: &Database, more: &[&str]| {
        payout(database, &[&["migrate", "-c", &file], more].concat()).with(0)
    };
    migrate(&here, &["--dry-run"]).says(&["not done: dry run"]);
    assert_eq!(here.text(registered).await, "");
    migrate(&here, &[]).says(&["registered"]);
    let by_url = Address::of_url(&here.url()).unwrap().to_string();
    assert_eq!(here.text(registered).await, by_url);
    migrate(&here, &["--address", "other.example:5432"]).says(&[
        "address other.example:5432: not registered",
        "payout address add",
    ]);
    assert_eq!(here.text(registered).await, by_url);
    payout(&here, &["address", "list"]).with(0).says(&[&by_url]);

    migrate(
        &stated,
        &["--address", "DB.example.", "--address", "10.0.0.5:6432"],
    );
    assert_eq!(
        stated.text(registered).await.split(' ').count(),
        2,
        "the first ones, and not that of the URL"
    );
    payout(&stated, &["address", "list"])
        .with(0)
        .says(&["db.example:5432", "10.0.0.5:6432"]);
    payout(&stated, &["migrate", "-c", &file, "--address", "a,b:1"]).with(2);
}

#[test]
fn config_check_names_every_fault_at_once() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("payout.toml");
    fs::write(&file, "[submit]\ntimout = 3\n[pol]\nx = 1\n").unwrap();
    let said = bare(&["config", "check", "-c", file.to_str().unwrap()]).with(78);
    assert!(
        said.err.contains("payout.toml:2") && said.err.contains("payout.toml:3"),
        "{}",
        said.err
    );

    let example = bare(&["config", "example"]).with(0).out;
    fs::write(&file, &example).unwrap();
    let said = bare(&["config", "check", file.to_str().unwrap()]).with(0);
    assert!(
        said.out.contains("the configuration is good"),
        "{}",
        said.out
    );
    assert!(
        said.err.contains("merchant.key is not on this machine"),
        "{}",
        said.err
    );

    let file = page_with_keys(folder.path());
    fs::copy(
        folder.path().join("merchant.key"),
        folder.path().join("platform.pub"),
    )
    .unwrap();
    let said = bare(&["config", "check", "-c", &file]).with(78);
    assert!(
        said.err.contains("platform.pub: this is a private key"),
        "{}",
        said.err
    );
}

#[test]
fn keys_are_never_overwritten() {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join("keys");
    let arguments = ["keys", "generate", dir.to_str().unwrap(), "--bits", "1024"];
    let made = bare(&[&arguments[..], &["-o", "json"]].concat())
        .with(0)
        .json();
    assert_eq!(made["fingerprint"].as_str().unwrap().len(), 64);
    let key = dir.join("merchant.key");
    assert_eq!(
        fs::metadata(&key).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let before = fs::read(&key).unwrap();
    let said = bare(&arguments).with(4);
    assert!(said.err.contains("merchant.key exists"), "{}", said.err);
    fs::remove_file(&key).unwrap();
    bare(&arguments).with(4);
    assert!(!key.exists() && !before.is_empty());
    bare(&[
        "keys",
        "generate",
        folder.path().to_str().unwrap(),
        "--bits",
        "100",
    ])
    .with(2);
}

#[tokio::test]
async fn a_reader_that_closes_the_pipe_is_not_an_error() {
    let database = Database::with_merchant().await;
    database
        .run(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
             select 'INV-' || i, 250000, 1, '014', '0012345678', 'Siti Rahayu' from generate_series(1, 2000) i",
        )
        .await;
    for arguments in [
        &["list", "--limit", "2000", "-o", "csv"][..],
        &["completions", "bash"],
    ] {
        let mut command = program(arguments);
        command.env("PAYOUT_DATABASE_URL", database.url());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 1];
        let mut stdout = child.stdout.take().unwrap();
        stdout.read_exact(&mut first).unwrap();
        drop(stdout);
        let said = Said::from(child.wait_with_output().unwrap()).with(0);
        assert!(!said.err.contains("panic"), "{}", said.err);
    }
}

/// Writes a configuration with existing keys; returns its path.
fn page_with_keys(folder: &Path) -> String {
    let keys = folder.to_str().unwrap();
    let platform = folder.join("platform");
    bare(&["keys", "generate", keys, "--bits", "1024"]).with(0);
    bare(&[
        "keys",
        "generate",
        platform.to_str().unwrap(),
        "--bits",
        "1024",
    ])
    .with(0);
    fs::copy(platform.join("merchant.pub"), folder.join("platform.pub")).unwrap();
    let file = folder.join("good.toml");
    fs::write(&file, bare(&["config", "example"]).with(0).out).unwrap();
    file.to_str().unwrap().to_owned()
}

/// `config check`, `migrate` and `run` read the URLs with the same rules, before they open a key or a connection.
#[test]
fn a_url_that_hides_its_host_is_refused_at_every_door_with_the_same_words() {
    let folder = TempDir::new().unwrap();
    let file = page_with_keys(folder.path());
    let good = fs::read_to_string(&file).unwrap();
    let gateway = "base_url = \"https://gateway.example\"";
    assert!(good.contains(gateway), "{good}");
    for (line, words) in [
        (
            "base_url = \"http://127.0.0.1:80@example.com\"",
            "base_url holds a user name",
        ),
        (
            "base_url = \"http://127.0.0.1\\\\@example.com\"",
            "base_url holds a space, a backslash",
        ),
        (
            "base_url = \"https://gateway.example\\t.evil.example\"",
            "base_url holds a space, a backslash",
        ),
        (
            "base_url = \"https://127.1\"",
            "base_url does not name its host plainly: write 127.0.0.1",
        ),
        (
            "base_url = \"https://gateway.example:0\"",
            "base_url has no usable port",
        ),
        (
            "base_url = \"https://gateway.example?x\"",
            "base_url must end with its path",
        ),
        (
            "base_url = \"https://gateway.example\"\nnotify_url = \"https://us:secret@payouts.example/callback\"",
            "notify_url holds a user name",
        ),
        (
            "base_url = \"https://gateway.example\"\nquery_path = \"@evil.example/query\"",
            "query_path must have a plain path",
        ),
    ] {
        let bare_page = ["notify_url =", "query_path ="]
            .iter()
            .fold(good.clone(), |page, key| {
                page.replace(key, &format!("# {key}"))
            });
        fs::write(&file, bare_page.replace(gateway, line)).unwrap();
        let url = "postgres://nobody@127.0.0.1:1/none";
        for door in [
            vec!["config", "check", "-c", &file],
            vec!["migrate", "--dry-run", "-c", &file, "--database-url", url],
            vec!["run", "-c", &file, "--database-url", url],
        ] {
            let said = bare(&door).with(78);
            assert!(said.err.contains(words), "{door:?} {line}: {}", said.err);
            assert!(!said.all().contains("secret"), "{door:?}: {}", said.all());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spreadsheet_and_a_terminal_show_outside_words_as_words() {
    let database = Database::with_merchant().await;
    for (order, reason) in [
        ("-1", "=HYPERLINK(\"http://evil.example\")"),
        ("INV-2", "a test"),
        ("INV-3", "-1+1|calc"),
    ] {
        database.insert(order, 10_000).await;
        database
            .run(&format!("select payout.cancel('{order}', '{reason}')"))
            .await;
    }
    // Such words come from a gateway: a person's are refused.
    database
        .run(&format!(
            "{TAKE_REPLICATED};
             set session_replication_role = replica;
             update payout.payouts set failure_reason = 'paid ' || U&'\\202E' || 'gnp.exe' where order_num = 'INV-2';
             update payout.history set detail = jsonb_build_object('reason', 'paid ' || U&'\\202E' || 'gnp.exe')
             where order_num = 'INV-2' and event = 'withdrawn';
             set session_replication_role = origin;
             {REFUSE_REPLICATED}"
        ))
        .await;
    let said = payout(&database, &["list", "-o", "csv"]).with(0).out;
    for cell in [
        "\n-1,",
        ",\"'=HYPERLINK(\"\"http://evil.example\"\")\",",
        ",paid  gnp.exe,",
        ",'-1+1|calc,",
    ] {
        assert!(said.contains(cell), "{cell}: {said}");
    }
    for arguments in [["list", "-o", "csv"], ["list", "-o", "table"]] {
        let said = payout(&database, &arguments).with(0).out;
        assert!(!said.contains('\u{202e}'), "{said}");
    }
    for arguments in [["show", "INV-2"], ["audit", "INV-2"]] {
        let said = payout(&database, &arguments).all();
        assert!(!said.contains('\u{202e}'), "{said}");
    }
    database.fund(MERCHANT, -500).await;
    let books = payout(&database, &["balance", "-o", "csv"]).with(0).out;
    assert!(books.contains(",funding,-9999999500\n"), "{books}");
}
