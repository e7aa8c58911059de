//! What people read where something is refused: why, in their language, and with nothing lost of what they wrote.

use super::desk::{Desk, Page, doubt, set};
use crate::support::database::{Database, MERCHANT};

/// A statement that a payout failed.
const STATED: [(&str, &str); 3] = [
    ("evidence", "ticket 77"),
    ("reason", "ticket 77"),
    ("typed", "INV-1"),
];

fn named(order_num: &str) -> String {
    format!("{MERCHANT}/{order_num}")
}

/// Two queued payouts, of which the second is cancelled once the form about both is open; the answer to that form.
async fn half_refused(database: &Database, desk: &Desk) -> (super::desk::Browser, Page) {
    for number in 1..=2 {
        database.insert(&format!("INV-{number}"), 100_000).await;
    }
    let browser = desk.operator(database).await;
    let (one, two) = (named("INV-1"), named("INV-2"));
    let form = browser
        .get(&format!("/act/cancel?payout={one}&payout={two}"))
        .await
        .with(200);
    database
        .run("select payout.cancel('INV-2', 'a test')")
        .await;
    let token = form.token();
    let fields = [
        ("token", token.as_str()),
        ("payout", &one),
        ("payout", &two),
        ("reason", "ticket 77"),
    ];
    let page = browser.post("/act/cancel", &fields).await.with(200);
    (browser, page)
}

#[tokio::test]
async fn an_act_that_is_partly_refused_says_how_much_was_done_and_why_not_the_rest() {
    let database = Database::with_merchant().await;
    let desk = Desk::before(&database);
    let (browser, page) = half_refused(&database, &desk).await;
    page.says(&[
        "1 of 2 done, 1 refused",
        "INV-1: cancelled",
        "<strong>INV-2</strong>: This is not possible in the payout&#39;s present state.",
        "payout INV-2 is cancelled and cannot be cancelled",
    ]);
    page.lacks(&["✓"]);
    // The form that leads back has what was refused, and what was written.
    let two = named("INV-2");
    page.says(&[
        "name=\"reason\" value=\"ticket 77\"",
        &format!("value=\"{two}\""),
    ]);
    page.lacks(&[&format!("value=\"{}\"", named("INV-1"))]);
    let fields = [
        ("payout", two.as_str()),
        ("reason", "ticket 77"),
        ("again", "yes"),
    ];
    let again = browser.post("/act/cancel", &fields).await.with(200);
    again.says(&["ticket 77", "INV-2", "Yes, do this"]);
    again.lacks(&["This form is no longer valid"]);
}

#[tokio::test]
async fn a_form_that_expired_is_shown_again_as_it_was_filled_in() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 100_000).await;
    database.insert("INV-2", 100_000).await;
    let desk = Desk::before(&database);
    let browser = desk.operator(&database).await;
    let (one, two) = (named("INV-1"), named("INV-2"));
    let expired = "0".repeat(64);
    let fields = [
        ("token", expired.as_str()),
        ("payout", &one),
        ("payout", &two),
        ("reason", "ticket 77"),
    ];
    let page = browser.post("/act/cancel", &fields).await.with(409);
    page.says(&[
        "This form is no longer valid",
        "value=\"ticket 77\"",
        "INV-1",
        "INV-2",
    ]);
    assert_eq!(database.state("INV-1").await, "queued");
    let token = page.token();
    let fields = [("token", token.as_str())]
        .into_iter()
        .chain(fields.into_iter().skip(1))
        .collect::<Vec<_>>();
    browser.post("/act/cancel", &fields).await.with(200);
    assert_eq!(database.state("INV-1").await, "cancelled");

    let fields = [
        ("token", expired.as_str()),
        ("scope", "bank"),
        ("value", "014"),
        ("reason", "ticket 78"),
    ];
    let page = browser.post("/pause", &fields).await.with(409);
    page.says(&[
        "value=\"014\"",
        "value=\"ticket 78\"",
        "<option value=\"bank\" selected>",
    ]);
    assert_eq!(
        database.text("select count(*) from payout.pauses").await,
        "0"
    );
}

#[tokio::test]
async fn a_refusal_is_explained_in_indonesian_above_the_databases_own_words() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 100_000).await;
    let desk = Desk::before(&database);
    let mut browser = desk.operator(&database).await;
    "id".clone_into(&mut browser.language);
    database
        .run("select payout.cancel('INV-1', 'a test')")
        .await;
    let page = browser
        .act("cancel", &named("INV-1"), &[("reason", "tiket 77")])
        .await
        .with(200);
    page.says(&[
        "Tidak dilakukan",
        "Ini tidak mungkin dalam status payout saat ini.",
        "<p class=\"said\" lang=\"en\">payout INV-1 is cancelled and cannot be cancelled",
        "Kembali ke formulir dengan isian tadi",
    ]);
    let page = browser
        .act(
            "cancel",
            &named("INV-1"),
            &[("reason", "x".repeat(201).as_str())],
        )
        .await
        .with(200);
    page.lacks(&["waktu yang Anda nyatakan"]);
    page.says(&["Ada isian yang kosong, terlalu panjang, atau tidak sesuai."]);
}

#[tokio::test]
async fn a_time_that_cannot_be_right_is_named_where_a_time_was_stated() {
    let database = Database::with_merchant().await;
    let desk = Desk::before(&database);
    let browser = desk.operator(&database).await;
    let token = browser.get("/failover").await.with(200).token();
    let fields = [
        ("token", token.as_str()),
        ("dead_since", "2099-01-01T00:00:00+07:00"),
        ("reason", "ticket 77"),
        ("typed", "failover"),
    ];
    let page = browser.post("/failover", &fields).await.with(200);
    page.says(&["Not done", "The time that you stated cannot be right"]);
    page.lacks(&["present state"]);
}

#[tokio::test]
async fn a_page_about_a_failure_keeps_the_navigation_and_the_language() {
    let database = Database::with_merchant().await;
    let desk = Desk::before(&database);
    let reader = database.login(&["payout_reader"]).await;
    let mut browser = desk.signed_in(&reader).await;
    "id".clone_into(&mut browser.language);
    for (path, status) in [
        ("/payouts/S0/INV-1", 404),
        ("/payouts?min=abc", 400),
        ("/payouts?state=queued", 400),
        ("/payouts.csv?state=queued", 400),
        ("/nothing/of/that/name", 404),
        ("/pause", 403),
    ] {
        let page = browser.get(path).await.with(status);
        page.says(&[
            "<html lang=\"id\">",
            "href=\"/approvals\"",
            "Keluar",
            &reader,
        ]);
    }
    let stranger = desk.browser().get("/nothing").await.with(404);
    stranger.says(&["href=\"/sign-in\""]);
    stranger.lacks(&["href=\"/approvals\""]);
}

#[tokio::test]
async fn a_request_that_was_not_carried_out_says_why() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    doubt(&database, "INV-1").await;
    let desk = Desk::before(&database);
    let one = desk.operator(&database).await;
    let request = async || {
        let page = one
            .act("resolve-failed", &named("INV-1"), &STATED)
            .await
            .with(200);
        page.says(&["Recorded as request"]);
        database.text("select max(id) from payout.requests").await
    };
    let id = request().await;
    let path = format!("/approvals/{id}/reject");
    let token = one.get(&path).await.with(200).token();
    let rejection = [
        ("token", token.as_str()),
        ("reason", "it arrived after all"),
    ];
    one.post(&path, &rejection).await.with(200);
    one.get("/approvals").await.says(&["it arrived after all"]);

    let id = request().await;
    set(
        &database,
        &format!(
            "update payout.requests set decision = 'approved', decided_by = 'budi', decided_by_oid = 1, decided_at = now()
             where id = {id};
             update payout.request_payouts set outcome = 'refused', outcome_at = now(), detail = 'the gateway knows it'
             where request_id = {id}"
        ),
    )
    .await;
    one.get("/approvals").await.says(&["the gateway knows it"]);
}

#[tokio::test]
async fn who_approves_reads_what_would_keep_it_from_being_sent() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    doubt(&database, "INV-1").await;
    let desk = Desk::before(&database);
    let (one, other) = (
        desk.operator(&database).await,
        desk.operator(&database).await,
    );
    one.act("resolve-failed", &named("INV-1"), &STATED)
        .await
        .with(200);
    // The proof that a resubmit needs takes minutes.
    set(
        &database,
        "update payout.requests set kind = 'resubmit', evidence = null",
    )
    .await;
    let id = database.text("select max(id) from payout.requests").await;
    let path = format!("/approvals/{id}/approve");
    other.get(&path).await.with(200).says(&[
        "no worker is running for it",
        "Approved now, it waits until that ends",
    ]);
    // What each stop of a worker does to a second send.
    database
        .run(&format!(
            "insert into payout.workers (worker, version) values ('w', '1');
             insert into payout.worker_claims (worker, merchant_code, slots, in_flight) values ('w', '{MERCHANT}', 1, 0)"
        ))
        .await;
    for (stopped_by, becomes) in [
        ("doubts", "it waits until that ends"),
        ("books", "approved now, it is sent"),
        ("evidence", "to its query cannot be stored either"),
    ] {
        database
            .run(&format!(
                "update payout.worker_claims set stopped_by = '{stopped_by}'"
            ))
            .await;
        other.get(&path).await.with(200).says(&[becomes]);
    }
    database
        .run("select payout.pause('bank', '014', 'the bank is closed')")
        .await;
    other.get(&path).await.says(&[
        "Bank 014 is paused by",
        "the bank is closed",
        "it is refused at once",
    ]);
    database
        .run("select payout.pause('all', '', 'a drill')")
        .await;
    let page = other.get(&path).await.with(200);
    page.says(&["Everything is paused by", "a drill"]);
    page.lacks(&["Nothing is carried out for", "it waits until that ends"]);
}
