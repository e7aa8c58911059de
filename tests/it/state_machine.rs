//! The table in Rust, the table in SQL and what the database actually accepts are the same.

use std::collections::BTreeSet;

use payout_worker::domain::{
    evidence_words::Kind,
    state::{Event, State, TRANSITIONS},
};

use crate::support::{database::Database, refusal::Refusal, steps::PATHS};

#[tokio::test]
async fn rust_and_sql_agree() {
    let database = Database::fresh().await;
    let in_sql: BTreeSet<(String, String, String, String)> =
        sqlx::query_as("select from_state, event, to_state, posting from payout.transition")
            .fetch_all(database.pool())
            .await
            .unwrap()
            .into_iter()
            .collect();
    let in_rust = TRANSITIONS
        .iter()
        .map(|(from, event, to, posting)| [from.name(), event.name(), to.name(), posting.name()])
        .map(|[from, event, to, posting]| (from.into(), event.into(), to.into(), posting.into()))
        .collect();
    assert_eq!(in_sql, in_rust);

    let states: BTreeSet<(String, bool, bool)> =
        sqlx::query_as("select name, final, may_have_left from payout.state")
            .fetch_all(database.pool())
            .await
            .unwrap()
            .into_iter()
            .collect();
    let in_rust = State::ALL
        .iter()
        .map(|state| {
            (
                state.name().to_owned(),
                state.is_final(),
                state.may_have_left(),
            )
        })
        .collect();
    assert_eq!(states, in_rust);

    for (words, in_rust) in [
        (
            "select name from payout.event",
            Event::ALL.map(Event::name).to_vec(),
        ),
        (
            "select distinct kind from payout.required_evidence",
            Kind::ALL.map(Kind::name).to_vec(),
        ),
    ] {
        let in_sql: BTreeSet<String> = sqlx::query_scalar(words)
            .fetch_all(database.pool())
            .await
            .unwrap()
            .into_iter()
            .collect();
        let in_rust: BTreeSet<String> = in_rust.into_iter().map(str::to_owned).collect();
        assert_eq!(in_sql, in_rust, "{words}");
    }
}

#[tokio::test]
async fn no_bare_update_moves_any_state_to_any_other_not_even_the_owners() {
    let database = Database::with_steps().await;
    for (from, _) in PATHS {
        database.insert_in(from, from).await;
        for to in State::ALL {
            for more in [
                "",
                ", settled_at = now()",
                ", settled_at = null, held = 100000",
                ", last_seq = last_seq + 1, attempt = attempt + 1, sends = sends + 1, held = 0",
            ] {
                let update = format!(
                    "update payout.payouts set state = '{to}'{more} where order_num = '{from}'"
                );
                if from == to.name() && more.is_empty() {
                    database.run(&update).await;
                } else if from != to.name() {
                    let refusal = Refusal::expected(&update, database.try_run(&update).await);
                    refusal.is(&update, "PW012", from);
                }
            }
        }
        assert_eq!(database.state(from).await, from);
    }
}

#[tokio::test]
async fn every_move_in_the_table_is_accepted_with_all_it_requires() {
    let database = Database::with_steps().await;
    for (number, (from, event, to, _)) in TRANSITIONS.iter().enumerate() {
        let order_num = format!("ok-{number}");
        database.insert_in(from.name(), &order_num).await;
        database.step(&order_num, event.name()).await;
        assert_eq!(
            database.state(&order_num).await,
            to.name(),
            "{from} {}",
            event.name()
        );
    }
    let off = "select count(*) from (select sum(balance) from payout.balances group by merchant_code) b (sum) where sum <> 0";
    assert_eq!(database.text(off).await, "0");
}

/// `public.step` leaves out one thing at a time; a move that does not need it is accepted.
#[tokio::test]
async fn a_move_without_its_ledger_entry_history_line_attempt_or_proof_is_refused() {
    let database = Database::with_steps().await;
    let mut tried = 0;
    for (from, event, to, posting) in TRANSITIONS {
        let (books, sends) = (posting.name() != "none", *to == State::Submitting);
        for (without, needed) in [
            ("ledger", books),
            ("right kind", books),
            ("history", true),
            ("attempt", sends),
            ("count", sends),
            ("outcome", event.name() == "not_sent"),
            (
                "evidence",
                !["claimed", "withdrawn", "resubmit_granted"].contains(&event.name()),
            ),
        ] {
            if !needed {
                continue;
            }
            tried += 1;
            let order_num = format!("no-{tried}");
            database.insert_in(from.name(), &order_num).await;
            let what = format!("{from} {} without {without}", event.name());
            Refusal::expected(
                &what,
                database.try_step(&order_num, event.name(), without).await,
            )
            .is(&what, "PW012", &order_num);
            assert_eq!(database.state(&order_num).await, from.name());
        }
    }
    assert!(tried > 75, "{tried}");
}

/// A history line that names a move must name one from the table, completely.
#[tokio::test]
async fn history_accepts_no_move_outside_the_table() {
    let database = Database::with_steps().await;
    database.insert("INV-1", 1000).await;
    let events: BTreeSet<_> = TRANSITIONS.iter().map(|row| row.1.name()).collect();
    for from in State::ALL {
        for event in &events {
            for to in State::ALL {
                let legal = TRANSITIONS
                    .iter()
                    .any(|row| (row.0, row.1.name(), row.2) == (from, *event, to));
                if legal {
                    continue;
                }
                let insert = insert_line("INV-1", event, &format!("'{from}'"), &format!("'{to}'"));
                Refusal::expected(&insert, database.try_run(&insert).await).is(
                    &insert,
                    "PW012",
                    "payout.transition has no move",
                );
            }
        }
    }
    for (from, to) in [("'queued'", "null"), ("null", "'paid'")] {
        let insert = insert_line("INV-1", "claimed", from, to);
        Refusal::expected(&insert, database.try_run(&insert).await).is(
            &insert,
            "23514",
            "a_move_has_both_ends",
        );
    }
}

fn insert_line(order_num: &str, event: &str, from: &str, to: &str) -> String {
    format!(
        "insert into payout.history (merchant_code, order_num, event, from_state, to_state, source)
         select code, '{order_num}', '{event}', {from}, {to}, 'worker' from payout.merchants"
    )
}

#[tokio::test]
async fn a_history_line_of_another_state_payout_or_transaction_moves_nothing() {
    let database = Database::with_steps().await;
    database.insert_in("unknown", "INV-1").await;
    database.insert_in("pending", "INV-2").await;
    let use_newest = "update payout.payouts set state = 'pending', last_seq = (select max(seq) from payout.history)
                      where order_num = 'INV-1'";
    let line = |order_num, from: &str| {
        insert_line(order_num, "acknowledged", &format!("'{from}'"), "'pending'")
    };

    for (what, line) in [
        ("of another payout", line("INV-2", "unknown")),
        ("of another state", line("INV-1", "submitting")),
        (
            "of another target",
            insert_line("INV-1", "reported_paid", "'unknown'", "'paid'"),
        ),
    ] {
        let both = format!("{line}; {use_newest}");
        Refusal::expected(what, database.try_run(&both).await).is(
            what,
            "PW012",
            "unknown cannot become pending without a move in its history",
        );
    }
    database.run(&line("INV-1", "unknown")).await;
    Refusal::expected("of another transaction", database.try_run(use_newest).await).is(
        "of another transaction",
        "PW012",
        "unknown cannot become pending without a move in its history",
    );
    let received = "select public.receive('INV-1', public.usual_evidence('found_after_failover'))";
    database
        .run(&format!(
            "{received}; {}; {use_newest}",
            line("INV-1", "unknown")
        ))
        .await;
    assert_eq!(database.state("INV-1").await, "pending");
}

#[tokio::test]
async fn one_ledger_entry_changes_the_hold_only_once() {
    let database = Database::with_steps().await;
    database.insert("INV-1", 1000).await;
    for second in ["held = held + 1000", "held = 0", "held = held - 1"] {
        let both =
            format!("select public.step('INV-1', 'claimed'); update payout.payouts set {second}");
        Refusal::expected(second, database.try_run(&both).await).is(
            second,
            "PW012",
            "only with a ledger entry",
        );
    }
    database
        .run("select public.step('INV-1', 'claimed'); update payout.payouts set queries = queries + 1")
        .await;
    assert_eq!(database.state("INV-1").await, "submitting");
}

#[tokio::test]
async fn a_payout_is_sent_once_and_once_more_only_for_each_grant_or_proof() {
    let database = Database::with_steps().await;
    database.insert("INV-1", 1000).await;
    #[rustfmt::skip]
    let story = [
        // event              sends, not_sent, granted
        ("claimed",          "1 0 0"),
        ("not_sent",         "1 1 0"),
        ("claimed",          "2 1 0"),
        ("unanswered",       "2 1 0"),
        ("resubmit_granted", "3 1 1"),
        ("not_sent",         "3 2 1"),
        ("claimed",          "4 2 1"),
        ("reported_paid",    "4 2 1"),
    ];
    for (event, counted) in story {
        database.step("INV-1", event).await;
        let counts =
            "select concat_ws(' ', sends, not_sent, resubmits_granted) from payout.payouts";
        assert_eq!(database.text(counts).await, counted, "{event}");
    }
    let balances =
        "select string_agg(account || ' ' || balance, ', ' order by account) from payout.balances";
    let paid = "available 9999999000, fees 0, funding -10000000000, held 0, paid_out 1000";
    assert_eq!(database.text(balances).await, paid);

    let guard = "alter table payout.payouts disable trigger user; update payout.payouts set sends = sends + 1,
                 attempt = attempt + 1";
    Refusal::expected(guard, database.try_run(guard).await).is(
        guard,
        "23514",
        "sent_once_per_grant",
    );
}

#[tokio::test]
async fn an_attempt_number_is_never_used_twice() {
    let database = Database::with_steps().await;
    database.insert_in("unknown", "INV-1").await;
    let again = "insert into payout.attempts (merchant_code, order_num, attempt, send_by, lease_until, worker, request_sha256)
                 select merchant_code, order_num, attempt, now(), now(), 'other', sha256('x') from payout.attempts";
    Refusal::expected(again, database.try_run(again).await).is(
        again,
        "23505",
        "attempt_is_never_reused",
    );
}
