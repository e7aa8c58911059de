//! A gateway that debits the merchant's balance after it has said "paid": until then it states more than the books have, and
//! no money came.

mod moments;
mod refunds;

use std::time::Instant;

use payout_worker::{
    domain::money::Rupiah,
    store::{
        funding::{Compared, Kept, StatedBalance, keep_balance},
        snapshot::snapshot,
    },
};

use crate::support::{
    database::{Database, MERCHANT},
    terminal::payout,
};

/// What the books of [`Database::with_merchant`] begin with.
const FUNDS: i64 = 10_000_000_000;

/// A merchant whose books follow its balance at the gateway, and agree with it now.
async fn agreeing() -> Database {
    let database = Database::with_steps().await;
    database
        .run("update payout.merchants set funding = 'gateway'")
        .await;
    assert_eq!(read(&database, FUNDS).await, (0, 0));
    // What people booked arrived long ago.
    database
        .run("update payout.gateway_balance set unrefunded = '{0}', at_most = 0")
        .await;
    database
}

/// Reads this balance at the gateway, some time after the reading before. Returns by how much it exceeds the books, and what
/// is booked because of it.
async fn read(database: &Database, idr: i64) -> (i64, i64) {
    pass(database, 15_000).await;
    let compared = read_queried(database, idr, Instant::now()).await;
    (compared.difference.idr(), compared.booked.idr())
}

/// As if so many milliseconds had passed since the last reading.
async fn pass(database: &Database, milliseconds: u32) {
    database
        .run(&format!(
            "update payout.gateway_balance g
             set (read_at, unchanged_since) = (g.read_at - passed, g.unchanged_since - passed)
             from (values (interval '{milliseconds} milliseconds')) p (passed)"
        ))
        .await;
}

/// Reads this balance in answer to a query that was sent then.
async fn read_queried(database: &Database, idr: i64, queried_at: Instant) -> Compared {
    let zero = Rupiah::ZERO;
    let stated = StatedBalance {
        balance: Rupiah::new(idr),
        frozen: zero,
        pending: zero,
        signed: true,
        queried_at,
    };
    match keep_balance(database.pool(), MERCHANT, stated, true)
        .await
        .unwrap()
    {
        Kept::Compared(compared) => compared,
        Kept::Implausible => panic!("{idr} is plausible"),
    }
}

async fn available(database: &Database) -> i64 {
    let available = "select available from payout.accounts";
    database.text(available).await.parse().unwrap()
}

/// Its entry is newer than the reading, and so the money counted as a surplus until the next one.
#[tokio::test]
async fn what_was_booked_because_of_a_reading_is_no_difference_of_it() {
    let database = agreeing().await;
    let mut booked = 0;
    for _ in 0..10 {
        booked += read(&database, FUNDS + 5_000).await.1;
        if booked > 0 {
            break;
        }
    }
    assert_eq!(booked, 5_000);
    let said = payout(&database, &["reconcile", "-o", "json"])
        .with(0)
        .json();
    assert_eq!(
        (&said[0]["difference"], &said[0]["verdict"]),
        (&0.into(), &"agree".into())
    );
    let seen = snapshot(database.pool()).await.unwrap();
    let gateway = seen.merchants[0].gateway.as_ref().unwrap();
    assert_eq!(gateway.difference.map(Rupiah::idr), Some(0));
    // What comes behind it counts as later, as before.
    database.fund(MERCHANT, 1_000_000).await;
    let said = payout(&database, &["reconcile", "-o", "json"])
        .with(0)
        .json();
    assert_eq!(said[0]["difference"], 0);
}

/// The attack: the surplus was booked as a top-up, and once the gateway had debited the two payouts, the books promised
/// money that was not there.
#[tokio::test]
async fn a_payment_that_the_gateway_debits_late_is_not_booked_as_a_top_up() {
    let database = agreeing().await;
    database.insert_in("paid", "INV-1").await;
    database.insert_in("paid", "INV-2").await;
    for _ in 0..4 {
        assert_eq!(read(&database, FUNDS).await, (200_000, 0));
    }
    // The gateway debits one, and then the other.
    assert_eq!(read(&database, FUNDS - 100_000).await, (100_000, 0));
    assert_eq!(read(&database, FUNDS - 200_000).await, (0, 0));
    assert_eq!(available(&database).await, FUNDS - 200_000);
}

/// Ends this minute of readings now.
async fn end_window(database: &Database) {
    database
        .run("update payout.gateway_balance set window_began = now() - interval '2 minutes'")
        .await;
}

/// The gateway answers again that each payout is paid.
async fn answer_again(database: &Database) {
    database
        .run(
            "update payout.evidence
             set times = times + 1, last_at = clock_timestamp(), query_sent_at = clock_timestamp()
             where status = 2",
        )
        .await;
}

/// Neighbour: two people book a withdrawal before the gateway has paid it out.
#[tokio::test]
async fn a_withdrawal_that_is_booked_before_it_leaves_the_gateway_is_not_booked_back() {
    let database = agreeing().await;
    database
        .agree(&format!(
            "select payout.request_fund('{MERCHANT}', -70000, 'TRF-OUT', 'to the bank')"
        ))
        .await;
    for _ in 0..4 {
        assert_eq!(read(&database, FUNDS).await, (70_000, 0));
    }
    assert_eq!(read(&database, FUNDS - 70_000).await, (0, 0));
    assert_eq!(available(&database).await, FUNDS - 70_000);
}

/// Neighbour: a fee becomes known, or rises, before the gateway debits it.
#[tokio::test]
async fn a_fee_that_is_debited_late_is_not_booked_as_a_top_up() {
    let database = agreeing().await;
    database.insert_in("paid", "INV-1").await;
    assert_eq!(read(&database, FUNDS - 100_000).await, (0, 0));
    database
        .run(&format!(
            "insert into payout.ledger (merchant_code, kind, order_num, attempt, available, fees)
             values ('{MERCHANT}', 'fee_corrected', 'INV-1', 1, -2500, 2500)"
        ))
        .await;
    for _ in 0..4 {
        assert_eq!(read(&database, FUNDS - 100_000).await, (2_500, 0));
    }
    assert_eq!(read(&database, FUNDS - 102_500).await, (0, 0));
}

#[tokio::test]
async fn of_a_top_up_beside_late_debits_only_what_they_cannot_explain_is_booked_at_once() {
    let database = agreeing().await;
    database.insert_in("paid", "INV-1").await;
    database.insert_in("paid", "INV-2").await;
    assert_eq!(read(&database, FUNDS).await, (200_000, 0));
    let top_up = 1_000_000;
    // One is debited as the money comes: whether the other one is, the balance does not tell.
    let balance = FUNDS + top_up - 100_000;
    assert_eq!(read(&database, balance).await, (1_100_000, 0));
    assert_eq!(read(&database, balance).await, (1_100_000, 900_000));
    let balance = balance - 100_000;
    for _ in 0..4 {
        assert_eq!(read(&database, balance).await, (100_000, 0));
    }
    let mut booked = 900_000;
    for _ in 0..20 {
        end_window(&database).await;
        booked += read(&database, balance).await.1;
    }
    assert_eq!(booked, 900_000, "the rest equals the cost of each of them");
    answer_again(&database).await;
    assert_eq!(read(&database, balance).await, (100_000, 100_000));
    assert_eq!(read(&database, balance).await, (0, 0));
    assert_eq!(available(&database).await, FUNDS + top_up - 200_000);
}

/// The books change before each reading, so none agrees with the one before.
#[tokio::test]
async fn a_top_up_during_traffic_without_a_pause_is_found_within_minutes() {
    let database = agreeing().await;
    let mut balance = FUNDS;
    let mut booked = 0;
    for number in 0..6 {
        if number == 2 {
            balance += 50_000_000;
        }
        if number % 3 == 2 {
            end_window(&database).await;
        }
        database.insert_in("paid", &format!("INV-{number}")).await;
        balance -= 100_000;
        booked += read(&database, balance).await.1;
    }
    assert!((49_500_000..=50_000_000).contains(&booked), "{booked}");
}

/// Nobody can tell a debit that never comes from a top-up that came at the same time.
#[tokio::test]
async fn a_surplus_that_outlasts_every_debit_is_booked_in_the_end() {
    let database = agreeing().await;
    database.insert_in("paid", "INV-1").await;
    database.insert_in("paid", "INV-2").await;
    let mut minutes = 0;
    while read(&database, FUNDS).await.1 == 0 {
        end_window(&database).await;
        minutes += 1;
        assert!(minutes < 18);
    }
    assert!(minutes > 15, "{minutes}");
    assert_eq!(available(&database).await, FUNDS);
}

/// A payout is paid and debited, and then the gateway states as much more as it cost.
async fn with_the_cost_of_a_payout_back() -> Database {
    let database = agreeing().await;
    database.insert_in("paid", "INV-1").await;
    let spent = FUNDS - 100_000;
    read(&database, spent).await;
    assert_eq!(read(&database, spent).await, (0, 0));
    read(&database, FUNDS).await;
    database
}

#[tokio::test]
async fn a_surplus_that_a_payout_would_explain_waits_for_an_answer_about_that_payout() {
    let database = with_the_cost_of_a_payout_back().await;
    // Somebody has it locked, so its query cannot be planned.
    let mut holder = database.connect().await;
    sqlx::raw_sql("begin; select from payout.payouts where order_num = 'INV-1' for update")
        .execute(&mut holder)
        .await
        .unwrap();
    assert_eq!(read(&database, FUNDS).await, (100_000, 0));
    sqlx::raw_sql("rollback")
        .execute(&mut holder)
        .await
        .unwrap();
    assert_eq!(read(&database, FUNDS).await, (100_000, 0));
    let due = "select next_query_at <= now() from payout.payouts where order_num = 'INV-1'";
    assert_eq!(database.text(due).await, "true");
    answer_again(&database).await;
    // An answer counts however many readings came after it.
    database
        .run("update payout.gateway_balance set read_at = now()")
        .await;
    assert_eq!(read(&database, FUNDS).await, (100_000, 100_000));
}

/// Only "it is paid", in answer to a query that was sent since, says that the money did not come back from that payout.
#[tokio::test]
async fn no_other_answer_about_that_payout_lets_the_surplus_be_booked() {
    let database = with_the_cost_of_a_payout_back().await;
    // No answer, an answer without the order, one in progress.
    for (kind, status, doubt) in [
        ("doubt", "null", "'timeout'"),
        ("not_found", "null", "null"),
        ("found", "1", "null"),
    ] {
        database
            .run(&format!(
                "insert into payout.evidence
                     (merchant_code, order_num, attempt, source, kind, status, doubt, signed, proves, query_sent_at, detail)
                 select '{MERCHANT}', 'INV-1', 1, 'query', '{kind}', {status}, {doubt},
                        case when '{kind}' = 'found' then true end,
                        case when '{kind}' = 'not_found' then 'nothing' end, clock_timestamp(), '{{}}'"
            ))
            .await;
        assert_eq!(read(&database, FUNDS).await, (100_000, 0), "{kind}");
    }
    // The gateway said it before the money came, and it was stored after.
    database
        .run("update payout.evidence set times = times + 1, last_at = clock_timestamp() where status = 2")
        .await;
    assert_eq!(read(&database, FUNDS).await, (100_000, 0));
    answer_again(&database).await;
    assert_eq!(read(&database, FUNDS).await, (100_000, 100_000));
}

/// Two workers read the balance at once: the second one must see what the first one booked.
#[tokio::test]
async fn a_reading_waits_for_another_one_before_it_looks_at_the_books() {
    let database = agreeing().await;
    let balance = FUNDS + 50_000_000;
    read(&database, balance).await;
    end_window(&database).await;
    let mut other = database.connect().await;
    // The other worker books the new money and keeps what it has read, as `keep_balance` does.
    let booking = format!(
        "begin;
         select from payout.gateway_balance for update;
         select payout.fund_from_gateway('{MERCHANT}', 50000000, 'gateway after another');
         update payout.gateway_balance g
         set ledger_id = (select max(id) from payout.ledger), lowest_surplus = 0, at_most = 0"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(booking))
        .execute(&mut other)
        .await
        .unwrap();
    let (read, ()) = tokio::join!(read_queried(&database, balance, Instant::now()), async {
        database.until_somebody_waits_for_a_lock().await;
        sqlx::raw_sql("commit").execute(&mut other).await.unwrap();
    });
    assert_eq!((read.difference.idr(), read.booked.idr()), (0, 0));
    assert_eq!(available(&database).await, balance);
}
