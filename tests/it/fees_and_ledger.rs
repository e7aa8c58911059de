//! Exact to the rupiah: who pays the fee, and what each account has afterwards.

use payout_sandbox::{Ending, Script};

use crate::support::world::{Wishes, World};

const FUNDS: i64 = 1_000_000_000;

/// Each row runs through the real worker, database and gateway; 100 000 rupiah, 10 000 reserved for the fee.
#[tokio::test(flavor = "multi_thread")]
#[rustfmt::skip]
async fn every_fee_type_and_ending_gives_each_account_its_rupiah() {
    struct Row(&'static str, i16, i64, Option<i64>, Ending, [i64; 4]);
    let rows = [
        //  order       type    fee    in the end   ends                 spent     held  paid_out   fees
        Row("OUT-PAID",  0,   5_000,       None, Ending::Paid,      [-100_000,       0,   95_000,  5_000]),
        Row("TOP-PAID",  1,   5_000,       None, Ending::Paid,      [-105_000,       0,  100_000,  5_000]),
        Row("OUT-FREE",  0,       0,       None, Ending::Paid,      [-100_000,       0,  100_000,      0]),
        Row("TOP-FREE",  1,       0,       None, Ending::Paid,      [-100_000,       0,  100_000,      0]),
        Row("OUT-FAIL",  0,   5_000,       None, Ending::Failed,    [       0,       0,        0,      0]),
        Row("TOP-FAIL",  1,   5_000,       None, Ending::Failed,    [       0,       0,        0,      0]),
        Row("TOP-BACK",  1,   5_000,       None, Ending::Cancelled, [       0,       0,        0,      0]),
        Row("TOP-HIGH",  1,  15_000,       None, Ending::Paid,      [-115_000,       0,  100_000, 15_000]),
        Row("OUT-MORE",  0,   5_000, Some(7_000), Ending::Paid,     [-100_000,       0,   93_000,  7_000]),
        Row("TOP-MORE",  1,   5_000, Some(7_000), Ending::Paid,     [-107_000,       0,  100_000,  7_000]),
        Row("TOP-LESS",  1,   5_000, Some(1_000), Ending::Paid,     [-101_000,       0,  100_000,  1_000]),
    ];
    let world = World::start().await;
    for Row(order, fee_type, fee, in_the_end, ends, _) in &rows {
        let script = Script { fee_idr: Some(*fee), final_fee_idr: *in_the_end, ends: Some(*ends), ..Script::default() };
        world.sandbox.script(*order, script);
        world.enqueue(order, 100_000, *fee_type).await;
    }
    world.until("select count(*) from payout.payouts where settled_at is not null", &rows.len().to_string()).await;
    let mut all = [0; 4];
    for Row(order, .., expected) in &rows {
        let booked: (i64, i64, i64, i64) = sqlx::query_as(
            "select sum(available)::bigint, sum(held)::bigint, sum(paid_out)::bigint, sum(fees)::bigint
             from payout.ledger where order_num = $1",
        )
        .bind(order)
        .fetch_one(world.database.pool())
        .await
        .unwrap();
        assert_eq!([booked.0, booked.1, booked.2, booked.3], *expected, "{order}");
        for (sum, part) in all.iter_mut().zip(expected) {
            *sum += part;
        }
    }
    assert_eq!(world.accounts().await, [FUNDS + all[0], 0, all[2], all[3], -FUNDS]);
    world.assert_books_agree().await;
    let flagged = "select attention from payout.payouts where order_num = 'TOP-HIGH'";
    assert_eq!(world.database.text(flagged).await, "fee_above_reserve");
}

#[tokio::test(flavor = "multi_thread")]
async fn uncovered_payouts_wait_visibly_and_are_sent_once_funded() {
    let world = World::with(Wishes {
        balance_idr: 250_000,
        ..Wishes::default()
    })
    .await;
    world.enqueue("BIG-1", 400_000, 0).await;
    world
        .until(
            "select attention from payout.status where order_num = 'BIG-1'",
            "insufficient_funds",
        )
        .await;
    assert_eq!(world.database.state("BIG-1").await, "queued");
    world.enqueue("SMALL-1", 100_000, 0).await;
    world.until_state("SMALL-1", "paid").await;
    assert_eq!(
        world.database.state("BIG-1").await,
        "queued",
        "smaller ones may overtake"
    );
    // Until the gateway has been seen to debit SMALL-1, that much of a surplus might be its cost.
    let debited = "select g.spent = a.spent and 0 = all (g.undebited)
                   from payout.gateway_balance g join payout.accounts a using (merchant_code)";
    world.until(debited, "true").await;
    let client = reqwest::Client::new();
    let top_up = client
        .post(format!("{}/admin/topup", world.sandbox.url()))
        .body(r#"{"amount": 1000000}"#);
    let answer = top_up
        .header("content-type", "application/json")
        .send()
        .await
        .unwrap();
    assert!(answer.status().is_success());
    world.until_state("BIG-1", "paid").await;
    let funded =
        "select string_agg(reference, ' ' order by id) from payout.ledger where kind = 'funding'";
    assert!(
        world
            .database
            .text(funded)
            .await
            .starts_with("gateway opening gateway after ")
    );
    world.assert_books_agree().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn books_funded_only_by_finance_never_follow_the_gateways_balance() {
    let world = World::with(Wishes {
        merchant: "funding = \"books\"",
        ..Wishes::default()
    })
    .await;
    world.enqueue("BOOKS-1", 100_000, 1).await;
    world
        .until(
            "select attention from payout.status where order_num = 'BOOKS-1'",
            "insufficient_funds",
        )
        .await;
    world.database.run("select payout.fund('S2020198627344', 110000, 'TRF-1'), payout.fund('S2020198627344', 110000, 'TRF-1')").await;
    world.until_state("BOOKS-1", "paid").await;
    assert_eq!(world.accounts().await, [7_500, 0, 100_000, 2_500, -110_000]);
}
