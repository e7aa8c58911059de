//! The database enforces the rules: no login gets around them with psql, and no worker with an old proof.

use std::{sync::Arc, time::Duration};

use payout_worker::{
    domain::payout::PayoutKey,
    permit::{SealedRequest, SendBy},
    store::{
        addresses::Address,
        claim::{ClaimError, ClaimOrder, Granted, NotGranted, Terms},
    },
};
use sqlx::{AssertSqlSafe, PgConnection};

use super::{Desk, lose};
use crate::support::{
    claim::{Claim, claim_resubmit},
    database::{MERCHANT, PAUSE},
    world::World,
};

/// What `payout_worker` would have to write to resubmit an order.
const MOVE: &str = "
    begin;
    insert into payout.attempts (merchant_code, order_num, attempt, send_by, lease_until, worker, request_sha256,
                                 address, gateway)
    select p.merchant_code, p.order_num, p.attempt + 1, now(), now(), 'psql', sha256(''),
           (select min(address) from payout.addresses), m.gateway
    from payout.payouts p join payout.merchants m on m.code = p.merchant_code
    where p.state = 'unknown';
    with moved as (
        insert into payout.history (merchant_code, order_num, event, from_state, to_state, source, attempt)
        select merchant_code, order_num, 'resubmit_granted', 'unknown', 'submitting', 'operator', attempt + 1
        from payout.payouts where state = 'unknown' returning seq)
    select seq from moved;
    update payout.payouts p
    set state = 'submitting', attempt = attempt + 1, sends = sends + 1, resubmits_granted = resubmits_granted + 1,
        last_seq = (select max(seq) from payout.history where event = 'resubmit_granted')
    where state = 'unknown';
    rollback";

/// The SQLSTATE with which the statements fail; empty when they succeed.
async fn refusal(db: &mut PgConnection, statements: &str) -> String {
    let result = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(&mut *db)
        .await;
    sqlx::raw_sql("rollback").execute(db).await.unwrap();
    match result {
        Ok(_) => String::new(),
        Err(error) => error
            .as_database_error()
            .unwrap()
            .code()
            .unwrap()
            .into_owned(),
    }
}

/// Makes a change that the guards forbid, as only a superuser can.
async fn force(world: &World, table: &str, change: &str) {
    world
        .database
        .run(&format!(
            "alter table payout.{table} disable trigger user; {change}; alter table payout.{table} enable trigger user"
        ))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn psql_can_do_no_more_than_the_tool() {
    let mut world = World::start().await;
    let desk = Desk::of(&world).await;
    lose(&world, "LOST-1").await;
    world.stop_workers().await;
    let worker = world.database.login(&["payout_worker"]).await;
    // One person with every role is still one person.
    world
        .database
        .run(&format!("grant payout_worker to {}", desk.one))
        .await;
    let mut worker = world.database.connect_as(&worker).await;
    let mut one = world.database.connect_as(&desk.one).await;
    let mut other = world.database.connect_as(&desk.other).await;
    let mut owner = world.database.connect().await;

    let request = "select payout.request_resubmit(array['LOST-1'], 'ticket 1')";
    for db in [&mut worker, &mut one, &mut owner] {
        assert_eq!(refusal(db, MOVE).await, "PW028", "without a request");
    }
    assert_eq!(
        refusal(&mut worker, request).await,
        "42501",
        "a worker requests nothing"
    );
    let forged = "insert into payout.requests (kind, reason, requested_by) values ('resubmit', 'x', 'somebody')";
    assert_eq!(refusal(&mut one, forged).await, "42501");
    assert_eq!(refusal(&mut owner, forged).await, "PW028");
    let approved = "insert into payout.requests (kind, reason, decision, decided_by, decided_at)
                    values ('resubmit', 'x', 'approved', session_user, now())";
    assert_eq!(refusal(&mut owner, approved).await, "PW028");
    let quiet = "update payout.operator_acts set reason = 'none'";
    assert_eq!(refusal(&mut owner, quiet).await, "PW016");

    assert_eq!(refusal(&mut one, request).await, "");
    let approve = "select payout.approve(max(id)) from payout.requests";
    assert_eq!(refusal(&mut one, approve).await, "PW021");
    assert_eq!(
        refusal(&mut worker, MOVE).await,
        "PW028",
        "before the approval"
    );
    force(
        &world,
        "requests",
        "update payout.requests set expires_at = now() - interval '1 second'",
    )
    .await;
    assert_eq!(refusal(&mut other, approve).await, "PW022");
    force(
        &world,
        "requests",
        "update payout.requests set expires_at = now() + interval '9 minutes'",
    )
    .await;
    let by_hand = "update payout.requests set decision = 'approved', decided_by = session_user, decided_at = now()";
    assert_eq!(refusal(&mut other, by_hand).await, "42501");
    let for_another =
        "update payout.requests set decision = 'approved', decided_by = 'x', decided_at = now()";
    assert_eq!(refusal(&mut owner, for_another).await, "PW028");
    assert_eq!(refusal(&mut other, approve).await, "");
    assert_eq!(refusal(&mut other, approve).await, "PW023", "decided once");

    let query_sent_at = |ago: &str| {
        format!(
            "update payout.evidence set query_sent_at = now() - interval '{ago}' where kind = 'not_found' and proves = 'absence'"
        )
    };
    force(&world, "evidence", &query_sent_at("0 s")).await;
    assert_eq!(
        refusal(&mut worker, MOVE).await,
        "",
        "everything is in place"
    );
    force(&world, "evidence", &query_sent_at("61 s")).await;
    assert_eq!(refusal(&mut worker, MOVE).await, "PW024", "an old proof");
    force(
        &world,
        "evidence",
        &format!(
            "{}; update payout.evidence set times = 2 where kind = 'not_found' and proves = 'absence'",
            query_sent_at("0 s")
        ),
    )
    .await;
    assert_eq!(refusal(&mut worker, MOVE).await, "PW024", "two answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_older_than_a_minute_gives_no_right_to_send() {
    let mut world = World::start().await;
    let desk = Desk::of(&world).await;
    lose(&world, "LOST-1").await;
    world.stop_workers().await;
    let (mut one, mut other) = (
        world.database.connect_as(&desk.one).await,
        world.database.connect_as(&desk.other).await,
    );
    refusal(
        &mut one,
        "select payout.request_resubmit(array['LOST-1'], 'ticket 1')",
    )
    .await;
    refusal(
        &mut other,
        "select payout.approve(max(id)) from payout.requests",
    )
    .await;
    force(
        &world,
        "evidence",
        "update payout.evidence set query_sent_at = now() where kind = 'not_found' and proves = 'absence'",
    )
    .await;
    let registered = |column: &str| format!("select {column} from payout.merchants");
    let order = Claim {
        terms: Terms {
            last: None,
            address: Address::of_url(&world.database.url()).unwrap(),
            lease: Duration::from_secs(90),
            send_window: Duration::from_mins(1),
            quiet_horizon: Duration::from_secs(3),
            worker: "test".to_owned(),
        },
        order: ClaimOrder {
            after: None,
            merchant_code: MERCHANT.to_owned(),
            dialect: world.database.text(&registered("dialect")).await,
            base_url: world.database.text(&registered("base_url")).await,
            platform_keys: vec![world.database.text(&registered("platform_keys[1]")).await],
            limit: 1,
            seal: Arc::new(|_, _| {
                Ok(SealedRequest {
                    body: Vec::new().into(),
                    request_sha256: [7; 32],
                })
            }),
        },
    };
    let proven_for = |seconds| Granted {
        detail: serde_json::json!({}),
        request_id: 1,
        key: PayoutKey {
            merchant_code: MERCHANT.to_owned(),
            order_num: "LOST-1".to_owned(),
        },
        attempt: 1,
        proven_until: SendBy::after(Duration::from_secs(seconds)),
    };
    let pool = world.database.pool();
    let stale = claim_resubmit(pool, &order, &proven_for(0))
        .await
        .unwrap_err();
    assert!(
        matches!(&stale, NotGranted::Refused(why) if why.contains("minute")),
        "{stale}"
    );
    assert_eq!(world.database.state("LOST-1").await, "unknown");
    let permit = loop {
        match claim_resubmit(pool, &order, &proven_for(60)).await {
            // The rollback of the refused one has not arrived yet.
            Err(NotGranted::Claim(ClaimError::Locked(_))) => tokio::time::sleep(PAUSE).await,
            claimed => break claimed.unwrap(),
        }
    };
    assert_eq!(permit.0.attempt(), 2);
    let twice = claim_resubmit(pool, &order, &proven_for(60))
        .await
        .unwrap_err();
    assert!(
        matches!(twice, NotGranted::Refused(_)),
        "an approval is used once"
    );
}

/// The proof may be fresh, queried just now, but the two people approved hours ago.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_expires() {
    let mut world = World::start().await;
    let desk = Desk::of(&world).await;
    lose(&world, "LOST-1").await;
    world.stop_workers().await;
    let worker = world.database.login(&["payout_worker"]).await;
    let mut worker = world.database.connect_as(&worker).await;
    let (mut one, mut other) = (
        world.database.connect_as(&desk.one).await,
        world.database.connect_as(&desk.other).await,
    );
    let request = "select payout.request_resubmit(array['LOST-1'], 'ticket 1')";
    assert_eq!(refusal(&mut one, request).await, "");
    let approve = "select payout.approve(max(id)) from payout.requests";
    assert_eq!(refusal(&mut other, approve).await, "");
    force(
        &world,
        "requests",
        "update payout.requests set requested_at = now() - interval '3 hours', decided_at = now() - interval '3 hours',
         expires_at = now() - interval '170 minutes'",
    )
    .await;
    let fresh = "update payout.evidence set query_sent_at = clock_timestamp() where kind = 'not_found' and proves = 'absence'";
    force(&world, "evidence", fresh).await;
    world
        .database
        .run(
            "alter function payout.use_request(payout.payouts, text) rename to kept;
             create function payout.use_request(payout.payouts, text) returns void language sql as ''",
        )
        .await;
    assert_eq!(refusal(&mut worker, MOVE).await, "", "without the rule");
    world
        .database
        .run(
            "drop function payout.use_request;
             alter function payout.kept(payout.payouts, text) rename to use_request",
        )
        .await;
    force(&world, "evidence", fresh).await;
    assert_eq!(refusal(&mut worker, MOVE).await, "PW028");
    // A new request is possible.
    assert_eq!(refusal(&mut one, request).await, "");
}
