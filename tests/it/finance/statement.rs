//! A month that a gateway settled: its own statement, our report, list and ledger, and what SQL and `payout status` say agree
//! to the rupiah.
//!
//! The payouts go through the worker and the sandbox over HTTP, and the statement is the sandbox's own bookkeeping. Only then
//! they are moved to the days of last month, past the guards, and copied, if the month is to be larger than what this machine
//! settles: in our books and in the statement.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use payout_sandbox::{OrderView, Script};
use serde_json::Value;

use super::{Sums, dotted, report, sums, total};
use crate::support::{
    terminal::payout,
    world::{Wishes, World},
};

/// How many are settled, unless `PAYOUT_MONTH` says otherwise: `./dev month` settles a hundred thousand.
const PAYOUTS: usize = 2_000;
/// How often each is there then, unless `PAYOUT_MONTH_TIMES` says otherwise.
const TIMES: i64 = 1;
/// Patient, so that a busy machine makes no payout doubtful.
const SECTIONS: &str = "
[submit]
timeout_seconds = 20
lease_seconds = 60
[poll]
first_after_seconds = 5
max_interval_seconds = 10
queries_per_second = 500
";
/// How far the copies of a line of history are apart: no transaction writes more lines.
const APART: i64 = 3_000;
/// A bank sends some back later.
const RETURNED: usize = 3;

#[tokio::test(flavor = "multi_thread")]
async fn a_month_agrees_to_the_rupiah_with_the_gateways_own_statement() {
    let payouts = std::env::var("PAYOUT_MONTH").map_or(PAYOUTS, |text| text.parse().unwrap());
    let times = std::env::var("PAYOUT_MONTH_TIMES").map_or(TIMES, |text| text.parse().unwrap());
    let mut world = settled(payouts).await;
    world.stop_workers().await;
    for number in 0..RETURNED {
        let order = format!("MONTH-{}", number * 7 + 1);
        world.database.step(&order, "resolved_returned").await;
    }
    moved_to_last_month(&world).await;

    copied(&world, times).await;

    let statement = statement(&world, times);
    println!("{} payouts are in the statement", statement.len());
    let paid = paid(&statement);
    assert!(paid.paid > 0 && paid.failed > 0 && paid.fee_out_of_amount > 0 && paid.fee_on_top > 0);
    let month = ["--month", "last"];
    let said = total(&world.database, &month);
    let came_back = said["returned"].as_i64().unwrap();
    let expected = Sums {
        returned: i64::try_from(RETURNED).unwrap() * times,
        came_back,
        top_ups: said["top_ups"].as_i64().unwrap(),
        ..paid
    };
    assert_eq!(sums(&said), expected, "the report");
    let by_bank = sums(&total(
        &world.database,
        &["--month", "last", "--by", "bank"],
    ));
    let no_top_up = Sums {
        top_ups: 0,
        ..expected
    };
    assert_eq!(by_bank, no_top_up, "by bank");

    the_statement_agrees(&world, &statement, &expected);
    the_list_agrees(&world, &expected);
    sql_and_the_ledger_agree(&world, &said, &expected, times).await;
}

/// Everything is final, at the gateway too.
async fn settled(payouts: usize) -> World {
    let world = World::with(Wishes {
        balance_idr: 1_000_000_000_000,
        fail_percent: 7,
        sections: SECTIONS,
        // One callback for each is enough.
        callback_scale_permille: 1_000,
        ..Wishes::default()
    })
    .await;
    for number in (0..payouts).step_by(50) {
        let script = Script {
            final_fee_idr: Some(3_333),
            ..Script::default()
        };
        world.sandbox.script(format!("MONTH-{number}"), script);
    }
    for number in 0..RETURNED {
        let script = Script::ends(payout_sandbox::Ending::Paid);
        world
            .sandbox
            .script(format!("MONTH-{}", number * 7 + 1), script);
    }
    world.database.make_steps().await;
    world
        .database
        .run(&format!(
            "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
             select 'MONTH-' || n, 20000 + (n * 7919) % 5000000, n % 2, (array['014', '008', '002', '009'])[1 + n % 4],
                    '0012345678', 'Siti Rahayu'
             from generate_series(0, {payouts} - 1) n"
        ))
        .await;
    // In portions: a hundred thousand take longer than anything else is waited for.
    for left in (0..payouts).step_by(5_000).rev() {
        let open = format!(
            "select count(*) <= {left} from payout.payouts where state in ('queued', 'submitting', 'pending', 'unknown')"
        );
        world.until(&open, "true").await;
        println!("at most {left} are open");
    }
    let read = "select g.balance + g.frozen = a.available and a.held = 0 from payout.gateway_balance g, payout.accounts a";
    world.until(read, "true").await;
    world
}

/// Each payout with all its rows to noon of a day of last month, and the top-up to the first.
async fn moved_to_last_month(world: &World) {
    world
        .database
        .run(
            "set session_replication_role = replica;
             create temporary table moved as
             select p.merchant_code, p.order_num,
                    (f.first + (substr(p.order_num, 7)::int % f.days) * interval '1 day' + interval '12 hours')
                        at time zone 'Asia/Jakarta' - s.paid_at as later
             from payout.payouts p
             join payout.all_status a using (merchant_code, order_num)
             cross join lateral (select coalesce(a.paid_at, a.settled_at) as paid_at) s
             cross join (select m.first, extract(day from m.first + interval '1 month' - interval '1 day')::int as days
                         from (select date_trunc('month', now() at time zone 'Asia/Jakarta') - interval '1 month' as first) m) f;
             create unique index on moved (merchant_code, order_num);
             analyze moved;
             update payout.history h set at = h.at + m.later from moved m
             where (h.merchant_code, h.order_num) = (m.merchant_code, m.order_num);
             update payout.ledger l set at = l.at + m.later from moved m
             where (l.merchant_code, l.order_num) = (m.merchant_code, m.order_num);
             update payout.payouts p
             set created_at = p.created_at + m.later, state_since = p.state_since + m.later,
                 settled_at = p.settled_at + m.later
             from moved m where (p.merchant_code, p.order_num) = (m.merchant_code, m.order_num);
             update payout.ledger l
             set at = (date_trunc('month', now() at time zone 'Asia/Jakarta') - interval '1 month') at time zone 'Asia/Jakarta'
             where l.kind = 'funding';
             set session_replication_role = origin;
             analyze",
        )
        .await;
}

/// Each payout as often as it is to be there, with its history and its entries.
async fn copied(world: &World, times: i64) {
    // A line of history belongs to the transaction whose range of numbers it is in.
    assert!(times * APART < 1 << 20, "so many copies have no numbers");
    world
        .database
        .run(&format!(
            "set session_replication_role = replica;
             do $$
             declare
                 large record;
                 columns text;
             begin
                 for large in values ('payouts', '{{\"platform_order_num\": null}}'::text), ('ledger', '{{}}'),
                                     ('history', 'seq') loop
                     select string_agg(a.attname, ', ' order by a.attnum) into columns from pg_attribute a
                     where a.attrelid = ('payout.' || large.column1)::regclass and a.attnum > 0 and not a.attisdropped
                       and a.attgenerated = '' and a.attidentity = '';
                     execute format(
                         'insert into payout.%1$I (%2$s)
                          select %3$s
                          from payout.%1$I t
                          cross join generate_series(1, {times} - 1) copy
                          cross join lateral jsonb_populate_record(t, %4$s
                              || jsonb_build_object(''order_num'', t.order_num || ''-'' || copy)) r
                          where t.order_num like ''MONTH-%%''',
                         large.column1, columns, 'r.' || replace(columns, ', ', ', r.'),
                         case large.column2 when 'seq' then 'jsonb_build_object(''seq'', t.seq + copy * {APART})'
                                            else quote_literal(large.column2) || '::jsonb' end);
                 end loop;
             end $$;
             update payout.accounts a
             set available = s.available, paid_out = s.paid_out, fees = s.fees
             from (select sum(l.available) as available, sum(l.paid_out) as paid_out, sum(l.fees) as fees
                   from payout.ledger l) s;
             set session_replication_role = origin;
             analyze"
        ))
        .await;
}

/// The gateway's own account of each order, as often.
fn statement(world: &World, times: i64) -> Vec<OrderView> {
    let mut statement = world.sandbox.orders();
    let settled = statement.clone();
    for copy in 1..times {
        statement.extend(settled.iter().map(|order| OrderView {
            order_num: format!("{}-{copy}", order.order_num),
            ..order.clone()
        }));
    }
    statement
}

/// What the gateway says that it paid, by its own rules for fees.
fn paid(statement: &[OrderView]) -> Sums {
    let mut sums = Sums::default();
    for order in statement {
        if order.status != 2 {
            sums.failed += 1;
            continue;
        }
        sums.paid += 1;
        sums.gross += order.amount;
        sums.debit += order.debit;
        if order.fee_type == 0 {
            sums.fee_out_of_amount += order.fee;
            sums.net += order.amount - order.fee;
        } else {
            sums.fee_on_top += order.fee;
            sums.net += order.amount;
        }
    }
    sums
}

fn the_statement_agrees(world: &World, statement: &[OrderView], expected: &Sums) {
    let mut text = "order_num,amount,fee,status\n".to_owned();
    for order in statement {
        let (number, amount, fee, status) =
            (&order.order_num, order.amount, order.fee, order.status);
        writeln!(text, "{number},{amount},{fee},{status}").unwrap();
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    let path = file.path().to_str().unwrap();
    let call = [
        "reconcile",
        "--statement",
        path,
        "--month",
        "last",
        "-o",
        "json",
    ];
    let said = payout(&world.database, &call).with(0).json();
    assert_eq!(said["differences"].as_array().unwrap().len(), 0);
    let found = |key: &str| {
        said["sums"][key]
            .as_i64()
            .unwrap_or_else(|| panic!("{key}: {said}"))
    };
    let fee = expected.fee_out_of_amount + expected.fee_on_top;
    for (key, value) in [
        ("payouts", expected.paid),
        ("gross", expected.gross),
        ("fee", fee),
        ("net", expected.net),
    ] {
        for side in ["there", "here"] {
            assert_eq!(found(&format!("{key}_{side}")), value, "{key} {side}");
        }
    }
    assert_eq!(found("payouts_other_days"), 0);
}

/// The CSV file, as a spreadsheet would sum it up: the month, and each day of it.
fn the_list_agrees(world: &World, expected: &Sums) {
    let (first, last) = days(world);
    let call = [
        "list",
        "--state",
        "paid,returned",
        "--settled-from",
        &first,
        "--settled-to",
        &last,
        "-o",
        "csv",
    ];
    let csv = payout(&world.database, &call).with(0).out;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let names = reader.headers().unwrap().clone();
    let mut by_day: BTreeMap<String, [i64; 5]> = BTreeMap::new();
    for row in reader.records().map(Result::unwrap) {
        let value_of = |name: &str| &row[names.iter().position(|found| found == name).unwrap()];
        let of_day = by_day.entry(value_of("paid_day").to_owned()).or_default();
        of_day[0] += 1;
        for (sum, name) in
            of_day[1..]
                .iter_mut()
                .zip(["amount", "fee", "beneficiary_amount", "debit_total"])
        {
            *sum += value_of(name).parse::<i64>().unwrap();
        }
    }
    let lines = report(&world.database, &["--month", "last"]);
    let mut month = [0; 5];
    for line in &lines {
        let keys = ["payouts_paid", "gross", "fee", "net", "debit"];
        let of_day = keys.map(|key| line[key].as_i64().unwrap());
        let day = line["from_day"].as_str().unwrap();
        assert_eq!(by_day.remove(day).unwrap_or_default(), of_day, "{day}");
        month
            .iter_mut()
            .zip(of_day)
            .for_each(|(sum, more)| *sum += more);
    }
    assert!(by_day.is_empty(), "{by_day:?}");
    let fee = expected.fee_out_of_amount + expected.fee_on_top;
    assert_eq!(
        month,
        [
            expected.paid,
            expected.gross,
            fee,
            expected.net,
            expected.debit
        ]
    );
}

async fn sql_and_the_ledger_agree(world: &World, total: &Value, expected: &Sums, times: i64) {
    let read = async |query: &str| -> i64 { world.database.text(query).await.parse().unwrap() };
    let fee = expected.fee_out_of_amount + expected.fee_on_top;
    for (what, value) in [
        ("sum(amount)", expected.gross),
        ("sum(fee)", fee),
        ("sum(beneficiary_amount)", expected.net),
        ("sum(debit_total)", expected.debit),
        ("count(*)", expected.paid),
    ] {
        let query = format!("select {what} from payout.status where state in ('paid', 'returned')");
        assert_eq!(read(&query).await, value, "payout.status: {what}");
    }
    for (what, value) in [
        ("fees", fee),
        ("paid_out", expected.net - expected.came_back),
        ("held", 0),
        ("available", total["closing"].as_i64().unwrap()),
        ("available + held + paid_out + fees + funding", 0),
    ] {
        let account = format!("select {what} from payout.accounts");
        assert_eq!(read(&account).await, value, "accounts: {what}");
        let entries = format!(
            "select {} from payout.ledger",
            what.split(" + ")
                .map(|name| format!("sum({name})"))
                .collect::<Vec<_>>()
                .join(" + ")
        );
        assert_eq!(read(&entries).await, value, "ledger: {what}");
    }
    let gateway = world.sandbox.balance();
    assert_eq!((gateway.paid * times, gateway.freeze), (expected.debit, 0));
    let closing = total["closing"].as_i64().unwrap();
    assert_eq!(
        closing - expected.came_back,
        gateway.balance - gateway.paid * (times - 1),
        "the gateway's balance"
    );
    // No worker runs any more, so it is not well.
    let status = payout(&world.database, &["status", "-o", "json"])
        .with(1)
        .json();
    let open = status["open"].as_array().unwrap();
    assert!(open.iter().all(|row| row["payouts"] == 0), "{status}");
    let stated = &status["gateway_balances"][0];
    assert_eq!(stated["available"], gateway.balance, "{status}");
    let available = format!("Rp {}", dotted(closing));
    payout(&world.database, &["status"])
        .with(1)
        .says(&[&available, "nothing is open, and nothing needs a person"]);
}

/// The first and the last day of last month in WIB.
fn days(world: &World) -> (String, String) {
    let lines = report(&world.database, &["--month", "last"]);
    let day = |line: Option<&Value>| line.unwrap()["from_day"].as_str().unwrap().to_owned();
    (day(lines.first()), day(lines.last()))
}
