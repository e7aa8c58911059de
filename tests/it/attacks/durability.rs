//! Commits that are not durable, and databases that are not the one in which the claim was made.

use std::{sync::Arc, time::Duration};

use payout_worker::{
    permit::SealedRequest,
    service::Running,
    store::{
        addresses::Address,
        claim::{ClaimError, ClaimOrder, Terms},
        failover::register_identity,
        schema::{Registration, migrate},
    },
};
use sqlx::{PgConnection, PgPool};
use throwaway_postgres::{Cluster, Options, SUPERUSER};

use crate::support::{
    claim::{Claim, claim},
    database::{DEADLINE, MERCHANT, PAUSE},
    server::{connect, run},
    world::World,
};

/// Waits until a session waits for a replica, and cancels that wait, as an impatient administrator does.
async fn cancel_the_wait(owner: &mut PgConnection) {
    let cancelling = async {
        loop {
            let cancelled: i64 = sqlx::query_scalar(
                "select count(pg_cancel_backend(pid)) from pg_stat_activity where wait_event = 'SyncRep'",
            )
            .fetch_one(&mut *owner)
            .await
            .unwrap();
            if cancelled > 0 {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(DEADLINE, cancelling)
        .await
        .expect("nobody waits for a replica");
}

/// What any program would do: write something and commit it.
async fn write(pool: PgPool) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::raw_sql(
        "set local statement_timeout = 0;
         insert into payout.query_budget (merchant_code) select code from payout.merchants
         on conflict (merchant_code) do update set spent_until = now()",
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_wait_for_a_replica_was_cancelled_gives_no_permit() {
    let cluster = tokio::task::spawn_blocking(|| Cluster::start(Options::default()))
        .await
        .unwrap()
        .unwrap();
    let url = cluster.url("postgres", SUPERUSER);
    let registration = Registration {
        code: MERCHANT.to_owned(),
        dialect: "bdpay".to_owned(),
        balance_is_signed: true,
        not_found_is_proof: true,
        base_url: "https://gateway.example".to_owned(),
        platform_keys: Vec::new(),
        min_amount: 1,
        max_amount: 1_000_000,
        fee_reserve: 0,
        funding: "books".to_owned(),
    };
    migrate(&url, &[registration], &[], false).await.unwrap();
    let mut owner = connect(&url).await;
    run(
        &mut owner,
        "create role a_worker login in role payout_worker;
         select payout.fund('S2020198627344', 1000000, 'top-up');
         insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
         values ('INV-1', 1000, 0, '014', '0012345678', 'Siti Rahayu');
         alter role postgres set synchronous_commit = local",
    )
    .await;
    let pool = PgPool::connect(&cluster.url("postgres", "a_worker"))
        .await
        .unwrap();
    register_identity(&pool, Duration::from_secs(3))
        .await
        .unwrap();
    run(
        &mut owner,
        "alter system set synchronous_standby_names = 'nobody'",
    )
    .await;
    run(&mut owner, "select pg_reload_conf()").await;

    // The damage: an ordinary commit reports success, yet no replica has it, and the next failover undoes it. The first
    // ones may still come before the server has read its new settings.
    loop {
        let mut writing = tokio::spawn(write(pool.clone()));
        tokio::select! {
            passed = &mut writing => passed.unwrap().unwrap(),
            () = cancel_the_wait(&mut owner) => {
                assert!(writing.await.unwrap().is_ok(), "success, although nobody else has it");
                break;
            }
        }
    }

    let order = Claim {
        terms: Terms {
            address: Address::of_url(&url).unwrap(),
            last: None,
            lease: Duration::from_secs(9),
            send_window: Duration::from_secs(5),
            quiet_horizon: Duration::from_secs(3),
            worker: "a test".to_owned(),
        },
        order: ClaimOrder {
            after: None,
            merchant_code: MERCHANT.to_owned(),
            dialect: "bdpay".to_owned(),
            base_url: "https://gateway.example".to_owned(),
            platform_keys: Vec::new(),
            limit: 10,
            seal: Arc::new(|_, _| {
                Ok(SealedRequest {
                    body: Vec::new().into(),
                    request_sha256: [7; 32],
                })
            }),
        },
    };
    let claiming = tokio::spawn(async move { claim(&pool, &order).await });
    cancel_the_wait(&mut owner).await;
    let refused = claiming.await.unwrap().unwrap_err();
    assert!(
        matches!(refused, ClaimError::CommitUnknown(_)),
        "{refused:?}"
    );
    assert!(
        refused.to_string().contains("synchronous replication"),
        "{refused}"
    );
    // It is nevertheless committed here, so nobody claims it again; its lease expires, and it is unknown and queried.
    let state: String = sqlx::query_scalar("select state from payout.payouts")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!(state, "submitting");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_database_does_not_pay_what_the_original_pays() {
    let mut world = World::start().await;
    world.enqueue("FIRST-1", 100_000, 0).await;
    world.until_state("FIRST-1", "paid").await;
    world.stop_workers().await;
    world.enqueue("TWICE-1", 100_000, 0).await;
    world.enqueue("TWICE-2", 100_000, 0).await;
    let unguarded = world.database.copied().await;
    let guarded = world.database.copied().await;
    world.add_worker().await;
    world.until_state("TWICE-1", "paid").await;
    world.until_state("TWICE-2", "paid").await;
    world.stop_workers().await;
    assert_eq!(world.sandbox.submits().len(), 3);
    let mut config = world.config.clone();
    config.http_listen = None;

    // Without the fence, the copy is just another database with payouts to send.
    unguarded
        .run("update payout.failover set identity = payout.identity()")
        .await;
    config.database.url = unguarded.url();
    let copy = Running::start(&config).await.unwrap();
    world
        .sandbox
        .until(|sandbox| sandbox.submits().len() == 5)
        .await;
    copy.stop().await;
    assert_eq!(
        (world.submits_of("TWICE-1"), world.submits_of("TWICE-2")),
        (2, 2)
    );

    config.database.url = guarded.url();
    let copy = Running::start(&config).await.unwrap();
    guarded
        .until(
            "select count(*) = 2 from payout.payouts where order_num like 'TWICE-%' and state = 'paid'",
        )
        .await;
    copy.stop().await;
    assert_eq!(
        world.sandbox.submits().len(),
        5,
        "queried and followed, never sent"
    );
    let found = "select count(*) from payout.history where event = 'found_after_failover'";
    assert_eq!(guarded.text(found).await, "2");
}
