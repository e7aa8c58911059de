//! A second person is another login: by its oid, whatever it is called and whatever it may do.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::support::{database::Database, refusal::Refusal};

/// Two logins, one of which requested that the payout INV-1 be resolved as paid inside its quiet horizon.
struct Waiting {
    database: Database,
    requester: PgConnection,
    one: String,
    other: String,
}

const APPROVE: &str = "select payout.approve(max(id)) from payout.requests";
const DECISION: &str = "select decision from payout.requests";

impl Waiting {
    async fn begin() -> Self {
        let database = Database::with_steps().await;
        database.insert_in("unknown", "INV-1").await;
        let one = database.login(&["payout_operator"]).await;
        let other = database.login(&["payout_operator"]).await;
        let mut requester = database.connect_as(&one).await;
        let request =
            "select payout.resolve('INV-1', 'paid', 'letter 7', 'ticket 1', confirm => 'INV-1')";
        run(&mut requester, request).await.unwrap();
        assert_eq!(database.text(DECISION).await, "", "it waits");
        Self {
            database,
            requester,
            one,
            other,
        }
    }

    async fn is_refused(&mut self, what: &str, statement: &str) {
        let result = run(&mut self.requester, statement).await;
        Refusal::expected(what, result).is(what, "PW021", "somebody else must approve");
        assert_eq!(self.database.text(DECISION).await, "", "{what}");
    }
}

async fn run(db: &mut PgConnection, statement: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(db)
        .await
        .map(drop)
}

#[tokio::test]
async fn a_login_that_was_renamed_after_its_request_does_not_approve_it() {
    let mut waiting = Waiting::begin().await;
    let (one, renamed) = (waiting.one.clone(), format!("{}_renamed", waiting.one));
    waiting
        .database
        .run(&format!("alter role {one} rename to {renamed}"))
        .await;
    waiting.is_refused("renamed", APPROVE).await;
    let named = "select requested_by from payout.requests";
    assert_eq!(waiting.database.text(named).await, one, "as it was called");
    waiting
        .database
        .run(&format!("alter role {renamed} rename to {one}"))
        .await;
    let mut other = waiting.database.connect_as(&waiting.other).await;
    run(&mut other, APPROVE).await.unwrap();
    assert_eq!(waiting.database.text(DECISION).await, "approved");
}

#[tokio::test]
async fn a_login_that_was_dropped_and_made_again_does_not_approve_its_own_request() {
    let mut waiting = Waiting::begin().await;
    let one = waiting.one.clone();
    let before = waiting
        .database
        .text("select requested_by_oid from payout.requests")
        .await;
    waiting
        .database
        .run(&format!(
            "drop role {one}; create role {one} login password '{one}'; grant payout_operator to {one}"
        ))
        .await;
    let now = format!("select oid from pg_roles where rolname = '{one}'");
    assert_ne!(waiting.database.text(&now).await, before);
    waiting.requester = waiting.database.connect_as(&one).await;
    waiting.is_refused("made again", APPROVE).await;
}

#[tokio::test]
async fn neither_a_membership_nor_a_function_of_another_makes_a_second_person() {
    let mut waiting = Waiting::begin().await;
    let (one, other) = (waiting.one.clone(), waiting.other.clone());
    waiting
        .database
        .run(&format!(
            "grant {other} to {one};
             create function public.approve_as_other() returns void language sql security definer
             as $$ {APPROVE} $$;
             alter function public.approve_as_other() owner to {other}"
        ))
        .await;
    waiting
        .is_refused("set role", &format!("set role {other}; {APPROVE}"))
        .await;
    run(&mut waiting.requester, "reset role").await.unwrap();
    waiting
        .is_refused("security definer", "select public.approve_as_other()")
        .await;
    waiting
        .database
        .run("drop function public.approve_as_other()")
        .await;
}

/// Only a superuser can act under another login's name, and a superuser can switch the guards off anyway.
#[tokio::test]
async fn only_a_superuser_can_take_on_another_login() {
    let mut waiting = Waiting::begin().await;
    let become_other = format!("set session authorization {}", waiting.other);
    let result = run(&mut waiting.requester, &become_other).await;
    Refusal::expected(&become_other, result).is(&become_other, "42501", "");
    waiting.is_refused("still the same", APPROVE).await;
    let mut owner = waiting.database.connect().await;
    run(&mut owner, &become_other).await.unwrap();
    run(&mut owner, APPROVE).await.unwrap();
    let by = "select decided_by from payout.requests";
    assert_eq!(waiting.database.text(by).await, waiting.other);
}
