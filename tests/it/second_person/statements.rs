//! A person's word against the gateway's: what must be seen before it is given, and what comes after it.

use payout_sandbox::{Ending, Fault, Script};
use sqlx::PgConnection;

use super::{
    Desk, PATIENT, agree, hide, lose,
    pairs::{book_and_hold, book_and_mute},
    payout, payout_in, staying,
};
use crate::support::{
    database::Database,
    refusal::Refusal,
    world::{Wishes, World},
};

const REQUESTS: &str = "select count(*) from payout.requests";
const IS_CONFIRMED: &str =
    "select not payout.rests_on_statement(p) from payout.payouts p where order_num =";

fn resolve<'a>(order: &'a str, end: &'a str) -> Vec<&'a str> {
    let given = ["--evidence", "letter 7", "--reason", "told by phone"];
    [&["resolve", order, "--as", end][..], &given[..]].concat()
}

fn confirmed<'a>(order: &'a str, end: &'a str) -> Vec<&'a str> {
    [&resolve(order, end)[..], &["--confirm", order]].concat()
}

async fn show(world: &World, login: &str, order: &str) -> String {
    payout_in("table", world, login, &["show", order])
        .await
        .with(0)
        .out
}

async fn patient() -> (World, Desk) {
    let wishes = Wishes {
        sections: PATIENT,
        ..Wishes::default()
    };
    let world = World::with(wishes).await;
    let desk = Desk::of(&world).await;
    (world, desk)
}

/// States an end, with as many people as that takes now.
async fn state(world: &World, desk: &Desk, arguments: &[&str]) {
    let said = payout(world, &desk.one, arguments).await;
    if said.code == 5 {
        let approve = ["approve", &said.request()];
        payout(world, &desk.other, &approve).await.with(0);
    } else {
        said.with(0);
    }
}

/// Queries its status now, and waits until that has led to this.
async fn until_queried(world: &World, desk: &Desk, order: &str, query: &str, expected: &str) {
    payout(world, &desk.one, &["replay", order]).await.with(0);
    world.until(query, expected).await;
}

fn attention_of(order: &str) -> String {
    format!("select state || ' ' || attention from payout.payouts where order_num = '{order}'")
}

/// A payout that the gateway had answered "not found" for ten times was booked as paid at once by one person, and then
/// shown as paid at the gateway.
#[tokio::test(flavor = "multi_thread")]
async fn paid_against_not_found_shows_the_answers_needs_the_order_number_and_two_people() {
    let (world, desk) = patient().await;
    lose(&world, "LOST-1").await;
    let unconfirmed = payout(&world, &desk.one, &resolve("LOST-1", "paid"))
        .await
        .with(2);
    for words in ["query: not found", "times, last at", "--confirm LOST-1"] {
        assert!(
            unconfirmed.err.contains(words),
            "{words}: {}",
            unconfirmed.err
        );
    }
    let wrong = [&resolve("LOST-1", "paid")[..], &["--confirm", "LOST-2"]].concat();
    payout(&world, &desk.one, &wrong).await.with(2);
    assert_eq!(world.database.text(REQUESTS).await, "0");

    let id = payout(&world, &desk.one, &confirmed("LOST-1", "paid"))
        .await
        .with(5)
        .request();
    let approved = payout(&world, &desk.other, &["approve", &id]).await.with(0);
    assert_eq!(
        world.database.state("LOST-1").await,
        "paid",
        "{}",
        approved.err
    );
    let page = show(&world, &desk.other, "LOST-1").await;
    let people = format!(
        "{} and {} stated so (evidence: letter 7).",
        desk.one, desk.other
    );
    let unknown = "Whether it was paid: the gateway has not confirmed it.";
    for words in [people.as_str(), unknown] {
        assert!(page.contains(words), "{words}: {page}");
    }

    // The gateway repeats its answer: the same contradiction, for whoever comes next.
    until_queried(
        &world,
        &desk,
        "LOST-1",
        &attention_of("LOST-1"),
        "paid contradiction",
    )
    .await;
}

/// psql requires no less than the command line.
#[tokio::test]
async fn in_sql_too_an_end_is_stated_only_with_the_order_number_once_more() {
    let database = Database::with_steps().await;
    database.insert_in("unknown", "INV-1").await;
    database.end_quiet_horizons().await;
    database
        .run(r#"select public.receive('INV-1', '{"source": "query", "kind": "not_found", "proves": "absence"}')"#)
        .await;
    let operator = database.login(&["payout_operator"]).await;
    let mut operator = database.connect_as(&operator).await;
    let paid = "payout.resolve('INV-1', 'paid', 'letter 7', 'ticket 1'";
    let failed = "payout.request_resolve_failed('INV-1', 'letter 7', 'ticket 1'";
    for (call, listed) in [(paid, "query: not found, 1 times"), (failed, "No answer")] {
        for confirm in [
            ")",
            ", confirm => 'INV-2')",
            ", confirm => '')",
            ", confirm => null)",
        ] {
            let statement = format!("select {call}{confirm}");
            let result = sqlx::query(sqlx::AssertSqlSafe(statement.clone()))
                .execute(&mut operator)
                .await;
            let refusal = Refusal::expected(&statement, result);
            refusal.is(&statement, "PW032", "confirm");
            assert!(
                refusal.everything.contains(listed),
                "{}",
                refusal.everything
            );
        }
    }
    assert_eq!(database.text(REQUESTS).await, "0");
    let statement = format!("select {paid}, confirm => 'INV-1')");
    sqlx::query(sqlx::AssertSqlSafe(statement))
        .execute(&mut operator)
        .await
        .unwrap();
    let people = "select people::text from payout.requests";
    assert_eq!(database.text(people).await, "2");
}

/// Whatever end people stated, an answer to the contrary reaches a person and moves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_against_what_people_stated_reaches_a_person() {
    let (world, desk) = patient().await;
    tokio::join!(
        book_and_hold(&world, "PAID-1"),
        book_and_hold(&world, "BACK-1"),
        hide(&world, "FAILED-1")
    );
    let fee = ["--fee", "2500"];
    for order in ["PAID-1", "BACK-1"] {
        state(
            &world,
            &desk,
            &[&confirmed(order, "paid")[..], &fee].concat(),
        )
        .await;
    }
    agree(&world, &desk, &confirmed("BACK-1", "returned")).await;
    agree(&world, &desk, &confirmed("FAILED-1", "failed")).await;
    let books = world.accounts().await;
    for (order, script, expected) in [
        ("PAID-1", Script::ends(Ending::Failed), "paid contradiction"),
        (
            "BACK-1",
            Script::ends(Ending::Paid),
            "returned contradiction",
        ),
        ("FAILED-1", staying(None), "failed contradiction"),
    ] {
        world.sandbox.script(order, script);
        until_queried(&world, &desk, order, &attention_of(order), expected).await;
        let page = show(&world, &desk.one, order).await;
        assert!(page.contains("contradict each other"), "{page}");
    }
    assert_eq!(world.accounts().await, books, "no answer moves money");
}

/// Then it rests on more than a word, and the history, the page and the rules for people know it.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_people_stated_is_shown_as_confirmed_once_the_gateway_reports_it() {
    let (world, desk) = patient().await;
    book_and_mute(&world, "INV-1").await;
    let paid = [&confirmed("INV-1", "paid")[..], &["--fee", "2500"]].concat();
    state(&world, &desk, &paid).await;
    world.sandbox.script("INV-1", Script::ends(Ending::Paid));
    until_queried(
        &world,
        &desk,
        "INV-1",
        &format!("{IS_CONFIRMED} 'INV-1'"),
        "true",
    )
    .await;
    let page = show(&world, &desk.one, "INV-1").await;
    for words in [
        "The gateway confirmed it at",
        &desk.one,
        "Nothing is in doubt.",
    ] {
        assert!(page.contains(words), "{words}: {page}");
    }
    let events = "select string_agg(event, ' ' order by seq) from payout.events
                  where order_num = 'INV-1' and event in ('resolved_paid', 'statement_confirmed')";
    // Events appear once no older transaction runs, in any database of the server.
    world
        .until(events, "resolved_paid statement_confirmed")
        .await;
    assert_eq!(world.database.state("INV-1").await, "paid");
}

/// Two people agreed to what they saw. What came in between, they did not see.
#[tokio::test]
async fn what_the_gateway_contradicts_after_the_approval_is_not_carried_out() {
    let database = Database::with_steps().await;
    let one = database.login(&["payout_operator"]).await;
    let other = database.login(&["payout_operator"]).await;
    let (mut one, mut other) = (
        database.connect_as(&one).await,
        database.connect_as(&other).await,
    );
    let callback = r#""source": "callback", "kind": "callback", "bound": true"#;
    let found = r#""source": "query", "kind": "found", "signed": true"#;
    let not_found = r#""source": "query", "kind": "not_found", "proves": "absence""#;
    let rows = [
        ("unknown", "P-1", "paid", format!("{{{not_found}}}")),
        (
            "unknown",
            "P-2",
            "paid",
            format!(r#"{{{found}, "status": 4}}"#),
        ),
        (
            "pending",
            "P-3",
            "paid",
            format!(r#"{{{callback}, "status": 3}}"#),
        ),
        (
            "unknown",
            "F-1",
            "failed",
            format!(r#"{{{callback}, "status": 1}}"#),
        ),
        (
            "paid",
            "R-1",
            "returned",
            format!(r#"{{{found}, "status": 1}}"#),
        ),
    ];
    for (state, order, end, contrary) in &rows {
        database.insert_in(state, order).await;
        database.end_quiet_horizons().await;
        // So that it takes two people whatever else is known.
        let early = r#"{"source": "submit", "kind": "declined"}"#;
        database
            .run(&format!("select public.receive('{order}', '{early}')"))
            .await;
        let call = match *end {
            "failed" => format!(
                "payout.request_resolve_failed('{order}', 'letter 7', 'ticket 1', confirm => '{order}')"
            ),
            end => format!(
                "payout.resolve('{order}', '{end}', 'letter 7', 'ticket 1', confirm => '{order}')"
            ),
        };
        let call = sqlx::AssertSqlSafe(format!("select {call}"));
        sqlx::query(call).execute(&mut one).await.unwrap();
        let approve = "select payout.approve(max(id)) from payout.requests where decision is null having count(*) > 0";
        sqlx::query(approve).execute(&mut other).await.unwrap();
        database
            .run(&format!("select public.receive('{order}', '{contrary}')"))
            .await;
        if *end == "failed" {
            database
                .run(&format!(
                    "select public.receive('{order}', '{{{not_found}}}')"
                ))
                .await;
        }
        let moves = format!("select public.step('{order}', 'resolved_{end}', 'request')");
        let result = database.try_run(&moves).await;
        Refusal::expected(order, result).is(
            order,
            "PW024",
            "answered otherwise since it was approved",
        );
        assert_eq!(database.state(order).await, *state);
    }
}

/// The gateway reports the payment between the approval of its return and the return.
#[tokio::test]
async fn a_return_agreed_on_before_the_gateway_confirmed_the_payment_is_not_carried_out() {
    let database = Database::with_steps().await;
    let (one, other) = (
        database.login(&["payout_operator"]).await,
        database.login(&["payout_operator"]).await,
    );
    let (mut one, mut other) = (
        database.connect_as(&one).await,
        database.connect_as(&other).await,
    );
    database.insert_in("unknown", "INV-1").await;
    database.step("INV-1", "resolved_paid").await;
    let returned =
        "select payout.resolve('INV-1', 'returned', 'letter 7', 'ticket 1', confirm => 'INV-1')";
    sqlx::query(returned).execute(&mut one).await.unwrap();
    let approve = "select payout.approve(max(id)) from payout.requests where decision is null";
    sqlx::query(approve).execute(&mut other).await.unwrap();
    database
        .run(
            "insert into payout.history (merchant_code, order_num, event, source)
              select merchant_code, order_num, 'statement_confirmed', 'query' from payout.payouts",
        )
        .await;
    let moves = "select public.step('INV-1', 'resolved_returned', 'request')";
    Refusal::expected(moves, database.try_run(moves).await).is(
        moves,
        "PW024",
        "answered otherwise since it was approved",
    );
}

/// The approver's login is a word of the beneficiary's name, and the history withheld it.
#[tokio::test(flavor = "multi_thread")]
async fn the_people_are_named_even_if_the_beneficiary_has_the_same_name() {
    let (world, desk) = patient().await;
    let name: String = desk.other.replace('_', " ").chars().take(32).collect();
    world.vouch().await;
    world.sandbox.script("NAMED-1", Script::fault(Fault::Lost));
    let insert = format!(
        "insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
         values ('NAMED-1', 100000, 0, '014', '0012345678', '{name}')"
    );
    world.database.run(&insert).await;
    super::until_proven(&world, "NAMED-1").await;
    agree(&world, &desk, &confirmed("NAMED-1", "failed")).await;
    let page = show(&world, &desk.one, "NAMED-1").await;
    let by = format!("requested by {}, approved by {}", desk.one, desk.other);
    assert!(page.contains(&by), "{by}: {page}");
    let history = payout(&world, &desk.one, &["show", "NAMED-1", "--history"])
        .await
        .with(0);
    let resolved = history
        .rows()
        .into_iter()
        .find(|line| line["what"] == "resolved_failed" && line["kind"] == "move")
        .unwrap();
    assert_eq!(resolved["detail"]["by"], desk.one.as_str());
    assert_eq!(resolved["detail"]["approved_by"], desk.other.as_str());
}

const UNCHANGED: &str =
    "select payout.resolve(order_num, 'unchanged', 'letter 7', 'ticket 1', confirm => order_num)
                         from payout.all_status";
const APPROVE: &str = "select payout.approve(max(id)) from payout.requests where decision is null";

/// A final payout that evidence contradicts, and two operators.
async fn contradicted(state: &str) -> (Database, PgConnection, PgConnection) {
    let database = Database::with_steps().await;
    database.insert_in(state, "INV-1").await;
    let raise = "update payout.payouts set attention_reasons = '{contradiction,amount_mismatch,fee_above_reserve}',
                                           reaffirmed_at = clock_timestamp()";
    database.run(raise).await;
    let one = database.login(&["payout_operator"]).await;
    let other = database.login(&["payout_operator"]).await;
    let (one, other) = (
        database.connect_as(&one).await,
        database.connect_as(&other).await,
    );
    (database, one, other)
}

async fn act(operator: &mut PgConnection, act: &str) -> Result<(), sqlx::Error> {
    sqlx::query(sqlx::AssertSqlSafe(act.to_owned()))
        .execute(operator)
        .await
        .map(drop)
}

#[tokio::test]
async fn two_people_and_nobody_else_end_a_contradiction_of_a_final_payout() {
    for state in ["paid", "failed", "cancelled", "returned"] {
        let (database, mut one, mut other) = contradicted(state).await;
        act(&mut one, UNCHANGED).await.unwrap();
        let refused = act(&mut one, APPROVE).await;
        Refusal::expected(state, refused).is(state, "PW021", "somebody else");
        act(&mut other, APPROVE).await.unwrap();
        let left =
            "select state || ' ' || array_to_string(attention_reasons, ' ') from payout.payouts";
        let expected = format!("{state} fee_above_reserve");
        assert_eq!(database.text(left).await, expected, "only what contradicts");
        let upheld = "select count(*) from payout.history
                      where event = 'upheld' and detail ->> 'by' <> detail ->> 'approved_by'";
        assert_eq!(database.text(upheld).await, "1");
        let word = "select payout.rests_on_statement(p) from payout.payouts p";
        assert_eq!(
            database.text(word).await,
            "true",
            "what comes now contradicts people"
        );

        // The request is used up.
        database
            .run("update payout.payouts set attention_reasons = '{contradiction}'")
            .await;
        let by_hand = "update payout.payouts set attention_reasons = '{}'";
        Refusal::expected(by_hand, database.try_run(by_hand).await).is(
            by_hand,
            "PW012",
            "contradiction",
        );
    }
}

#[tokio::test]
async fn a_failure_is_upheld_only_after_a_query_has_confirmed_it() {
    let (database, mut one, mut other) = contradicted("failed").await;
    act(&mut one, UNCHANGED).await.unwrap();
    let found = r#"{"source": "query", "kind": "found", "signed": true, "status": 2}"#;
    database
        .run(&format!("select public.receive('INV-1', '{found}')"))
        .await;
    for (operator, statement) in [(&mut other, APPROVE), (&mut one, UNCHANGED)] {
        let refused = act(operator, statement).await;
        Refusal::expected(statement, refused).is(
            statement,
            "PW025",
            "has not confirmed the failure",
        );
    }
    let queried = "update payout.payouts set reaffirmed_at = clock_timestamp()";
    database.run(queried).await;
    act(&mut other, APPROVE).await.unwrap();
}

#[tokio::test]
async fn only_a_final_payout_that_is_contradicted_is_upheld() {
    for (state, why) in [
        ("unknown", "only a final payout"),
        ("pending", "only a final payout"),
        ("paid", "nothing contradicts its end"),
    ] {
        let (database, mut one, _) = contradicted(state).await;
        if state == "paid" {
            // As if it had never been contradicted.
            database
                .run(
                    "set session_replication_role = replica;
                      update payout.payouts set attention_reasons = '{fee_above_reserve}';
                      set session_replication_role = origin",
                )
                .await;
        }
        let refused = act(&mut one, UNCHANGED).await;
        Refusal::expected(state, refused).is(state, "PW025", why);
    }
}
