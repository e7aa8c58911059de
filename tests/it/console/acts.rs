//! What people do: only those who may, only by a form of theirs, and only once.

use sqlx::Connection;

use super::desk::{Desk, doubt};
use crate::support::database::{Database, MERCHANT};

/// Personal data of the payouts that [`Database::insert`] makes.
const ACCOUNT: &str = "0012345678";
const NAME: &str = "Siti Rahayu";

fn named(order_num: &str) -> String {
    format!("{MERCHANT}/{order_num}")
}

#[tokio::test]
async fn a_reader_sees_no_button_and_can_change_nothing() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    let desk = Desk::before(&database);
    let reader = database.login(&["payout_reader"]).await;
    let browser = desk.signed_in(&reader).await;
    let payout = named("INV-1");
    for path in ["/", "/payouts", "/approvals", "/money", "/workers"] {
        let page = browser.get(path).await.with(200);
        page.lacks(&["/act/", "href=\"/pause\"", "type=\"checkbox\""]);
        page.says(&["read only"]);
    }
    let page = browser.get(&format!("/payouts/{payout}")).await.with(200);
    page.lacks(&["/act/"]);
    for path in [
        "/act/cancel?payout=S/I",
        "/pause",
        "/resume?scope=all",
        "/failover",
        "/approvals/1/approve",
    ] {
        browser.get(path).await.with(403);
    }
    for path in [
        "/act/cancel",
        "/act/reveal",
        "/pause",
        "/resume",
        "/failover",
        "/approvals/1/approve",
    ] {
        let fields = [
            ("payout", payout.as_str()),
            ("scope", "all"),
            ("reason", "x"),
            ("token", "x"),
        ];
        browser.post(path, &fields).await.with(403);
    }
    assert_eq!(database.state("INV-1").await, "queued");
    assert_eq!(
        database.text("select count(*) from payout.pauses").await,
        "0"
    );
}

#[tokio::test]
async fn a_forged_or_borrowed_form_changes_nothing() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    database.insert("INV-2", 250_000).await;
    let desk = Desk::before(&database);
    let one = desk.operator(&database).await;
    let other = desk.operator(&database).await;
    let payout = named("INV-1");
    let token = async |path: &str| one.get(path).await.with(200).token();
    let own = token(&format!("/act/cancel?payout={payout}")).await;
    let of_another_payout = token(&format!("/act/cancel?payout={}", named("INV-2"))).await;
    let of_another_act = token(&format!("/act/reveal?payout={payout}")).await;
    let made_up = "0".repeat(64);
    for (browser, token) in [
        (&one, made_up.as_str()),
        (&one, ""),
        (&one, of_another_payout.as_str()),
        (&one, of_another_act.as_str()),
        (&other, own.as_str()),
    ] {
        let fields = [
            ("token", token),
            ("payout", payout.as_str()),
            ("reason", "x"),
        ];
        let page = browser.post("/act/cancel", &fields).await.with(409);
        page.says(&["This form is no longer valid"]);
        assert_eq!(database.state("INV-1").await, "queued");
    }
    let fields = [
        ("token", own.as_str()),
        ("payout", payout.as_str()),
        ("reason", "x"),
    ];
    one.post("/act/cancel", &fields).await.with(200);
    assert_eq!(database.state("INV-1").await, "cancelled");
    assert_eq!(database.state("INV-2").await, "queued");
}

#[tokio::test]
async fn a_form_that_is_sent_twice_acts_once_and_says_so() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    doubt(&database, "INV-1").await;
    let desk = Desk::before(&database);
    let browser = desk.operator(&database).await;
    let payout = named("INV-1");
    let form = browser.get(&format!("/act/replay?payout={payout}")).await;
    let token = form.with(200).token();
    let fields = [("token", token.as_str()), ("payout", payout.as_str())];
    let (first, second) = tokio::join!(
        browser.post("/act/replay", &fields),
        browser.post("/act/replay", &fields)
    );
    let third = browser.post("/act/replay", &fields).await;
    for page in [&first, &second, &third] {
        page.says(&["INV-1: the gateway is queried now. Nothing is sent."]);
    }
    third.says(&["This form was sent before. It acted once"]);
    let replays = "select count(*) from payout.history where event = 'replay_requested'";
    assert_eq!(database.text(replays).await, "1");
}

#[tokio::test]
async fn an_act_goes_on_when_the_browser_goes_away() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    let desk = Desk::before(&database);
    let operator = database.login(&["payout_operator"]).await;
    let browser = desk.signed_in(&operator).await;
    let payout = named("INV-1");
    let form = browser.get(&format!("/act/cancel?payout={payout}")).await;
    let token = form.with(200).token();
    let fields = [
        ("token", token.as_str()),
        ("payout", payout.as_str()),
        ("reason", "a test"),
    ];
    let mut other = database.connect().await;
    let mut held = other.begin().await.unwrap();
    sqlx::query("select from payout.payouts where order_num = 'INV-1' for update")
        .execute(&mut *held)
        .await
        .unwrap();
    tokio::select! {
        page = browser.post("/act/cancel", &fields) => panic!("not held up: {}", page.text),
        () = database.until_somebody_waits_for_a_lock() => {}
    }
    held.rollback().await.unwrap();
    database
        .until("select state = 'cancelled' from payout.payouts where order_num = 'INV-1'")
        .await;
    let page = browser.post("/act/cancel", &fields).await.with(200);
    page.says(&["INV-1: cancelled", "It acted once"]);
    browser.get("/").await.with(200);
}

#[tokio::test]
async fn a_page_that_takes_too_long_says_so_and_the_next_one_is_shown() {
    let database = Database::with_merchant().await;
    let desk = Desk::before(&database);
    let reader = database.login(&["payout_reader"]).await;
    let browser = desk.signed_in(&reader).await;
    let mut other = database.connect().await;
    let mut held = other.begin().await.unwrap();
    sqlx::query("lock table payout.requests in access exclusive mode")
        .execute(&mut *held)
        .await
        .unwrap();
    let page = browser.get("/approvals").await.with(503);
    page.says(&["Another transaction holds what this needs."]);
    held.rollback().await.unwrap();
    browser.get("/approvals").await.with(200);
}

#[tokio::test]
async fn an_act_is_confirmed_with_order_amount_and_bank() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 1_250_000).await;
    let desk = Desk::before(&database);
    let browser = desk.operator(&database).await;
    let payout = named("INV-1");
    let form = browser
        .get(&format!("/act/cancel?payout={payout}"))
        .await
        .with(200);
    form.says(&["INV-1", "Rp 1.250.000", "****5678", "never used again"]);
    assert_eq!(database.state("INV-1").await, "queued", "only shown");
    let page = browser
        .act("cancel", &payout, &[("reason", "a test")])
        .await
        .with(200);
    page.says(&[
        "</span> Done</h1>",
        "INV-1: cancelled; nothing was sent.",
        ">Payout INV-1</a>",
    ]);
    // What the state no longer allows, the database refuses, and the page says why.
    let page = browser
        .act("cancel", &payout, &[("reason", "again")])
        .await
        .with(200);
    page.says(&["Not done"]);
    let acts = "select count(*) from payout.audit where act = 'withdrawn'";
    assert_eq!(database.text(acts).await, "1");
}

#[tokio::test]
async fn several_are_cancelled_with_one_confirmation() {
    let database = Database::with_merchant().await;
    for number in 1..=3 {
        database.insert(&format!("INV-{number}"), 100_000).await;
    }
    let desk = Desk::before(&database);
    let browser = desk.operator(&database).await;
    let (one, two) = (named("INV-1"), named("INV-2"));
    let path = format!("/act/cancel?payout={one}&payout={two}");
    let form = browser.get(&path).await.with(200);
    form.says(&["2 payouts, Rp 200.000 in all"]);
    let token = form.token();
    let fields = [
        ("token", token.as_str()),
        ("payout", &one),
        ("payout", &two),
        ("reason", "x"),
    ];
    browser.post("/act/cancel", &fields[..2]).await.with(409);
    let page = browser.post("/act/cancel", &fields).await.with(200);
    page.says(&["INV-1: cancelled", "INV-2: cancelled"]);
    assert_eq!(database.state("INV-3").await, "queued");
    let path = format!("/act/reveal?payout={one}&payout={two}");
    browser.get(&path).await.with(400);
}

#[tokio::test]
async fn whoever_requests_cannot_approve_and_somebody_else_can() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    doubt(&database, "INV-1").await;
    let desk = Desk::before(&database);
    let one = desk.operator(&database).await;
    let other = desk.operator(&database).await;
    let payout = named("INV-1");
    let fields = [("evidence", "T-1"), ("reason", "a test")];
    // The order number must be typed.
    let page = one
        .act(
            "resolve-failed",
            &payout,
            &[&fields[..], &[("typed", "INV-2")]].concat(),
        )
        .await;
    page.with(200).says(&["Nothing was done."]);
    assert_eq!(
        database.text("select count(*) from payout.requests").await,
        "0"
    );
    let page = one
        .act(
            "resolve-failed",
            &payout,
            &[&fields[..], &[("typed", "INV-1")]].concat(),
        )
        .await;
    let page = page.with(200);
    page.says(&[
        "Recorded, waits for approval</h1>",
        "Recorded as request",
        "another operator must approve",
    ]);
    page.lacks(&["✓"]);
    let id = database.text("select max(id) from payout.requests").await;

    one.get("/approvals")
        .await
        .says(&["Yours: somebody else must approve."]);
    one.get("/approvals")
        .await
        .lacks(&[&format!("/approvals/{id}/approve")]);
    other
        .get("/approvals")
        .await
        .says(&[&format!("/approvals/{id}/approve"), "Proof, checked now"]);
    other
        .get("/")
        .await
        .says(&["Waits for my approval", &format!("Request {id}")]);
    let path = format!("/approvals/{id}/approve");
    let decision =
        format!("select coalesce(decision, 'none') from payout.requests where id = {id}");
    let approve = async |browser: &super::desk::Browser, typed: &str| {
        let token = browser.get(&path).await.with(200).token();
        browser
            .post(&path, &[("token", token.as_str()), ("typed", typed)])
            .await
            .with(200)
    };
    approve(&one, "INV-1").await.says(&["Not done", "yours"]);
    assert_eq!(database.text(&decision).await, "none");
    approve(&other, "INV-7").await.says(&["Nothing was done."]);
    assert_eq!(database.text(&decision).await, "none");
    approve(&other, "INV-1").await.says(&["is approved"]);
    assert_eq!(database.text(&decision).await, "approved");
}

#[tokio::test]
async fn a_beneficiary_is_shown_once_after_it_was_recorded_and_nowhere_else() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    let desk = Desk::before(&database);
    let login = database.login(&["payout_operator"]).await;
    let browser = desk.signed_in(&login).await;
    let payout = named("INV-1");
    let pages = [
        "/".to_owned(),
        "/payouts".to_owned(),
        "/payouts.csv".to_owned(),
        format!("/payouts/{payout}"),
        format!("/act/reveal?payout={payout}"),
    ];
    for path in pages {
        browser.get(&path).await.with(200).lacks(&[ACCOUNT, NAME]);
    }
    let form = browser.get(&format!("/act/reveal?payout={payout}")).await;
    let token = form.token();
    let fields = [
        ("token", token.as_str()),
        ("payout", payout.as_str()),
        ("reason", "T-1"),
    ];
    browser
        .post("/act/reveal", &fields)
        .await
        .with(200)
        .says(&[ACCOUNT, NAME]);
    let again = browser.post("/act/reveal", &fields).await.with(200);
    again.lacks(&[ACCOUNT, NAME]);
    again.says(&["They were shown already."]);
    let acts =
        format!("select count(*) from payout.audit where act = 'revealed' and actor = '{login}'");
    assert_eq!(database.text(&acts).await, "1");
    let log = desk.log();
    assert!(log.contains("signed in"), "{log}");
    for secret in [ACCOUNT, NAME, "INV-1", "T-1", &token, &browser.cookie] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[tokio::test]
async fn a_pause_is_set_and_lifted() {
    let database = Database::with_merchant().await;
    let desk = Desk::before(&database);
    let browser = desk.operator(&database).await;
    let form = browser.get("/pause").await.with(200);
    form.says(&["Will stop new payouts from being sent."]);
    let token = form.token();
    let fields = [
        ("token", token.as_str()),
        ("scope", "bank"),
        ("value", "014"),
        ("reason", "the bank is closed"),
    ];
    browser
        .post("/pause", &fields)
        .await
        .with(200)
        .says(&["Bank 014 is paused"]);
    browser
        .get("/workers")
        .await
        .says(&["Bank 014", "the bank is closed"]);
    let form = browser.get("/resume?scope=bank&value=014").await.with(200);
    let token = form.token();
    let fields = [
        ("token", token.as_str()),
        ("scope", "all"),
        ("value", ""),
        ("reason", "open"),
    ];
    browser.post("/resume", &fields).await.with(409);
    assert_eq!(
        database.text("select count(*) from payout.pauses").await,
        "1"
    );
    let fields = [
        ("token", token.as_str()),
        ("scope", "bank"),
        ("value", "014"),
        ("reason", "open"),
    ];
    browser
        .post("/resume", &fields)
        .await
        .with(200)
        .says(&["is resumed"]);
    assert_eq!(
        database.text("select count(*) from payout.pauses").await,
        "0"
    );
}

#[tokio::test]
async fn a_merchant_with_a_strange_code_is_acted_upon_like_any_other() {
    let database = Database::fresh().await;
    let code = "Toko A/B <i>&%2F";
    database.register_merchant(code).await;
    database.insert("INV-1", 250_000).await;
    let desk = Desk::before(&database);
    let operator = database.login(&["payout_operator"]).await;
    let browser = desk.signed_in(&operator).await;
    let list = browser.get("/payouts").await.with(200);
    list.lacks(&["<i>"]);
    let href = list.text.split("href=\"/payouts/").nth(1).unwrap();
    let href = href.split('"').next().unwrap();
    let page = browser.get(&format!("/payouts/{href}")).await.with(200);
    let act = page.text.split("href=\"/act/cancel").nth(1).unwrap();
    let act = act.split('"').next().unwrap();
    let form = browser.get(&format!("/act/cancel{act}")).await.with(200);
    let hidden = form.text.split("name=\"payout\" value=\"").nth(1).unwrap();
    let hidden = hidden.split('"').next().unwrap();
    let token = form.token();
    let fields = [
        ("token", token.as_str()),
        ("payout", hidden),
        ("reason", "a test"),
    ];
    let page = browser.post("/act/cancel", &fields).await.with(200);
    page.says(&["INV-1: cancelled"]);
}

/// The books follow what the requester states, so whoever approves must read it; and no text may pass for another one.
#[tokio::test]
async fn an_approver_reads_what_the_requester_states_and_each_text_by_itself() {
    let database = Database::with_merchant().await;
    database.make_steps().await;
    database.insert("INV-1", 1_250_000).await;
    for event in ["claimed", "acknowledged", "reported_paid"] {
        database.step("INV-1", event).await;
    }
    let desk = Desk::before(&database);
    let (one, other) = (
        database.login(&["payout_operator"]).await,
        database.login(&["payout_operator"]).await,
    );
    let (one, other) = (desk.signed_in(&one).await, desk.signed_in(&other).await);
    let reason = "all of it came back · Evidence: bank letter 4711";
    let fields = [
        ("evidence", "T-1"),
        ("reason", reason),
        ("stated", "1"),
        ("typed", "INV-1"),
    ];
    let page = one
        .act("resolve-returned", &named("INV-1"), &fields)
        .await
        .with(200);
    page.says(&["Recorded, waits for approval"]);
    let id = database.text("select max(id) from payout.requests").await;
    let stated = "Came back, as the requester states: Rp 1<";
    let page = other.get("/approvals").await.with(200);
    page.says(&[stated, "<dt>Evidence of the requester</dt><dd>T-1</dd>"]);
    let form = other.get(&format!("/approvals/{id}/approve")).await;
    form.with(200).says(&[
        stated,
        &format!("<p>Reason: {reason}</p>"),
        "<p>Evidence of the requester: T-1</p>",
    ]);

    // What a person books without a payout names its merchant.
    let fund = format!("select payout.request_fund('{MERCHANT}', 5000, 'REF-1', 'a top-up')");
    database
        .run("update payout.merchants set funding = 'gateway'")
        .await;
    database.run(&fund).await;
    let id = database.text("select max(id) from payout.requests").await;
    for path in ["/approvals".to_owned(), format!("/approvals/{id}/approve")] {
        let page = other.get(&path).await.with(200);
        page.says(&[MERCHANT, "Rp 5.000", "REF-1"]);
    }
}

/// A name ends at a NUL for Postgres, and what follows would be settings of the connection.
#[tokio::test]
async fn no_field_of_a_form_carries_more_than_its_text() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    let desk = Desk::before(&database);
    let login = database.login(&["payout_operator"]).await;
    let mut stranger = desk.browser();
    let injected = format!("{login}\0statement_timeout\0");
    stranger.sign_in(&injected, &login).await.with(400);
    stranger
        .sign_in(&format!("{login}\u{7}"), &login)
        .await
        .with(403);
    let browser = desk.signed_in(&login).await;
    browser.get("/payouts?text=%00").await.with(400);
    let page = browser
        .act("cancel", &named("INV-1"), &[("reason", "a\u{202e}b")])
        .await
        .with(200);
    page.says(&["Not done", "turn the direction of a line"]);
    assert_eq!(database.state("INV-1").await, "queued");
}

#[tokio::test]
async fn a_login_that_is_disabled_in_the_middle_of_an_act_does_no_more_of_it() {
    let database = Database::with_merchant().await;
    for number in 1..=6 {
        database.insert(&format!("INV-{number}"), 100_000).await;
    }
    let desk = Desk::before(&database);
    for (act, payouts) in [
        ("alter role {} nologin", ["INV-1", "INV-2", "INV-3"]),
        (
            "revoke payout_operator from {}",
            ["INV-4", "INV-5", "INV-6"],
        ),
    ] {
        let login = database.login(&["payout_reader", "payout_operator"]).await;
        let browser = desk.signed_in(&login).await;
        let names = payouts.map(named);
        let query: Vec<_> = names.iter().map(|name| format!("payout={name}")).collect();
        let form = browser
            .get(&format!("/act/cancel?{}", query.join("&")))
            .await;
        let token = form.with(200).token();
        let mut fields = vec![("token", token.as_str()), ("reason", "a test")];
        fields.extend(names.iter().map(|name| ("payout", name.as_str())));
        let mut other = database.connect().await;
        let mut held = other.begin().await.unwrap();
        sqlx::query("select from payout.payouts where order_num = $1 for update")
            .bind(payouts[1])
            .execute(&mut *held)
            .await
            .unwrap();
        let meanwhile = async {
            database.until_somebody_waits_for_a_lock().await;
            database.run(&act.replace("{}", &login)).await;
            held.rollback().await.unwrap();
        };
        let (page, ()) = tokio::join!(browser.post("/act/cancel", &fields), meanwhile);
        let page = page.with(200);
        page.says(&[
            &format!("{}: cancelled", payouts[0]),
            "2 of 3 done, 1 refused",
        ]);
        assert_eq!(database.state(payouts[0]).await, "cancelled");
        // It was under way.
        assert_eq!(database.state(payouts[1]).await, "cancelled");
        assert_eq!(database.state(payouts[2]).await, "queued", "{act}");
    }
}
