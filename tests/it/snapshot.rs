//! The snapshot agrees with the books, and its totals count every step exactly once.

use std::time::Duration;

use payout_worker::{
    domain::{
        attention::Attention,
        money::Rupiah,
        snapshot::{MerchantBooks, Snapshot, Step, Total, Violations},
        state::State,
    },
    store::{books::check_books, snapshot::snapshot},
};
use tokio::{task::JoinSet, time::sleep};

use crate::support::database::{Database, MERCHANT};

fn of(snapshot: &Snapshot) -> &MerchantBooks {
    snapshot
        .merchants
        .iter()
        .find(|books| books.merchant_code == MERCHANT)
        .unwrap()
}

fn total(snapshot: &Snapshot, step: Step) -> Total {
    let mut sum = Total::default();
    let totals = &of(snapshot).totals;
    for (_, _, total) in totals.iter().filter(|(_, of, _)| *of == step) {
        sum.payouts += total.payouts;
        sum.late += total.late;
        for (sum, more) in [
            (&mut sum.rupiah, total.rupiah),
            (&mut sum.fee, total.fee),
            (&mut sum.net, total.net),
        ] {
            *sum = sum.plus(more).unwrap();
        }
    }
    sum
}

/// Steps count once no older transaction is running in any database of the server: other tests may have one.
async fn when_folded(database: &Database, step: Step, payouts: i64) -> Snapshot {
    for _ in 0..300 {
        let seen = snapshot(database.pool()).await.unwrap();
        if total(&seen, step).payouts >= payouts {
            return seen;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("{step:?} never came to {payouts}");
}

#[tokio::test]
async fn an_empty_database_reports_nothing_and_guesses_nothing() {
    let database = Database::fresh().await;
    database.register_merchant(MERCHANT).await;
    let seen = snapshot(database.pool()).await.unwrap();
    let books = MerchantBooks {
        merchant_code: MERCHANT.to_owned(),
        ..MerchantBooks::default()
    };
    assert_eq!(seen.merchants, [books]);
    assert!(seen.read_at > 1_700_000_000);
}

#[tokio::test]
async fn pauses_and_requests_are_counted_and_payouts_to_a_paused_bank_are_not_claimable() {
    let database = Database::with_steps().await;
    database.insert("INV-1", 250_000).await;
    database.insert_in("pending", "INV-2").await;
    let idle = snapshot(database.pool()).await.unwrap();
    assert_eq!((idle.pauses.count, idle.approvals.count), (0, 0));
    assert_eq!(of(&idle).claimable.count, 1);
    database
        .run(
            "select payout.pause('bank', '014', 'ticket 1');
             insert into payout.requests (kind, reason, evidence, expires_at)
             values ('resolve_failed', 'ticket 1', 'letter 7', now() + interval '10 minutes')",
        )
        .await;
    let seen = snapshot(database.pool()).await.unwrap();
    assert_eq!((seen.pauses.count, seen.approvals.count), (1, 1));
    assert!(seen.pauses.oldest_at.is_some() && seen.approvals.oldest_at.is_some());
    assert_eq!(of(&seen).claimable.count, 0);
    database
        .run(
            "select payout.resume('bank', '014', 'ticket 1');
             select payout.reject(id, 'ticket 1') from payout.requests",
        )
        .await;
    let after = snapshot(database.pool()).await.unwrap();
    assert_eq!(
        (after.pauses, after.approvals),
        (idle.pauses, idle.approvals)
    );
}

#[tokio::test]
async fn open_payouts_are_counted_with_their_amount_and_age() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    database.insert("INV-2", 100_000).await;
    // The outcome of the worker's moves is written directly here, with the guards off.
    database
        .run(
            "set session_replication_role = replica;
             update payout.payouts set state = 'unknown', state_since = now() - interval '2 hours', held = 100000,
                    attempt = 1, sends = 1, next_query_at = now() - interval '5 minutes',
                    attention_reasons = '{not_found}', attention_since = now() - interval '1 hour'
             where order_num = 'INV-2';
             set session_replication_role = origin",
        )
        .await;
    let seen = snapshot(database.pool()).await.unwrap();
    let books = of(&seen);
    let open = |state| {
        books
            .open
            .iter()
            .find(|(of, _)| *of == state)
            .map(|(_, pile)| *pile)
            .unwrap_or_default()
    };
    assert_eq!(
        (open(State::Queued).count, open(State::Queued).rupiah),
        (1, Rupiah::new(250_000))
    );
    assert_eq!(
        (open(State::Unknown).count, open(State::Unknown).rupiah),
        (1, Rupiah::new(100_000))
    );
    let since = seen.read_at - open(State::Unknown).oldest_at.unwrap();
    assert!((7_199..7_260).contains(&since), "{since}");
    assert_eq!(
        (books.claimable.count, books.claimable.rupiah),
        (1, Rupiah::new(250_000))
    );
    assert_eq!(books.queries_due.count, 1);
    assert_eq!(books.attention.len(), 1);
    assert_eq!(
        (books.attention[0].0, books.attention[0].1.count),
        (Attention::NotFound, 1)
    );
    // The hold was written without its ledger entry, which is detected.
    let expected = Violations {
        held_not_covered: 1,
        ..Violations::default()
    };
    assert_eq!(books.violations, expected);
}

#[tokio::test]
async fn a_payout_that_nothing_queries_is_detected() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    database
        .run(
            "set session_replication_role = replica;
             update payout.accounts set available = available - 250000, held = 250000;
             update payout.payouts set state = 'pending', held = 250000, attempt = 1, sends = 1, next_query_at = null;
             set session_replication_role = origin",
        )
        .await;
    let seen = snapshot(database.pool()).await.unwrap();
    assert_eq!(
        of(&seen).violations,
        Violations {
            never_queried: 1,
            ..Violations::default()
        }
    );
}

#[tokio::test]
async fn every_step_counts_once_however_many_workers_report_it() {
    let database = Database::with_merchant().await;
    let mut looks = JoinSet::new();
    for _ in 0..4 {
        let pool = database.pool().clone();
        looks.spawn(async move {
            for _ in 0..15 {
                snapshot(&pool).await.unwrap();
            }
        });
    }
    for number in 0..60 {
        database
            .insert(&format!("INV-{number}"), 1_000 + number)
            .await;
        if number % 3 == 0 {
            database
                .run(&format!(
                    "select payout.cancel('INV-{number}', 'not wanted')"
                ))
                .await;
        }
    }
    looks.join_all().await;
    when_folded(&database, Step::Cancelled, 20).await;
    let seen = when_folded(&database, Step::Enqueued, 60).await;
    let enqueued = Total {
        payouts: 60,
        rupiah: Rupiah::new(60_000 + 59 * 60 / 2),
        ..Total::default()
    };
    assert_eq!(total(&seen, Step::Enqueued), enqueued);
    assert_eq!(total(&seen, Step::Cancelled).payouts, 20);
    assert_eq!(total(&seen, Step::Paid), Total::default());
}

#[tokio::test]
async fn a_step_of_a_running_transaction_is_counted_later_and_not_lost() {
    let database = Database::with_merchant().await;
    database.insert("INV-0", 1_000).await;
    let mut slow = database.connect().await;
    let insert = "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
                  values ('INV-SLOW', 5000, 1, '014', '0012345678', 'Siti Rahayu')";
    sqlx::raw_sql("begin").execute(&mut slow).await.unwrap();
    sqlx::raw_sql(insert).execute(&mut slow).await.unwrap();
    database.insert("INV-FAST", 7_000).await;
    let seen = when_folded(&database, Step::Enqueued, 1).await;
    assert_eq!(
        total(&seen, Step::Enqueued).payouts,
        1,
        "the fast one is younger than one that still runs"
    );
    sqlx::raw_sql("commit").execute(&mut slow).await.unwrap();
    let seen = when_folded(&database, Step::Enqueued, 3).await;
    assert_eq!(total(&seen, Step::Enqueued).rupiah, Rupiah::new(13_000));
}

#[tokio::test]
async fn the_gateway_balance_is_compared_with_the_books_of_the_moment_it_was_read() {
    let database = Database::with_merchant().await;
    let booked = 10_000_000_000_i64;
    database
        .run(&format!(
            "insert into payout.gateway_balance (merchant_code, balance, frozen, pending, signed, ledger_id)
             select '{MERCHANT}', {booked} - 400, 300, 77, true, max(id) from payout.ledger"
        ))
        .await;
    // An entry booked after the reading is not a difference.
    database.fund(MERCHANT, 5_000_000).await;
    let seen = snapshot(database.pool()).await.unwrap();
    let gateway = of(&seen).gateway.unwrap();
    assert_eq!(gateway.difference, Some(Rupiah::new(-100)));
    assert_eq!(
        gateway.pending,
        Rupiah::new(77),
        "what is on its way is no part of it"
    );
    assert_eq!(
        of(&seen).accounts.available,
        Rupiah::new(booked + 5_000_000)
    );
}

async fn differences(database: &Database) -> Vec<Rupiah> {
    let checks = check_books(database.pool()).await.unwrap();
    checks.iter().map(|check| check.difference).collect()
}

#[tokio::test]
async fn accounts_that_differ_from_their_ledger_are_found() {
    let database = Database::with_merchant().await;
    assert_eq!(differences(&database).await, [Rupiah::ZERO]);
    database
        .run(
            "set session_replication_role = replica;
             update payout.accounts set available = available + 1, fees = fees - 1;
             set session_replication_role = origin",
        )
        .await;
    assert_eq!(differences(&database).await, [Rupiah::new(2)]);
    assert_eq!(
        of(&snapshot(database.pool()).await.unwrap()).violations,
        Violations::default(),
        "they still sum to zero"
    );
}

/// How far the kept sums reach.
async fn summed_below(database: &Database) -> String {
    let reached = "select summed_below from payout.ledger_sums_cursor";
    database.text(reached).await
}

/// The next entry is more than a piece of the kept sums further.
async fn skip_a_piece(database: &Database) {
    let skip = "select setval('payout.ledger_id_seq', nextval('payout.ledger_id_seq') + 100000)";
    database.run(skip).await;
}

/// Checks the books as if more than a minute had passed since the last check.
async fn check_a_minute_later(database: &Database) {
    let later = "update payout.ledger_sums_cursor set seen_at = seen_at - interval '2 minutes'";
    database.run(later).await;
    assert_eq!(differences(database).await, [Rupiah::ZERO]);
}

/// Checks the books until the sums reach so far. Transactions of other tests on the server delay it.
async fn check_until(database: &Database, reached: &str) {
    for _ in 0..600 {
        check_a_minute_later(database).await;
        if summed_below(database).await == reached {
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the sums reach {} only", summed_below(database).await);
}

#[tokio::test]
async fn the_books_agree_whatever_part_of_the_ledger_is_kept_as_sums() {
    let database = Database::with_merchant().await;
    for funded in 1..5 {
        database.fund(MERCHANT, 1_000_000 * funded).await;
        skip_a_piece(&database).await;
        database.fund(MERCHANT, 7 * funded).await;
        check_until(&database, &(1 + 100_000 * funded).to_string()).await;
    }
}

#[tokio::test]
async fn a_changed_entry_is_found_although_its_sum_is_kept() {
    let database = Database::with_merchant().await;
    skip_a_piece(&database).await;
    database.fund(MERCHANT, 7).await;
    check_until(&database, "100001").await;
    database
        .run(
            "set session_replication_role = replica;
             update payout.ledger set available = available + 3, funding = funding - 3
             where id = (select min(id) from payout.ledger);
             set session_replication_role = origin",
        )
        .await;
    assert_eq!(differences(&database).await, [Rupiah::new(6)]);
}

#[tokio::test]
async fn entries_that_appear_late_are_in_no_sum_before_they_appear() {
    let database = Database::with_merchant().await;
    let mut slow = database.pool().begin().await.unwrap();
    sqlx::query("select payout.fund($1, 500, 'slow')")
        .bind(MERCHANT)
        .execute(&mut *slow)
        .await
        .unwrap();
    skip_a_piece(&database).await;
    database.insert("INV-1", 10_000).await;
    let later = "insert into payout.ledger (merchant_code, kind, funded_by, reference)
                 select code, 'funding', 'person', 'later' from payout.merchants";
    let later = format!(
        "set session_replication_role = replica; {later}; set session_replication_role = origin"
    );
    database.run(&later).await;
    for _ in 0..3 {
        check_a_minute_later(&database).await;
    }
    assert_eq!(summed_below(&database).await, "1");
    slow.commit().await.unwrap();
    check_until(&database, "100001").await;
}

#[tokio::test]
async fn the_worker_may_read_the_snapshot() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    let worker = database.login(&["payout_worker"]).await;
    let pool = sqlx::PgPool::connect(&database.url_as(&worker))
        .await
        .unwrap();
    for _ in 0..300 {
        if total(&snapshot(&pool).await.unwrap(), Step::Enqueued).payouts == 1 {
            pool.close().await;
            return;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("the totals are not moved on by the worker's role");
}
