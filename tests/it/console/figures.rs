//! What the pages about workers and money add up, let people book, and let them keep as files.

use super::desk::{Browser, Desk, Page, doubt, set};
use crate::support::database::{Database, MERCHANT};

#[tokio::test]
async fn workers_and_gateway_shows_queries_signatures_and_breakers() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    doubt(&database, "INV-1").await;
    let desk = Desk::before(&database);
    let reader = database.login(&["payout_reader"]).await;
    let browser = desk.signed_in(&reader).await;
    browser.get("/workers").await.with(200).says(&[
        "No circuit breaker is open",
        "Last wrong signature",
        "none yet",
    ]);
    set(
        &database,
        &format!(
            "update payout.payouts set next_query_at = now() - interval '1 minute';
             insert into payout.query_budget (merchant_code, per_second) values ('{MERCHANT}', 20);
             insert into payout.evidence (merchant_code, order_num, attempt, source, kind, doubt, detail)
             values ('{MERCHANT}', 'INV-1', 1, 'query', 'doubt', 'bad_signature', '{{}}');
             insert into payout.workers (worker, version) values ('host:1', '0.1.0');
             insert into payout.worker_claims (worker, merchant_code, slots, in_flight, stopped_by, detail)
             values ('host:1', '{MERCHANT}', 8, 0, 'declines', 'five declines, the last for INV-1')"
        ),
    )
    .await;
    let page = browser.get("/workers").await.with(200);
    page.says(&[
        "data-label=\"Queries due\">1<",
        "data-label=\"Allowed a minute\">1200<",
        "in an answer to a query",
        &format!("href=\"/payouts/{MERCHANT}/INV-1\""),
        "the gateway declined several payouts in a row",
        "five declines, the last for INV-1",
        "One payout at a time tests whether the fault is over",
    ]);
    page.lacks(&["No circuit breaker is open"]);
}

#[tokio::test]
async fn the_same_payouts_may_have_left_on_every_page() {
    let database = Database::with_steps().await;
    for state in [
        "queued",
        "submitting",
        "pending",
        "unknown",
        "paid",
        "failed",
    ] {
        database.insert_in(state, state).await;
    }
    let desk = Desk::before(&database);
    let reader = database.login(&["payout_reader"]).await;
    let browser = desk.signed_in(&reader).await;
    for path in ["/", "/money"] {
        browser.get(path).await.with(200).says(&[
            "data-label=\"May have left\">3<",
            "data-label=\"May have left, gross\">Rp 300.000<",
        ]);
    }
    browser
        .get("/")
        .await
        .says(&[">Rp 100.000</a>", ">Rp 200.000</a>"]);
}

/// Writes a transfer down, and sends the form that books it.
async fn fund(browser: &Browser, amount: &str, reference: &str) -> Page {
    let written = [
        ("merchant", MERCHANT),
        ("amount", amount),
        ("reference", reference),
        ("reason", "ticket 9"),
    ];
    browser.get("/fund").await.with(200).says(&[MERCHANT]);
    let review = browser.post("/fund", &written).await.with(200);
    let token = review.token();
    let typed = [("token", token.as_str()), ("typed", amount)];
    browser
        .post("/fund/book", &[&written[..], &typed].concat())
        .await
        .with(200)
}

#[tokio::test]
async fn a_top_up_is_booked_by_one_person_or_by_two_as_the_rules_say() {
    let database = Database::with_merchant().await;
    let available = "select available - 10000000000 from payout.accounts";
    let desk = Desk::before(&database);
    let (one, other) = (
        desk.operator(&database).await,
        desk.operator(&database).await,
    );
    fund(&one, "1250000", "TRF 1")
        .await
        .says(&["✓", "TRF 1 is booked; available Rp 10.001.250.000"]);
    assert_eq!(database.text(available).await, "1250000");
    fund(&one, "1250000", "TRF 1")
        .await
        .says(&["was booked before"]);
    fund(&one, "7", "TRF 1").await.says(&[
        "Not done",
        "the reference is already used",
        "booked with a different amount",
    ]);
    let page = one
        .post("/fund", &[("merchant", MERCHANT), ("amount", "1.250.000")])
        .await;
    page.with(200)
        .says(&["without dots, such as 1000000", "value=\"1.250.000\""]);
    let nothing = [("merchant", MERCHANT), ("amount", "0"), ("reference", "T")];
    let page = one.post("/fund", &nothing).await.with(200);
    page.says(&["there is nothing to book", "value=\"0\""]);
    page.lacks(&["name=\"typed\""]);
    let out = [("merchant", MERCHANT), ("amount", "-5"), ("reference", "T")];
    let page = one.post("/fund", &out).await.with(200);
    page.says(&["<h1>Book a withdrawal</h1>"]);
    let page = one.get("/money").await;
    page.says(&["<th class=\"right\">Debit</th>", "data-label=\"Debit\">0<"]);
    one.get("/money").await.says(&["TRF 1", "Rp 1.250.000"]);

    database
        .run("update payout.merchants set funding = 'gateway'")
        .await;
    fund(&one, "5000", "TRF 2")
        .await
        .says(&["Recorded as request", "another operator must approve"]);
    assert_eq!(
        database.text(available).await,
        "1250000",
        "nothing is booked"
    );
    let id = database.text("select max(id) from payout.requests").await;
    let path = format!("/approvals/{id}/approve");
    let token = other.get(&path).await.with(200).token();
    other
        .post(&path, &[("token", token.as_str()), ("typed", &id)])
        .await
        .with(200)
        .says(&["is approved"]);
    assert_eq!(database.text(available).await, "1255000");

    let reader = database.login(&["payout_reader"]).await;
    let reader = desk.signed_in(&reader).await;
    reader.get("/money").await.lacks(&["href=\"/fund\""]);
    reader.get("/fund").await.with(403);
    for path in ["/fund", "/fund/book"] {
        reader
            .post(path, &[("merchant", MERCHANT), ("amount", "5")])
            .await
            .with(403);
    }
}

#[tokio::test]
async fn reports_and_receipts_are_kept_as_files_without_personal_data() {
    let database = Database::with_steps().await;
    database.insert_in("paid", "INV-1").await;
    database.insert_in("failed", "INV-2").await;
    let desk = Desk::before(&database);
    let reader = database.login(&["payout_reader"]).await;
    let browser = desk.signed_in(&reader).await;
    let page = browser.get("/money?month=2026-11").await.with(200);
    page.says(&["href=\"/money.csv?month=2026-11\"", "<tfoot>", ">Total<"]);
    for (query, columns) in [
        ("", "from_day,to_day,merchant_code,opening,payouts_paid"),
        (
            "&by=bank",
            "from_day,to_day,merchant_code,bank_code,bank_name",
        ),
        ("&by=reason", "from_day,to_day,merchant_code,failure_reason"),
    ] {
        let csv = browser
            .get(&format!("/money.csv?month=2026-11{query}"))
            .await
            .with(200);
        assert!(csv.text.starts_with(columns), "{}", csv.text);
        assert!(
            csv.header("content-disposition")
                .starts_with("attachment; filename=\"report-2026-11-")
        );
    }
    browser.get("/money.csv?by=account").await.with(400);

    let payout = format!("/payouts/{MERCHANT}/INV-1");
    browser
        .get(&payout)
        .await
        .says(&[&format!("href=\"{payout}/receipt\"")]);
    let receipt = browser.get(&format!("{payout}/receipt")).await.with(200);
    receipt.says(&["Payout receipt INV-1"]);
    receipt.says(&["****5678", "(masked)", "Rp 100.000"]);
    receipt.lacks(&["0012345678", "Siti Rahayu"]);
    assert_eq!(
        receipt.header("content-disposition"),
        "attachment; filename=\"receipt-INV-1.html\""
    );
    let unpaid = format!("/payouts/{MERCHANT}/INV-2");
    browser.get(&unpaid).await.lacks(&["/receipt\""]);
    browser
        .get(&format!("{unpaid}/receipt"))
        .await
        .with(409)
        .says(&["It was not paid: there is no receipt."]);
}
