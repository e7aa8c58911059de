//! Reasons for attention are a set: one never replaces another, and each is cleared only by what answers it.

use payout_worker::domain::{
    attention::{Attention, AttentionSet, ClearedBy, RULES},
    state::{Event, TRANSITIONS},
};

use crate::support::{database::Database, refusal::Refusal};

/// What is stored of a payout, gravest first.
async fn reasons(database: &Database, order_num: &str) -> String {
    let shown = format!(
        "select array_to_string(attention_reasons, ' ') from payout.payouts where order_num = '{order_num}'"
    );
    database.text(&shown).await
}

/// The statement that raises these reasons.
fn raised(order_num: &str, set: AttentionSet) -> String {
    format!(
        "update payout.payouts set attention_reasons = attention_reasons || '{{{}}}' where order_num = '{order_num}'",
        set.names().join(",")
    )
}

/// The statement that leaves only these reasons.
fn replaced(order_num: &str, set: AttentionSet) -> String {
    format!(
        "update payout.payouts set attention_reasons = '{{{}}}' where order_num = '{order_num}'",
        set.names().join(",")
    )
}

#[tokio::test]
async fn the_reasons_of_the_database_are_those_of_the_program() {
    let database = Database::fresh().await;
    let in_sql: Vec<(i32, String, String, bool, Vec<String>)> = sqlx::query_as(
        "select rank, name, cleared_by, holds_back_claim, answered_by from payout.attention_reason order by rank",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    let in_rust: Vec<_> = (1..)
        .zip(RULES)
        .map(|(rank, rule)| {
            (
                rank,
                rule.reason.to_string(),
                rule.cleared_by.to_string(),
                rule.holds_back_claim,
                rule.answered_by.iter().map(Event::to_string).collect(),
            )
        })
        .collect();
    assert_eq!(in_sql, in_rust);
}

#[tokio::test]
async fn a_second_reason_replaces_none_whichever_comes_first() {
    let database = Database::with_merchant().await;
    for first in Attention::ALL {
        for second in Attention::ALL {
            let order_num = format!("{first}-{second}");
            let order_num = order_num
                .replace('_', "")
                .chars()
                .take(32)
                .collect::<String>();
            database.insert(&order_num, 1000).await;
            for reason in [first, second] {
                let one = AttentionSet::EMPTY.with(reason);
                database.run(&raised(&order_num, one)).await;
            }
            let both = AttentionSet::EMPTY.with(first).with(second);
            assert_eq!(reasons(&database, &order_num).await, both.names().join(" "));
            let gravest =
                format!("select attention from payout.payouts where order_num = '{order_num}'");
            assert_eq!(database.text(&gravest).await, first.min(second).name());
        }
    }
}

#[tokio::test]
async fn nobody_writes_the_gravest_reason_or_an_unknown_one() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 1000).await;
    let by_hand = "update payout.payouts set attention = 'not_found'";
    let refusal = Refusal::expected(by_hand, database.try_run(by_hand).await);
    refusal.is(by_hand, "428C9", "attention");
    for unknown in ["{nonsense}", "{not_found, nonsense}", "{not_found, null}"] {
        let update = format!("update payout.payouts set attention_reasons = '{unknown}'");
        let refusal = Refusal::expected(&update, database.try_run(&update).await);
        refusal.is(&update, "PW012", "INV-1");
    }
    let twice =
        "update payout.payouts set attention_reasons = '{open_too_long, not_found, not_found}'";
    database.run(twice).await;
    assert_eq!(reasons(&database, "INV-1").await, "not_found open_too_long");
}

/// Neither the owner nor the worker clears it, whatever they write in its place.
#[tokio::test]
async fn what_only_a_person_may_clear_stays_until_a_person_acts() {
    let database = Database::with_steps().await;
    let worker = database.login(&["payout_worker"]).await;
    let mut worker = database.connect_as(&worker).await;
    for rule in RULES {
        let (set, order_num) = (AttentionSet::EMPTY.with(rule.reason), rule.reason.name());
        database.insert_in("failed", order_num).await;
        database.run(&raised(order_num, set)).await;
        let lesser = AttentionSet::EMPTY.with(Attention::FeeAboveReserve);
        for instead in [AttentionSet::EMPTY, lesser.without(rule.reason)] {
            let update = replaced(order_num, instead);
            let by_worker = sqlx::raw_sql(sqlx::AssertSqlSafe(update.clone()))
                .execute(&mut worker)
                .await
                .map(drop);
            for result in [database.try_run(&update).await, by_worker] {
                if rule.cleared_by == ClearedBy::Person {
                    Refusal::expected(&update, result).is(&update, "PW012", rule.reason.name());
                } else {
                    result.unwrap();
                }
            }
        }
    }
}

/// The attack: a reason that blocks the replacement gave way to a lesser one, that one was cleared, and the
/// replacement went.
#[tokio::test]
async fn a_lesser_reason_that_comes_and_goes_does_not_let_the_replacement_go() {
    let database = Database::with_steps().await;
    database.insert_in("failed", "INV-0").await;
    let late = AttentionSet::EMPTY.with(Attention::LateSuccess);
    database.run(&raised("INV-0", late)).await;
    let replacement = "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name,
                                                   replaces)
                       values ('INV-1', 100000, 0, '014', '0012345678', 'Siti Rahayu', 'INV-0')";
    for lesser in Attention::ALL
        .into_iter()
        .filter(|reason| *reason != Attention::LateSuccess)
    {
        database
            .run(&raised("INV-0", AttentionSet::EMPTY.with(lesser)))
            .await;
        // What only a person may clear is not cleared here, and the refusal says so.
        if let Err(error) = database.try_run(&replaced("INV-0", late)).await {
            Refusal::of(&error).is("clear", "PW012", "only a person can clear");
        }
        Refusal::expected(replacement, database.try_run(replacement).await).is(
            replacement,
            "PW008",
            "failed with attention late_success",
        );
    }
}

/// Every move, with every reason that the payout may have before it.
#[tokio::test]
async fn a_move_clears_exactly_the_reasons_that_it_answers() {
    let database = Database::with_steps().await;
    for (number, (from, event, _, _)) in TRANSITIONS.iter().enumerate() {
        let order_num = format!("m-{number}");
        database.insert_in(from.name(), &order_num).await;
        let fits = |reason: &Attention| {
            let alone = AttentionSet::EMPTY.with(*reason);
            // `public.step` sets what a resubmit needs.
            let is_needed = *event != Event::ResubmitGranted || *reason == Attention::NotFound;
            is_needed && (*event != Event::Claimed || !alone.holds_back_claim())
        };
        let before: AttentionSet = Attention::ALL.into_iter().filter(fits).collect();
        database.run(&raised(&order_num, before)).await;
        database.step(&order_num, event.name()).await;
        let left = before.after(*event).names().join(" ");
        assert_eq!(reasons(&database, &order_num).await, left, "{from} {event}");
    }
}

#[tokio::test]
async fn attention_dates_from_its_beginning_or_from_a_graver_reason() {
    let database = Database::with_merchant().await;
    database.insert("INV-1", 1000).await;
    let changes = [
        ("{}", "open_too_long", true),
        ("open_too_long", "open_too_long,insufficient_funds", false),
        (
            "open_too_long,insufficient_funds",
            "not_found,open_too_long,insufficient_funds",
            true,
        ),
        (
            "not_found,open_too_long,insufficient_funds",
            "open_too_long",
            false,
        ),
        ("open_too_long", "fee_above_reserve,open_too_long", true),
    ];
    for (before, after, restarts) in changes {
        let aged = "update payout.payouts set attention_since = now() - interval '1 hour' where attention is not null";
        database.run(aged).await;
        let change = format!("update payout.payouts set attention_reasons = '{{{after}}}'");
        database.run(&change).await;
        let fresh = "select attention_since > now() - interval '30 minutes' from payout.payouts";
        assert_eq!(
            database.text(fresh).await,
            restarts.to_string(),
            "{before} -> {after}"
        );
    }
    database
        .run("update payout.payouts set attention_reasons = '{}'")
        .await;
    let none = "select attention_since is null from payout.payouts";
    assert_eq!(database.text(none).await, "true");
}
