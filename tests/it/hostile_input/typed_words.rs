//! What people type with an act is stored for every reader, so it may not repeat the beneficiary of its payout.

use std::process::Command;

use payout_worker::domain::spelling::LOOK_ALIKES;

use super::{
    begin,
    speller::{NAME, NUMBER, Speller, names_nobody},
};
use crate::support::{database::Database, refusal::Refusal};

/// Every act with words about a payout: WORDS stands for them, and the order number is that of a payout in this state.
const ACTS: [(&str, &str); 13] = [
    ("queued", "payout.cancel('queued', WORDS)"),
    ("queued", "payout.request_cancel('queued', WORDS)"),
    ("queued", "payout.request_reveal('queued', WORDS)"),
    (
        "unknown",
        "payout.request_resubmit(array['unknown'], WORDS)",
    ),
    (
        "unknown",
        "payout.request_resubmit(array['paid', 'unknown'], WORDS)",
    ),
    (
        "unknown",
        "payout.request_resolve_failed('unknown', WORDS, 'ticket 1', confirm => 'unknown')",
    ),
    (
        "unknown",
        "payout.request_resolve_failed('unknown', 'letter 1', WORDS, confirm => 'unknown')",
    ),
    (
        "unknown",
        "payout.resolve('unknown', 'paid', WORDS, 'ticket 1', confirm => 'unknown')",
    ),
    (
        "unknown",
        "payout.resolve('unknown', 'paid', 'letter 1', WORDS, confirm => 'unknown')",
    ),
    (
        "paid",
        "payout.resolve('paid', 'returned', WORDS, 'ticket 1', confirm => 'paid')",
    ),
    (
        "paid",
        "payout.resolve('paid', 'unchanged', 'letter 1', WORDS, confirm => 'paid')",
    ),
    ("WAITING", "payout.reject(REQUEST, WORDS)"),
    ("WAITING", "payout.cancel('WAITING', WORDS)"),
];

/// What is stored with the acts of people, one text per line.
const STORED: &str = "select concat_ws(' ', reason, evidence, subject, arguments, decision_reason) from payout.requests
     union all select concat_ws(' ', reason, evidence, detail) from payout.operator_acts
     union all select detail::text from payout.history
     -- The reference of the first top-up is the database's name, whose digits are random.
     union all select concat_ws(' ', reason, evidence, detail) from payout.audit where act <> 'funded'
     union all select failure_reason from payout.status where failure_reason is not null";

/// A payout in each state, all to the beneficiary whom the speller knows, and the number of a request that waits for a
/// second person.
async fn desk() -> (Database, String) {
    let database = Database::with_steps().await;
    for state in ["queued", "unknown", "paid", "WAITING"] {
        database
            .insert_in(if state == "WAITING" { "queued" } else { state }, state)
            .await;
    }
    let name = NAME.join(" ");
    database
        .run(&format!(
            "set session_replication_role = replica;
             update payout.payouts set account_number = '{NUMBER}', account_name = '{name}';
             set session_replication_role = origin;
             update payout.payouts set attention_reasons = '{{unproven}}' where order_num = 'WAITING'"
        ))
        .await;
    let request = database
        .text("select payout.request_cancel('WAITING', 'ticket 7')")
        .await;
    (database, request)
}

#[tokio::test]
async fn no_text_that_people_type_about_a_payout_repeats_its_beneficiary() {
    let (count, rng) = begin("typed words");
    let mut speller = Speller(rng);
    let (database, request) = desk().await;
    let before = database
        .text("select count(*) from payout.operator_acts")
        .await;
    for at in 0..count.min(1_000) {
        let secret = if at % 5 == 0 {
            speller.look_alike()
        } else {
            speller.secret()
        };
        let (_, act) = ACTS[at % ACTS.len()];
        let act = act
            .replace("REQUEST", &request)
            .replace("WORDS", &format!("'{}'", secret.replace('\'', "''")));
        let statement = format!("select {act}");
        let refusal = Refusal::expected(&statement, database.try_run(&statement).await);
        refusal.is(
            &statement,
            "PW035",
            "repeats the beneficiary's account number or name",
        );
        assert!(!refusal.hint.is_empty(), "{statement}");
        names_nobody(&statement, &refusal.message);
        names_nobody(&statement, &refusal.hint);
    }
    let acts = database
        .text("select count(*) from payout.operator_acts")
        .await;
    assert_eq!(acts, before);
    let stored: Vec<String> = sqlx::query_scalar(STORED)
        .fetch_all(database.pool())
        .await
        .unwrap();
    assert!(!stored.is_empty());
    for text in &stored {
        names_nobody("stored", text);
    }
}

#[tokio::test]
async fn words_that_only_look_like_a_beneficiary_are_accepted() {
    let (database, _) = desk().await;
    for words in [
        "ticket 5512",
        "****3409 is closed",
        "7716 of 9 tickets, see INV-340",
        "seen twice; bank letter 20261128/0042",
        "Z*** Q***, qom",
        "余额不足",
        "счёт закрыт",
    ] {
        let statement = format!("select payout.request_reveal('queued', '{words}')");
        database.run(&statement).await;
    }
}

#[tokio::test]
async fn the_command_line_says_what_to_leave_out() {
    let (database, _) = desk().await;
    let login = database.login(&["payout_operator"]).await;
    for (arguments, words) in [
        (["cancel", "queued"], "wrong account 7716-2534 09"),
        (["cancel", "queued"], "ＺＵＢＡＩＤＡＨ phoned"),
        (["reveal", "queued"], "for qomar-zubaidah"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_payout"));
        command
            .args(["--no-input", "--database-url"])
            .arg(database.url_as(&login))
            .args(arguments)
            .args(["--reason", words])
            .env_remove("PAYOUT_CONFIG");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap())
            .await
            .unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("leave out the name and the number"), "{said}");
        names_nobody("said", &said);
    }
    assert_eq!(database.state("queued").await, "queued");
}

#[tokio::test]
async fn a_letter_looks_the_same_to_the_database_and_to_the_worker() {
    let database = Database::fresh().await;
    for (letter, others) in LOOK_ALIKES {
        let seen = format!("select payout.plain_words('{others}')");
        let expected = letter.to_string().repeat(others.chars().count());
        assert_eq!(database.text(&seen).await, expected, "{others}");
    }
}
