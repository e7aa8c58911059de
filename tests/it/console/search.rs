//! How far a page of payouts looks, and that it says so.

use super::desk::{Browser, Desk, Page};
use crate::support::{
    database::{Database, MERCHANT},
    server::{REFUSE_REPLICATED, TAKE_REPLICATED},
};

/// Payouts that were paid one second after the other, `H1` first; more than one page looks at.
const PAID: i64 = 120_000;
const NOT_ALL: &str = "Not looked at yet: payouts that were inserted before";

/// Of these, `H1` and `H100` went to another bank.
async fn paid(database: &Database) {
    database
        .run(&format!(
            "{TAKE_REPLICATED};
             set session_replication_role = replica;
             insert into payout.payouts (merchant_code, order_num, state, amount, fee_type, bank_code, account_number,
                                         account_name, created_at, created_by, state_since, attempt, sends, send_by,
                                         lease_until, fee, platform_order_num, settled_at, due_at)
             select '{MERCHANT}', 'H' || n, 'paid', 250000, 0, case when n in (1, 100) then '022' else '014' end, '0012345678',
                    'Siti Rahayu', t.at, 'test', t.at, 1, 1, t.at, t.at, 2500, 'V' || n, t.at, t.at
             from generate_series(1, {PAID}) n, lateral (select now() - interval '1 second' * (200000 - n) as at) t;
             set session_replication_role = origin;
             {REFUSE_REPLICATED}"
        ))
        .await;
}

/// The orders on a page.
fn orders(page: &Page) -> Vec<&str> {
    let rows = page.text.split("<tr class=\"item\">").skip(1);
    rows.map(|row| {
        let (_, name) = row.split_once("value=\"").expect("a row to select");
        let name = name.split('"').next().unwrap();
        name.rsplit(['/', ';']).next().unwrap()
    })
    .collect()
}

/// The next page, if there is one.
async fn next(browser: &Browser, page: &Page) -> Option<Page> {
    let (before, _) = page.text.split_once("\" rel=\"next\"")?;
    let address = before.rsplit("href=\"").next().unwrap();
    let address = address.replace("&#38;", "&").replace("&amp;", "&");
    Some(browser.get(&address).await.with(200))
}

#[tokio::test]
async fn a_page_that_did_not_look_at_all_payouts_says_so_and_goes_on_where_it_stopped() {
    let database = Database::with_merchant().await;
    paid(&database).await;
    let desk = Desk::before(&database);
    let browser = desk.operator(&database).await;

    let page = browser.get("/payouts?tab=paid&bank=022").await.with(200);
    page.says(&[NOT_ALL, "Look further back"]);
    page.lacks(&["No payouts match."]);
    assert!(orders(&page).is_empty());
    let page = next(&browser, &page).await.expect("the rest");
    page.lacks(&[NOT_ALL]);
    assert_eq!(orders(&page), ["H100", "H1"]);
    assert!(next(&browser, &page).await.is_none());
    // A CSV has them at once.
    let csv = browser.get("/payouts.csv?tab=paid&bank=022").await;
    assert_eq!(csv.with(200).text.lines().count(), 3);
    // No index finds what is in a final state.
    let page = browser.get("/payouts?tab=failed").await.with(200);
    page.says(&[NOT_ALL]);
    let page = next(&browser, &page).await.expect("the rest");
    page.says(&["No payouts match."]);
    page.lacks(&[NOT_ALL]);
}

#[tokio::test]
async fn what_an_index_finds_is_found_however_old_it_is() {
    let database = Database::with_merchant().await;
    paid(&database).await;
    let desk = Desk::before(&database);
    let browser = desk.operator(&database).await;
    for path in [
        "/payouts?text=h100&bank=022",
        "/payouts?text=V100&bank=022",
        "/payouts?tab=paid&text=H100&bank=022",
    ] {
        let page = browser.get(path).await.with(200);
        page.lacks(&[NOT_ALL]);
        assert_eq!(orders(&page), ["H100"], "{path}");
    }
    for path in [
        "/payouts?tab=unknown",
        "/payouts?tab=attention",
        "/payouts?text=nowhere",
    ] {
        let page = browser.get(path).await.with(200);
        page.says(&["No payouts match."]);
        page.lacks(&[NOT_ALL]);
    }
    // Too many begin so: the newest are looked at, and no other number.
    let page = browser.get("/payouts?text=H10").await.with(200);
    let found = orders(&page);
    assert_eq!((found.len(), found[0]), (50, "H109999"));
    let page = browser.get("/payouts?text=H1&bank=022").await.with(200);
    page.says(&[NOT_ALL]);
    let page = next(&browser, &page).await.expect("the rest");
    assert_eq!(orders(&page), ["H100", "H1"]);
    // A day is looked at from its end.
    let day = "select (settled_at at time zone 'Asia/Jakarta')::date::text from payout.payouts where order_num = 'H1'";
    let day = database.text(day).await;
    let path = format!("/payouts?day={day}&bank=022");
    let page = browser.get(&path).await.with(200);
    page.lacks(&["No payouts match."]);
}

#[tokio::test]
async fn a_filtered_list_says_what_it_comes_to_and_what_that_leaves_out() {
    let database = Database::with_merchant().await;
    paid(&database).await;
    let desk = Desk::before(&database);
    let browser = desk.operator(&database).await;
    let leaves_out = "The total leaves out payouts that were inserted before";
    // Of so many that not all are looked at, those that are.
    let page = browser.get("/payouts?tab=paid").await.with(200);
    page.says(&[
        "among the 10.000 that this page looked at: 10.000, Rp 2.500.000.000 in all.",
        leaves_out,
    ]);
    // All that an index leads to, and not only those of the page.
    let page = browser.get("/payouts?text=H1000").await.with(200);
    page.says(&["Payouts that match: 111, Rp 27.750.000 in all."]);
    page.lacks(&[leaves_out]);
    assert_eq!(orders(&page).len(), 50);
    // It is that of the filter: the next page repeats none of its own.
    let page = next(&browser, &page).await.expect("the rest");
    page.lacks(&[" in all."]);
    browser.get("/payouts").await.lacks(&[" in all."]);
    let page = browser.get("/payouts?text=H100&bank=022").await.with(200);
    page.says(&["Payouts that match: 1, Rp 250.000 in all."]);
}

#[tokio::test]
async fn nothing_is_shown_twice_or_left_out_where_a_search_goes_on() {
    let database = Database::with_merchant().await;
    paid(&database).await;
    // So many of one moment that a look ends among them.
    database
        .run(
            "alter table payout.payouts disable trigger user;
             update payout.payouts set bank_code = '008', created_at = now() - interval '100000 seconds'
             where substr(order_num, 2)::int % 2000 = 0 or substr(order_num, 2)::int between 119700 and 119900;
             alter table payout.payouts enable trigger user",
        )
        .await;
    let desk = Desk::before(&database);
    let browser = desk.operator(&database).await;
    let mut page = browser.get("/payouts?bank=008").await.with(200);
    let mut found = Vec::new();
    loop {
        found.extend(orders(&page).into_iter().map(str::to_owned));
        match next(&browser, &page).await {
            Some(further) => page = further,
            None => break,
        }
    }
    let count = "select count(*) from payout.payouts where bank_code = '008'";
    assert_eq!(found.len().to_string(), database.text(count).await);
    found.sort();
    found.dedup();
    assert_eq!(found.len().to_string(), database.text(count).await);
}
