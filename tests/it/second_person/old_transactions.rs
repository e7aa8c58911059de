//! A person's transaction may be as old as it likes, and see the database as it was then. Neither makes an approval count
//! longer, nor hides what was committed since.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::support::{database::Database, refusal::Refusal};

const APPROVE: &str = "select payout.approve(max(id)) from payout.requests";
const DECISION: &str = "select decision from payout.requests order by id desc limit 1";

async fn run(db: &mut PgConnection, statement: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(db)
        .await
        .map(drop)
}

#[track_caller]
fn refused(what: &str, result: Result<(), sqlx::Error>, code: &str, words: &str) {
    let refusal = Refusal::expected(what, result);
    refusal.is(what, code, words);
    assert!(!refusal.hint.is_empty(), "{what}");
}

/// Two operators, and a queued and an unknown payout.
struct Desk {
    database: Database,
    one: PgConnection,
    other: PgConnection,
}

impl Desk {
    async fn open() -> Self {
        let database = Database::with_steps().await;
        database.insert_in("queued", "QUEUED-1").await;
        database.insert_in("unknown", "LOST-1").await;
        database
            .run("insert into payout.failover (identity, quiet_horizon) values (payout.identity(), '30 min')")
            .await;
        let (one, other) = (
            database.login(&["payout_operator"]).await,
            database.login(&["payout_operator"]).await,
        );
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

    /// From now on each of [`REQUESTS`] takes two people.
    async fn two_people_for_all(&self) {
        self.database
            .run(
                "update payout.merchants set funding = 'gateway';
                 update payout.payouts set attention_reasons = '{unproven}' where order_num = 'QUEUED-1'",
            )
            .await;
    }

    /// Lets the latest request expire at this time, as if it had been made earlier.
    async fn expires(&self, at: &str) {
        self.database
            .run(&format!(
                "alter table payout.requests disable trigger user;
                 with t as materialized (select {at} as expiry)
                 update payout.requests r
                 set expires_at = t.expiry, requested_at = t.expiry - interval '10 minutes',
                     decided_at = case when r.decision is not null then t.expiry end
                 from t where r.id = (select max(id) from payout.requests);
                 alter table payout.requests enable trigger user"
            ))
            .await;
    }
}

/// What takes two people: one request of each kind of act.
const REQUESTS: [&str; 4] = [
    "select payout.request_address('further.example:5432', 'ticket 1')",
    "select payout.request_fund('S2020198627344', 1000, 'REF 1', 'ticket 1')",
    "select payout.resolve('LOST-1', 'paid', 'letter 7', 'ticket 1', confirm => 'LOST-1')",
    "select payout.request_cancel('QUEUED-1', 'ticket 1')",
];

#[tokio::test]
async fn an_approval_comes_too_late_from_a_transaction_that_began_in_time() {
    for request in REQUESTS {
        let mut desk = Desk::open().await;
        desk.two_people_for_all().await;
        run(&mut desk.one, request).await.unwrap();
        run(&mut desk.other, "begin; select now()").await.unwrap();
        // It expires after that transaction began, and before the approval.
        desk.expires("clock_timestamp()").await;
        refused(
            request,
            run(&mut desk.other, APPROVE).await,
            "PW022",
            "expired",
        );
        run(&mut desk.other, "rollback").await.unwrap();
        assert_eq!(desk.database.text(DECISION).await, "", "{request}");
    }
}

/// What two people agreed to comes into force at the commit.
#[tokio::test]
async fn an_approval_that_is_committed_after_the_request_expired_is_refused() {
    for request in REQUESTS {
        let mut desk = Desk::open().await;
        desk.two_people_for_all().await;
        run(&mut desk.one, request).await.unwrap();
        let other: String = sqlx::query_scalar("select current_user::text")
            .fetch_one(&mut desk.other)
            .await
            .unwrap();
        // In one transaction, as nobody else can change the approved row before the commit.
        let mut late = desk.database.connect().await;
        run(
            &mut late,
            &format!(
                "begin; set session authorization {other}; {APPROVE}; reset session authorization;
                 set local session_replication_role = replica;
                 update payout.requests set expires_at = decided_at where id = (select max(id) from payout.requests);
                 set local session_replication_role = origin"
            ),
        )
        .await
        .unwrap();
        refused(
            request,
            run(&mut late, "commit").await,
            "PW022",
            "before its approval was committed",
        );
        assert_eq!(desk.database.text(DECISION).await, "", "{request}");
        // In time it is approved.
        run(&mut desk.other, APPROVE).await.unwrap();
        assert_eq!(desk.database.text(DECISION).await, "approved", "{request}");
    }
}

#[tokio::test]
async fn a_reveal_comes_too_late_from_a_transaction_that_began_in_time() {
    let mut desk = Desk::open().await;
    run(
        &mut desk.one,
        "select payout.request_reveal('LOST-1', 'ticket 1')",
    )
    .await
    .unwrap();
    let reveal = "select payout.reveal('LOST-1')";
    run(&mut desk.one, "begin; select now()").await.unwrap();
    desk.expires("clock_timestamp()").await;
    refused(
        reveal,
        run(&mut desk.one, reveal).await,
        "PW030",
        "no committed request",
    );
}

/// An approval names when it was given, not when its transaction began.
#[tokio::test]
async fn the_audit_shows_no_approval_before_its_request() {
    let mut desk = Desk::open().await;
    run(&mut desk.other, "begin; select now()").await.unwrap();
    run(&mut desk.one, REQUESTS[0]).await.unwrap();
    run(&mut desk.other, &format!("{APPROVE}; commit"))
        .await
        .unwrap();
    let order = "select decided_at > requested_at and decided_at > (select min(at) from payout.operator_acts)
                 from payout.requests";
    assert_eq!(desk.database.text(order).await, "true");
    let registered =
        "select a.registered_at >= r.requested_at from payout.addresses a, payout.requests r
                      where a.address = r.subject";
    assert_eq!(desk.database.text(registered).await, "true");
}

#[tokio::test]
async fn a_transaction_that_does_not_see_the_fence_cancels_nothing_behind_it() {
    let mut desk = Desk::open().await;
    let cancel = "select payout.cancel('QUEUED-1', 'ordered twice')";
    for level in ["repeatable read", "serializable"] {
        let begin = format!("begin isolation level {level}; select count(*) from payout.status");
        run(&mut desk.one, &begin).await.unwrap();
        desk.database
            .run("select payout.note_failover('a lost claim', 'abc', 0)")
            .await;
        refused(level, run(&mut desk.one, cancel).await, "PW034", level);
        run(&mut desk.one, "rollback").await.unwrap();
        refused(
            cancel,
            run(&mut desk.one, cancel).await,
            "PW019",
            "failover",
        );
        assert_eq!(desk.database.state("QUEUED-1").await, "queued");
        desk.database
            .run("update payout.failover set changed_at = null, changed_to = null, trusted_after = null")
            .await;
    }
    run(&mut desk.one, cancel).await.unwrap();
    assert_eq!(desk.database.state("QUEUED-1").await, "cancelled");
}

#[tokio::test]
async fn no_act_of_a_person_rests_on_an_old_snapshot() {
    let mut desk = Desk::open().await;
    desk.two_people_for_all().await;
    run(
        &mut desk.other,
        "select payout.pause('bank', '008', 'closed')",
    )
    .await
    .unwrap();
    run(
        &mut desk.one,
        "select payout.request_reveal('LOST-1', 'ticket 1')",
    )
    .await
    .unwrap();
    run(&mut desk.other, REQUESTS[0]).await.unwrap();
    let acts = [
        APPROVE,
        REQUESTS[1],
        "select payout.reject(max(id), 'x') from payout.requests",
        REQUESTS[2],
        REQUESTS[3],
        "select payout.request_address('another.example:5432', 'ticket 1')",
        "select payout.request_reveal('QUEUED-1', 'ticket 1')",
        "select payout.reveal('LOST-1')",
        "select payout.pause('all', '', 'ticket 1')",
        "select payout.resume('bank', '008', 'ticket 1')",
    ];
    for act in acts {
        for level in ["repeatable read", "serializable"] {
            run(&mut desk.one, &format!("begin isolation level {level}"))
                .await
                .unwrap();
            refused(act, run(&mut desk.one, act).await, "PW034", level);
            run(&mut desk.one, "rollback").await.unwrap();
        }
    }
    // One person books where only people book, unless the merchant was changed meanwhile.
    desk.database
        .run("update payout.merchants set funding = 'books'")
        .await;
    let fund = "select payout.fund('S2020198627344', 1000, 'REF 2')";
    run(
        &mut desk.one,
        "begin isolation level repeatable read; select count(*) from payout.status",
    )
    .await
    .unwrap();
    desk.database
        .run("update payout.merchants set funding = 'gateway'")
        .await;
    refused(
        fund,
        run(&mut desk.one, fund).await,
        "PW034",
        "repeatable read",
    );
    run(&mut desk.one, "rollback").await.unwrap();
    refused(fund, run(&mut desk.one, fund).await, "PW031", "two people");
    // The same acts, each in a transaction of its own.
    for act in acts {
        run(&mut desk.one, act)
            .await
            .unwrap_or_else(|error| panic!("{act}: {error}"));
    }
}
