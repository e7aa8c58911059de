//! The database's clock is stepped. A jump is never elapsed time, so a "not found" counts no sooner for it (I10).

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use payout_sandbox::Fault;
use payout_worker::{
    domain::{
        decide::Rules,
        evidence::{Doubt, Evidence, Fact, QueryAnswer, SubmitAnswer},
        payout::PayoutKey,
        schedule::PollRules,
    },
    store::{
        Store,
        clock::{self, Reading},
        failover::register_identity,
        record::record,
    },
};
use serde_json::json;
use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use throwaway_postgres::Options;

use crate::support::{
    claim::claim,
    database::MERCHANT,
    refusal::Refusal,
    site::Site,
    world::{Wishes, World},
};

/// A server clock that a test can step.
struct ServerClock {
    folder: TempDir,
    library: PathBuf,
}

impl ServerClock {
    /// `None` where libfaketime is not installed.
    fn find() -> Option<Self> {
        let folders = fs::read_dir("/usr/lib").ok()?;
        let library = folders
            .filter_map(Result::ok)
            // Not the one for threads: it takes a lock, which a signal's handler in the server may find taken.
            .map(|folder| folder.path().join("faketime/libfaketime.so.1"))
            .find(|library| library.exists())?;
        let folder = tempfile::tempdir().unwrap();
        // The server runs as another user when the tests run as root.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let clock = Self { folder, library };
        clock.set("+0s");
        Some(clock)
    }

    fn set(&self, offset: &str) {
        let new = self.folder.path().join("new");
        fs::write(&new, format!("{offset}\n")).unwrap();
        fs::rename(new, self.file()).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }

    fn options(&self) -> Options {
        let text = |path: PathBuf| path.into_os_string().into_string().unwrap();
        let set = |name: &str, value: String| (name.to_owned(), value);
        Options {
            environment: vec![
                set("LD_PRELOAD", text(self.library.clone())),
                set("FAKETIME_TIMESTAMP_FILE", text(self.file())),
                set("FAKETIME_NO_CACHE", "1".to_owned()),
                set("DONT_FAKE_MONOTONIC", "1".to_owned()),
            ],
            ..Options::default()
        }
    }
}

const PROVEN_ABSENT: &str =
    "select exists (select from payout.evidence e where e.proves = 'absence')";

/// Waits until the gateway has answered "not found" so often more, and each answer is stored.
async fn until_not_found_again(site: &Site, times: u32) {
    let answers =
        "select coalesce(sum(e.times), 0) from payout.evidence e where e.kind = 'not_found'";
    let before: i64 = sqlx::query_scalar(AssertSqlSafe(format!("select ({answers})::bigint")))
        .fetch_one(&site.pool)
        .await
        .unwrap();
    let more = format!("select ({answers}) >= {}", before + i64::from(times));
    site.until(&more, "true").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_the_servers_clock_makes_no_not_found_count() {
    let Some(clock) = ServerClock::find() else {
        eprintln!("skipped: libfaketime is not installed");
        return;
    };
    let site = Site::on_server(clock.options(), 600).await;
    let _worker = site.worker("one.toml", "worker.log");
    site.vouch().await;
    site.sandbox.set_fault(Fault::UnknownLost);
    site.enqueue(1..2).await;
    until_not_found_again(&site, 1).await;

    clock.set("+3000s");
    let marked = "select jumps = 1 and jumped_by > interval '49 minutes' from payout.clock";
    site.until(marked, "true").await;
    until_not_found_again(&site, 3).await;
    site.until(PROVEN_ABSENT, "false").await;

    clock.set("+0s");
    let marked = "select jumps = 2 and jumped_by < interval '-49 minutes' and trusted_after > clock_timestamp()
                  from payout.clock";
    site.until(marked, "true").await;
    site.until(PROVEN_ABSENT, "false").await;

    // With the rule removed, the same step makes one "not found" count for fifty minutes.
    sqlx::raw_sql(
        "create or replace function payout.note_clock_jump(by interval, compared_ago interval) returns boolean
         language sql as 'select false';
         update payout.clock set trusted_after = null",
    )
    .execute(&site.pool)
    .await
    .unwrap();
    clock.set("+3000s");
    site.until(PROVEN_ABSENT, "true").await;
}

/// A reading of the database's clock that is off by this much, as a worker took it before a step.
async fn believed(store: &Store, off: TimeDelta) {
    let reading = clock::read(&store.results).await.unwrap();
    let before_the_step = Reading {
        now: reading.now - off,
        ..reading
    };
    store.clock.accept(&before_the_step);
}

async fn by_hand() -> World {
    let world = World::with(Wishes {
        workers: 0,
        ..Wishes::default()
    })
    .await;
    world.database.fund(MERCHANT, 1_000_000).await;
    register_identity(world.database.pool(), Duration::from_mins(30))
        .await
        .unwrap();
    world
}

fn evidence(order_num: &str, fact: Fact) -> Evidence {
    Evidence {
        key: PayoutKey {
            merchant_code: MERCHANT.to_owned(),
            order_num: order_num.to_owned(),
        },
        fact,
        detail: json!({}),
    }
}

fn not_found(order_num: &str) -> Evidence {
    let answer = QueryAnswer::NotFound;
    let sent_at = Instant::now();
    evidence(order_num, Fact::Queried { answer, sent_at })
}

/// Past the horizon at once, as it looks after a step forward.
fn rules() -> Rules {
    Rules {
        poll: PollRules {
            first_after: Duration::from_secs(1),
            max_interval: Duration::from_mins(1),
            quiet_horizon: Duration::ZERO,
            decline_confirm: Duration::ZERO,
        },
        callbacks_settle: true,
    }
}

/// The transaction that stores an answer finds the step itself: the watch loop may look a second later.
#[tokio::test(flavor = "multi_thread")]
async fn the_answer_that_arrives_first_after_a_step_proves_nothing() {
    let world = by_hand().await;
    let pool = world.database.pool();
    let store = Store::at(&world.database.url()).unwrap();
    for (order, answer) in [
        ("SILENT-1", SubmitAnswer::Doubt(Doubt::Timeout)),
        ("SILENT-2", SubmitAnswer::Doubt(Doubt::Timeout)),
        (
            "REFUSED-1",
            SubmitAnswer::Declined {
                message: String::new(),
            },
        ),
        (
            "REFUSED-2",
            SubmitAnswer::Declined {
                message: String::new(),
            },
        ),
    ] {
        world.enqueue(order, 1000, 0).await;
        let mut order_of_claim = world.claim_order(1);
        order_of_claim.terms.send_window = Duration::ZERO;
        let claimed = claim(pool, &order_of_claim).await.unwrap();
        let permit = claimed.permits.first().unwrap();
        let fact = Fact::Submitted {
            attempt: permit.attempt(),
            request_sha256: permit.request().request_sha256,
            answer,
        };
        record(pool, &rules(), &[evidence(order, fact)])
            .await
            .unwrap();
    }
    let proves = async |order: &str| {
        world
            .database
            .text(&format!(
                "select string_agg(distinct proves, ' ') from payout.evidence
                 where order_num = '{order}' and kind = 'not_found'"
            ))
            .await
    };
    for (order, damage) in [("SILENT-1", "absence"), ("REFUSED-1", "refusal")] {
        record(pool, &rules(), &[not_found(order)]).await.unwrap();
        assert_eq!(proves(order).await, damage, "{order}: without the rule");
    }
    believed(&store, TimeDelta::minutes(50)).await;
    for order in ["SILENT-2", "REFUSED-2"] {
        record(&store, &rules(), &[not_found(order)]).await.unwrap();
        assert_eq!(proves(order).await, "nothing", "{order}");
    }
    let marked = "select jumps || ' ' || (trusted_after > now()) from payout.clock";
    assert_eq!(world.database.text(marked).await, "1 true");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_find_the_same_jump_make_one_mark_and_the_next_jump_another() {
    let world = by_hand().await;
    let jumps = async || world.database.text("select jumps from payout.clock").await;
    for (off, after) in [(50, "1"), (-50, "2"), (50, "3")] {
        for _ in 0..3 {
            let worker = Store::at(&world.database.url()).unwrap();
            believed(&worker, TimeDelta::minutes(off)).await;
            let reading = clock::read(&worker.results).await.unwrap();
            let jump = worker.clock.compare(&reading).expect("a jump");
            clock::note_jump(&worker.results, &worker.clock, &reading, jump)
                .await
                .unwrap();
            let reading = clock::read(&worker.results).await.unwrap();
            assert_eq!(worker.clock.compare(&reading), None, "it is accepted");
            worker.close().await;
        }
        assert_eq!(jumps().await, after, "{off}");
    }
}

/// By the time that has passed, not by what the clock shows: it may step over midnight and back.
#[tokio::test(flavor = "multi_thread")]
async fn jumps_are_counted_until_a_day_passes_without_one() {
    let world = by_hand().await;
    for (jumped_ago, by, counted) in [
        ("23 hours", "50 minutes", "3"),
        ("23 hours", "-50 minutes", "3"),
        ("24 hours 20 minutes", "50 minutes", "3"),
        ("23 hours 40 minutes", "-50 minutes", "1"),
        ("10 minutes", "-50 minutes", "3"),
        ("30 hours", "29 hours", "3"),
        ("-29 hours", "-30 hours", "3"),
        ("-20 hours", "-50 hours", "1"),
    ] {
        world
            .database
            .run(&format!(
                "update payout.clock set jumps = 2, jumped_by = '1 year', jumped_at = now() - interval '{jumped_ago}';
                 select payout.note_clock_jump('{by}', '10 seconds')"
            ))
            .await;
        let jumps = world.database.text("select jumps from payout.clock").await;
        assert_eq!(jumps, counted, "the jump before {jumped_ago} ago, by {by}");
    }
}

/// After a night without workers, nobody knows whether the clock was stepped meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn time_that_no_worker_watched_restarts_the_horizons() {
    for (compared_at, restarts) in [
        ("null", "false"),
        ("now() - interval '20 seconds'", "false"),
        ("now() - interval '2 minutes'", "true"),
        ("now() + interval '50 minutes'", "true"),
    ] {
        let mut world = by_hand().await;
        world
            .database
            .run(&format!(
                "update payout.clock set compared_at = {compared_at}"
            ))
            .await;
        world.add_worker().await;
        let restarted = "select coalesce(trusted_after > now(), false) from payout.clock";
        assert_eq!(
            world.database.text(restarted).await,
            restarts,
            "{compared_at}"
        );
        let compared = "select compared_at between now() - interval '30 seconds' and clock_timestamp() from payout.clock";
        world.until(compared, "true").await;
        assert_eq!(
            world.database.text("select jumps from payout.clock").await,
            "0"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_is_accepted_only_while_a_worker_watches_the_clock() {
    let world = by_hand().await;
    world
        .database
        .run(
            "select payout.note_failover('test');
             update payout.failover set trusted_after = now() - interval '1 minute';
             update payout.clock set compared_at = now() - interval '51 minutes'",
        )
        .await;
    let accept = "select payout.accept_failover('ticket 1', now() - interval '1 day')";
    let refused = world.database.try_run(accept).await;
    Refusal::expected(accept, refused).is(accept, "PW019", "compared this server's clock");
    world
        .database
        .run("update payout.clock set compared_at = now()")
        .await;
    world.database.run(accept).await;
}
