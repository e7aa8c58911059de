//! No refusal prints a payout: Postgres adds the whole row to the error of a constraint, for the client and for its log.

use std::collections::BTreeSet;

use sqlx::AssertSqlSafe;

use crate::support::{database::Database, refusal::Refusal};

/// For each constraint of `payout.payouts`: a payout in this state that is changed so breaks it.
const BREAKS: [(&str, &str, &str); 17] = [
    ("state_is_known", "queued", "state = 'lost'"),
    (
        "sent_once_per_grant",
        "unknown",
        "sends = sends + 1, attempt = attempt + 1",
    ),
    ("attempts_count_up", "unknown", "attempt = 0"),
    ("settled_at_iff_final", "paid", "settled_at = null"),
    ("held_while_it_may_have_left", "pending", "held = 0"),
    ("fee_is_an_amount", "paid", "fee = -1"),
    ("attention_has_a_time", "queued", "attention_since = now()"),
    ("parked_only_while_queued", "pending", "parked = true"),
    ("order_num_is_plain", "queued", "order_num = 'a b'"),
    ("amount_is_whole_rupiah", "queued", "amount = 250000.75"),
    ("fee_type_is_known", "queued", "fee_type = 7"),
    ("bank_code_is_digits", "queued", "bank_code = 'BCA'"),
    (
        "account_number_is_digits",
        "queued",
        "account_number = '12-34'",
    ),
    ("account_name_is_plain", "queued", "account_name = '!'"),
    ("description_is_plain", "queued", "description = '=1'"),
    ("not_before_is_a_time", "queued", "not_before = 'infinity'"),
    (
        "metadata_is_small",
        "queued",
        "metadata = to_jsonb(repeat('x', 16385))",
    ),
];

async fn names(database: &Database, query: &str) -> BTreeSet<String> {
    sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
        .fetch_all(database.pool())
        .await
        .unwrap()
        .into_iter()
        .collect()
}

async fn refused_in_silence(database: &Database, change: &str) {
    let refusal = Refusal::expected(change, database.try_run(change).await);
    for personal in ["Siti Rahayu", "0012345678"] {
        assert!(
            !refusal.everything.contains(personal),
            "{change}: {}",
            refusal.everything
        );
    }
    assert!(refusal.code.starts_with("PW"), "{change}: {}", refusal.code);
}

#[tokio::test]
async fn no_change_that_breaks_a_constraint_prints_the_payout() {
    let database = Database::with_steps().await;
    for state in ["queued", "pending", "unknown", "paid"] {
        database.insert_in(state, state).await;
    }
    let constraints = names(
        &database,
        "select conname::text from pg_constraint where conrelid = 'payout.payouts'::regclass and contype = 'c'",
    )
    .await;
    let tried = BREAKS.map(|(name, ..)| name.to_owned());
    assert_eq!(constraints, BTreeSet::from(tried));
    for (_, state, change) in BREAKS {
        let update = format!("update payout.payouts set {change} where order_num = '{state}'");
        refused_in_silence(&database, &update).await;
    }
    let columns = names(
        &database,
        "select attname::text from pg_attribute where attrelid = 'payout.payouts'::regclass and attnum > 0 and attnotnull",
    )
    .await;
    assert!(columns.len() > 20, "{columns:?}");
    for column in columns {
        for state in ["queued", "pending"] {
            let update =
                format!("update payout.payouts set {column} = null where order_num = '{state}'");
            refused_in_silence(&database, &update).await;
        }
    }
}

/// A wrong move breaks several constraints at once. It states its time, as the worker does.
#[tokio::test]
async fn no_wrong_move_prints_the_payout() {
    let database = Database::with_steps().await;
    for state in ["queued", "pending", "paid", "failed"] {
        database.insert_in(state, state).await;
    }
    let states = names(&database, "select name from payout.state").await;
    for from in ["queued", "pending", "paid", "failed"] {
        for to in &states {
            for also in [
                "held = held",
                "held = 0",
                "sends = sends + 1, attempt = attempt + 1",
                "settled_at = null",
                "settled_at = now()",
                "last_seq = null",
            ] {
                if from == to {
                    continue;
                }
                let update = format!(
                    "update payout.payouts set state = '{to}', state_since = now(), {also} where order_num = '{from}'"
                );
                refused_in_silence(&database, &update).await;
            }
        }
    }
}

/// A comparison with null is neither true nor false, so null must be no set of reasons at all.
#[tokio::test]
async fn null_clears_no_reason_for_attention() {
    let database = Database::with_steps().await;
    database.insert_in("unknown", "INV-1").await;
    database
        .run("update payout.payouts set attention_reasons = '{contradiction}'")
        .await;
    let cleared = "select public.receive('INV-1', public.usual_evidence('acknowledged'));
         insert into payout.history (merchant_code, order_num, event, from_state, to_state, source, attempt)
         select merchant_code, order_num, 'acknowledged', 'unknown', 'pending', 'worker', 1 from payout.payouts;
         update payout.payouts set state = 'pending', attention_reasons = null,
                                   last_seq = (select max(seq) from payout.history)";
    Refusal::expected(cleared, database.try_run(cleared).await).is(
        cleared,
        "PW012",
        "payout INV-1: attention_reasons",
    );
}
