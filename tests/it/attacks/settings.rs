//! Settings that lose a commit: of a session, a role, a database or the server, changed at any time.

mod running;

use std::{sync::Arc, time::Duration};

use payout_worker::{
    domain::{
        decide::Rules,
        evidence::{Doubt, Evidence, Fact, SubmitAnswer},
        payout::PayoutKey,
        schedule::PollRules,
    },
    permit::SealedRequest,
    store::{
        addresses::Address,
        claim::{ClaimError, ClaimOrder, Terms},
        failover::register_identity,
        record::record,
        schema::{Registration, migrate},
    },
};
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, postgres::PgPoolOptions};
use throwaway_postgres::{Cluster, Options, SUPERUSER};

use crate::support::{
    claim::{Claim, claim},
    database::{DEADLINE, Database, MERCHANT, PAUSE},
    server::{connect, run},
};

const BASE_URL: &str = "https://gateway.example";

fn forgetful(more: &[(&str, &str)]) -> Options {
    let settings = [("wal_writer_delay", "10s"), ("autovacuum", "off")];
    Options {
        settings: [&settings, more]
            .concat()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        ..Options::default()
    }
}

/// A server of its own, on which a commit that does not wait for the disk stays off it for ten seconds.
async fn forgetful_server(more: &[(&str, &str)]) -> Cluster {
    let options = forgetful(more);
    let cluster = tokio::task::spawn_blocking(|| Cluster::start(options))
        .await
        .unwrap()
        .unwrap();
    let registration = Registration {
        code: MERCHANT.to_owned(),
        dialect: "bdpay".to_owned(),
        balance_is_signed: true,
        not_found_is_proof: true,
        base_url: BASE_URL.to_owned(),
        platform_keys: Vec::new(),
        min_amount: 1,
        max_amount: 1_000_000,
        fee_reserve: 0,
        funding: "books".to_owned(),
    };
    let url = cluster.url("postgres", SUPERUSER);
    migrate(&url, &[registration], &[], false).await.unwrap();
    let mut owner = connect(&url).await;
    run(
        &mut owner,
        "create role a_worker login in role payout_worker; create role an_operator login in role payout_operator;
         select payout.fund('S2020198627344', 1000000, 'top-up');
         insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
         select 'INV-' || n, 1000, 0, '014', '0012345678', 'Siti Rahayu' from generate_series(1, 3) n",
    )
    .await;
    cluster
}

fn one_claim(cluster: &Cluster) -> Claim {
    Claim {
        terms: Terms {
            address: Address::of_url(&cluster.url("postgres", SUPERUSER)).unwrap(),
            last: None,
            lease: Duration::from_secs(90),
            send_window: Duration::from_secs(5),
            quiet_horizon: Duration::from_secs(3),
            worker: "a test".to_owned(),
        },
        order: ClaimOrder {
            after: None,
            merchant_code: MERCHANT.to_owned(),
            dialect: "bdpay".to_owned(),
            base_url: BASE_URL.to_owned(),
            platform_keys: Vec::new(),
            limit: 1,
            seal: Arc::new(|_, _| {
                Ok(SealedRequest {
                    body: Vec::new().into(),
                    request_sha256: [7; 32],
                })
            }),
        },
    }
}

/// A worker's only connection; its database's identity is registered.
async fn worker_of(cluster: &Cluster) -> PgPool {
    let worker = PgPoolOptions::new()
        .max_connections(1)
        .connect(&cluster.url("postgres", "a_worker"))
        .await
        .unwrap();
    register_identity(&worker, Duration::from_secs(3))
        .await
        .unwrap();
    worker
}

/// Kills the server as a power cut does, and starts it again.
async fn power_cut(cluster: Cluster) -> Cluster {
    tokio::task::spawn_blocking(move || {
        let mut cluster = cluster;
        cluster.restart_immediate().unwrap();
        cluster
    })
    .await
    .unwrap()
}

async fn text(cluster: &Cluster, query: &str) -> String {
    let mut owner = connect(&cluster.url("postgres", SUPERUSER)).await;
    sqlx::query_scalar(AssertSqlSafe(format!("select ({query})::text")))
        .fetch_one(&mut owner)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_power_cut_no_claim_no_answer_and_no_act_is_forgotten_whatever_role_and_database_set()
 {
    let mut cluster = forgetful_server(&[]).await;
    let mut owner = connect(&cluster.url("postgres", SUPERUSER)).await;
    worker_of(&cluster).await;
    run(
        &mut owner,
        "alter role a_worker set synchronous_commit = off; alter database postgres set synchronous_commit = off",
    )
    .await;

    // The damage: what such a session commits is gone after a power cut.
    let mut enqueuer = connect(&cluster.url("postgres", SUPERUSER)).await;
    run(
        &mut enqueuer,
        "insert into payout.query_budget (merchant_code) select code from payout.merchants",
    )
    .await;
    cluster = power_cut(cluster).await;
    assert_eq!(
        text(&cluster, "select count(*) from payout.query_budget").await,
        "0"
    );

    let worker = worker_of(&cluster).await;
    let claimed = claim(&worker, &one_claim(&cluster)).await.unwrap();
    assert_eq!(claimed.permits.len(), 1, "it would be sent now");
    cluster = power_cut(cluster).await;
    let state = "select state from payout.payouts where order_num = 'INV-1'";
    assert_eq!(text(&cluster, state).await, "submitting");

    // An answer: `record` has returned, so a callback would be acknowledged. It changes nothing but the evidence.
    let worker = worker_of(&cluster).await;
    let key = PayoutKey {
        merchant_code: MERCHANT.to_owned(),
        order_num: "INV-2".to_owned(),
    };
    let rules = Rules {
        poll: PollRules {
            first_after: Duration::from_secs(5),
            max_interval: Duration::from_mins(1),
            quiet_horizon: Duration::from_secs(3),
            decline_confirm: Duration::from_mins(1),
        },
        callbacks_settle: true,
    };
    let evidence = Evidence {
        key,
        fact: Fact::Submitted {
            attempt: 1,
            request_sha256: [7; 32],
            answer: SubmitAnswer::Doubt(Doubt::Timeout),
        },
        detail: json!({}),
    };
    record(&worker, &rules, &[evidence]).await.unwrap();
    cluster = power_cut(cluster).await;
    let stored = "select count(*) from payout.evidence where order_num = 'INV-2'";
    assert_eq!(text(&cluster, stored).await, "1");

    // An act of a person.
    let mut operator = connect(&cluster.url("postgres", "an_operator")).await;
    run(
        &mut operator,
        "select payout.cancel('INV-3', 'paid in cash')",
    )
    .await;
    cluster = power_cut(cluster).await;
    let state = "select state from payout.payouts where order_num = 'INV-3'";
    assert_eq!(text(&cluster, state).await, "cancelled");
}

/// Waits until the worker's session has the server's new settings: a reload reaches it at one of its next statements.
async fn reload(owner: &mut PgConnection, worker: &PgPool, change: &str, full_page_writes: &str) {
    run(owner, change).await;
    run(owner, "select pg_reload_conf()").await;
    let looking = async {
        loop {
            let found: String = sqlx::query_scalar("select current_setting('full_page_writes')")
                .fetch_one(worker)
                .await
                .unwrap();
            if found == full_page_writes {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(DEADLINE, looking)
        .await
        .expect("the settings never arrived");
}

/// The settings of the server, which no session can change for itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_could_lose_a_claim_gets_none() {
    let cluster = forgetful_server(&[("fsync", "off")]).await;
    let worker = worker_of(&cluster).await;
    let refused = claim(&worker, &one_claim(&cluster)).await.unwrap_err();
    assert!(matches!(refused, ClaimError::NotDurable(_)), "{refused:?}");
    assert!(refused.to_string().contains("fsync = off"), "{refused}");
    let queued = "select count(*) from payout.payouts where state = 'queued'";
    assert_eq!(text(&cluster, queued).await, "3");

    // While the worker runs, and back again.
    let cluster = forgetful_server(&[]).await;
    let worker = worker_of(&cluster).await;
    let mut owner = connect(&cluster.url("postgres", SUPERUSER)).await;
    reload(
        &mut owner,
        &worker,
        "alter system set full_page_writes = off",
        "off",
    )
    .await;
    let refused = claim(&worker, &one_claim(&cluster)).await.unwrap_err();
    assert!(matches!(refused, ClaimError::NotDurable(_)), "{refused:?}");
    assert!(
        refused.to_string().contains("full_page_writes = off"),
        "{refused}"
    );
    assert_eq!(text(&cluster, queued).await, "3");
    reload(
        &mut owner,
        &worker,
        "alter system reset full_page_writes",
        "on",
    )
    .await;
    assert_eq!(
        claim(&worker, &one_claim(&cluster))
            .await
            .unwrap()
            .permits
            .len(),
        1
    );
}

/// ZFS, and the storage of some providers, writes each page whole.
#[tokio::test(flavor = "multi_thread")]
async fn payouts_are_sent_without_full_page_writes_where_somebody_said_why_until_a_failover() {
    let cluster = forgetful_server(&[("full_page_writes", "off")]).await;
    let worker = worker_of(&cluster).await;
    let refused = claim(&worker, &one_claim(&cluster)).await.unwrap_err();
    assert!(
        refused.to_string().contains("full_page_writes = off"),
        "{refused}"
    );
    let mut owner = connect(&cluster.url("postgres", SUPERUSER)).await;
    let accept = "select payout.accept_full_pages_off('ZFS, ticket 91')";
    run(&mut owner, accept).await;
    let claimed = claim(&worker, &one_claim(&cluster)).await.unwrap();
    assert_eq!(claimed.permits.len(), 1);
    let by = "select payout.whole_pages_by()";
    assert_eq!(text(&cluster, by).await, "postgres: ZFS, ticket 91");

    // What an acceptance does.
    run(&mut owner, "update payout.failover set epoch = epoch + 1").await;
    let refused = claim(&worker, &one_claim(&cluster)).await.unwrap_err();
    assert!(
        refused.to_string().contains("full_page_writes = off"),
        "{refused}"
    );
    run(&mut owner, accept).await;
    // Never for fsync.
    run(&mut owner, "alter system set fsync = off").await;
    run(&mut owner, "select pg_reload_conf()").await;
    let off = "select current_setting('fsync')";
    while text(&cluster, off).await != "off" {
        tokio::time::sleep(PAUSE).await;
    }
    let refused = claim(&worker, &one_claim(&cluster)).await.unwrap_err();
    assert!(refused.to_string().contains("fsync = off"), "{refused}");
}

/// The setting with which the transaction would commit now: everything that is deferred to the commit runs first.
async fn setting_at_commit(session: &mut PgConnection) -> String {
    run(session, "set constraints all immediate").await;
    sqlx::query_scalar("select current_setting('synchronous_commit')")
        .fetch_one(session)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_act_of_a_person_is_durable_whatever_its_session_sets_before_or_after_it() {
    let database = Database::with_steps().await;
    for (state, order_num) in [
        ("queued", "QUEUED-1"),
        ("pending", "PENDING-1"),
        ("pending", "PENDING-2"),
    ] {
        database.insert_in(state, order_num).await;
    }
    database
        .run(
            "update payout.merchants set funding = 'books';
             insert into payout.failover (identity, quiet_horizon) values (payout.identity(), '0');
             set session_replication_role = replica;
             update payout.attempts set quiet_until = now() - interval '1 hour';
             set session_replication_role = origin",
        )
        .await;
    let one = database.login(&["payout_operator"]).await;
    let other = database.login(&["payout_operator"]).await;
    let (mut one, mut other, mut owner) = (
        database.connect_as(&one).await,
        database.connect_as(&other).await,
        database.connect().await,
    );
    for (who, act) in [
        ("one", "select payout.cancel('QUEUED-1', 'a test')"),
        ("one", "select payout.replay('PENDING-1')"),
        (
            "one",
            "select payout.fund('S2020198627344', 500, 'a transfer')",
        ),
        ("one", "select payout.pause('bank', '014', 'a test')"),
        ("one", "select payout.resume('bank', '014', 'a test')"),
        (
            "one",
            "select payout.request_resolve_failed('PENDING-1', 'a letter', 'a test', confirm => 'PENDING-1')",
        ),
        (
            "other",
            "select payout.approve(max(id)) from payout.requests",
        ),
        (
            "one",
            "select payout.request_resolve_failed('PENDING-2', 'a letter', 'a test', confirm => 'PENDING-2')",
        ),
        (
            "other",
            "select payout.reject(max(id), 'a test') from payout.requests",
        ),
        (
            "one",
            "select payout.resolve('PENDING-2', 'paid', 'a letter', 'a test', confirm => 'PENDING-2')",
        ),
        (
            "owner",
            "select payout.note_failover('a test', 'a lost claim')",
        ),
        (
            "one",
            "select payout.accept_failover('a test', now() - interval '1 hour')",
        ),
    ] {
        let session = match who {
            "one" => &mut one,
            "other" => &mut other,
            _ => &mut owner,
        };
        for (level, expected) in [
            ("off", "on"),
            ("local", "on"),
            ("remote_write", "on"),
            ("remote_apply", "remote_apply"),
        ] {
            run(
                session,
                &format!("begin; set local synchronous_commit = {level}; {act}"),
            )
            .await;
            assert_eq!(
                setting_at_commit(session).await,
                expected,
                "{act}, {level} before it"
            );
            run(session, "rollback").await;
        }
        run(
            session,
            &format!("begin; {act}; set synchronous_commit = off"),
        )
        .await;
        assert_eq!(
            setting_at_commit(session).await,
            "on",
            "{act}, off after it"
        );
        run(session, "commit").await;
    }
    // A backend's own insert stays its own affair.
    let insert = "begin; set local synchronous_commit = off;
        insert into payout.payouts (order_num, amount, fee_type, bank_code, account_number, account_name)
        values ('OWN-1', 1000, 0, '014', '0012345678', 'Siti Rahayu')";
    run(&mut owner, insert).await;
    assert_eq!(setting_at_commit(&mut owner).await, "off");
}
