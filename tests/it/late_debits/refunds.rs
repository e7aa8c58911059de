//! A gateway that gives money back after the books count it as the merchant's again: until then it states less than the
//! books have, and that less hides what it has yet to debit.

use super::{FUNDS, agreeing, answer_again, available, end_window, read};
use crate::support::{
    database::{Database, MERCHANT},
    steps::PATHS,
};

/// Enqueues a payout over this amount and drives it to `state`.
async fn insert_over(database: &Database, order_num: &str, amount: i64, state: &str) {
    database.insert(order_num, amount).await;
    let path = PATHS.iter().find(|(name, _)| *name == state).unwrap();
    for event in path.1 {
        database.step(order_num, event).await;
    }
}

/// INV-1 is paid and the gateway has not debited it. As much as it cost is missing, because the books have the money of
/// another payout back and the gateway does not give it back yet. It agrees with the books until it does.
async fn assert_refund_is_no_top_up(ended: &str) {
    let database = agreeing().await;
    database.insert_in("paid", "INV-1").await;
    database.insert_in(ended, "INV-2").await;
    for _ in 0..2 {
        assert_eq!(read(&database, FUNDS - 100_000).await, (0, 0));
    }
    // It gives the money back. That INV-1 is still paid proves nothing about the other one.
    assert_eq!(read(&database, FUNDS).await, (100_000, 0));
    answer_again(&database).await;
    for _ in 0..3 {
        assert_eq!(read(&database, FUNDS).await, (100_000, 0));
    }
    end_window(&database).await;
    assert_eq!(read(&database, FUNDS).await, (100_000, 0));
    // It debits INV-1.
    assert_eq!(read(&database, FUNDS - 100_000).await, (0, 0));
    assert_eq!(available(&database).await, FUNDS - 100_000);
}

/// The attack: the refund of a failed payout was booked as a top-up, and once the gateway had debited the paid one, the
/// books promised money that was not there.
#[tokio::test]
async fn the_late_refund_of_a_failed_payout_is_not_booked_beside_a_late_debit() {
    assert_refund_is_no_top_up("failed").await;
}

/// Neighbour: two people state that a payment came back before the gateway has the money.
#[tokio::test]
async fn the_late_refund_of_a_returned_payout_is_not_booked_beside_a_late_debit() {
    assert_refund_is_no_top_up("returned").await;
}

/// Neighbour: two people book a transfer to the gateway before it has arrived.
#[tokio::test]
async fn a_transfer_that_is_booked_before_it_arrives_is_not_booked_again_beside_a_late_debit() {
    let database = agreeing().await;
    database.insert_in("paid", "INV-1").await;
    database
        .agree(&format!(
            "select payout.request_fund('{MERCHANT}', 100000, 'TRF-IN', 'from the bank')"
        ))
        .await;
    for _ in 0..2 {
        assert_eq!(read(&database, FUNDS).await, (0, 0));
    }
    assert_eq!(read(&database, FUNDS + 100_000).await, (100_000, 0));
    answer_again(&database).await;
    for _ in 0..3 {
        assert_eq!(read(&database, FUNDS + 100_000).await, (100_000, 0));
    }
    assert_eq!(read(&database, FUNDS).await, (0, 0));
    assert_eq!(available(&database).await, FUNDS);
}

/// Neighbour: a fee falls in the books before the gateway gives the difference back.
#[tokio::test]
async fn a_fee_that_is_refunded_late_is_not_booked_beside_a_late_debit() {
    let database = agreeing().await;
    database.insert_in("paid", "INV-1").await;
    insert_over(&database, "INV-2", 30_000, "paid").await;
    let fee = |change: i64| {
        format!(
            "insert into payout.ledger (merchant_code, kind, order_num, attempt, available, fees)
             values ('{MERCHANT}', 'fee_corrected', 'INV-2', 1, {}, {change})",
            -change
        )
    };
    database.run(&fee(2_500)).await;
    // Everything is debited but INV-1.
    let balance = FUNDS - 32_500;
    for _ in 0..2 {
        assert_eq!(read(&database, balance).await, (100_000, 0));
    }
    database.run(&fee(-2_500)).await;
    for _ in 0..2 {
        assert_eq!(read(&database, balance).await, (97_500, 0));
    }
    assert_eq!(read(&database, balance + 2_500).await, (100_000, 0));
    answer_again(&database).await;
    for _ in 0..3 {
        assert_eq!(read(&database, balance + 2_500).await, (100_000, 0));
    }
    assert_eq!(read(&database, FUNDS - 130_000).await, (0, 0));
    assert_eq!(available(&database).await, FUNDS - 130_000);
}

/// A payout that came back hides behind what the gateway has yet to give back or has debited in advance: the surplus is
/// smaller than what it cost, so nobody queried it.
#[tokio::test]
async fn a_return_that_a_late_refund_or_a_hold_hides_waits_for_an_answer_about_that_payout() {
    for state in ["failed", "pending"] {
        let database = agreeing().await;
        database.insert_in("paid", "INV-1").await;
        read(&database, FUNDS - 100_000).await;
        assert_eq!(read(&database, FUNDS - 100_000).await, (0, 0));
        insert_over(&database, "INV-2", 30_000, state).await;
        // The gateway has debited INV-2, and INV-1 comes back.
        for _ in 0..3 {
            assert_eq!(
                read(&database, FUNDS - 30_000).await.1,
                0,
                "{state}: INV-1 is not queried"
            );
        }
        let due = "select next_query_at <= now() from payout.payouts where order_num = 'INV-1'";
        assert_eq!(database.text(due).await, "true", "{state}");
    }
}

/// Nobody can tell a late refund from a top-up of the same amount, so that part of one waits.
#[tokio::test]
async fn of_a_top_up_beside_a_late_refund_the_rest_is_booked_once_no_debit_is_late() {
    let database = agreeing().await;
    database.insert_in("paid", "INV-1").await;
    database.insert_in("failed", "INV-2").await;
    // The gateway was never late.
    for _ in 0..2 {
        assert_eq!(read(&database, FUNDS - 100_000).await, (0, 0));
    }
    let balance = FUNDS + 900_000;
    assert_eq!(read(&database, balance).await, (1_000_000, 0));
    assert_eq!(read(&database, balance).await, (1_000_000, 900_000));
    answer_again(&database).await;
    let mut booked = 900_000;
    let mut minutes = 0;
    while booked < 1_000_000 {
        end_window(&database).await;
        booked += read(&database, balance).await.1;
        answer_again(&database).await;
        minutes += 1;
        assert!(minutes < 20);
    }
    assert!(minutes > 14, "{minutes}");
    assert_eq!(available(&database).await, balance);
}
