//! The receipt of one payout.

use crate::support::{
    database::Database,
    terminal::{payout, payout_as},
};

const NUMBER: &str = "0012345678";
const NAME: &str = "Siti Rahayu";

#[tokio::test]
async fn only_what_was_paid_has_a_receipt() {
    let database = Database::with_steps().await;
    for state in [
        "queued",
        "submitting",
        "pending",
        "unknown",
        "failed",
        "cancelled",
    ] {
        database.insert_in(state, state).await;
        let refused = payout(&database, &["receipt", state]).with(4);
        assert!(
            refused.out.is_empty() && refused.err.contains("not paid"),
            "{}",
            refused.err
        );
        // It reveals nothing before it refuses.
        payout(
            &database,
            &["receipt", state, "--reveal", "--reason", "ticket 1"],
        )
        .with(4);
    }
    assert_eq!(
        database
            .text("select count(*) from payout.requests where kind = 'reveal'")
            .await,
        "0"
    );
    payout(&database, &["receipt", "NONE"]).with(3);

    database.insert_in("paid", "PAID-1").await;
    database.insert_in("returned", "BACK-1").await;
    let paid = payout(&database, &["receipt", "PAID-1"]).with(0).out;
    assert!(
        paid.starts_with("<!doctype html>") && !paid.contains("RETURNED"),
        "{paid}"
    );
    let back = payout(&database, &["receipt", "BACK-1", "-o", "csv"])
        .with(0)
        .out;
    assert!(back.contains("RETURNED"), "{back}");
}

#[tokio::test]
async fn a_receipt_is_masked_until_its_reveal_is_recorded() {
    let database = Database::with_steps().await;
    database.insert_in("paid", "PAID-1").await;
    let operator = database.login(&["payout_operator"]).await;
    let reader = database.login(&["payout_reader"]).await;
    let masked = payout_as(&database, &reader, &["receipt", "PAID-1"])
        .with(0)
        .out;
    assert!(
        !masked.contains(NUMBER) && !masked.contains(NAME) && masked.contains("****5678"),
        "{masked}"
    );

    let reveal = ["receipt", "PAID-1", "--reveal", "--reason", "ticket 5512"];
    let refused = payout_as(&database, &reader, &reveal);
    assert!(refused.out.is_empty(), "{}", refused.out);
    payout_as(&database, &operator, &["receipt", "PAID-1", "--reveal"]).with(2);
    let shown = payout_as(&database, &operator, &reveal).with(0).out;
    assert!(shown.contains(NUMBER) && shown.contains(NAME), "{shown}");
    let audited =
        "select string_agg(actor || ' ' || reason, ', ') from payout.audit where act = 'revealed'";
    assert_eq!(
        database.text(audited).await,
        format!("{operator} ticket 5512")
    );
}
