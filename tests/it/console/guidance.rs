//! What pages tell people to do next, and what they say beforehand about requests, pauses and selections.

use super::desk::{Desk, doubt, set};
use crate::support::database::{Database, MERCHANT};

/// The step for a payout that the gateway does not know, as HTML.
const RESUBMIT: &str = "then &#34;Request resubmit&#34;";

fn named(order_num: &str) -> String {
    format!("{MERCHANT}/{order_num}")
}

#[tokio::test]
async fn home_names_the_banks_to_which_nothing_is_sent() {
    let database = Database::with_merchant().await;
    database
        .run(&format!(
            "insert into payout.workers (worker, version) values ('w', '1');
             insert into payout.worker_claims (worker, merchant_code, slots, in_flight) values ('w', '{MERCHANT}', 1, 0)"
        ))
        .await;
    let desk = Desk::before(&database);
    let mut browser = desk.operator(&database).await;
    let sent = format!("Payouts of {MERCHANT} are sent.");
    let page = browser.get("/").await.with(200);
    page.says(&[&sent]);
    page.lacks(&["except bank"]);
    database
        .run("select payout.pause('bank', '014', 'the bank is closed')")
        .await;
    let page = browser.get("/").await.with(200);
    page.says(&["<a href=\"/workers\">except bank 014, paused</a>"]);
    page.lacks(&[&sent]);
    "id".clone_into(&mut browser.language);
    browser.get("/").await.says(&["kecuali bank 014, dijeda"]);
}

#[tokio::test]
async fn a_request_is_recommended_until_one_waits_and_leaves_its_trace_on_the_payout() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    doubt(&database, "INV-1").await;
    set(
        &database,
        "update payout.payouts set attention_reasons = '{not_found}', attention_since = now()",
    )
    .await;
    let desk = Desk::before(&database);
    let login = database.login(&["payout_operator"]).await;
    let browser = desk.signed_in(&login).await;
    let payout = format!("/payouts/{}", named("INV-1"));
    for path in ["/", &payout] {
        let page = browser.get(path).await.with(200);
        page.says(&[RESUBMIT]);
        page.lacks(&["Latest requests about it"]);
    }
    let fields = [
        ("evidence", "T-1"),
        ("reason", "ticket 77"),
        ("typed", "INV-1"),
    ];
    browser
        .act("resolve-failed", &named("INV-1"), &fields)
        .await
        .with(200)
        .says(&["Recorded as request"]);
    let id = database.text("select max(id) from payout.requests").await;
    let home = browser.get("/").await;
    home.says(&[&format!("Request {id} waits under Approvals")]);
    home.lacks(&[RESUBMIT]);
    let page = browser.get(&payout).await;
    page.says(&["Latest requests about it", "ticket 77", ">waiting<"]);
    page.lacks(&[RESUBMIT]);

    let path = format!("/approvals/{id}/reject");
    let token = browser.get(&path).await.with(200).token();
    let rejection = [("token", token.as_str()), ("reason", "it arrived")];
    browser.post(&path, &rejection).await.with(200);
    let page = browser.get(&payout).await;
    let rejected = format!(">rejected, {login}<");
    page.says(&[&rejected, "it arrived", "ticket 77", RESUBMIT]);
}

#[tokio::test]
async fn a_form_says_what_is_to_be_typed() {
    let database = Database::with_merchant().await;
    for order in ["INV-1", "INV-2"] {
        database.insert(order, 250_000).await;
        doubt(&database, order).await;
    }
    let desk = Desk::before(&database);
    let (one, other) = (
        desk.operator(&database).await,
        desk.operator(&database).await,
    );
    let path = format!(
        "/act/resubmit?payout={}&payout={}",
        named("INV-1"),
        named("INV-2")
    );
    let form = one.get(&path).await.with(200);
    form.says(&["Type how many payouts these are: 2"]);
    let fields = [
        ("evidence", "T-1"),
        ("reason", "ticket 77"),
        ("typed", "INV-1"),
    ];
    one.act("resolve-failed", &named("INV-1"), &fields)
        .await
        .with(200);
    let id = database.text("select max(id) from payout.requests").await;
    let path = format!("/approvals/{id}/approve");
    other.get(&path).await.says(&["Type INV-1 to confirm"]);
    set(
        &database,
        &format!("insert into payout.request_payouts (request_id, merchant_code, order_num) values ({id}, '{MERCHANT}', 'INV-2')"),
    )
    .await;
    let typed = format!("Type the number of this request: {id}");
    other.get(&path).await.says(&[&typed]);
}

#[tokio::test]
async fn a_selection_says_beforehand_how_many_cannot_be_cancelled() {
    let database = Database::with_merchant().await;
    for order in ["INV-1", "INV-2"] {
        database.insert(order, 250_000).await;
    }
    let desk = Desk::before(&database);
    let browser = desk.operator(&database).await;
    let path = format!(
        "/act/cancel?payout={}&payout={}",
        named("INV-1"),
        named("INV-2")
    );
    browser
        .get(&path)
        .await
        .with(200)
        .lacks(&["cannot be cancelled"]);
    database
        .run("select payout.cancel('INV-2', 'a test')")
        .await;
    browser
        .get(&path)
        .await
        .says(&["1 of these 2 payouts cannot be cancelled"]);
}

#[tokio::test]
async fn people_who_stated_an_end_are_named_in_the_readers_language() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    doubt(&database, "INV-1").await;
    set(
        &database,
        &format!(
            "insert into payout.history (merchant_code, order_num, event, from_state, to_state, source, attempt, detail)
             values ('{MERCHANT}', 'INV-1', 'resolved_failed', 'unknown', 'failed', 'operator', 1,
                     '{{\"by\": \"siti\", \"approved_by\": \"budi\"}}')"
        ),
    )
    .await;
    let desk = Desk::before(&database);
    let mut browser = desk.operator(&database).await;
    let payout = format!("/payouts/{}", named("INV-1"));
    browser.get(&payout).await.says(&["siti and budi"]);
    "id".clone_into(&mut browser.language);
    let page = browser.get(&payout).await;
    page.says(&["siti dan budi"]);
    page.lacks(&["siti and budi"]);
}

/// A cancel that takes two people is recorded by the second one.
#[tokio::test]
async fn the_history_names_who_requested_and_who_approved() {
    let database = Database::with_steps().await;
    database.insert_in("queued", "INV-1").await;
    database
        .run(
            "insert into payout.failover (identity, quiet_horizon) values (payout.identity(), '30 min');
             update payout.payouts set attention_reasons = '{unproven}'",
        )
        .await;
    let (first, second) = (
        database.login(&["payout_operator"]).await,
        database.login(&["payout_operator"]).await,
    );
    for (login, act) in [
        (&first, "select payout.request_cancel('INV-1', 'ticket 7')"),
        (
            &second,
            "select payout.approve(max(id)) from payout.requests",
        ),
    ] {
        let mut session = database.connect_as(login).await;
        sqlx::raw_sql(act).execute(&mut session).await.unwrap();
    }
    assert_eq!(database.state("INV-1").await, "cancelled");
    let desk = Desk::before(&database);
    let mut browser = desk.operator(&database).await;
    let payout = format!("/payouts/{}", named("INV-1"));
    let both = format!("data-label=\"Who\">requested by {first}, approved by {second}<");
    browser.get(&payout).await.says(&[&both, "<dd>none</dd>"]);
    let shown = crate::support::terminal::payout(&database, &["show", "INV-1"]);
    let both = format!("requested by {first}, approved by {second}");
    shown.with(0).says(&[&both, "fee: none"]);
    "id".clone_into(&mut browser.language);
    let both = format!("diminta oleh {first}, disetujui oleh {second}");
    browser.get(&payout).await.says(&[&both]);
}

#[tokio::test]
async fn what_was_received_is_said_in_the_readers_language() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    doubt(&database, "INV-1").await;
    set(
        &database,
        &format!(
            "insert into payout.evidence (merchant_code, order_num, attempt, source, kind, status, bound, mismatch, detail)
             values ('{MERCHANT}', 'INV-1', 1, 'callback', 'callback', 2, false, 'money',
                     '{{\"problem\": \"x\", \"http_status\": 502}}')"
        ),
    )
    .await;
    let desk = Desk::before(&database);
    let mut browser = desk.operator(&database).await;
    let pages = [
        format!("/payouts/{}", named("INV-1")),
        format!("/act/resolve-failed?payout={}", named("INV-1")),
    ];
    for (language, words, field) in [
        (
            "en",
            "status 2 (paid), another amount",
            "problem: x; http_status: 502",
        ),
        (
            "id",
            "status 2 (dibayar), nominal berbeda",
            "masalah: x; status HTTP: 502",
        ),
    ] {
        language.clone_into(&mut browser.language);
        for page in &pages {
            browser.get(page).await.with(200).says(&[words]);
        }
        browser.get(&pages[0]).await.says(&[field]);
    }
}
