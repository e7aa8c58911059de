//! What the pages show: exactly what was filtered, in both languages, and never as markup of somebody else's.

use sqlx::Connection;

use super::desk::{Desk, doubt};
use crate::support::database::{Database, MERCHANT};

/// Words that would be markup, a script or a link if they were not escaped.
const HOSTILE: &str = "</td><script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

#[tokio::test]
async fn a_csv_has_exactly_what_the_filter_shows() {
    let database = Database::with_merchant().await;
    for number in 1..=70_i64 {
        database
            .insert(&format!("INV-{number:02}"), number * 1_000)
            .await;
    }
    doubt(&database, "INV-07").await;
    let desk = Desk::before(&database);
    let browser = desk
        .signed_in(&database.login(&["payout_reader"]).await)
        .await;
    for (filter, expected) in [
        ("", 70),
        ("?tab=queued", 69),
        ("?tab=unknown", 1),
        ("?min=10.000&max=20.000", 11),
        ("?text=inv-7", 1),
        ("?tab=unknown&min=8000", 0),
        ("?bank=999", 0),
        (&format!("?merchant={MERCHANT}&older=60"), 1),
    ] {
        let csv = browser
            .get(&format!("/payouts.csv{filter}"))
            .await
            .with(200);
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        let in_csv: Vec<&str> = csv.text.lines().skip(1).map(first).collect();
        assert_eq!(in_csv.len(), expected, "{filter}");
        let mut on_pages = Vec::new();
        let mut path = Some(format!("/payouts{filter}"));
        while let Some(page) = path {
            let page = browser.get(&page).await.with(200);
            let rows = page.text.split("<tr class=\"item\">").skip(1);
            on_pages.extend(rows.map(|row| order(row).to_owned()));
            path = page.text.split_once("\" rel=\"next\"").map(|(before, _)| {
                let href = before.rsplit("href=\"").next().unwrap();
                href.replace("&#38;", "&").replace("&amp;", "&")
            });
        }
        assert_eq!(on_pages, in_csv, "{filter}");
    }
    assert_eq!(
        browser
            .get("/payouts.csv?tab=unknown")
            .await
            .text
            .lines()
            .next(),
        Some(
            "order_num,merchant_code,bank_code,amount,fee_type,state,state_since,created_at,fee,debit_total,\
             beneficiary_amount,platform_order_num,failure_reason,attention,attention_reasons,attention_since,waits_for,\
             settled_at,settled_day,paid_at,paid_day"
        )
    );
}

fn first(line: &str) -> &str {
    line.split(',').next().unwrap()
}

fn order(row: &str) -> &str {
    let (_, rest) = row.split_once("INV-").unwrap();
    let number = rest.split('"').next().unwrap();
    &row[row.find("INV-").unwrap()..][.."INV-".len() + number.len()]
}

#[tokio::test]
async fn words_from_outside_are_shown_as_words() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    doubt(&database, "INV-1").await;
    let quoted = HOSTILE.replace('\'', "''");
    database
        .run(&format!(
            "insert into payout.workers (worker, version) values ('{quoted}', '{quoted}');
             insert into payout.worker_claims (worker, merchant_code, slots, in_flight, stopped_by, detail)
             values ('{quoted}', '{MERCHANT}', 1, 0, 'settings', '{quoted}')"
        ))
        .await;
    let desk = Desk::before(&database);
    let login = database.login(&["payout_operator"]).await;
    let browser = desk.signed_in(&login).await;
    let reason = HOSTILE;
    let fields = [("evidence", reason), ("reason", reason), ("typed", "INV-1")];
    let payout = format!("{MERCHANT}/INV-1");
    browser
        .act("resolve-failed", &payout, &fields)
        .await
        .with(200)
        .says(&["Recorded as request"]);
    let token = browser.get("/pause").await.token();
    let fields = [
        ("token", token.as_str()),
        ("scope", "all"),
        ("reason", reason),
    ];
    browser
        .post("/pause", &fields)
        .await
        .with(200)
        .says(&["Everything is paused"]);

    let encoded: String = form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    let mut pages = Vec::new();
    for path in [
        "/".to_owned(),
        "/approvals".to_owned(),
        "/workers".to_owned(),
        format!("/payouts/{payout}"),
        format!("/payouts?text={encoded}&bank={encoded}&merchant={encoded}"),
        format!("/payouts?min={encoded}"),
        format!("/payouts/{encoded}/{encoded}"),
        format!("/workers?actor={encoded}"),
        format!("/resume?scope={encoded}&value={encoded}"),
        format!("/resume?scope=bank&value={encoded}"),
        format!("/act/{encoded}?payout={encoded}"),
        format!("/act/cancel?payout={encoded}"),
        format!("/money?day={encoded}"),
        format!("/assets/{encoded}"),
    ] {
        pages.push((path.clone(), browser.get(&path).await));
    }
    let statement = format!("order_num,amount\n\"{}\",5\n", HOSTILE.replace('"', "\"\""));
    pages.push((
        "statement".to_owned(),
        browser.upload(&statement).await.with(200),
    ));
    let failed = desk.browser().sign_in(HOSTILE, HOSTILE).await;
    pages.push(("sign-in".to_owned(), failed));
    for (path, page) in &pages {
        page.lacks(&["<script>", "<img", "onerror=alert(2)>\""]);
        assert!(page.status() < 500, "{path}: {}", page.text);
    }
    let shown = pages
        .iter()
        .filter(|(_, page)| page.text.contains("&#60;script&#62;"));
    assert!(shown.count() > 6, "the words must be there");
}

#[tokio::test]
async fn a_page_about_a_payout_is_of_one_moment_though_the_payout_moves_meanwhile() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    let desk = Desk::before(&database);
    let reader = database.login(&["payout_reader"]).await;
    let browser = desk.signed_in(&reader).await;
    let path = format!("/payouts/{MERCHANT}/INV-1");
    let mut other = database.connect().await;
    let mut held = other.begin().await.unwrap();
    // The page has read the state when it comes to the requests, and reads the history after them.
    sqlx::query("lock table payout.request_payouts in access exclusive mode")
        .execute(&mut *held)
        .await
        .unwrap();
    let moves = async {
        database.until_somebody_waits_for_a_lock().await;
        sqlx::query("select payout.cancel('INV-1', 'a test')")
            .execute(&mut *held)
            .await
            .unwrap();
        held.commit().await.unwrap();
    };
    let (page, ()) = tokio::join!(browser.get(&path), moves);
    let page = page.with(200);
    page.says(&["queued</span>", "enqueued"]);
    page.lacks(&["withdrawn", "cancelled</span>"]);
    let page = browser.get(&path).await.with(200);
    page.says(&["cancelled</span>", "withdrawn"]);
}

#[tokio::test]
async fn the_sums_of_the_first_page_are_of_one_moment() {
    let database = Database::with_steps().await;
    database.insert("INV-1", 100_000).await;
    let desk = Desk::before(&database);
    let reader = database.login(&["payout_reader"]).await;
    let browser = desk.signed_in(&reader).await;
    let mut other = database.connect().await;
    let mut held = other.begin().await.unwrap();
    // Between what may have left and what the books hold.
    sqlx::query("lock table payout.request_payouts in access exclusive mode")
        .execute(&mut *held)
        .await
        .unwrap();
    let moves = async {
        database.until_somebody_waits_for_a_lock().await;
        database.insert_in("submitting", "INV-2").await;
        held.commit().await.unwrap();
    };
    let (page, ()) = tokio::join!(browser.get("/"), moves);
    page.with(200)
        .says(&["Nothing is on its way", "data-label=\"Held\">Rp 0<"]);
    browser
        .get("/")
        .await
        .says(&["data-label=\"Held\">Rp 100.000<"]);
}

#[tokio::test]
async fn every_page_is_shown_in_both_languages() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    database.insert("INV-2", 250_000).await;
    doubt(&database, "INV-2").await;
    let desk = Desk::before(&database);
    let mut browser = desk.operator(&database).await;
    let paths = [
        "/",
        "/payouts",
        "/payouts?tab=unknown",
        "/approvals",
        "/money",
        "/money?day=2026-11-21",
        "/money?month=2026-11",
        "/workers",
        "/pause",
        "/failover",
        &format!("/payouts/{MERCHANT}/INV-1"),
        &format!("/payouts/{MERCHANT}/INV-2"),
        &format!("/act/cancel?payout={MERCHANT}/INV-1"),
        &format!("/act/replay?payout={MERCHANT}/INV-2"),
        &format!("/act/resubmit?payout={MERCHANT}/INV-2"),
        &format!("/act/resolve-paid?payout={MERCHANT}/INV-2"),
        &format!("/act/reveal?payout={MERCHANT}/INV-2"),
    ];
    for (language, words) in [("en", ["Home", "Sign out"]), ("id", ["Beranda", "Keluar"])] {
        language.clone_into(&mut browser.language);
        for path in paths {
            let page = browser.get(path).await.with(200);
            page.says(&[&format!("<html lang=\"{language}\">"), words[0], words[1]]);
            page.lacks(&["{}", "{{", "<script>"]);
        }
    }
    // The switch is stronger than the browser's language.
    let chosen = browser
        .post("/language", &[("language", "en"), ("to", "/")])
        .await
        .with(303);
    let cookie = chosen
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    browser.cookie = format!("{}; {cookie}", browser.cookie);
    browser.get("/").await.says(&["<html lang=\"en\">"]);
}

#[tokio::test]
async fn amounts_and_times_are_written_as_in_jakarta() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 1_250_000).await;
    let desk = Desk::before(&database);
    let browser = desk
        .signed_in(&database.login(&["payout_reader"]).await)
        .await;
    let page = browser.get(&format!("/payouts/{MERCHANT}/INV-1")).await;
    page.says(&[
        "Rp 1.250.000",
        " WIB</time>",
        "Z\">",
        "****5678",
        "What we know",
    ]);
    let missing = browser.get("/payouts/S0/INV-1").await;
    missing
        .with(404)
        .says(&["There is nothing here by that name."]);
}

#[tokio::test]
async fn a_statement_is_compared_and_nothing_is_changed() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 100_000).await;
    database.insert("INV-2", 200_000).await;
    doubt(&database, "INV-2").await;
    let desk = Desk::before(&database);
    let browser = desk
        .signed_in(&database.login(&["payout_reader"]).await)
        .await;
    let page = browser
        .upload("order_num,amount,status\nINV-2,200000,1\nINV-2,200000,1\nELSE-1,5,2\n")
        .await;
    page.lacks(&["Our amount"]);
    page.with(200).says(&[
        "Ours, in rupiah",
        "Where the difference is the fee",
        "3 lines, 2 differences",
        "Payouts that are missing in the statement were not looked for",
        "twice in the statement",
        "not from here",
    ]);
    let page = browser
        .upload("order_num,amount\nINV-2,1.000\n")
        .await
        .with(400);
    page.says(&["line 2"]);
    assert_eq!(database.state("INV-2").await, "unknown");
}

#[tokio::test]
async fn an_order_number_opens_its_payout_and_anything_else_is_searched_for() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 100_000).await;
    let desk = Desk::before(&database);
    let reader = database.login(&["payout_reader"]).await;
    let browser = desk.signed_in(&reader).await;
    let payout = format!("/payouts/{MERCHANT}/INV-1");
    for (order, location) in [
        ("INV-1", payout.as_str()),
        ("inv", "/payouts?text=inv"),
        ("//evil.example", "/payouts?text=%2F%2Fevil.example"),
    ] {
        let encoded: String = form_urlencoded::byte_serialize(order.as_bytes()).collect();
        let page = browser.get(&format!("/open?order={encoded}")).await;
        assert_eq!(page.with(303).header("location"), location);
    }
}
