//! Cancelling, replaying, and booking top-ups.

use crate::support::{
    database::{Database, MERCHANT},
    refusal::Refusal,
    steps::PATHS,
};

#[tokio::test]
async fn only_a_queued_payout_is_cancelled_and_the_refusal_says_why() {
    let database = Database::with_steps().await;
    for (state, _) in PATHS {
        database.insert_in(state, state).await;
        let cancel = format!("select payout.cancel('{state}', 'customer changed her mind')");
        let result = database.try_run(&cancel).await;
        if state == "queued" {
            result.unwrap();
            continue;
        }
        let refusal = Refusal::expected(&cancel, result);
        refusal.is(
            &cancel,
            "PW013",
            &format!("payout {state} is {state} and cannot be cancelled"),
        );
        let open = ["submitting", "pending", "unknown"].contains(&state);
        let why = if open {
            "may have been sent already"
        } else {
            "final"
        };
        assert!(refusal.hint.contains(why), "{}", refusal.hint);
        assert_eq!(database.state(state).await, state);
    }
    let kept = "select failure_reason || ' ' || (settled_at is not null) from payout.status where order_num = 'queued'";
    assert_eq!(database.text(kept).await, "customer changed her mind true");
    let line = "select concat_ws(' ', event, from_state, to_state, source, detail->>'reason') from payout.history
                where order_num = 'queued' order by seq desc limit 1";
    assert_eq!(
        database.text(line).await,
        "withdrawn queued cancelled operator customer changed her mind"
    );
}

#[tokio::test]
async fn a_cancel_needs_a_reason_in_one_line() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 1000).await;
    for reason in [
        "null",
        "''",
        "'  '",
        "repeat('x', 201)",
        r"E'one\ntwo'",
        r"E'\u001b[2J'",
    ] {
        let cancel = format!("select payout.cancel('INV-1', {reason})");
        let refusal = Refusal::expected(&cancel, database.try_run(&cancel).await);
        refusal.is(&cancel, "PW026", "a reason of 1 to 200 characters");
        assert!(!refusal.hint.is_empty());
    }
    assert_eq!(database.state("INV-1").await, "queued");
}

#[tokio::test]
async fn an_unknown_order_number_is_reported_as_unknown() {
    let database = Database::with_merchant().await;
    for call in [
        "select payout.cancel('INV-404', 'test')",
        "select payout.replay('INV-404')",
        "select payout.replay('INV-404', 'S404')",
        "select payout.cancel(null, 'test')",
    ] {
        let refusal = Refusal::expected(call, database.try_run(call).await);
        refusal.is(call, "PW014", "there is no payout");
        assert!(!refusal.hint.is_empty(), "{call}");
    }
}

#[tokio::test]
async fn a_replay_queries_immediately_and_moves_nothing() {
    let database = Database::with_steps().await;
    for (state, _) in PATHS {
        database.insert_in(state, state).await;
        let replay = format!("select payout.replay('{state}')");
        let result = database.try_run(&replay).await;
        let due = format!(
            "select coalesce(next_query_at <= now(), false) from payout.payouts where order_num = '{state}'"
        );
        let was_sent = !["queued", "cancelled"].contains(&state);
        assert_eq!(database.text(&due).await, was_sent.to_string(), "{state}");
        assert_eq!(database.state(state).await, state);
        if !was_sent {
            let refusal = Refusal::expected(&replay, result);
            refusal.is(&replay, "PW013", "it was never sent");
            assert!(!refusal.hint.is_empty());
        }
    }
}

#[tokio::test]
async fn a_top_up_is_booked_once_per_reference() {
    let database = Database::fresh().await;
    database.register_merchant("M1").await;
    database.register_merchant("M2").await;
    let fund = |merchant: &str, amount: &str, reference: &str| {
        format!("select payout.fund('{merchant}', {amount}, '{reference}')")
    };
    for (merchant, amount, reference, available) in [
        ("M1", "500000", "BCA/1", "500000"),
        ("M1", "500000", "BCA/1", "500000"),
        ("M1", "500000.00", "BCA/1", "500000"),
        ("M1", "-100000", "out 1", "400000"),
        ("M1", "-100000", "out 1", "400000"),
        // The number of one transfer, copied by hand.
        ("M1", "-100000", "OUT 1", "400000"),
        ("M2", "7", "BCA/1", "7"),
        ("M1", "-400000", "out 2", "0"),
    ] {
        assert_eq!(
            database.text(&fund(merchant, amount, reference)).await,
            available,
            "{amount} {reference}"
        );
    }
    for (amount, reference) in [
        ("500001", "BCA/1"),
        ("500001", "bca/1"),
        ("100000", "out 1"),
    ] {
        let call = fund("M1", amount, reference);
        let refusal = Refusal::expected(&call, database.try_run(&call).await);
        refusal.is(&call, "PW015", "already booked with a different amount");
        assert!(!refusal.hint.is_empty());
    }
    let call = fund("M1", "-1", "out 3");
    let refusal = Refusal::expected(&call, database.try_run(&call).await);
    refusal.is(&call, "PW015", "does not cover this");
    assert!(!refusal.hint.is_empty());
    assert_eq!(
        database.text("select count(*) from payout.ledger").await,
        "4"
    );
}

#[tokio::test]
#[rustfmt::skip]
async fn an_implausible_top_up_is_refused() {
    let database = Database::with_merchant().await;
    let rows = [
        // merchant        amount                reference         SQLSTATE  words
        ("'S404'",         "1000",               "'r'",            "PW007", "not registered"),
        ("null",           "1000",               "'r'",            "PW007", "not registered"),
        ("'{M}'",          "0",                  "'r'",            "PW002", "whole rupiah, not 0"),
        ("'{M}'",          "0.5",                "'r'",            "PW002", "whole rupiah, not 0"),
        ("'{M}'",          "50.000",             "'r'",            "PW002", "three decimals"),
        ("'{M}'",          "'NaN'",              "'r'",            "PW002", "whole rupiah, not 0"),
        ("'{M}'",          "'Infinity'",         "'r'",            "PW002", "whole rupiah, not 0"),
        ("'{M}'",          "null",               "'r'",            "PW002", "whole rupiah, not 0"),
        ("'{M}'",          "1000000000000001",   "'r'",            "PW002", "at most 10^15"),
        ("'{M}'",          "1000",               "null",           "PW015", "reference must be"),
        ("'{M}'",          "1000",               "''",             "PW015", "reference must be"),
        ("'{M}'",          "1000",               r"E'r\n'",        "PW015", "reference must be"),
        ("'{M}'",          "1000",               "repeat('r',65)", "PW015", "reference must be"),
    ];
    for (merchant, amount, reference, code, words) in rows {
        let call = format!("select payout.fund({}, {amount}, {reference})", merchant.replace("{M}", MERCHANT));
        let refusal = Refusal::expected(&call, database.try_run(&call).await);
        refusal.is(&call, code, words);
        assert!(!refusal.hint.is_empty(), "{call}");
    }
}
