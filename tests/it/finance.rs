//! A finance person's month: report, CSV, ledger and metrics agree to the rupiah with sums that are made up apart from
//! them, and a receipt shows what it may.

mod month;
mod receipt;
mod statement;

use chrono::NaiveDate;
use payout_sandbox::{Ending, Script};
use payout_worker::{
    domain::snapshot::Age,
    store::{books::check_books, snapshot::snapshot},
};
use serde_json::Value;
use sqlx::PgPool;

use self::month::{FIRST_DAY, LAST_DAY, Month, Sums};
use crate::support::{
    database::{Database, MERCHANT},
    terminal::payout,
    world::World,
};

/// The sums of one line of a report.
fn sums(line: &Value) -> Sums {
    let idr = |key: &str| {
        line[key]
            .as_i64()
            .unwrap_or_else(|| panic!("{key}: {line}"))
    };
    Sums {
        paid: idr("payouts_paid"),
        failed: idr("payouts_failed"),
        returned: idr("payouts_returned"),
        gross: idr("gross"),
        fee_out_of_amount: idr("fee_out_of_amount"),
        fee_on_top: idr("fee_on_top"),
        net: idr("net"),
        debit: idr("debit"),
        came_back: idr("returned"),
        top_ups: line["top_ups"].as_i64().unwrap_or_default(),
    }
}

fn report(database: &Database, arguments: &[&str]) -> Vec<Value> {
    let all = [&["report", "-o", "json"], arguments].concat();
    let said = payout(database, &all).with(0).json();
    let lines = said.get("lines").unwrap_or(&said);
    lines.as_array().unwrap().clone()
}

/// What the lines come to.
fn total(database: &Database, arguments: &[&str]) -> Value {
    let all = [&["report", "-o", "json"], arguments].concat();
    payout(database, &all).with(0).json()["total"].clone()
}

#[tokio::test]
async fn each_day_of_a_month_adds_up_and_opens_where_the_day_before_closed() {
    let database = Database::with_merchant().await;
    let month = Month::load(&database).await;
    let days = report(&database, &["--month", "2026-10"]);
    assert_eq!(days.len(), 31);
    let mut closing = month.available_before(FIRST_DAY);
    for (place, line) in days.iter().enumerate() {
        let day = format!("2026-10-{:02}", place + 1);
        assert_eq!(
            (&line["from_day"], &line["to_day"]),
            (&day.clone().into(), &day.clone().into())
        );
        let found = sums(line);
        assert_eq!(found, month.of_day(&day), "{day}");
        let idr = |key: &str| line[key].as_i64().unwrap();
        assert_eq!(idr("fee"), found.fee_out_of_amount + found.fee_on_top);
        assert_eq!(idr("gross"), found.net + found.fee_out_of_amount);
        assert_eq!(idr("debit"), found.net + idr("fee"));
        assert_eq!(idr("opening"), closing, "{day}");
        assert_eq!(
            closing + found.top_ups + found.came_back - found.debit - idr("held_change"),
            idr("closing"),
            "{day}"
        );
        closing = idr("closing");
    }
    assert_eq!(
        closing,
        month.available_before(LAST_DAY.succ_opt().unwrap())
    );
    assert!(
        month.of_days(FIRST_DAY, LAST_DAY).all_happened(),
        "the month has everything"
    );
}

#[tokio::test]
async fn merchants_and_banks_come_to_the_same_sums_as_the_days() {
    let database = Database::with_merchant().await;
    let month = Month::load(&database).await;
    let all = month.of_days(FIRST_DAY, LAST_DAY);

    let merchants = report(&database, &["--month", "2026-10", "--by", "merchant"]);
    assert_eq!(merchants.len(), 1);
    assert_eq!(merchants[0]["to_day"], "2026-10-31");
    assert_eq!(sums(&merchants[0]), all);
    assert_eq!(merchants[0]["opening"], month.available_before(FIRST_DAY));

    let banks = report(
        &database,
        &["--from", "2026-10-01", "--to", "2026-10-31", "--by", "bank"],
    );
    assert!(banks.len() > 3, "{banks:?}");
    let mut total = banks.iter().map(sums).fold(Sums::default(), Sums::plus);
    // No top-up belongs to a bank.
    total.top_ups = all.top_ups;
    assert_eq!(total, all);

    let failures = report(&database, &["failures", "--month", "2026-10"]);
    let of = |key: &str| {
        failures
            .iter()
            .map(|row| row[key].as_i64().unwrap())
            .sum::<i64>()
    };
    assert_eq!(of("payouts_failed"), all.failed);
    assert_eq!(of("gross"), month.failed_gross(FIRST_DAY, LAST_DAY));
    assert!(of("paid_after_all") > 0);
}

/// Older entries are added up by day once, and then read no more.
#[tokio::test]
async fn a_report_says_the_same_whatever_part_of_the_ledger_was_added_up_before() {
    let database = Database::with_merchant().await;
    let month = Month::load(&database).await;
    // The next entry is in another piece.
    let skip = "select setval('payout.ledger_id_seq', nextval('payout.ledger_id_seq') + 100000)";
    database.run(skip).await;
    database.fund(MERCHANT, 7_000).await;
    let reports: [&[&str]; 6] = [
        &["--month", "2026-10"],
        &["--month", "2026-10", "--by", "merchant"],
        &["--month", "2026-10", "--by", "bank"],
        &["--from", "2026-09-01", "--to", "2026-11-30"],
        &["--from", "2026-10-15", "--to", "2026-10-15", "--by", "bank"],
        &["failures", "--month", "2026-10"],
    ];
    let all = || reports.map(|arguments| report(&database, arguments));
    let before = all();
    database
        .run("update payout.ledger_sums_cursor set seen_id = 100000")
        .await;
    let worker = database.login(&["payout_worker"]).await;
    let worker = PgPool::connect(&database.url_as(&worker)).await.unwrap();
    check_books(&worker).await.unwrap();
    worker.close().await;
    let kept = "select sum(paid + failed) || ' below ' || (select summed_below from payout.ledger_sums_cursor)
                from payout.day_sums";
    let ever = month.of_days(NaiveDate::MIN, NaiveDate::MAX);
    assert_eq!(
        database.text(kept).await,
        format!("{} below 100001", ever.paid + ever.failed)
    );
    assert_eq!(all(), before);
    // They, and not the entries, are what a report reads.
    database
        .run("update payout.day_sums set gross = gross + 1 where day = '2026-10-15' and bank_code = '014'")
        .await;
    let gross = |lines: &[Value]| {
        lines
            .iter()
            .map(|line| line["gross"].as_i64().unwrap())
            .sum::<i64>()
    };
    assert_eq!(gross(&all()[4]), gross(&before[4]) + 1);
}

#[tokio::test]
async fn the_total_opens_on_the_first_day_closes_on_the_last_and_sums_the_rest() {
    let database = Database::with_merchant().await;
    let month = Month::load(&database).await;
    database.register_merchant("M-2").await;
    database.fund("M-2", 7_000_000).await;
    let all = month.of_days(FIRST_DAY, LAST_DAY);
    let october = ["--month", "2026-10"];
    for by in ["day", "merchant"] {
        let total = total(&database, &[&october[..], &["--by", by]].concat());
        assert_eq!(sums(&total), all, "{by}");
        let idr = |key: &str| total[key].as_i64().unwrap();
        assert_eq!(idr("merchants"), 2);
        assert_eq!(idr("opening"), month.available_before(FIRST_DAY));
        assert_eq!(
            idr("closing"),
            month.available_before(LAST_DAY.succ_opt().unwrap())
        );
        assert_eq!(
            idr("opening") + idr("top_ups") + idr("returned") - idr("debit") - idr("held_change"),
            idr("closing")
        );
        assert_eq!(
            (&total["from_day"], &total["to_day"]),
            (&"2026-10-01".into(), &"2026-10-31".into())
        );
        assert!(total.get("difference").is_none(), "{total}");
    }
    let mut banks = sums(&total(&database, &["--month", "2026-10", "--by", "bank"]));
    banks.top_ups = all.top_ups;
    assert_eq!(banks, all);
    assert_eq!(
        total(&database, &["--month", "2026-08", "--by", "bank"]),
        Value::Null
    );

    for by in ["day", "merchant", "bank"] {
        let call = ["report", "--month", "2026-10", "--by", by];
        let table = payout(&database, &call).with(0).out;
        let last = table.lines().last().unwrap();
        assert!(last.starts_with("total "), "{by}: {last}");
        let debit = format!(
            "Rp {}",
            dotted(all.net + all.fee_out_of_amount + all.fee_on_top)
        );
        assert!(last.contains(&debit), "{by}: {last}");
        let csv = payout(&database, &[&call[..], &["-o", "csv"]].concat())
            .with(0)
            .out;
        let is_total = |line: &str| line.starts_with("total");
        assert!(!csv.lines().any(is_total), "{by}: {csv}");
    }
    // One line is its own total.
    let one = payout(
        &database,
        &[
            "report",
            "--month",
            "2026-10",
            "--by",
            "merchant",
            "--merchant",
            "M-2",
        ],
    );
    assert!(!one.with(0).out.contains("total"));
}

/// `1250000` as `1.250.000`.
fn dotted(idr: i64) -> String {
    let digits = idr.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8(groups.join(&b'.')).unwrap()
}

#[tokio::test]
async fn every_format_has_the_date_and_a_csv_file_every_row() {
    let database = Database::with_merchant().await;
    let month = Month::load(&database).await;
    let range = ["--month", "2026-10"];
    for more in [
        &["report"][..],
        &["report", "--by", "merchant"],
        &["report", "--by", "bank"],
        &["report", "failures"],
    ] {
        for format in ["table", "json", "csv"] {
            let said = payout(&database, &[more, &range, &["-o", format]].concat())
                .with(0)
                .out;
            assert!(
                said.contains("2026-10-01") && said.contains("2026-10-31"),
                "{more:?} {format}: {said}"
            );
        }
    }
    for format in ["table", "json", "csv"] {
        let day = payout(&database, &["report", "day", "2026-10-09", "-o", format])
            .with(0)
            .out;
        assert!(day.contains("2026-10-09"), "{format}: {day}");
    }
    let csv = payout(&database, &["report", "--month", "2026-10", "-o", "csv"])
        .with(0)
        .out;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let names = reader.headers().unwrap().clone();
    let days = report(&database, &range);
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), days.len());
    for (row, line) in rows.iter().zip(&days) {
        for (name, cell) in names.iter().zip(row) {
            let value = &line[name];
            let text = value.as_str().map_or(value.to_string(), str::to_owned);
            let text = if value.is_null() { String::new() } else { text };
            assert_eq!(cell, text, "{name}: {line}");
        }
    }

    let all = payout(&database, &["list", "-o", "csv"]).with(0);
    assert_eq!(all.out.lines().count(), month.payouts() + 1, "{}", all.err);
    let settled = [
        "list",
        "--state",
        "paid,returned",
        "--settled-from",
        "2026-10-01",
        "--settled-to",
        "2026-10-31",
    ];
    let listed = payout(&database, &[&settled[..], &["-o", "json"]].concat())
        .with(0)
        .json();
    let amounts = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["amount"].as_i64().unwrap());
    let sums = month.of_days(FIRST_DAY, LAST_DAY);
    assert_eq!(amounts.clone().count(), usize::try_from(sums.paid).unwrap());
    assert_eq!(amounts.sum::<i64>(), sums.gross);
    let day = payout(
        &database,
        &[
            "list",
            "--state",
            "paid,returned",
            "--settled",
            "2026-10-31",
            "-o",
            "csv",
        ],
    )
    .with(0)
    .out;
    let paid = usize::try_from(month.of_day("2026-10-31").paid).unwrap();
    assert_eq!(day.lines().count(), paid + 1);
    for wrong in [
        &["list", "--settled", "2h"][..],
        &["report", "--month", "2026-13"],
        &["report", "--to", "today"],
        &["report", "--month", "this", "failures"],
    ] {
        payout(&database, wrong).with(2);
    }
}

#[tokio::test]
async fn the_metrics_and_the_accounts_say_what_the_report_says() {
    let database = Database::with_merchant().await;
    let month = Month::load(&database).await;
    let lines = report(&database, &["--from", "2026-09-01", "--by", "merchant"]);
    let reported = sums(&lines[0]);
    let seen = snapshot(database.pool()).await.unwrap();
    let books = seen
        .merchants
        .iter()
        .find(|books| books.merchant_code == MERCHANT)
        .unwrap();
    let mut totals = Sums::default();
    let (mut fee, mut late_banks) = (0, 0);
    for (bank, step, total) in &books.totals {
        late_banks += i64::from(bank == "other" && total.payouts > 0);
        match step.name() {
            "paid" => {
                totals.paid += total.payouts;
                totals.gross += total.rupiah.idr();
                totals.net += total.net.idr();
                totals.debit += total.debit().unwrap().idr();
                fee += total.fee.idr();
            }
            "failed" => totals.failed += total.payouts,
            "returned" => {
                totals.returned += total.payouts;
                totals.came_back += total.net.idr();
            }
            _ => {}
        }
    }
    assert!(late_banks > 0, "an unknown bank is counted as other");
    assert_eq!(fee, reported.fee_out_of_amount + reported.fee_on_top);
    let expected = Sums {
        fee_out_of_amount: 0,
        fee_on_top: 0,
        top_ups: 0,
        ..reported
    };
    assert_eq!(totals, expected);
    assert_eq!(books.accounts.fees.idr(), fee);
    assert_eq!(
        books.accounts.paid_out.idr(),
        reported.net - reported.came_back
    );
    assert_eq!(books.accounts.funding.idr(), -month.top_ups());

    let ageing = report(&database, &["ageing"]);
    assert_eq!(ageing.len(), Age::ALL.len());
    for (row, age) in ageing.iter().zip(Age::ALL) {
        assert_eq!(row["age"], age.name());
        let pile = books.open_by_age.iter().find(|(of, _)| *of == age);
        let (count, idr) = pile.map_or((0, 0), |(_, pile)| (pile.count, pile.rupiah.idr()));
        assert_eq!(
            (&row["payouts"], &row["gross"]),
            (&count.into(), &idr.into()),
            "{row}"
        );
        assert!(count > 0, "{age}");
    }
}

/// The balance that the gateway stated last on a day is kept, and stands until it states another one.
#[tokio::test]
async fn a_line_has_the_gateways_figure_of_its_day_and_the_difference() {
    let database = Database::with_merchant().await;
    database
        .run(&format!(
            "insert into payout.daily_balances (merchant_code, day, stated, difference, read_at)
             values ('{MERCHANT}', '2026-10-10', 123000, -5, '2026-10-10T16:59:00Z'),
                    ('{MERCHANT}', '2026-10-12', 456000, 0, '2026-10-12T05:00:00Z')"
        ))
        .await;
    let days = report(&database, &["--month", "2026-10"]);
    let figures: Vec<_> = days[8..12]
        .iter()
        .map(|line| {
            format!(
                "{} {} {}",
                line["gateway_total"], line["difference"], line["gateway_read_at"]
            )
        })
        .collect();
    assert_eq!(
        figures,
        [
            "null null null",
            "123000 -5 \"2026-10-10T16:59:00Z\"",
            "123000 -5 \"2026-10-10T16:59:00Z\"",
            "456000 0 \"2026-10-12T05:00:00Z\"",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateways_own_figure_agrees_with_the_report_once_nothing_is_under_way() {
    let world = World::start().await;
    for number in 0..12 {
        let ends = [Ending::Paid, Ending::Failed][usize::from(number % 4 == 3)];
        let order = format!("FIG-{number}");
        world.sandbox.script(&order, Script::ends(ends));
        world
            .enqueue(&order, 100_000 + number, i16::from(number % 2 == 1))
            .await;
    }
    let settled = "select count(*) from payout.payouts where settled_at is not null";
    world.until(settled, "12").await;
    let kept = "select count(*) from payout.daily_balances d, payout.accounts a
                where d.stated = a.available + a.held and d.difference = 0 and a.held = 0 and a.fees > 0";
    world.until(kept, "1").await;
    let account = world.sandbox.balance();
    let today = &report(&world.database, &["day", "today"])[0];
    assert_eq!(today["gateway_total"], account.balance + account.freeze);
    assert_eq!(today["closing"], today["gateway_total"]);
    assert_eq!(today["difference"], 0);
    // The sandbox's own account of what it paid.
    let spent = today["top_ups"].as_i64().unwrap() - today["closing"].as_i64().unwrap();
    assert_eq!(today["debit"], spent);
    assert_eq!(
        (&today["payouts_paid"], &today["payouts_failed"]),
        (&9.into(), &3.into())
    );
}
