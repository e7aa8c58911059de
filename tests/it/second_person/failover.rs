//! Accepting a failover, and cancelling what it left unproven, takes two people.

use sqlx::PgConnection;

use crate::support::{database::Database, refusal::Refusal, terminal::payout_as};

/// A failover that may be accepted, with one queued payout that nobody can query; two operators.
struct After {
    database: Database,
    logins: [String; 2],
    one: PgConnection,
    other: PgConnection,
}

const ACCEPT: &str = "select payout.accept_failover('the old primary burnt down', now() - interval '2 hours', set_aside => true)";
const APPROVE: &str = "select payout.approve(max(id)) from payout.requests";
const REJECT: &str = "select payout.reject(max(id), 'not now') from payout.requests";
const IS_SHUT: &str = "select changed_at is not null from payout.failover";

impl After {
    async fn begin() -> Self {
        let database = Database::with_merchant().await;
        database
            .run(
                "insert into payout.failover (identity, quiet_horizon) values ('the old primary', '30 minutes');
                 select payout.note_failover('a test');
                 update payout.failover set trusted_after = now() - interval '1 hour'",
            )
            .await;
        database.insert("INV-1", 100_000).await;
        let logins = [
            database.login(&["payout_operator"]).await,
            database.login(&["payout_operator"]).await,
        ];
        let [one, other] = &logins;
        let (one, other) = (
            database.connect_as(one).await,
            database.connect_as(other).await,
        );
        Self {
            database,
            logins,
            one,
            other,
        }
    }

    async fn is_shut(&self) -> bool {
        self.database.text(IS_SHUT).await == "true"
    }
}

async fn run(db: &mut PgConnection, statement: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(statement).execute(db).await.map(drop)
}

#[tokio::test]
async fn one_person_requests_to_accept_a_failover_and_another_one_accepts_it() {
    let mut after = After::begin().await;
    let said: String = sqlx::query_scalar(ACCEPT)
        .fetch_one(&mut after.one)
        .await
        .unwrap();
    assert!(
        said.contains("until another operator calls payout.approve(1)"),
        "{said}"
    );
    assert!(after.is_shut().await, "a request accepts nothing");
    assert_eq!(
        after
            .database
            .text("select attention from payout.payouts")
            .await,
        ""
    );
    Refusal::expected(APPROVE, run(&mut after.one, APPROVE).await).is(APPROVE, "PW021", "");
    run(&mut after.other, APPROVE).await.unwrap();
    assert!(!after.is_shut().await);
    assert_eq!(
        after
            .database
            .text("select attention from payout.payouts")
            .await,
        "unproven"
    );
}

#[tokio::test]
async fn a_failover_is_accepted_at_the_command_line_by_two_people() {
    let after = After::begin().await;
    after
        .database
        .run("update payout.failover set trusted_after = clock_timestamp()")
        .await;
    let [one, other] = &after.logins;
    let payout = |login: &str, arguments: &[&str]| payout_as(&after.database, login, arguments);
    payout(one, &["failover", "status"]).with(0).says(&[
        "Claims are stopped",
        "a test",
        "still to be queried: 1",
    ]);
    let ago = async |length: &str| {
        let time = format!(
            "select to_char(clock_timestamp() at time zone 'UTC' - interval '{length}', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        );
        after.database.text(&time).await
    };
    let accept = |since: &str, more: &[&str]| {
        let accept = ["failover", "accept", "--reason", "ticket 7: it burnt down"];
        let since = ["--old-primary-dead-since", since];
        payout(one, &[&accept[..], &since, more].concat())
    };
    // A length of time would mean another time whenever it is called again.
    accept("2h", &[])
        .with(2)
        .says(&["2026-11-21T08:00:00+07:00"]);
    let long_ago = ago("2 hours").await;
    accept(&long_ago, &[]).with(4).says(&["1 queued payouts"]);
    let said = accept(&long_ago, &["--set-aside", "-o", "json"]).with(5);
    let id = said.json()[0]["request_id"].to_string();
    assert!(after.is_shut().await, "a request accepts nothing");
    payout(one, &["approve", &id]).with(4).says(&["is yours"]);
    payout(other, &["approve", &id]).with(0);
    assert!(!after.is_shut().await);
    payout(other, &["failover", "status"])
        .with(0)
        .says(&["Claims are open", one, other]);
}

/// What is told later than the workers assumed restarts the quiet horizon, and that stays although nothing is accepted.
#[tokio::test]
async fn a_later_death_of_the_old_primary_restarts_the_horizon_at_the_command_line_too() {
    let after = After::begin().await;
    let now =
        "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
    let now = after.database.text(now).await;
    let accept = [
        "failover",
        "accept",
        "--reason",
        "ticket 7",
        "--old-primary-dead-since",
        &now,
    ];
    payout_as(&after.database, &after.logins[0], &accept)
        .with(4)
        .says(&["not yet"]);
    let restarted = "select trusted_after > now() + interval '20 minutes' from payout.failover";
    assert_eq!(after.database.text(restarted).await, "true");
    assert!(after.is_shut().await);
}

/// What the request said about the old primary is not true of another failover since.
#[tokio::test]
async fn a_request_made_for_one_failover_does_not_accept_the_next() {
    let mut after = After::begin().await;
    run(&mut after.one, ACCEPT).await.unwrap();
    after
        .database
        .run(
            "select payout.note_failover('another', 'a lost claim');
             update payout.failover set trusted_after = now() - interval '1 minute'",
        )
        .await;
    Refusal::expected(APPROVE, run(&mut after.other, APPROVE).await).is(
        APPROVE,
        "PW019",
        "another one was found since",
    );
    assert!(after.is_shut().await);
    run(&mut after.other, REJECT).await.unwrap();
    run(&mut after.one, ACCEPT).await.unwrap();
    run(&mut after.other, APPROVE).await.unwrap();
    assert!(!after.is_shut().await);
}

/// The rules are checked again when it is approved.
#[tokio::test]
async fn a_horizon_that_restarts_after_the_request_holds_back_the_approval() {
    let mut after = After::begin().await;

    run(&mut after.one, ACCEPT).await.unwrap();
    after
        .database
        .run("update payout.failover set trusted_after = now() + interval '1 minute'")
        .await;
    Refusal::expected(APPROVE, run(&mut after.other, APPROVE).await).is(
        APPROVE,
        "PW019",
        "have not been queried",
    );
    assert!(after.is_shut().await);
}

/// It may have been sent before the failover, and whoever cancels it invites a second payment.
#[tokio::test]
async fn one_person_does_not_cancel_what_a_failover_left_unproven() {
    let mut after = After::begin().await;
    run(&mut after.one, ACCEPT).await.unwrap();
    run(&mut after.other, APPROVE).await.unwrap();
    let cancel = "select payout.cancel('INV-1', 'ordered twice')";
    let refused = Refusal::expected(cancel, run(&mut after.one, cancel).await);
    refused.is(cancel, "PW031", "two people must agree");
    assert!(
        refused.hint.contains("payout.request_cancel"),
        "{}",
        refused.hint
    );
    run(
        &mut after.one,
        "select payout.request_cancel('INV-1', 'ordered twice')",
    )
    .await
    .unwrap();
    Refusal::expected(cancel, run(&mut after.one, cancel).await).is(cancel, "PW031", "");
    Refusal::expected(APPROVE, run(&mut after.one, APPROVE).await).is(APPROVE, "PW021", "");
    assert_eq!(after.database.state("INV-1").await, "queued");
    run(&mut after.other, APPROVE).await.unwrap();
    assert_eq!(after.database.state("INV-1").await, "cancelled");
    let acts = "select string_agg(outcome, ', ') from payout.request_payouts";
    assert_eq!(after.database.text(acts).await, "done");
}
