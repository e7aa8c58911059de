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

#[tokio::test]
async fn a_reason_of_failure_leads_to_the_payouts_that_failed_for_it() {
    let database = Database::with_steps().await;
    for order_num in ["INV-1", "INV-2", "INV-3", "INV-4"] {
        database.insert_in("failed", order_num).await;
    }
    set(
        &database,
        "update payout.payouts set failure_reason = case order_num when 'INV-3' then 'Bank & closed' when 'INV-4' then null
                                                    else 'No such account' end",
    )
    .await;
    let desk = Desk::before(&database);
    let reader = database.login(&["payout_reader"]).await;
    let browser = desk.signed_in(&reader).await;
    let money = browser.get("/money").await.with(200);
    let links: Vec<String> = money
        .text
        .split("href=\"/payouts?tab=failed")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().replace("&#38;", "&"))
        .collect();
    assert_eq!(links.len(), 3, "{}", money.text);
    for (reason, found, other, total) in [
        (
            "=No%20such%20account",
            ["INV-1", "INV-2"],
            "INV-3",
            "2, Rp 200.000",
        ),
        (
            "=Bank%20%26%20closed",
            ["INV-3", "INV-3"],
            "INV-1",
            "1, Rp 100.000",
        ),
        (
            "=-",
            ["INV-4", "no reason stated"],
            "INV-1",
            "1, Rp 100.000",
        ),
    ] {
        let link = links.iter().find(|link| link.contains(reason));
        let link = link.unwrap_or_else(|| panic!("{reason}: {links:?}"));
        let page = browser.get(&format!("/payouts?tab=failed{link}")).await;
        let page = page.with(200);
        page.says(&found);
        page.says(&[&format!("Payouts that match: {total} in all.")]);
        page.lacks(&[&format!(">{other}</a>")]);
        let csv = browser.get(&format!("/payouts.csv?tab=failed{link}")).await;
        let rows = csv.with(200).text.lines().count() - 1;
        assert!(total.starts_with(&rows.to_string()), "{rows}");
    }
    // The list says why, each in the gateway's words.
    browser.get("/payouts?tab=failed").await.says(&[
        "data-label=\"Why\">No such account</td>",
        "data-label=\"Why\">Bank &#38; closed</td>",
    ]);
    browser
        .get("/payouts?tab=failed&day=2026-11-21&month=2026-11")
        .await
        .with(400);
}

#[tokio::test]
async fn the_statement_is_uploaded_where_one_finds_it() {
    let database = Database::with_merchant().await;
    let desk = Desk::before(&database);
    let reader = database.login(&["payout_reader"]).await;
    let browser = desk.signed_in(&reader).await;
    let page = browser.get("/money").await.with(200);
    let place = |text: &str| page.text.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(
        place("href=\"#statement\"") < place("<h2>"),
        "before all else"
    );
    assert!(place("id=\"statement\"") < place("type=\"file\""));
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
async fn a_used_reference_books_nothing_and_says_when_and_by_whom_it_was_booked() {
    let database = Database::with_merchant().await;
    let available = "select available - 10000000000 from payout.accounts";
    let desk = Desk::before(&database);
    let login = database.login(&["payout_operator"]).await;
    let (one, mut other) = (desk.signed_in(&login).await, desk.operator(&database).await);
    // Read before somebody else books it, and sent after that.
    let written = [
        ("merchant", MERCHANT),
        ("amount", "1250000"),
        ("reference", "trf 1"),
        ("reason", ""),
    ];
    let token = other.post("/fund", &written).await.with(200).token();
    fund(&one, "1250000", "TRF 1").await.says(&["✓"]);
    let typed = [("token", token.as_str()), ("typed", "1250000")];
    let late = [&written[..], &typed].concat();
    let page = other.post("/fund/book", &late).await.with(200);
    page.says(&["Not done", "Nothing was booked, because reference trf 1"]);
    page.lacks(&["✓", "Done<"]);

    let at = "select to_char(at at time zone 'Asia/Jakarta', 'YYYY-MM-DD HH24:MI:SS') || ' WIB'
              from payout.ledger where reference = 'TRF 1'";
    let at = database.text(at).await;
    let said = format!("was booked already: Rp 1.250.000 on {at}, by {login}.");
    page.says(&[&said]);
    let seven = [
        ("merchant", MERCHANT),
        ("amount", "7"),
        ("reference", "TRF 1"),
    ];
    let page = other.post("/fund", &seven).await.with(200);
    page.says(&[&said, "value=\"7\""]);
    page.lacks(&["name=\"typed\""]);
    "id".clone_into(&mut other.language);
    let page = other.post("/fund", &seven).await;
    page.says(&["Tidak ada yang dibukukan", &format!("oleh {login}.")]);
    assert_eq!(database.text(available).await, "1250000");
}

#[tokio::test]
async fn who_approves_a_transfer_reads_a_reason_and_both_people_are_named() {
    let database = Database::with_merchant().await;
    let desk = Desk::before(&database);
    let (first, second) = (
        database.login(&["payout_operator"]).await,
        database.login(&["payout_operator"]).await,
    );
    let (one, mut other) = (desk.signed_in(&first).await, desk.signed_in(&second).await);
    let written = |reason| {
        [
            ("merchant", MERCHANT),
            ("amount", "5000"),
            ("reference", "TRF 2"),
            ("reason", reason),
        ]
    };
    // One person books it, and nobody reads a reason.
    let page = one.post("/fund", &written("")).await.with(200);
    page.says(&["name=\"typed\"", "without a reason"]);
    page.lacks(&["<p>Reason:"]);
    database
        .run("update payout.merchants set funding = 'gateway'")
        .await;
    let page = one.post("/fund", &written("  ")).await.with(200);
    page.says(&["Write why", "value=\"TRF 2\""]);
    page.lacks(&["name=\"typed\""]);
    let requests = "select count(*) from payout.requests";
    assert_eq!(database.text(requests).await, "0");
    let page = one.post("/fund", &written("ticket 9")).await.with(200);
    page.says(&["<p>Reason: ticket 9</p>"]);
    fund(&one, "5000", "TRF 2")
        .await
        .says(&["Recorded as request"]);
    let id = database.text("select max(id) from payout.requests").await;
    let path = format!("/approvals/{id}/approve");
    let token = other.get(&path).await.with(200).token();
    let approval = [("token", token.as_str()), ("typed", id.as_str())];
    other.post(&path, &approval).await.with(200);

    let both = format!("requested by {first}, approved by {second}");
    one.get("/money").await.says(&[&both]);
    let again = one.post("/fund", &written("ticket 9")).await.with(200);
    again.says(&["Nothing was booked", &both]);
    "id".clone_into(&mut other.language);
    let both = format!("diminta oleh {first}, disetujui oleh {second}");
    other.get("/money").await.says(&[&both]);
}

#[tokio::test]
async fn each_sum_of_the_gateway_has_one_name_and_the_month_says_when_it_was_read() {
    let database = Database::with_merchant().await;
    set(
        &database,
        &format!(
            "insert into payout.daily_balances (merchant_code, day, stated, difference, read_at)
             values ('{MERCHANT}', '2026-10-10', 1230000, -5, '2026-10-10T01:02:03Z')"
        ),
    )
    .await;
    let desk = Desk::before(&database);
    let reader = database.login(&["payout_reader"]).await;
    let mut browser = desk.signed_in(&reader).await;
    for (language, available, total, read) in [
        ("en", "Gateway: available", "Gateway: total", "Read"),
        ("id", "Gateway: tersedia", "Gateway: total", "Dibaca pada"),
    ] {
        language.clone_into(&mut browser.language);
        browser.get("/").await.says(&[available]);
        let page = browser.get("/money?day=2026-10-10").await.with(200);
        page.says(&[
            available,
            &format!("data-label=\"{total}\">1.230.000 <small"),
            &format!("{read} 2026-10-10 08:02:03 WIB</small>"),
        ]);
        page.lacks(&["Gateway&#39;s balance", "Saldo gateway"]);
    }
}

#[tokio::test]
async fn money_says_what_a_negative_sum_means_and_what_to_do_about_a_difference() {
    let database = Database::with_merchant().await;
    let desk = Desk::before(&database);
    let browser = desk.operator(&database).await;
    fund(&browser, "-5000", "TRF 3").await.says(&["✓"]);
    browser.get("/money").await.says(&[
        "data-label=\"Funding\">Rp -9.999.995.000<",
        "funding is negative as long as more was topped up than withdrawn",
        "A negative amount is a withdrawal.",
        "below 0, more was taken out than paid in",
        "Below 0, the gateway has less.",
    ]);
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
    let mut other = browser.clone();
    "id".clone_into(&mut other.language);
    let receipt = other.get(&format!("{payout}/receipt")).await.with(200);
    receipt.says(&["Bukti bayar payout INV-1", "Nomor rekening (disamarkan)"]);
    let unpaid = format!("/payouts/{MERCHANT}/INV-2");
    browser.get(&unpaid).await.lacks(&["/receipt\""]);
    browser
        .get(&format!("{unpaid}/receipt"))
        .await
        .with(409)
        .says(&["It was not paid: there is no receipt."]);
}
