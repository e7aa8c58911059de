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
    // It was under way when the gateway stated its balance. That we know by now what became of it changes nothing.
    gateway_has(&database, -held).await;
    database.step("OPEN-1", "reported_paid").await;
    assert_eq!(database.text("select held from payout.accounts").await, "0");
    let page = payout(&database, &["reconcile"]).with(0).out;
    assert!(
        page.contains("Payouts under way can explain this gap")
            && page.contains("again with each new reading of the balance"),
        "{page}"
    );
    let row = payout(&database, &["reconcile", "-o", "json"])
        .with(0)
        .json()[0]
        .clone();
    assert_eq!(
        (&row["verdict"], &row["held"], &row["held_then"]),
        (&"in_flight".into(), &0.into(), &held.into())
    );
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
        let rows = payout(&database, &call).with(code).json()["differences"].clone();
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
    // Days are stated as in a report, and only beside a statement.
    for days in [&["--from", "today"][..], &["--month", "this"]] {
        let missing = against(&format!("PAID-1,{amount},2\nPAID-2,{amount},2\n"), days, 1);
        assert_eq!(missing, ["missing_there PAID-3 paid -"], "{days:?}");
    }
    payout(&database, &["reconcile", "--month", "this"])
        .with(2)
        .says(&["--statement FILE.csv"]);
    payout(
        &database,
        &[
            "reconcile",
            "--statement",
            path,
            "--day",
            "today",
            "--month",
            "this",
        ],
    )
    .with(2);
    // Without a day, nothing says which payouts the statement should have.
    assert!(against(&format!("PAID-1,{amount},2\n"), &[], 0).is_empty());
    fs::write(file.path(), "order_num,amount\nPAID-1,250.000\n").unwrap();
    let refused = payout(&database, &["reconcile", "--statement", path]).with(2);
    assert!(refused.err.contains("line 2"), "{}", refused.err);
    payout(&database, &["reconcile", "--day", "today"]).with(2);
    payout(&database, &["reconcile", "--statement", "/no/such/file"]).with(2);
}

#[tokio::test]
async fn a_fee_that_differs_is_not_called_an_amount_and_says_what_to_do() {
    let database = books().await;
    set_fee(&database, 2_500).await;
    let amount = database
        .text("select amount::bigint from payout.status where order_num = 'PAID-1'")
        .await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    fs::write(
        file.path(),
        format!("order_num,amount,fee\nPAID-1,{amount},2000\n"),
    )
    .unwrap();
    let said = payout(&database, &["reconcile", "--statement", path]).with(1);
    said.says(&[
        "RUPIAH HERE",
        "RUPIAH THERE",
        "Rp 2.500",
        "Rp 2.000",
        "payout replay books a corrected fee; if it stays, contact the gateway with both fees",
    ]);
    assert!(!said.out.contains("AMOUNT"), "{}", said.out);
}

/// As if the gateway had stated this fee of every paid payout.
async fn set_fee(database: &Database, idr: i64) {
    database
        .run(&format!(
            "set session_replication_role = replica;
             update payout.payouts set fee = {idr} where state = 'paid';
             set session_replication_role = origin"
        ))
        .await;
}

#[tokio::test]
async fn a_statement_ends_with_the_sums_of_both_sides_in_every_format() {
    let database = books().await;
    set_fee(&database, 2_500).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let of = |lines: &str, more: &[&str], code| {
        fs::write(file.path(), format!("order_num,amount,fee,status\n{lines}")).unwrap();
        let call = [&["reconcile", "--statement", path], more].concat();
        payout(&database, &call).with(code)
    };
    let all =
        "PAID-1,100000,2500,2\nPAID-2,100000,2500,2\nPAID-3,100000,2500,2\nFAILED-1,100000,,4\n";
    let sums = of(all, &["--day", "today", "-o", "json"], 0).json()["sums"].clone();
    let fee = database
        .text("select sum(fee) from payout.status where state = 'paid'")
        .await;
    assert_eq!(sums["fee_here"].to_string(), fee);
    for (key, value) in [
        ("lines", 4),
        ("differences", 0),
        ("payouts_there", 3),
        ("payouts_here", 3),
        ("gross_there", 300_000),
        ("gross_here", 300_000),
        ("gross_difference", 0),
        ("fee_there", 7_500),
        ("fee_difference", 0),
        ("net_difference", 0),
        ("payouts_other_days", 0),
    ] {
        assert_eq!(sums[key], value, "{key}: {sums}");
    }
    let one_less = "PAID-1,100000,2500,2\nPAID-2,100000,2500,2\n";
    let table = of(one_less, &["--day", "today"], 1).out;
    assert!(table.starts_with("2 lines, 1 difference\n"), "{table}");
    let last: Vec<_> = table.lines().rev().take(5).collect();
    let told: Vec<String> = last
        .iter()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(told[4], "PAID STATEMENT HERE DIFFERENCE");
    assert_eq!(told[3], "payouts 2 3 -1");
    assert_eq!(told[2], "gross Rp 200.000 Rp 300.000 Rp -100.000");
    assert_eq!(told[1], "fee Rp 5.000 Rp 7.500 Rp -2.500");
    let csv = of(one_less, &["--day", "today", "-o", "csv"], 1);
    assert_eq!(csv.out.lines().count(), 2, "{}", csv.out);
    csv.says(&["1 difference", "Rp 200.000", "Rp -100.000"]);

    // One of another day counts here too, and says so: the report of the day does not have it.
    database
        .run(
            "set session_replication_role = replica;
             update payout.payouts set settled_at = settled_at - interval '1 day' where order_num = 'PAID-3';
             set session_replication_role = origin",
        )
        .await;
    of(all, &["--day", "today"], 0).says(&["1 payout (Rp 100.000) was paid here on another day"]);
    of(all, &[], 0).says(&["4 lines, 0 differences; payouts that the statement lacks"]);
}

/// What came back is in the statement of the day on which it was paid.
#[tokio::test]
async fn a_returned_payout_keeps_the_day_of_its_payment() {
    let database = Database::with_steps().await;
    database.insert_in("paid", "PAID-1").await;
    database.insert_in("returned", "BACK-1").await;
    // Paid the day before yesterday, and returned today.
    database
        .run(
            "set session_replication_role = replica;
             update payout.history set at = at - interval '2 days' where order_num = 'BACK-1' and to_state <> 'returned';
             set session_replication_role = origin",
        )
        .await;
    let row = |order: &str| {
        let listed = payout(&database, &["list", "--text", order, "-o", "json"]);
        listed.with(0).json()[0].clone()
    };
    let (paid, back) = (row("PAID-1"), row("BACK-1"));
    assert_eq!(
        (&paid["paid_at"], &paid["paid_day"]),
        (&paid["settled_at"], &paid["settled_day"])
    );
    let day = |column: &str| {
        let query = format!(
            "select (at at time zone 'Asia/Jakarta')::date from payout.history where order_num = 'BACK-1' and to_state = '{column}'"
        );
        query
    };
    assert_eq!(back["paid_day"], database.text(&day("paid")).await);
    assert_eq!(back["settled_day"], database.text(&day("returned")).await);
    assert_ne!(back["paid_day"], back["settled_day"]);
    let csv = payout(&database, &["list", "--text", "BACK-1", "-o", "csv"])
        .with(0)
        .out;
    assert!(
        csv.lines()
            .next()
            .unwrap()
            .ends_with("settled_at,settled_day,paid_at,paid_day"),
        "{csv}"
    );
    let paid_on = back["paid_day"].as_str().unwrap();
    payout(&database, &["show", "BACK-1"]).with(0).says(&[
        &format!("It was paid at {paid_on}"),
        "and the money came back at",
    ]);

    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), "order_num,amount\nPAID-1,100000\n").unwrap();
    let path = file.path().to_str().unwrap();
    let lacks = |day: &str, code| -> Vec<String> {
        let call = ["reconcile", "--statement", path, "--day", day, "-o", "json"];
        let said = payout(&database, &call).with(code).json();
        let rows = said["differences"].as_array().unwrap().iter();
        rows.map(|row| row["order_num"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(lacks("today", 0).is_empty());
    assert_eq!(lacks(paid_on, 1), ["BACK-1"]);
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
