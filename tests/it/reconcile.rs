//! What finance compares: the books with the gateway's balance and statement, and the sums of a day.

use std::fs;

use serde_json::Value;

use crate::support::{
    database::{Database, MERCHANT},
    terminal::payout,
};

/// Paid, failed and open payouts, with the gateway's statement of them.
async fn books() -> Database {
    let database = Database::with_steps().await;
    for (state, order) in [
        ("paid", "PAID-1"),
        ("paid", "PAID-2"),
        ("paid", "PAID-3"),
        ("failed", "FAILED-1"),
        ("pending", "OPEN-1"),
    ] {
        database.insert_in(state, order).await;
    }
    database
}

/// As if the gateway had just reported a balance that much above the books.
async fn gateway_has(database: &Database, more: i64) {
    database
        .run(&format!(
            "insert into payout.gateway_balance as g (merchant_code, balance, frozen, pending, signed, ledger_id)
             select '{MERCHANT}', available + held + {more}, 0, 7, true, (select max(id) from payout.ledger)
             from payout.accounts where merchant_code = '{MERCHANT}'
             on conflict (merchant_code) do update
             set balance = excluded.balance, ledger_id = excluded.ledger_id, read_at = now()"
        ))
        .await;
}

#[tokio::test]
async fn only_payouts_under_way_explain_a_lower_gateway_balance() {
    let database = books().await;
    let held: i64 = database
        .text("select held from payout.accounts")
        .await
        .parse()
        .unwrap();
    assert!(held > 0);
    for (more, verdict, code) in [
        (0, "agree", 0),
        (5, "surplus", 0),
        (-held, "in_flight", 0),
        (-held - 1, "shortfall", 1),
    ] {
        gateway_has(&database, more).await;
        let row = payout(&database, &["reconcile", "-o", "json"])
            .with(code)
            .json()[0]
            .clone();
        assert_eq!(row["verdict"], verdict, "{more}");
        assert_eq!(row["difference"], more);
        assert_eq!(row["gateway_pending"], 7);
    }
    // An entry booked after the reading is not a difference.
    gateway_has(&database, 0).await;
    database.fund(MERCHANT, 1_000).await;
    database.insert_in("pending", "OPEN-2").await;
    let page = payout(&database, &["reconcile"]).with(0).out;
    assert!(page.contains("they agree"), "{page}");
}

#[tokio::test]
async fn a_statement_is_matched_line_by_line_by_order_number() {
    let database = books().await;
    let amount = database
        .text("select amount::bigint from payout.status where order_num = 'PAID-1'")
        .await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let against = |lines: &str, more: &[&str], code| -> Vec<String> {
        fs::write(file.path(), format!("order_num,amount,status\n{lines}")).unwrap();
        let call = [&["reconcile", "--statement", path, "-o", "json"], more].concat();
        let rows = payout(&database, &call).with(code).json();
        let told = |row: &Value| {
            let text = |key: &str| row[key].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} {} {}",
                text("kind"),
                text("order_num"),
                text("here"),
                text("there")
            )
        };
        rows.as_array().unwrap().iter().map(told).collect()
    };
    let good = format!(
        "PAID-1,{amount},2\nPAID-2,{amount}.00,paid\nPAID-3,{amount},2\nFAILED-1,{amount},4\nOPEN-1,{amount},5\n"
    );
    assert!(against(&good, &["--day", "today"], 0).is_empty());

    let bad = format!(
        "PAID-1,1,2\nPAID-2,{amount},4\nFAILED-1,{amount},2\nOPEN-1,{amount},2\nELSE-1,5,2\nOPEN-1,{amount},2\n"
    );
    assert_eq!(
        against(&bad, &["--day", "today"], 1),
        [
            "amount PAID-1 paid paid",
            "status PAID-2 paid failed",
            "status FAILED-1 failed paid",
            "status OPEN-1 pending paid",
            "missing_here ELSE-1 - paid",
            "twice OPEN-1 pending paid",
            "missing_there PAID-3 paid -",
        ]
    );
    // Without a day, nothing says which payouts the statement should have.
    assert!(against(&format!("PAID-1,{amount},2\n"), &[], 0).is_empty());
    fs::write(file.path(), "order_num,amount\nPAID-1,250.000\n").unwrap();
    let refused = payout(&database, &["reconcile", "--statement", path]).with(2);
    assert!(refused.err.contains("line 2"), "{}", refused.err);
    payout(&database, &["reconcile", "--day", "today"]).with(2);
    payout(&database, &["reconcile", "--statement", "/no/such/file"]).with(2);
}

#[tokio::test]
async fn a_day_adds_up_to_the_rupiah() {
    let database = books().await;
    let day = payout(&database, &["report", "day", "today", "-o", "json"])
        .with(0)
        .json()[0]
        .clone();
    let idr = |key: &str| day[key].as_i64().unwrap();
    assert!(idr("net") > 0 && idr("top_ups") > 0 && idr("held_change") > 0);
    assert_eq!(
        idr("opening") + idr("top_ups") + idr("returned")
            - idr("net")
            - idr("fee")
            - idr("held_change"),
        idr("closing")
    );
    let accounts = "select available || ' ' || held from payout.accounts";
    assert_eq!(
        database.text(accounts).await,
        format!("{} {}", idr("closing"), idr("held_closing"))
    );
    let sheet = payout(&database, &["report", "day", "today"]).with(0).out;
    assert!(sheet.contains("= closing, available"), "{sheet}");
    let csv = payout(&database, &["report", "day", "yesterday", "-o", "csv"])
        .with(0)
        .out;
    let line = csv.lines().nth(1).unwrap();
    assert!(
        line.contains(&format!(",{MERCHANT},0,0,0,0,0,")) && line.ends_with(",,,"),
        "{csv}"
    );
}
