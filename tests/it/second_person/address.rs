//! Removing an address by which workers may reach the database takes two people.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::support::{
    database::{ADDRESS, Database},
    refusal::Refusal,
};

const OTHER: &str = "other.example:5432";
const LATEST: &str = "select payout.approve(max(id)) from payout.requests";

/// Two registered addresses, and two operators.
struct Registry {
    database: Database,
    one: PgConnection,
    other: PgConnection,
}

impl Registry {
    async fn begin() -> Self {
        let database = Database::with_steps().await;
        database
            .agree(&format!(
                "select payout.request_address('{OTHER}', 'a test')"
            ))
            .await;
        let one = database.login(&["payout_operator"]).await;
        let other = database.login(&["payout_operator"]).await;
        let (one, other) = (
            database.connect_as(&one).await,
            database.connect_as(&other).await,
        );
        Self {
            database,
            one,
            other,
        }
    }

    async fn in_use(&self) -> String {
        let in_use = "select string_agg(address, ' ' order by address) from payout.addresses where removed_at is null";
        self.database.text(in_use).await
    }
}

async fn run(db: &mut PgConnection, statement: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(db)
        .await
        .map(drop)
}

fn removal(address: &str) -> String {
    format!("select payout.request_address_removal('{address}', 'the old name of the server')")
}

#[tokio::test]
async fn one_person_requests_that_an_address_goes_and_another_one_removes_it() {
    let mut registry = Registry::begin().await;
    run(&mut registry.one, &removal(ADDRESS)).await.unwrap();
    Refusal::expected(LATEST, run(&mut registry.one, LATEST).await).is(LATEST, "PW021", "");
    assert_eq!(registry.in_use().await, format!("{ADDRESS} {OTHER}"));

    run(&mut registry.other, LATEST).await.unwrap();
    assert_eq!(registry.in_use().await, OTHER);
    let database = &registry.database;
    let record = "select count(*) from payout.addresses
                  where removed_at is not null and removed_by <> removal_approved_by";
    assert_eq!(database.text(record).await, "1", "the record stays");
    let audited = "select string_agg(act, ' ' order by act) from payout.audit where detail like '%db.example:5432%'";
    assert_eq!(
        database.text(audited).await,
        "approved remove_address_requested"
    );

    // A worker that reaches the database by it sends nothing any more.
    database.insert("INV-1", 1000).await;
    let claim = database.try_step("INV-1", "claimed", "").await;
    Refusal::expected("a claim", claim).is("a claim", "PW050", "that is not registered");
    // Nor is the way free for one person to register a first address again.
    let first = format!("insert into payout.addresses (address, reason) values ('{ADDRESS}', 'x')");
    Refusal::expected(&first, database.try_run(&first).await).is(&first, "PW050", "");

    database
        .agree(&format!(
            "select payout.request_address('{ADDRESS}', 'moved back')"
        ))
        .await;
    assert_eq!(registry.in_use().await, format!("{ADDRESS} {OTHER}"));
    database.step("INV-1", "claimed").await;
}

/// Both requests were allowed when they were made.
#[tokio::test]
async fn the_last_address_is_never_removed() {
    let mut registry = Registry::begin().await;
    run(&mut registry.one, &removal(ADDRESS)).await.unwrap();
    run(&mut registry.one, &removal(OTHER)).await.unwrap();
    run(&mut registry.other, LATEST).await.unwrap();
    let rest = "select payout.approve(min(id)) from payout.requests where decision is null";
    Refusal::expected(rest, run(&mut registry.other, rest).await).is(rest, "PW050", "the only one");
    assert_eq!(registry.in_use().await, ADDRESS);
    let last = removal(ADDRESS);
    let mut another = registry.database.connect().await;
    Refusal::expected(&last, run(&mut another, &last).await).is(&last, "PW050", "the only one");
    let unknown = removal("never.example:1");
    Refusal::expected(&unknown, run(&mut another, &unknown).await).is(
        &unknown,
        "PW050",
        "is not registered",
    );
}

#[tokio::test]
async fn nobody_changes_the_record_of_an_address_not_even_the_owner() {
    let mut registry = Registry::begin().await;
    let by_hand = "update payout.addresses set removed_at = now(), removed_by = 'one', removal_approved_by = 'other'
                   where address = 'db.example:5432'";
    let database = &registry.database;
    Refusal::expected(by_hand, database.try_run(by_hand).await).is(by_hand, "PW050", "two people");
    run(&mut registry.one, &removal(ADDRESS)).await.unwrap();
    run(&mut registry.other, LATEST).await.unwrap();
    for change in [
        "update payout.addresses set removed_at = null, removed_by = null, removal_approved_by = null
         where removed_at is not null",
        "update payout.addresses set reason = 'another'",
        "update payout.addresses set removed_at = now() - interval '1 day' where removed_at is not null",
        "delete from payout.addresses where removed_at is not null",
    ] {
        Refusal::expected(change, database.try_run(change).await).is(change, "PW016", "");
    }
}
