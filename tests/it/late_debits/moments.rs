//! Several workers read the balance in one moment, while the gateway has changed one part of it and not the other one.

use std::time::{Duration, Instant};

use super::{FUNDS, agreeing, answer_again, available, pass, read, read_queried};

/// The attack: the gateway gives a failed payout's money back, and its `balance` has risen before its `frozen` falls. Two
/// workers read that, and it was booked as a top-up.
#[tokio::test]
async fn readings_of_one_moment_book_nothing_however_many_agree() {
    let database = agreeing().await;
    database.insert_in("pending", "INV-1").await;
    assert_eq!(read(&database, FUNDS).await, (0, 0));
    let moment = Instant::now();
    pass(&database, 15_000).await;
    for _ in 0..4 {
        let too_high = read_queried(&database, FUNDS + 100_000, moment).await;
        assert_eq!(
            (too_high.difference.idr(), too_high.booked.idr()),
            (100_000, 0)
        );
    }
    assert_eq!(read(&database, FUNDS).await, (0, 0));
    assert_eq!(available(&database).await, FUNDS - 100_000);
}

/// Neighbour: the answer to one of two queries takes its time, and is stored seconds after the other one.
#[tokio::test]
async fn a_slow_answer_is_as_old_as_its_query() {
    let database = agreeing().await;
    let top_up = FUNDS + 50_000_000;
    let moment = Instant::now();
    read(&database, top_up).await;
    pass(&database, 5_000).await;
    let queried_at = moment.checked_sub(Duration::from_secs(5)).unwrap();
    let slow = read_queried(&database, top_up, queried_at).await;
    assert_eq!(slow.booked.idr(), 0);
    assert_eq!(read(&database, top_up).await, (50_000_000, 50_000_000));
}

/// Neighbour: with many workers each reading is close to the one before, and only the first and the last are apart.
#[tokio::test]
async fn many_workers_that_read_in_turn_still_find_a_top_up() {
    let database = agreeing().await;
    let top_up = FUNDS + 50_000_000;
    let moment = Instant::now();
    read(&database, top_up).await;
    pass(&database, 500).await;
    let close = read_queried(&database, top_up, moment).await;
    assert_eq!(close.booked.idr(), 0);
    pass(&database, 15_000).await;
    let apart = read_queried(&database, top_up, Instant::now()).await;
    assert_eq!(apart.booked.idr(), 50_000_000);
}

/// Neighbour: readings of one moment that are too low, because `frozen` falls before `balance` rises, say nothing about what
/// has yet to be debited.
#[tokio::test]
async fn readings_of_one_moment_that_are_too_low_leave_the_late_debits_on_the_list() {
    let database = agreeing().await;
    database.insert_in("paid", "INV-1").await;
    assert_eq!(read(&database, FUNDS).await, (100_000, 0));
    let moment = Instant::now();
    assert_eq!(read(&database, FUNDS - 100_000).await, (0, 0));
    for _ in 0..2 {
        let too_low = read_queried(&database, FUNDS - 100_000, moment).await;
        assert_eq!(too_low.difference.idr(), 0);
    }
    assert_eq!(read(&database, FUNDS).await, (100_000, 0));
    answer_again(&database).await;
    for _ in 0..3 {
        assert_eq!(read(&database, FUNDS).await, (100_000, 0));
    }
}

/// Neighbour: claims stop only for a shortfall that lasts longer than a moment, and then each worker sees it, whichever
/// comes first.
#[tokio::test]
async fn a_shortfall_of_one_moment_stops_no_claims_and_one_that_lasts_stops_those_of_each_worker() {
    let database = agreeing().await;
    let short = FUNDS - 50_000_000;
    let moment = Instant::now();
    pass(&database, 15_000).await;
    for _ in 0..3 {
        assert!(!read_queried(&database, short, moment).await.at_rest);
    }
    pass(&database, 15_000).await;
    for _ in 0..3 {
        let now = Instant::now();
        assert!(read_queried(&database, short, now).await.at_rest);
    }
}
