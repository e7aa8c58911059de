//! A dump that is restored into another server, in the place of the original: transaction IDs start below those of its rows.

use std::{fs::File, process::Command};

use sqlx::{AssertSqlSafe, PgPool};
use throwaway_postgres::{Binaries, Cluster, Options, SUPERUSER, StopMode};

use super::until_log_says;
use crate::support::{refusal::Refusal, site::Site};

/// Uses up transaction IDs, as years of work do.
const YEARS_OF_WORK: &str =
    "do $$ begin for n in 1..20000 loop perform pg_current_xact_id(); commit; end loop; end $$";
/// What fails when a later transaction has the number of a restored row.
const NUMBERS_RISE: &str = "select payout.current_xid() > payout.last_xid()";
const EVENTS_ARE_COMPLETE: &str =
    "select (select count(*) from payout.events) = (select count(*) from payout.history)";
const MAY_BE_ACCEPTED: &str =
    "select changed_at is not null and trusted_after < now() and not exists (
         select from payout.payouts p where p.state = 'queued' and not payout.is_proven_unsent(p))
     from payout.failover";

async fn text(db: &PgPool, query: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(format!("select ({query})::text")))
        .fetch_one(db)
        .await
        .unwrap()
}

async fn run(db: &PgPool, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(db)
        .await
        .unwrap();
}

/// The roles and the database of a server, in two files.
fn dump(site: &Site, binaries: &Binaries) {
    let url = site.cluster.url("postgres", SUPERUSER);
    let place = |file| File::create(site.folder.path().join(file)).unwrap();
    let mut roles = Command::new(binaries.path("pg_dumpall"));
    roles.args(["--roles-only", "--dbname", &url]);
    assert!(roles.stdout(place("roles.sql")).status().unwrap().success());
    let mut database = Command::new(binaries.path("pg_dump"));
    database.args(["--format=custom", "--dbname", &url]);
    assert!(database.stdout(place("dump")).status().unwrap().success());
}

/// A new server with the dump in it, at the original's address.
fn restore(site: &Site, binaries: &Binaries) -> Cluster {
    let options = Options {
        port: Some(site.cluster.port()),
        ..Options::default()
    };
    let restored = Cluster::start(options).unwrap();
    let url = restored.url("postgres", SUPERUSER);
    let open = |file| File::open(site.folder.path().join(file)).unwrap();
    let mut roles = Command::new(binaries.path("psql"));
    // The superuser exists already, which is an error that does not stop it.
    roles.args(["--quiet", "--no-psqlrc", "--dbname", &url]);
    assert!(roles.stdin(open("roles.sql")).status().unwrap().success());
    let mut database = Command::new(binaries.path("pg_restore"));
    database.args(["--single-transaction", "--exit-on-error", "--dbname", &url]);
    assert!(database.stdin(open("dump")).status().unwrap().success());
    restored
}

/// Five payouts are queued in the dump; the original has paid them since.
#[tokio::test(flavor = "multi_thread")]
async fn a_restored_dump_sends_nothing_that_the_original_sent_and_its_numbers_continue() {
    let Ok(binaries) = Binaries::find(&["pg_dump", "pg_dumpall", "pg_restore", "psql"]) else {
        eprintln!("SKIPPED: no pg_dump, pg_dumpall, pg_restore and psql here");
        return;
    };
    let mut site = Site::with_horizon(5).await;
    run(&site.pool, YEARS_OF_WORK).await;
    let worker = site.worker("one.toml", "first.log");
    site.enqueue(0..1).await;
    site.until_settled(1).await;
    worker.terminate();
    site.enqueue(1..6).await;
    site.until(EVENTS_ARE_COMPLETE, "true").await;
    let cursor = text(&site.pool, "select max(seq) from payout.events").await;
    dump(&site, &binaries);
    let worker = site.worker("one.toml", "original.log");
    site.until_settled(6).await;
    worker.terminate();
    assert_eq!(site.sandbox.submits().len(), 6);

    site.pool.close().await;
    site.cluster.stop_server(StopMode::Fast).unwrap();
    let restored = restore(&site, &binaries);
    site.pool = PgPool::connect(&restored.url("postgres", SUPERUSER))
        .await
        .unwrap();
    assert_eq!(text(&site.pool, NUMBERS_RISE).await, "false", "the trap");
    let early = "select payout.cancel('R-1', 'test')";
    let tried = sqlx::raw_sql(early).execute(&site.pool).await;
    Refusal::expected(early, tried).is(early, "PW040", "after a restore");

    let _worker = site.worker("one.toml", "restored.log");
    until_log_says(&site, "restored.log", "claims stopped: commits may be lost").await;
    site.until_settled(6).await;
    assert_eq!(text(&site.pool, NUMBERS_RISE).await, "true");
    let found = format!(
        "select count(*) from payout.events where seq > {cursor} and event = 'found_after_failover'"
    );
    site.until(&found, "5").await;
    site.until(EVENTS_ARE_COMPLETE, "true").await;

    // What nobody sent waits for two people; the worker has looked for it at the gateway.
    site.enqueue(6..7).await;
    site.until(MAY_BE_ACCEPTED, "true").await;
    let state = "select state from payout.payouts where order_num = 'R-6'";
    assert_eq!(text(&site.pool, state).await, "queued");
    assert_eq!(
        site.sandbox.submits().len(),
        6,
        "nothing is sent a second time"
    );
    run(
        &site.pool,
        "select payout.accept_failover('restored', (select changed_at from payout.failover));
         set session authorization payout_operator;
         select payout.approve(r.id) from payout.requests r where r.decision is null;
         reset session authorization",
    )
    .await;
    site.until_settled(7).await;
    site.assert_zeros(7).await;
}
