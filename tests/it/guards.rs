//! What the database's guards let through: every move with every piece of evidence, right and wrong.

mod printed;
mod reached;

use std::{collections::BTreeSet, fmt::Write as _, fs};

use payout_worker::domain::state::State;
use sqlx::AssertSqlSafe;

use crate::support::{database::Database, refusal::Refusal};

/// Every piece of evidence that is tried, by a name for it. `apart`: a second answer so many seconds later.
#[rustfmt::skip]
const EVIDENCE: &[(&str, &str)] = &[
    ("nothing",               r"{}"),
    ("not sent",              r#"{"source": "submit", "kind": "not_sent"}"#),
    ("acknowledged 0",        r#"{"source": "submit", "kind": "acknowledged", "status": 0}"#),
    ("acknowledged 2",        r#"{"source": "submit", "kind": "acknowledged", "status": 2}"#),
    ("declined",              r#"{"source": "submit", "kind": "declined"}"#),
    ("submit timeout",        r#"{"source": "submit", "kind": "doubt", "doubt": "timeout"}"#),
    ("submit bad signature",  r#"{"source": "submit", "kind": "doubt", "doubt": "bad_signature"}"#),
    ("lease expired",         r#"{"source": "worker", "kind": "lease_expired"}"#),
    ("found 0",               r#"{"source": "query", "kind": "found", "signed": true, "status": 0}"#),
    ("found 1",               r#"{"source": "query", "kind": "found", "signed": true, "status": 1}"#),
    ("found 2",               r#"{"source": "query", "kind": "found", "signed": true, "status": 2}"#),
    ("found 3",               r#"{"source": "query", "kind": "found", "signed": true, "status": 3}"#),
    ("found 4",               r#"{"source": "query", "kind": "found", "signed": true, "status": 4}"#),
    ("found 5",               r#"{"source": "query", "kind": "found", "signed": true, "status": 5}"#),
    ("found ?",               r#"{"source": "query", "kind": "found", "signed": true}"#),
    ("found 2, refused",      r#"{"source": "query", "kind": "found", "signed": true, "status": 2, "refused": true}"#),
    ("found 2, another's",    r#"{"source": "query", "kind": "found", "signed": true, "status": 2, "of": "another"}"#),
    ("found 2, earlier",      r#"{"of": "earlier"}"#),
    ("unsigned 0",            r#"{"source": "query", "kind": "found", "signed": false, "status": 0}"#),
    ("unsigned 2",            r#"{"source": "query", "kind": "found", "signed": false, "status": 2}"#),
    ("unsigned 2, 29 s",      r#"{"source": "query", "kind": "found", "signed": false, "status": 2, "times": 2, "apart": 29}"#),
    ("unsigned 2, 31 s",      r#"{"source": "query", "kind": "found", "signed": false, "status": 2, "times": 2, "apart": 31}"#),
    ("unsigned 4",            r#"{"source": "query", "kind": "found", "signed": false, "status": 4}"#),
    ("unsigned 4, 29 s",      r#"{"source": "query", "kind": "found", "signed": false, "status": 4, "times": 2, "apart": 29}"#),
    ("unsigned 4, 31 s",      r#"{"source": "query", "kind": "found", "signed": false, "status": 4, "times": 2, "apart": 31}"#),
    ("not found, early",      r#"{"source": "query", "kind": "not_found", "proves": "nothing", "times": 9}"#),
    ("not found, refusal",    r#"{"source": "query", "kind": "not_found", "proves": "refusal"}"#),
    ("not found, refusal x2", r#"{"source": "query", "kind": "not_found", "proves": "refusal", "times": 2}"#),
    ("not found, absence x9", r#"{"source": "query", "kind": "not_found", "proves": "absence", "times": 9}"#),
    ("not found, contrary",   r#"{"source": "query", "kind": "not_found", "proves": "contradiction", "times": 9}"#),
    ("query timeout",         r#"{"source": "query", "kind": "doubt", "doubt": "timeout"}"#),
    ("callback 0",            r#"{"source": "callback", "kind": "callback", "bound": true, "status": 0}"#),
    ("callback 2",            r#"{"source": "callback", "kind": "callback", "bound": true, "status": 2}"#),
    ("callback 4",            r#"{"source": "callback", "kind": "callback", "bound": true, "status": 4}"#),
    ("callback 2, money",     r#"{"source": "callback", "kind": "callback", "bound": false, "mismatch": "money", "status": 2}"#),
    ("callback 2, number",    r#"{"source": "callback", "kind": "callback", "bound": false, "mismatch": "platOrderNum", "status": 2}"#),
    ("callback 4, money",     r#"{"source": "callback", "kind": "callback", "bound": false, "mismatch": "money", "status": 4}"#),
    ("resolved paid",         r#"{"source": "operator", "kind": "resolved_paid"}"#),
    ("resolved failed",       r#"{"source": "operator", "kind": "resolved_failed"}"#),
    ("resolved returned",     r#"{"source": "operator", "kind": "resolved_returned"}"#),
];

/// What is accepted: the move, and the evidence that makes it. `any`: its proof is no evidence (a new attempt, an operator's
/// cancel, an approved request), so none is needed and none spoils it. Everything else is refused.
#[rustfmt::skip]
const ACCEPTED: &[(&str, &str, &str, &[&str])] = &[
    ("queued",     "claimed",              "submitting", &["any"]),
    ("queued",     "withdrawn",            "cancelled",  &["any"]),
    ("queued",     "found_after_failover", "unknown",    &["found 0", "found 1", "found 2", "found 3", "found 4", "found 5",
                                                           "found ?", "unsigned 0", "unsigned 2", "unsigned 2, 29 s",
                                                           "unsigned 2, 31 s", "unsigned 4", "unsigned 4, 29 s",
                                                           "unsigned 4, 31 s"]),
    ("submitting", "not_sent",             "queued",     &["not sent"]),
    ("submitting", "acknowledged",         "pending",    &["acknowledged 0", "acknowledged 2", "found 0", "found 1",
                                                           "found 5", "found ?", "unsigned 0"]),
    ("submitting", "unanswered",           "unknown",    &["submit timeout", "submit bad signature", "lease expired"]),
    ("submitting", "declined",             "unknown",    &["declined"]),
    ("submitting", "reported_paid",        "paid",       &["found 2", "unsigned 2, 31 s", "callback 2"]),
    ("submitting", "reported_failed",      "failed",     &["found 3", "found 4", "unsigned 4, 31 s"]),
    ("pending",    "reported_paid",        "paid",       &["found 2", "unsigned 2, 31 s", "callback 2"]),
    ("pending",    "reported_failed",      "failed",     &["found 3", "found 4", "unsigned 4, 31 s"]),
    ("pending",    "resolved_paid",        "paid",       &["resolved paid"]),
    ("pending",    "resolved_failed",      "failed",     &["resolved failed"]),
    ("unknown",    "not_sent",             "queued",     &["not sent"]),
    ("unknown",    "acknowledged",         "pending",    &["acknowledged 0", "acknowledged 2", "found 0", "found 1",
                                                           "found 5", "found ?", "unsigned 0"]),
    ("unknown",    "refusal_confirmed",    "failed",     &["not found, refusal x2"]),
    ("unknown",    "resubmit_granted",     "submitting", &["any but known"]),
    ("unknown",    "reported_paid",        "paid",       &["found 2", "unsigned 2, 31 s", "callback 2"]),
    ("unknown",    "reported_failed",      "failed",     &["found 3", "found 4", "unsigned 4, 31 s"]),
    ("unknown",    "resolved_paid",        "paid",       &["resolved paid"]),
    ("unknown",    "resolved_failed",      "failed",     &["resolved failed"]),
    ("paid",       "resolved_returned",    "returned",   &["resolved returned"]),
    ("failed",     "resolved_paid",        "paid",       &["resolved paid"]),
];

type Move = (String, String, String, String);

fn expected() -> BTreeSet<Move> {
    let mut moves = BTreeSet::new();
    for (from, event, to, evidence) in ACCEPTED {
        for (name, _) in EVIDENCE {
            // Of an order that the gateway knows nothing is sent again (I10).
            let knows = ["found", "unsigned", "callback", "acknowledged"]
                .iter()
                .any(|known| name.starts_with(known))
                && !name.contains("another's")
                && !name.contains("earlier");
            let accepted = match evidence {
                ["any"] => true,
                ["any but known"] => !knows,
                evidence => evidence.contains(name),
            };
            if accepted {
                moves.insert([*from, event, to, name].map(str::to_owned).into());
            }
        }
    }
    moves
}

/// A payout in each state, named after it, and another one; each with a genuine "paid" of an earlier transaction where the
/// earlier one is tried.
async fn world() -> Database {
    let database = Database::with_steps().await;
    for state in State::ALL {
        database.insert_in(state.name(), state.name()).await;
    }
    database.insert("another", 100_000).await;
    let earlier = r#"{"source": "query", "kind": "found", "signed": true, "status": 2}"#;
    // What the gateway knows is not sent again, so the one that is granted a resubmit has none.
    for state in State::ALL
        .into_iter()
        .filter(|state| *state != State::Unknown)
    {
        database
            .run(&format!("select public.receive('{state}', '{earlier}')"))
            .await;
    }
    database
}

async fn accepted(database: &Database, from: &[State], legal_only: bool) -> BTreeSet<Move> {
    let mut given = String::from("{");
    for (number, (name, what)) in EVIDENCE.iter().enumerate() {
        let comma = if number == 0 { "" } else { "," };
        write!(given, "{comma}\"{name}\": {what}").unwrap();
    }
    given.push('}');
    let mut accepted = BTreeSet::new();
    // One state at a time, as a long transaction would hold up the tests that wait for all older ones to end.
    for state in from {
        let moves: Vec<Move> = sqlx::query_as("select * from public.accepted($1::jsonb, $2, $3)")
            .bind(&given)
            .bind(state.name())
            .bind(legal_only)
            .fetch_all(database.pool())
            .await
            .unwrap();
        accepted.extend(moves);
    }
    accepted
}

#[track_caller]
fn assert_same(accepted: &BTreeSet<Move>, expected: &BTreeSet<Move>) {
    let wrong: Vec<_> = accepted.difference(expected).collect();
    let lacking: Vec<_> = expected.difference(accepted).collect();
    assert!(
        wrong.is_empty() && lacking.is_empty(),
        "accepted, and must not be: {wrong:#?}\nrefused, and must not be: {lacking:#?}"
    );
}

#[tokio::test]
async fn every_move_takes_its_own_evidence_and_nothing_else_moves_a_payout() {
    let database = world().await;
    assert_same(&accepted(&database, &State::ALL, false).await, &expected());
}

/// The comparisons of `payout.evidence_for`, as they stand in the migration; without each of them some wrong evidence passes.
#[tokio::test]
async fn without_any_one_comparison_of_the_guard_wrong_evidence_passes() {
    let migration = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/0007_guards.sql");
    let migration = fs::read_to_string(migration).unwrap();
    let start = migration
        .find("create function payout.evidence_for(")
        .unwrap();
    let function = &migration[start..];
    let function = &function[..function.find("end;\n").unwrap() + 5];
    let comparisons = [
        "e.merchant_code = merchant and e.order_num = evidence_for.order_num and ",
        " and e.xid = this_xid",
        "not e.refused",
        "r.event = wanted and ",
        "(r.source, r.kind) = (e.source, e.kind)",
        "(not r.of_status or r.status is not distinct from e.status)",
        "(not r.certain or e.signed or e.query_sent_at - e.first_at >= x.unsigned_second_read)",
        "(r.bound is null or r.bound = e.bound)",
        "(r.proves is null or r.proves = e.proves)",
        "e.times >= r.answers",
    ];
    let database = world().await;
    for comparison in comparisons {
        assert_eq!(function.matches(comparison).count(), 1, "{comparison}");
        // Only part of a line goes from some, and then nothing must stand in its place.
        let is_part = comparison.starts_with(' ') || comparison.ends_with(' ');
        let without = if is_part { "" } else { "true" };
        let broken = function
            .replace("create function", "create or replace function")
            .replace(comparison, without);
        database.run(&broken).await;
        // From these two states every comparison matters.
        let passed = accepted(&database, &[State::Pending, State::Unknown], true).await;
        assert!(
            passed.difference(&expected()).next().is_some(),
            "nothing wrong passes without {comparison}"
        );
    }
    database
        .run(&function.replace("create function", "create or replace function"))
        .await;
    assert_same(&accepted(&database, &State::ALL, true).await, &expected());
}

/// Evidence is typed, so that nothing has to take a text apart. Searched over everything that reads it.
#[tokio::test]
async fn nothing_in_the_database_takes_a_text_of_evidence_apart() {
    let database = Database::fresh().await;
    let readers: Vec<(String, String)> = sqlx::query_as(AssertSqlSafe(
        r"select p.proname::text, pg_get_functiondef(p.oid)
          from pg_proc p where p.pronamespace = 'payout'::regnamespace
          union all
          select c.relname::text, pg_get_viewdef(c.oid)
          from pg_class c where c.relnamespace = 'payout'::regnamespace and c.relkind in ('v', 'm')
          union all
          select t.tgname::text, pg_get_triggerdef(t.oid)
          from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'payout'::regnamespace",
    ))
    .fetch_all(database.pool())
    .await
    .unwrap();
    let takes_apart = [
        "like",
        "~",
        "similar to",
        "regexp_",
        "substr",
        "split_part",
        "strpos",
        "position(",
        "left(",
        "right(",
        "starts_with",
    ];
    let mut read = 0;
    for (name, text) in readers {
        let text = text.to_lowercase();
        if !text.contains("evidence e") {
            continue;
        }
        read += 1;
        for word in takes_apart {
            assert!(
                !text.contains(word),
                "{name} reads evidence and uses {word}"
            );
        }
    }
    assert!(read >= 5, "{read} functions read evidence");
}

/// Every list of states in a constraint or an index is one of those that `payout.state` knows.
#[tokio::test]
async fn every_list_of_states_in_the_schema_agrees_with_the_table_of_states() {
    let database = Database::fresh().await;
    let set = async |condition: &str| -> BTreeSet<String> {
        let names: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!(
            "select name from payout.state where {condition}"
        )))
        .fetch_all(database.pool())
        .await
        .unwrap();
        names.into_iter().collect()
    };
    let known = [
        set("final").await,
        set("not final").await,
        set("may_have_left").await,
        set("true").await,
        set("name in (select to_state from payout.transition where posting in ('capture', 'return'))").await,
    ];
    let definitions: Vec<(String, String)> = sqlx::query_as(
        "select c.conname::text, pg_get_constraintdef(c.oid) from pg_constraint c
         where c.conrelid = 'payout.payouts'::regclass and c.contype = 'c'
         union all
         select c.relname::text, pg_get_expr(i.indpred, i.indrelid)
         from pg_index i join pg_class c on c.oid = i.indexrelid
         where i.indrelid = 'payout.payouts'::regclass and i.indpred is not null",
    )
    .fetch_all(database.pool())
    .await
    .unwrap();
    let mut lists = 0;
    for (name, definition) in definitions {
        for list in definition.split("ARRAY[").skip(1) {
            let list = &list[..list.find(']').unwrap()];
            let states: BTreeSet<String> = list
                .split('\'')
                .skip(1)
                .step_by(2)
                .map(str::to_owned)
                .collect();
            lists += 1;
            assert!(known.contains(&states), "{name} lists {states:?}");
        }
    }
    assert!(lists >= 4, "{lists}");
}

/// The refusal of these statements, which are one transaction.
async fn refused(database: &Database, statements: &str) -> Refusal {
    let mut session = database.pool().acquire().await.unwrap();
    let whole = AssertSqlSafe(format!("begin; {statements}; commit"));
    let tried = sqlx::raw_sql(whole).execute(&mut *session).await.map(drop);
    sqlx::raw_sql("rollback")
        .execute(&mut *session)
        .await
        .unwrap();
    Refusal::expected(statements, tried)
}

/// The checks look at all changes of a statement together, so they are tried on every kind of statement that changes rows.
#[tokio::test]
async fn every_kind_of_statement_that_changes_a_payout_is_checked_in_each_of_its_rows() {
    let database = Database::with_steps().await;
    for (state, order_num) in [("queued", "ONE"), ("queued", "TWO"), ("pending", "THREE")] {
        database.insert_in(state, order_num).await;
    }
    let counts = "sends = p.sends + 1, attempt = p.attempt + 1";
    let again = "(merchant_code, order_num, amount, fee_type, bank_code, account_number, account_name)
         select merchant_code, order_num, amount, fee_type, bank_code, account_number, account_name from payout.payouts";
    for attack in [
        format!("update payout.payouts p set {counts} where order_num = 'ONE'"),
        "update payout.payouts set due_at = now(), not_sent = not_sent + (order_num = 'THREE')::int".to_owned(),
        format!("insert into payout.payouts as p {again} on conflict (merchant_code, order_num) do update set {counts}"),
        format!("merge into payout.payouts p using (values ('ONE')) v (o) on p.order_num = v.o
                 when matched then update set {counts}"),
        format!("merge into payout.payouts p using (values ('ONE'), ('TWO')) v (o) on p.order_num = v.o
                 when matched and v.o = 'TWO' then update set {counts}
                 when matched then update set due_at = now()"),
        format!("with x as (update payout.payouts p set {counts} where order_num = 'ONE' returning 1) select 1"),
        format!("with x as (update payout.payouts p set {counts} where order_num = 'ONE' returning 1)
                 update payout.payouts set due_at = now() where order_num = 'TWO'"),
        format!("savepoint s; update payout.payouts p set {counts}; release s"),
        format!("set constraints all deferred; update payout.payouts p set {counts}"),
        format!("do $$ declare c cursor for select * from payout.payouts where order_num = 'ONE' for update; begin
                 open c; move c; update payout.payouts p set {counts} where current of c; end $$"),
        "update payout.payouts set held = held + 1 where order_num = 'THREE'".to_owned(),
        "update payout.payouts p set state = 'paid', settled_at = now(), state_since = now() where order_num = 'THREE'".to_owned(),
    ] {
        refused(&database, &attack).await.is(&attack, "PW012", "payout ");
    }
    let renamed = "update payout.payouts set order_num = 'FOUR' where order_num = 'ONE'";
    Refusal::expected(renamed, database.try_run(renamed).await).is(renamed, "PW011", "frozen");
}

/// One line of history moves one payout, once, whatever statements and savepoints the transaction is made of.
#[tokio::test]
async fn one_line_of_history_moves_one_payout_once() {
    let database = Database::with_steps().await;
    for order_num in ["ONE", "TWO"] {
        database.insert_in("queued", order_num).await;
    }
    let withdraw = |where_clause: &str| {
        format!(
            "update payout.payouts set state = 'cancelled', settled_at = now(), last_seq =
                 (select max(seq) from payout.history where event = 'withdrawn') where {where_clause}"
        )
    };
    let line = "insert into payout.history (merchant_code, order_num, event, from_state, to_state, source)
        select merchant_code, order_num, 'withdrawn', 'queued', 'cancelled', 'sql' from payout.payouts where order_num = 'ONE'";
    for attack in [
        // For two payouts in one statement, for another one, and for another one in a second statement.
        withdraw("true"),
        withdraw("order_num = 'TWO'"),
        format!(
            "{}; {}",
            withdraw("order_num = 'ONE'"),
            withdraw("order_num = 'TWO'")
        ),
        format!(
            "savepoint s; {}; release s; {}",
            withdraw("order_num = 'ONE'"),
            withdraw("order_num = 'TWO'")
        ),
    ] {
        refused(&database, &format!("{line}; {attack}")).await.is(
            &attack,
            "PW012",
            "payout TWO: queued cannot become cancelled without a move in its history",
        );
    }
    // Nor does it move the payout in a later transaction.
    database
        .run(&format!(
            "begin; {line}; savepoint s; {}; rollback to s; commit",
            withdraw("order_num = 'ONE'")
        ))
        .await;
    let late = withdraw("order_num = 'ONE'");
    Refusal::expected(&late, database.try_run(&late).await).is(&late, "PW012", "without a move");
    let whole = format!("begin; {line}; {}; commit", withdraw("order_num = 'ONE'"));
    database.run(&whole).await;
}
