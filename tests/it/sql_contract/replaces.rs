//! Replacing a failed payout: once, explicitly, and only while it is certainly failed.

use super::refusals::both_ways;
use crate::support::{database::Database, refusal::Refusal, steps::PATHS};

fn replacing(original: &str, order_num: &str) -> [String; 2] {
    both_ways("replaces", &format!("'{original}'"))
        .map(|statement| statement.replace("INV-1", order_num))
}

#[tokio::test]
async fn only_a_failed_payout_can_be_replaced() {
    let database = Database::with_steps().await;
    for (state, _) in PATHS {
        database.insert_in(state, state).await;
        for (way, statement) in replacing(state, &format!("re-{state}")).iter().enumerate() {
            let result = database.try_run(statement).await;
            if state == "failed" && way == 0 {
                result.unwrap();
            } else if state != "failed" {
                let refusal = Refusal::expected(statement, result);
                refusal.is(statement, "PW008", &format!("payout {state} is {state}"));
                assert!(
                    !refusal.hint.is_empty() && refusal.column == "replaces",
                    "{refusal:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_failed_payout_that_needs_attention_cannot_be_replaced() {
    let database = Database::with_steps().await;
    database.insert_in("failed", "INV-0").await;
    database
        .run("update payout.payouts set attention_reasons = '{late_success}'")
        .await;
    let [insert, _] = replacing("INV-0", "INV-1");
    Refusal::expected(&insert, database.try_run(&insert).await).is(
        &insert,
        "PW008",
        "failed with attention late_success",
    );
}

#[tokio::test]
async fn only_one_replacement_is_open_at_a_time_and_a_failed_one_can_be_replaced() {
    let database = Database::with_steps().await;
    database.insert_in("failed", "INV-0").await;
    let next = |original, order_num| replacing(original, order_num);

    database.run(&next("INV-0", "R1")[0]).await;
    for statement in next("INV-0", "R2") {
        let refusal = Refusal::expected(&statement, database.try_run(&statement).await);
        refusal.is(&statement, "PW008", "INV-0 already has a replacement");
    }
    database
        .run("select payout.cancel('R1', 'wrong account')")
        .await;
    database.run(&next("INV-0", "R2")[1]).await;

    // As the worker does once the gateway has confirmed the failure.
    database
        .run("update payout.payouts set reaffirmed_at = now() where order_num = 'INV-0'")
        .await;
    database.step("R2", "claimed").await;
    database.step("R2", "reported_failed").await;
    let [insert, _] = next("INV-0", "R3");
    Refusal::expected(&insert, database.try_run(&insert).await).is(
        &insert,
        "PW008",
        "INV-0 already has a replacement",
    );
    database.run(&next("R2", "R3")[1]).await;
}

#[tokio::test]
async fn an_identical_repeat_of_a_replacement_is_accepted_whatever_became_of_the_original() {
    let database = Database::with_steps().await;
    database.insert_in("failed", "INV-0").await;
    let [_, call] = replacing("INV-0", "R1");
    database.run(&call).await;
    database
        .run("update payout.payouts set attention_reasons = '{late_success}' where order_num = 'INV-0'")
        .await;
    database.run(&call).await;
    assert_eq!(
        database.text("select count(*) from payout.payouts").await,
        "2"
    );
}

#[tokio::test]
async fn enqueueing_a_replacement_queries_the_original() {
    let database = Database::with_steps().await;
    database.insert_in("failed", "INV-0").await;
    database.run(&replacing("INV-0", "R1")[0]).await;
    let query_is_due =
        "select next_query_at <= now() from payout.payouts where order_num = 'INV-0'";
    assert_eq!(database.text(query_is_due).await, "true");
}

/// The index decides between two sessions that have both passed the check.
#[tokio::test]
async fn two_concurrent_replacements_create_one() {
    let database = Database::with_steps().await;
    database.insert_in("failed", "INV-0").await;
    let mut first = database.connect().await;
    let [_, call] = replacing("INV-0", "R1");
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("begin; {call}")))
        .execute(&mut first)
        .await
        .unwrap();

    let pool = database.pool().clone();
    let [_, call] = replacing("INV-0", "R2");
    let second = tokio::spawn(async move {
        sqlx::raw_sql(sqlx::AssertSqlSafe(call))
            .execute(&pool)
            .await
    });
    database.until_somebody_waits_for_a_lock().await;
    sqlx::raw_sql("commit").execute(&mut first).await.unwrap();
    Refusal::expected("second", second.await.unwrap()).is(
        "second",
        "PW008",
        "already has a replacement",
    );
    assert_eq!(
        database
            .text("select count(*) from payout.payouts where replaces is not null")
            .await,
        "1"
    );
}
