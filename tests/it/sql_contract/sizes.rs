//! Nothing that a caller gives is large: a move of a payout reads and writes all of its row.

use super::refusals::both_ways;
use crate::support::{
    database::{Database, MERCHANT},
    refusal::Refusal,
};

/// Far more than any column takes, and little enough for a test.
const HUGE: &str = "repeat('7', 20000000)";

/// The refusal, whose message must not be long either.
async fn refused(database: &Database, statement: &str) -> Refusal {
    let refusal = Refusal::expected(statement, database.try_run(statement).await);
    let length = refusal.everything.len();
    assert!(length < 2000, "{statement}: a message of {length} bytes");
    refusal
}

#[tokio::test]
async fn metadata_above_the_limit_is_refused_and_names_the_payout() {
    let database = Database::with_merchant().await;
    for metadata in [
        "jsonb_build_object('a', repeat('x', 16376))",
        "jsonb_build_object('a', repeat('x', 20000000))",
        "(select jsonb_agg(n) from generate_series(1, 100000) n)",
        "to_jsonb(repeat('é', 9000))",
    ] {
        for statement in both_ways("metadata", metadata) {
            let refusal = refused(&database, &statement).await;
            refusal.is(
                &statement,
                "PW029",
                "metadata of payout INV-1 must be at most 16384 bytes",
            );
            assert_eq!(refusal.column, "metadata", "{statement}");
        }
    }
    // The largest that fit, one of which is stored at five times its length.
    for (order_num, metadata) in [
        ("FITS-1", "jsonb_build_object('a', repeat('x', 16375))"),
        ("FITS-2", "to_jsonb(array_fill(1, array[5461]))"),
    ] {
        let enqueue = |metadata: &str| {
            format!(
                "select payout.enqueue('{order_num}', 1000, 0, '014', '0012345678', 'Siti Rahayu', metadata => {metadata})"
            )
        };
        database.run(&enqueue(metadata)).await;
        database.run(&enqueue(metadata)).await;
        let other = enqueue("'{\"b\": 1}'");
        refused(&database, &other)
            .await
            .is(&other, "PW010", "already used");
        let length = format!(
            "select octet_length(metadata::text) > 16380 from payout.payouts where order_num = '{order_num}'"
        );
        assert_eq!(database.text(&length).await, "true");
    }
}

#[tokio::test]
#[rustfmt::skip]
async fn a_huge_text_is_refused_by_its_length_whichever_column_it_is_for() {
    let database = Database::with_merchant().await;
    for (column, code) in [
        ("order_num", "PW001"), ("bank_code", "PW004"), ("account_number", "PW005"), ("account_name", "PW006"),
        ("merchant_code", "PW007"), ("replaces", "PW008"), ("description", "PW009"),
    ] {
        for statement in both_ways(column, HUGE) {
            let refusal = refused(&database, &statement).await;
            refusal.is(&statement, code, "");
        }
    }
}

#[tokio::test]
async fn a_huge_argument_is_refused_by_every_function_that_takes_one() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 250_000).await;
    for call in [
        format!("payout.cancel({HUGE}, 'T-1')"),
        format!("payout.cancel('INV-1', {HUGE})"),
        format!("payout.replay({HUGE})"),
        format!("payout.reveal({HUGE}, 'T-1')"),
        format!("payout.reveal('INV-1', {HUGE})"),
        format!("payout.resubmit_proof({HUGE})"),
        format!("payout.fund('{MERCHANT}', 1000, {HUGE})"),
        format!("payout.fund({HUGE}, 1000, 'T-1')"),
        format!("payout.pause('all', '', {HUGE})"),
        format!("payout.pause('bank', {HUGE}, 'T-1')"),
        format!("payout.resume('merchant', {HUGE}, 'T-1')"),
        format!("payout.request_resubmit(array[{HUGE}], 'T-1')"),
        format!("payout.request_resubmit(array['INV-1'], {HUGE})"),
        "payout.request_resubmit(array(select 'INV-' || n from generate_series(1, 1000000) n), 'T-1')".to_owned(),
        format!("payout.request_resolve_failed('INV-1', {HUGE}, 'T-1', confirm => 'INV-1')"),
        format!("payout.request_resolve_failed('INV-1', 'E-1', 'T-1', confirm => {HUGE})"),
        format!("payout.reject(1, {HUGE})"),
        format!("payout.accept_failover({HUGE}, now())"),
    ] {
        let refusal = refused(&database, &format!("select {call}")).await;
        assert!(refusal.code.starts_with("PW"), "{call}: {}", refusal.everything);
    }
}
