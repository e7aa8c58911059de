//! Records that nobody can change later, not even the owner.

use crate::support::{database::Database, refusal::Refusal};

#[tokio::test]
async fn nobody_changes_or_deletes_records() {
    let database = Database::with_steps().await;
    database.insert_in("paid", "INV-1").await;
    database
        .run(
            "insert into payout.evidence (merchant_code, order_num, attempt, source, kind, status, signed, detail)
             select merchant_code, order_num, 1, 'query', 'found', 5, true, '{}' from payout.payouts",
        )
        .await;
    for statement in [
        "delete from payout.payouts",
        "truncate payout.payouts cascade",
        "update payout.history set event = 'enqueued'",
        "delete from payout.history",
        "truncate payout.history",
        "update payout.ledger set available = 0, held = 0",
        "delete from payout.ledger where false",
        "truncate payout.ledger",
        "delete from payout.attempts",
        "truncate payout.attempts",
        "update payout.attempts set worker = 'other'",
        "update payout.attempts set outcome = 'not_sent', send_by = now()",
        "delete from payout.evidence",
        "truncate payout.evidence",
        "update payout.evidence set kind = 'not_found', status = null, signed = null, proves = 'absence'",
        "update payout.evidence set status = 4",
        "update payout.evidence set signed = not signed",
        "update payout.evidence set times = 0",
        "insert into payout.transition values ('paid', 'claimed', 'submitting', 'hold')",
        "update payout.transition set posting = 'none'",
        "delete from payout.transition",
        "truncate payout.transition cascade",
        "delete from payout.required_evidence",
        "update payout.required_evidence set certain = false",
        "update payout.policy set not_found_answers = 1",
        "update payout.event set proven_by = 'history'",
        "update payout.state set final = false",
        "insert into payout.accounts (merchant_code) select code from payout.merchants",
        "update payout.accounts set available = available + 1, funding = funding - 1",
        "delete from payout.accounts",
        "truncate payout.accounts",
    ] {
        Refusal::expected(statement, database.try_run(statement).await).is(statement, "PW016", "");
    }
}

#[tokio::test]
async fn an_attempt_gets_its_outcome_once_and_repeated_evidence_is_counted() {
    let database = Database::with_steps().await;
    database.insert_in("pending", "INV-1").await;
    database
        .run("update payout.attempts set outcome = 'acknowledged', outcome_at = now()")
        .await;
    let again = "update payout.attempts set outcome = 'not_sent'";
    Refusal::expected(again, database.try_run(again).await).is(
        again,
        "PW016",
        "only its missing outcome",
    );
    database
        .run(
            "insert into payout.evidence (merchant_code, order_num, attempt, source, kind, status, signed, detail)
             select merchant_code, order_num, 1, 'query', 'found', 1, true, '{}' from payout.payouts;
             update payout.evidence set times = times + 1, last_at = clock_timestamp(), detail = '{\"message\": \"later\"}'",
        )
        .await;
}

#[tokio::test]
async fn repeated_evidence_is_counted_even_after_the_clock_was_set_back() {
    let database = Database::with_steps().await;
    database.insert_in("pending", "INV-1").await;
    database
        .run(
            "insert into payout.evidence (merchant_code, order_num, attempt, source, kind, status, signed, detail)
             select merchant_code, order_num, 1, 'query', 'found', 1, true, '{}' from payout.payouts;
             update payout.evidence set times = times + 1, last_at = last_at - interval '1 hour'",
        )
        .await;
    let counted = "select times || ' ' || (last_at >= first_at) from payout.evidence where kind = 'found' and status = 1";
    assert_eq!(database.text(counted).await, "2 true");
}

#[tokio::test]
async fn an_entry_that_does_not_balance_or_overdraws_is_refused() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 1000).await;
    for (columns, values, code) in [
        (
            "kind, order_num, attempt, available, held",
            "'hold', 'INV-1', 1, -1000, 999",
            "23514",
        ),
        (
            "kind, order_num, attempt, available, held",
            "'hold', 'INV-1', 1, -10000000001, 10000000001",
            "PW015",
        ),
        (
            "kind, order_num, attempt, available, held",
            "'release', 'INV-1', 1, 1, -1",
            "23514",
        ),
        ("kind, order_num, attempt", "'hold', 'INV-404', 1", "23503"),
        ("kind, order_num", "'gift', 'INV-1'", "23514"),
        (
            "kind, available, funding, funded_by",
            "'funding', 5, -5, 'person'",
            "23514",
        ),
        (
            "kind, available, funding, reference",
            "'funding', 5, -5, 'BCA 1'",
            "23514",
        ),
        (
            "kind, order_num, attempt, funded_by",
            "'hold', 'INV-1', 1, 'person'",
            "23514",
        ),
    ] {
        let insert = format!(
            "insert into payout.ledger (merchant_code, {columns}) select code, {values} from payout.merchants"
        );
        Refusal::expected(&insert, database.try_run(&insert).await).is(&insert, code, "");
    }
    assert_eq!(
        database.text("select count(*) from payout.ledger").await,
        "1"
    );
}
