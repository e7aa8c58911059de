//! Numbers from outside are bounded before they are stored, and one that cannot be true hides nothing.

use payout_sandbox::Script;
use payout_worker::{
    domain::{money::Rupiah, policy::MAX_BALANCE_IDR},
    store::{
        funding::{Compared, Kept, StatedBalance, keep_balance},
        snapshot::snapshot,
    },
};

use crate::support::{
    database::{Database, MERCHANT},
    refusal::Refusal,
    terminal::payout,
    world::World,
};

fn stated(balance: i64, frozen: i64, pending: i64) -> StatedBalance {
    let [balance, frozen, pending] = [balance, frozen, pending].map(Rupiah::new);
    StatedBalance {
        balance,
        frozen,
        pending,
        signed: true,
        queried_at: std::time::Instant::now(),
    }
}

/// A merchant whose books follow its balance at the gateway.
async fn funded_by_its_gateway() -> Database {
    let database = Database::fresh().await;
    database.register_merchant(MERCHANT).await;
    database
        .run("update payout.merchants set funding = 'gateway'")
        .await;
    database
}

async fn keep(database: &Database, stated: StatedBalance) -> Kept {
    keep_balance(database.pool(), MERCHANT, stated, true)
        .await
        .unwrap()
}

/// What the metrics would show: the balance if it is known, the difference, and whether one was refused.
async fn seen(database: &Database) -> (Option<i64>, Option<i64>, bool) {
    let seen = snapshot(database.pool()).await.unwrap();
    let books = &seen.merchants[0];
    let gateway = books.gateway;
    (
        gateway.map(|stated| stated.balance.idr()),
        gateway
            .and_then(|stated| stated.difference)
            .map(Rupiah::idr),
        books.balance_refused_since.is_some(),
    )
}

/// The attack: 2^63-1 was booked as funding, every later comparison failed, and the difference stood at 0.
#[tokio::test]
async fn a_balance_that_cannot_be_true_is_refused_and_the_next_plausible_one_counts() {
    let database = funded_by_its_gateway().await;
    let booked = "select count(*) from payout.ledger";
    assert_eq!(
        keep(&database, stated(i64::MAX, 0, 0)).await,
        Kept::Implausible
    );
    assert_eq!(database.text(booked).await, "0");
    assert_eq!(seen(&database).await, (None, None, true));

    let opening = Compared {
        difference: Rupiah::new(1_000_000),
        booked: Rupiah::new(1_000_000),
        at_rest: false,
    };
    assert_eq!(
        keep(&database, stated(1_000_000, 0, 0)).await,
        Kept::Compared(opening)
    );
    // The next reading sees what was booked from this one.
    keep(&database, stated(1_000_000, 0, 0)).await;
    assert_eq!(seen(&database).await, (Some(1_000_000), Some(0), false));

    // Neighbours: each part has the bound, and so has a value below zero.
    for (balance, frozen, pending) in [
        (MAX_BALANCE_IDR + 1, 0, 0),
        (1_000_000, i64::MAX, 0),
        (1_000_000, 0, MAX_BALANCE_IDR + 1),
        (-1, 0, 0),
        (1_000_000, -1, 0),
    ] {
        let refused = keep(&database, stated(balance, frozen, pending)).await;
        assert_eq!(refused, Kept::Implausible, "{balance} {frozen} {pending}");
        assert_eq!(seen(&database).await, (None, None, true));
        let row = payout(&database, &["reconcile", "-o", "json"])
            .with(0)
            .json()[0]
            .clone();
        assert_eq!(row["verdict"], "not_read", "{row}");
        assert!(
            row["difference"].is_null() && row["gateway_total"].is_null(),
            "{row}"
        );
    }
    let page = payout(&database, &["balance"]).with(0).out;
    assert!(page.contains("cannot be true"), "{page}");
    keep(&database, stated(1_000_000, 0, 0)).await;
    assert_eq!(seen(&database).await, (Some(1_000_000), Some(0), false));
    assert_eq!(database.text(booked).await, "1");
}

#[tokio::test]
async fn the_largest_plausible_balance_is_kept_and_more_frozen_than_free_is_plausible() {
    let database = funded_by_its_gateway().await;
    let most = keep(&database, stated(0, MAX_BALANCE_IDR, MAX_BALANCE_IDR)).await;
    let compared = Compared {
        difference: Rupiah::new(MAX_BALANCE_IDR),
        booked: Rupiah::new(MAX_BALANCE_IDR),
        at_rest: false,
    };
    assert_eq!(most, Kept::Compared(compared));
    keep(&database, stated(0, MAX_BALANCE_IDR, MAX_BALANCE_IDR)).await;
    assert_eq!(seen(&database).await, (Some(0), Some(0), false));
    // Not even the owner stores another.
    let poison = "update payout.gateway_balance set balance = 9223372036854775807";
    Refusal::expected(poison, database.try_run(poison).await).is(
        poison,
        "23514",
        "gateway_balance",
    );
}

#[tokio::test]
async fn a_person_books_no_more_than_books_can_hold() {
    let database = Database::fresh().await;
    database.register_merchant(MERCHANT).await;
    database
        .run(&format!(
            "select payout.fund('{MERCHANT}', 1000000000000000, 'TRF-1')"
        ))
        .await;
    for (amount, words) in [
        ("1", "would exceed 10^15"),
        ("1000000000000001", "at most 10^15"),
        ("9223372036854775807", "at most 10^15"),
        ("1e400", "at most 10^15"),
    ] {
        let fund = format!("select payout.fund('{MERCHANT}', {amount}, 'TRF-2')");
        Refusal::expected(&fund, database.try_run(&fund).await).is(&fund, "PW002", words);
    }
    // What is withdrawn makes room.
    database
        .run(&format!(
            "select payout.fund('{MERCHANT}', -5, 'TRF-3'), payout.fund('{MERCHANT}', 5, 'TRF-4')"
        ))
        .await;
}

/// The attack: a callback with every field ours and a fee of Rp 900 000 000 settled a payout of Rp 50 000.
#[tokio::test(flavor = "multi_thread")]
async fn an_implausible_fee_never_settles_by_callback_and_never_hides_that_the_payout_was_paid() {
    let world = World::start().await;
    for (order, fee_type) in [("OUT-1", 0), ("TOP-1", 1)] {
        let script = Script {
            fee_idr: Some(2_500),
            final_fee_idr: Some(900_000_000),
            ..Script::default()
        };
        world.sandbox.script(order, script);
        world.enqueue(order, 50_000, fee_type).await;
    }
    for (order, held) in [("OUT-1", 0), ("TOP-1", 10_000)] {
        world.until_state(order, "paid").await;
        let shown = format!(
            "select concat_ws(' ', p.attention_reasons, coalesce(p.fee::text, 'unknown'), p.held,
                              (select string_agg(h.source, ' ') from payout.history h
                               where h.order_num = p.order_num and h.event = 'reported_paid'))
             from payout.payouts p where p.order_num = '{order}'"
        );
        let expected = format!("{{fee_implausible}} unknown {held} query");
        assert_eq!(world.database.text(&shown).await, expected);
    }
    let off = "select count(*) from (select sum(balance) from payout.balances group by merchant_code) b (sum) where sum <> 0";
    assert_eq!(world.database.text(off).await, "0");
}

#[tokio::test]
async fn a_person_cannot_state_a_fee_that_cannot_be_true() {
    let database = Database::with_steps().await;
    database.insert_in("unknown", "INV-1").await;
    for fee in [-1, 50_001, 900_000_000, i64::MAX] {
        let resolve = format!(
            "select payout.resolve('INV-1', 'paid', 'letter', 'ticket', null, {fee}, 'INV-1')"
        );
        let refusal = Refusal::expected(&resolve, database.try_run(&resolve).await);
        refusal.is(&resolve, "PW026", "does not fit");
    }
}
