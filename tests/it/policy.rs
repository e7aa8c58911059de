//! The numbers and the arithmetic that Rust and SQL share stand once on each side, and agree.

use std::time::Duration;

use payout_worker::domain::{
    money::{FeeType, Rupiah},
    policy,
};

use crate::support::database::Database;

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap()
}

#[tokio::test]
async fn the_policy_of_the_database_is_that_of_the_program() {
    let database = Database::fresh().await;
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "select f.key, case jsonb_typeof(f.value) when 'number' then f.value::text::bigint
                            else extract(epoch from (f.value #>> '{}')::interval)::bigint end
         from payout.policy x, jsonb_each(to_jsonb(x) - 'only_row') f",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    let mut in_sql = rows;
    in_sql.sort();
    let mut in_rust = vec![
        ("clock_tolerance", seconds(policy::CLOCK_TOLERANCE)),
        ("clock_unwatched_max", seconds(policy::CLOCK_UNWATCHED_MAX)),
        ("funding_counts_for", seconds(policy::FUNDING_COUNTS_FOR)),
        ("late_after", seconds(policy::LATE_AFTER)),
        ("not_found_valid_for", seconds(policy::NOT_FOUND_VALID_FOR)),
        ("max_amount_idr", policy::MAX_AMOUNT_IDR),
        ("max_balance_idr", policy::MAX_BALANCE_IDR),
        ("plausible_fee_idr", policy::PLAUSIBLE_FEE_IDR),
        ("plausible_fee_percent", policy::PLAUSIBLE_FEE_PERCENT),
        ("not_found_answers", policy::NOT_FOUND_ANSWERS.into()),
        ("open_too_long", seconds(policy::OPEN_TOO_LONG)),
        ("overtake_for", seconds(policy::OVERTAKE_FOR)),
        ("proof_fresh_for", seconds(policy::PROOF_FRESH_FOR)),
        ("reserve_for", seconds(policy::RESERVE_FOR)),
        ("query_first_min", seconds(policy::QUERY_FIRST_MIN)),
        (
            "quiet_horizon_default",
            seconds(policy::QUIET_HORIZON_DEFAULT),
        ),
        (
            "request_expires_after",
            seconds(policy::REQUEST_EXPIRES_AFTER),
        ),
        (
            "unsigned_second_read",
            seconds(policy::UNSIGNED_SECOND_READ),
        ),
    ];
    in_rust.sort_unstable();
    let in_rust: Vec<(String, i64)> = in_rust
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    assert_eq!(in_sql, in_rust);

    let answers = "select answers from payout.required_evidence where proves = 'refusal'";
    let answers: i32 = sqlx::query_scalar(answers)
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(answers.unsigned_abs(), policy::REFUSAL_ANSWERS);
    // A constraint cannot read a table: it repeats the number.
    for (constraint, number) in [
        ("limits_make_sense", policy::MAX_AMOUNT_IDR),
        ("fee_reserve_makes_sense", policy::MAX_AMOUNT_IDR),
        ("fee_is_an_amount", policy::MAX_AMOUNT_IDR),
        ("stated_balance_is_plausible", policy::MAX_BALANCE_IDR),
    ] {
        let defined = format!(
            "select pg_get_constraintdef(oid) from pg_constraint where conname = '{constraint}'"
        );
        let limits = database.text(&defined).await;
        assert!(limits.contains(&number.to_string()), "{limits}");
    }
}

#[tokio::test]
async fn the_fee_arithmetic_of_the_database_is_that_of_the_program() {
    let database = Database::fresh().await;
    for fee_type in [FeeType::OutOfAmount, FeeType::OnTop] {
        for amount in [1, 1_000, 250_000, policy::MAX_AMOUNT_IDR] {
            for fee in [0, 5, 2_500] {
                let (idr, fee_idr) = (Rupiah::new(amount), Rupiah::new(fee));
                let in_rust = [
                    fee_type.hold(idr, fee_idr),
                    fee_type.debit(idr, fee_idr),
                    fee_type.beneficiary_amount(idr, fee_idr),
                ]
                .map(|result| result.unwrap().idr());
                let in_sql: (i64, i64, i64) = sqlx::query_as(
                    "select payout.hold_idr($1::numeric, $2, $3), payout.debit_idr($1::numeric, $2, $3),
                            payout.beneficiary_idr($1::numeric, $2, $3)",
                )
                .bind(amount)
                .bind(fee_type.code())
                .bind(fee)
                .fetch_one(database.pool())
                .await
                .unwrap();
                assert_eq!(
                    <[i64; 3]>::from(in_sql),
                    in_rust,
                    "{fee_type:?} {amount} {fee}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_plausible_fee_is_the_same_for_the_database_and_for_the_program() {
    let database = Database::fresh().await;
    let amounts = [
        1,
        49_999,
        50_000,
        499_999,
        500_010,
        250_000_000,
        policy::MAX_AMOUNT_IDR,
    ];
    for fee_type in [FeeType::OutOfAmount, FeeType::OnTop] {
        for amount in amounts {
            for reserve in [0, 10_000, 700_000] {
                let bounds = [0, 50_000, reserve, amount / 10, amount];
                for fee in bounds
                    .iter()
                    .flat_map(|bound| [bound - 1, *bound, bound + 1])
                    .chain([i64::MAX])
                {
                    let in_sql: bool = sqlx::query_scalar(
                        "select payout.is_plausible_fee($1::numeric, $2, $3, $4)",
                    )
                    .bind(amount)
                    .bind(fee_type.code())
                    .bind(fee)
                    .bind(reserve)
                    .fetch_one(database.pool())
                    .await
                    .unwrap();
                    let [idr, fee_idr, reserve_idr] = [amount, fee, reserve].map(Rupiah::new);
                    let in_rust = fee_type.is_plausible_fee(idr, fee_idr, reserve_idr);
                    assert_eq!(in_sql, in_rust, "{fee_type:?} {amount} {fee} {reserve}");
                }
            }
        }
    }
}

/// Protocol P22's own example: 1000 with a fee of 5.
#[tokio::test]
async fn the_gateways_own_example_comes_out() {
    let database = Database::fresh().await;
    let example = "select concat_ws(' ', payout.beneficiary_idr(1000, 0::smallint, 5), payout.debit_idr(1000, 0::smallint, 5),
                                    payout.beneficiary_idr(1000, 1::smallint, 5), payout.debit_idr(1000, 1::smallint, 5))";
    assert_eq!(database.text(example).await, "995 1000 1000 1005");
}
