//! Who must agree to an act: the database, the table that the model searches with, and the page say the same.

use std::fmt::Write as _;

use crate::support::database::Database;

#[path = "../model/table.rs"]
mod table;

#[tokio::test]
async fn the_models_effects_and_acts_are_those_of_the_database() {
    let database = Database::fresh().await;
    let mut effects: Vec<(String, i32)> = sqlx::query_as("select name, people from payout.effect")
        .fetch_all(database.pool())
        .await
        .unwrap();
    effects.sort();
    let mut in_model = table::EFFECTS.map(|(name, people)| (name.to_owned(), people));
    in_model.sort();
    assert_eq!(effects, in_model);

    let mut acts: Vec<(String, String, String)> =
        sqlx::query_as("select act, applies_if, effect from payout.act")
            .fetch_all(database.pool())
            .await
            .unwrap();
    acts.sort();
    let own = |(act, applies_if, effect): table::Row| {
        (act.to_owned(), applies_if.to_owned(), effect.to_owned())
    };
    let mut in_model = table::ACTS.map(own);
    in_model.sort();
    assert_eq!(acts, in_model);
}

const NOT_FOUND: &str = r#"select public.receive('ORDER', '{"source": "query", "kind": "not_found", "proves": "nothing"}')"#;
const DECLINED: &str =
    r#"select public.receive('ORDER', '{"source": "submit", "kind": "declined"}')"#;
const FAILED: &str = r#"select public.receive('ORDER', '{"source": "query", "kind": "found", "status": 4, "signed": true}')"#;
const FAILED_UNSIGNED: &str = r#"select public.receive('ORDER', '{"source": "query", "kind": "found", "status": 4, "signed": false}')"#;
const FAILED_BY_CALLBACK: &str = r#"select public.receive('ORDER', '{"source": "callback", "kind": "callback", "status": 4, "bound": true}')"#;
const PAID_UNSIGNED: &str = r#"select public.receive('ORDER', '{"source": "query", "kind": "found", "status": 2, "signed": false}')"#;
/// Everything so far happened half a minute earlier (`policy.unsigned_second_read`).
const LATER: &str = "set session_replication_role = replica;
     update payout.evidence
     set first_at = first_at - interval '30 s', last_at = last_at - interval '30 s', query_sent_at = query_sent_at - interval '30 s';
     set session_replication_role = origin";
const IN_PROGRESS: &str = r#"select public.receive('ORDER', '{"source": "query", "kind": "found", "status": 1, "signed": true}')"#;
const OTHER_AMOUNT: &str =
    "update payout.payouts set attention_reasons = '{amount_mismatch}' where order_num = 'ORDER'";
const STATED: &str = "select public.step('ORDER', 'resolved_paid')";
const IN_TIME: &str = "select 1";
const FUNDED_BY_GATEWAY: &str = "update payout.merchants set funding = 'gateway'";

/// The state of a payout, what happens to it (`ORDER`), an act, and the conditions of `payout.act` that then apply.
const CASES: [(&str, &[&str], &str, &[&str]); 31] = [
    ("unknown", &[IN_TIME], "resolve_paid", &["early"]),
    ("unknown", &[], "resolve_paid", &[]),
    ("unknown", &[NOT_FOUND], "resolve_paid", &["contradicted"]),
    ("unknown", &[DECLINED], "resolve_paid", &["contradicted"]),
    ("unknown", &[FAILED], "resolve_paid", &["contradicted"]),
    (
        "unknown",
        &[IN_TIME, FAILED],
        "resolve_paid",
        &["early", "contradicted"],
    ),
    ("failed", &[], "resolve_paid", &["contradicted"]),
    ("paid", &[], "resolve_returned", &["unreported"]),
    ("paid", &[FAILED], "resolve_returned", &[]),
    (
        "paid",
        &[FAILED, NOT_FOUND],
        "resolve_returned",
        &["unreported"],
    ),
    (
        "paid",
        &[FAILED_UNSIGNED],
        "resolve_returned",
        &["unreported"],
    ),
    (
        "paid",
        &[FAILED_UNSIGNED, LATER, FAILED_UNSIGNED],
        "resolve_returned",
        &[],
    ),
    (
        "paid",
        &[FAILED_UNSIGNED, PAID_UNSIGNED, LATER, FAILED_UNSIGNED],
        "resolve_returned",
        &["unreported"],
    ),
    (
        "paid",
        &[FAILED_UNSIGNED, NOT_FOUND, LATER, FAILED_UNSIGNED],
        "resolve_returned",
        &["unreported"],
    ),
    (
        "unknown",
        &[FAILED_UNSIGNED, LATER, PAID_UNSIGNED, LATER, PAID_UNSIGNED],
        "resolve_paid",
        &[],
    ),
    (
        "unknown",
        &[PAID_UNSIGNED, FAILED_UNSIGNED, LATER, PAID_UNSIGNED],
        "resolve_paid",
        &["contradicted"],
    ),
    (
        "unknown",
        &[PAID_UNSIGNED, NOT_FOUND, LATER, PAID_UNSIGNED],
        "resolve_paid",
        &["contradicted"],
    ),
    (
        "paid",
        &[FAILED_BY_CALLBACK],
        "resolve_returned",
        &["unreported"],
    ),
    (
        "paid",
        &[FAILED, IN_PROGRESS],
        "resolve_returned",
        &["unreported"],
    ),
    (
        "paid",
        &[FAILED, OTHER_AMOUNT],
        "resolve_returned",
        &["unreported"],
    ),
    ("unknown", &[STATED], "resolve_returned", &["unreported"]),
    (
        "pending",
        &[STATED, FAILED],
        "resolve_returned",
        &["unreported"],
    ),
    ("unknown", &[], "resolve_failed", &[]),
    ("unknown", &[], "resubmit", &[]),
    ("queued", &[], "cancel", &[]),
    (
        "queued",
        &["update payout.payouts set attention_reasons = '{unproven}' where order_num = 'ORDER'"],
        "cancel",
        &["unproven"],
    ),
    (
        "queued",
        &[
            "update payout.payouts set attention_reasons = '{contradiction, unproven}' where order_num = 'ORDER'",
        ],
        "cancel",
        &["unproven"],
    ),
    ("queued", &[], "fund", &[]),
    ("queued", &[FUNDED_BY_GATEWAY], "fund", &["gateway_funds"]),
    ("queued", &[FUNDED_BY_GATEWAY], "cancel", &[]),
    ("queued", &[], "an act that is not listed", &[]),
];

#[tokio::test]
async fn each_condition_raises_the_people_that_an_act_takes_as_the_model_assumes() {
    let database = Database::with_steps().await;
    for (number, (state, happens, act, conditions)) in CASES.into_iter().enumerate() {
        let order = format!("INV-{number}");
        database.insert_in(state, &order).await;
        if happens.first() != Some(&IN_TIME) {
            database.end_quiet_horizons().await;
        }
        for statement in happens {
            database.run(&statement.replace("ORDER", &order)).await;
        }
        let people = format!(
            "select payout.people_needed('{act}', p, p.merchant_code)::text from payout.payouts p
             where p.order_num = '{order}'"
        );
        let applies = |row: &table::Row| row.1 == "always" || conditions.contains(&row.1);
        let in_model = table::people_needed(act, applies);
        let case = format!("{act}, {state} {happens:?}");
        assert_eq!(database.text(&people).await, in_model.to_string(), "{case}");
    }
}

#[tokio::test]
async fn the_acts_without_conditions_take_as_many_people_as_in_the_model() {
    let database = Database::fresh().await;
    for (act, ..) in table::ACTS {
        let always = table::ACTS
            .iter()
            .all(|row| row.0 != act || row.1 == "always");
        if always {
            let people = format!("select payout.people_needed('{act}')::text");
            let in_model = table::people_needed(act, |_| true);
            assert_eq!(database.text(&people).await, in_model.to_string(), "{act}");
        }
    }
}

/// The page `docs/who-must-agree.md`; `docs.rs` checks it.
pub(crate) async fn page() -> String {
    let database = Database::fresh().await;
    let effects: Vec<(String, i32, String)> = sqlx::query_as(
        "select e.name, e.people, e.meaning from payout.effect e
         left join (values ('moves_money', 1), ('sends_again', 2), ('adds_money', 3), ('hides_record', 4)) first (name, at)
             on first.name = e.name
         order by e.people desc, first.at nulls last, e.name",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    let acts: Vec<(String, String, String, i32)> = sqlx::query_as(
        "select a.act, a.in_words, a.effect, e.people from payout.act a join payout.effect e on e.name = a.effect
         order by max(e.people) over (partition by a.act) desc, a.act, e.people, a.applies_if",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    let mut page = String::from(ABOUT);
    page.push_str("| effect | people | the act |\n| --- | --- | --- |\n");
    for (name, people, meaning) in effects {
        writeln!(page, "| `{name}` | {people} | {meaning} |").unwrap();
    }
    page.push_str(ACTS);
    for (act, in_words, effect, people) in acts {
        writeln!(page, "| `{act}` | {in_words} | `{effect}` | {people} |").unwrap();
    }
    page.push_str(PAIRS);
    page
}

const ABOUT: &str = "# Who must agree

Generated from `payout.effect` and `payout.act`; `UPDATE_DOCS=1 cargo test --test it docs` rewrites it.

How many people an act takes follows from what it can do, never the other way round.

";

const ACTS: &str = "
## Each act

An act takes as many people as its gravest effect that applies. `payout.people_needed()` counts when the act is
requested, when it is approved and when it is carried out, and the number only rises. An act that is not listed takes two.

| act | when | effect | people |
| --- | --- | --- | --- |
";

const PAIRS: &str = "
## Each pair of acts

Could one person do by two acts what takes two people? Only if the first act leaves something behind that lowers what the
second one takes. The conditions above read four things: the gateway's evidence, the quiet horizon, whether an end rests
on a person's word, and the merchant's `funding`. No act of one person changes the evidence, the horizon or `funding`.
What is left:

| one person's first act | leaves behind | the same person's second act |
| --- | --- | --- |
| `resolve_paid` | `paid`, on a word | `resolve_returned` would free the money: two people, unless the gateway confirms the payment and then reports a failure. `resubmit`, `resolve_failed` and `cancel` are not possible in `paid` |
| `resolve_returned` | `returned`, final | none leaves this state |
| `cancel` | `cancelled`, final, never sent | none leaves this state |
| `fund`, where people book the funding | a larger `available` | payouts are sent as after any funding |
| `resume` | claims go on | the claim obeys every other stop |
| `pause`, `replay`, `reveal` | a record | no condition reads it |
| a request that takes two | a request that waits | approving it is refused: it is one's own. Rejected and made again, it is counted again |
| `reject` | a request that is over | as before the request |

Two people can do the second act together, and then both have seen what the first one did. Whatever the gateway answers
against a person's word is a contradiction and needs attention, also when it comes later.

`tests/model` searches all sequences of up to four acts, of one person and of two, between all moves of the workers, the
network and the gateway. There, a person alone states anything at any time, and two together state what is true.
`tests/model/known_bad_acts.rs` lets each row above that takes two people take one, and finds what that breaks; but for
`remove_address`, which only stops workers, and `resolve_fee`, which the model does not have.
";
