//! Copies that a copy of the data folder makes: the same system, timeline, database and table twice, one worker each.

mod restored;
mod untouched;

use std::{fs, path::PathBuf, process::Command, time::Duration};

use payout_worker::{config, service::Running};
use sqlx::PgPool;
use throwaway_postgres::{Binaries, Cluster, Options, SUPERUSER, StopMode};
use tokio::time::{Instant, sleep};

use crate::support::{
    database::{ADDRESS, DEADLINE, Database, MERCHANT},
    refusal::Refusal,
    site::Site,
    world::{Wishes, World},
};

/// What a worker says that stops itself.
const STOPPED: &str = "stopped: this worker reaches the database by machine:";
/// What it says when it goes on.
const GOES_ON: &str = "no longer stopped: the address machine:";

/// A second server with the same data.
struct Copy {
    cluster: Cluster,
    folder: PathBuf,
}

impl Copy {
    /// What a volume snapshot or `cp -a` of the stopped server makes.
    async fn of_folder(site: &mut Site) -> Self {
        site.cluster.stop_server(StopMode::Fast).unwrap();
        let folder = Self::folder_beside(site);
        let copied = Command::new("cp")
            .arg("-a")
            .args([site.cluster.data_dir().parent().unwrap(), &folder])
            .status();
        assert!(copied.unwrap().success());
        site.cluster.start_server().unwrap();
        Self::start(folder, None).await
    }

    /// What a base backup makes that is started under a new name.
    async fn of_base_backup(site: &Site) -> Self {
        let folder = Self::folder_beside(site);
        let mut copy = Self::start(folder, Some(site.cluster.port())).await;
        // Without a promotion, which would give it another identity.
        copy.cluster.stop_server(StopMode::Fast).unwrap();
        fs::remove_file(copy.cluster.data_dir().join("standby.signal")).unwrap();
        copy.cluster.start_server().unwrap();
        copy
    }

    fn folder_beside(site: &Site) -> PathBuf {
        let data = site.cluster.data_dir();
        data.parent().unwrap().with_extension("copy")
    }

    async fn start(folder: PathBuf, standby_of: Option<u16>) -> Self {
        let place = folder.clone();
        let starting = tokio::task::spawn_blocking(move || {
            Cluster::start_in(&place, Options::default(), standby_of)
        });
        Self {
            cluster: starting.await.unwrap().unwrap(),
            folder,
        }
    }

    async fn pool(&self) -> PgPool {
        PgPool::connect(&self.cluster.url("postgres", SUPERUSER))
            .await
            .unwrap()
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.cluster.stop_server(StopMode::Immediate).ok();
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// The second worker's configuration, with another database.
fn point_second_worker_at(site: &Site, url: &str) {
    let file = site.folder.path().join("two.toml");
    let text = fs::read_to_string(&file).unwrap();
    let url = format!("url = \"{url}\"");
    let lines = text.lines().map(|line| {
        if line.starts_with("url = ") {
            url.as_str()
        } else {
            line
        }
    });
    fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
}

async fn until_log_says(site: &Site, log: &str, words: &str) {
    let file = site.folder.path().join(log);
    let deadline = Instant::now() + DEADLINE;
    while !fs::read_to_string(&file).unwrap().contains(words) {
        let log = fs::read_to_string(&file).unwrap();
        assert!(Instant::now() < deadline, "never said: {words}\n{log}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// A site that has paid one payout, without a worker, and with five that are queued.
async fn with_five_queued() -> Site {
    let site = Site::build().await;
    let worker = site.worker("one.toml", "first.log");
    site.enqueue(0..1).await;
    site.until_settled(1).await;
    worker.terminate();
    site.enqueue(1..6).await;
    site
}

/// The original pays everything while the copy's worker runs; then the damage: the same worker without the rule.
async fn original_pays_and_copy_sends_nothing(site: &Site, copy: &Copy) {
    point_second_worker_at(site, &copy.cluster.url("postgres", "a_worker"));
    let copied = copy.pool().await;
    let _strange = site.worker("two.toml", "copy.log");
    until_log_says(site, "copy.log", STOPPED).await;
    let _worker = site.worker("one.toml", "original.log");
    site.until_settled(6).await;
    assert_eq!(site.sandbox.submits().len(), 6, "one submit for each order");
    let (queued, fenced): (i64, bool) = sqlx::query_as(
        "select count(*) filter (where p.state = 'queued'), bool_or(f.changed_at is not null)
         from payout.payouts p, payout.failover f",
    )
    .fetch_one(&copied)
    .await
    .unwrap();
    assert_eq!(
        (queued, fenced),
        (5, false),
        "the copy's worker stops itself alone"
    );

    let address = format!(
        "alter table payout.addresses disable trigger user;
         update payout.addresses set address = replace(address, ':{}', ':{}');
         alter table payout.addresses enable trigger user",
        site.cluster.port(),
        copy.cluster.port()
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(address))
        .execute(&copied)
        .await
        .unwrap();
    site.sandbox
        .until(|sandbox| sandbox.submits().len() == 11)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_data_folder_sends_nothing_and_the_original_pays_all() {
    let mut site = with_five_queued().await;
    let copy = Copy::of_folder(&mut site).await;
    original_pays_and_copy_sends_nothing(&site, &copy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_backup_under_a_new_name_sends_nothing_and_the_original_pays_all() {
    if Binaries::find(&["pg_basebackup"]).is_err() {
        eprintln!("SKIPPED: this Postgres has no pg_basebackup");
        return;
    }
    let site = with_five_queued().await;
    let copy = Copy::of_base_backup(&site).await;
    original_pays_and_copy_sends_nothing(&site, &copy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_spelling_of_one_server_stops_its_own_worker_and_no_other() {
    let site = Site::build().await;
    let socket = site.cluster.data_dir().parent().unwrap().to_owned();
    let socket = socket.to_str().unwrap().replace('/', "%2F");
    let port = site.cluster.port();
    point_second_worker_at(
        &site,
        &format!("postgres://a_worker@{socket}:{port}/postgres"),
    );
    let _other = site.worker("two.toml", "other.log");
    until_log_says(&site, "other.log", STOPPED).await;
    let worker = site.worker("one.toml", "worker.log");
    site.enqueue(0..20).await;
    site.until_settled(20).await;
    let claimed_by = "select string_agg(distinct worker, ' ') from payout.attempts";
    let pid = worker.0.id();
    let claimed_by: String = sqlx::query_scalar(claimed_by)
        .fetch_one(&site.pool)
        .await
        .unwrap();
    assert!(
        claimed_by.ends_with(&format!("/{pid}")),
        "{claimed_by} but only {pid}"
    );
    let fenced = "select (changed_at is not null)::text from payout.failover";
    site.until(fenced, "false").await;
    site.assert_zeros(20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_further_address_takes_two_people_and_then_its_worker_continues() {
    let site = Site::build().await;
    for login in ["siti", "budi"] {
        site.login(login, "payout_operator").await;
    }
    let folder = site.cluster.data_dir().parent().unwrap().to_owned();
    let (socket, port) = (folder.to_str().unwrap(), site.cluster.port());
    let url = format!(
        "postgres://a_worker@{}:{port}/postgres",
        socket.replace('/', "%2F")
    );
    point_second_worker_at(&site, &url);
    let _worker = site.worker("two.toml", "other.log");
    until_log_says(&site, "other.log", STOPPED).await;
    site.enqueue(0..3).await;

    let address = format!("{socket}:{port}");
    let request = [
        "address",
        "add",
        &address,
        "--reason",
        "ticket 7: by socket",
    ];
    let said = site.payout("siti", &request).await.with(5);
    let id = said.out.split("Recorded as request ").nth(1).unwrap();
    let id: String = id.chars().take_while(char::is_ascii_digit).collect();
    site.payout("siti", &["approve", &id])
        .await
        .with(4)
        .says(&["is yours"]);
    let registered = "select count(*) from payout.addresses";
    site.until(registered, "1").await;
    assert_eq!(site.sandbox.submits().len(), 0, "a request opens nothing");
    site.payout("budi", &["approve", &id]).await.with(0);
    site.until(registered, "2").await;
    until_log_says(&site, "other.log", GOES_ON).await;
    site.until_settled(3).await;
    site.payout("budi", &["address", "list"])
        .await
        .with(0)
        .says(&["siti", "budi", "ticket 7: by socket"]);
    // What was approved opens that one address, once.
    let mut budi = site.cluster.url("postgres", "budi");
    budi.push_str("?options=-c%20search_path%3Dpg_catalog");
    let again = sqlx::raw_sql("select payout.add_address(r) from payout.requests r")
        .execute(&PgPool::connect(&budi).await.unwrap())
        .await;
    Refusal::expected("by hand", again).is("by hand", "42501", "add_address");
}

/// One requests it at the command line, and the other one approves.
async fn agree(site: &Site, request: &[&str]) {
    let said = site.payout("siti", request).await.with(5);
    let id = said.out.split("Recorded as request ").nth(1).unwrap();
    let id: String = id.chars().take_while(char::is_ascii_digit).collect();
    site.payout("siti", &["approve", &id]).await.with(4);
    site.payout("budi", &["approve", &id]).await.with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_two_people_remove_stops_its_own_worker_and_no_other() {
    let site = Site::build().await;
    for login in ["siti", "budi"] {
        site.login(login, "payout_operator").await;
    }
    let folder = site.cluster.data_dir().parent().unwrap().to_owned();
    let (socket, port) = (folder.to_str().unwrap(), site.cluster.port());
    let encoded = socket.replace('/', "%2F");
    let url = format!("postgres://a_worker@{encoded}:{port}/postgres");
    point_second_worker_at(&site, &url);
    let address = format!("{socket}:{port}");
    let act = |verb| ["address", verb, &address, "--reason", "ticket 8"];
    agree(&site, &act("add")).await;
    let _other = site.worker("two.toml", "other.log");
    site.enqueue(0..3).await;
    site.until_settled(3).await;

    agree(&site, &act("remove")).await;
    until_log_says(&site, "other.log", STOPPED).await;
    let listed = site.payout("budi", &["address", "list"]).await.with(0);
    assert!(!listed.out.contains(socket), "{}", listed.out);
    site.enqueue(3..6).await;
    let worker = site.worker("one.toml", "worker.log");
    site.until_settled(6).await;
    let claimed_by =
        "select string_agg(distinct worker, ' ') from payout.attempts where order_num > 'R-2'";
    let claimed_by: String = sqlx::query_scalar(claimed_by)
        .fetch_one(&site.pool)
        .await
        .unwrap();
    let pid = format!("/{}", worker.0.id());
    assert!(claimed_by.ends_with(&pid), "{claimed_by} but only {pid}");
    site.assert_zeros(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_may_reach_one_of_several_hosts_does_not_start() {
    let world = World::with(Wishes {
        workers: 0,
        ..Wishes::default()
    })
    .await;
    let mut config: config::Config = world.config.clone();
    config.database.url = "postgres://a_worker@db1.example,db2.example/payout".to_owned();
    let Err(refused) = Running::start(&config).await else {
        panic!("it runs");
    };
    assert!(
        refused.to_string().contains("names several hosts"),
        "{refused}"
    );
}

#[tokio::test]
async fn the_database_refuses_a_claim_by_an_address_that_is_not_registered() {
    let database = Database::with_steps().await;
    database.insert("INV-1", 1000).await;
    let claim = |address: &str| {
        format!(
            "do $$ declare moved bigint; begin
             insert into payout.attempts (merchant_code, order_num, attempt, send_by, lease_until, worker,
                                          request_sha256, address, gateway)
             select '{MERCHANT}', 'INV-1', 1, now(), now(), 'an older version', sha256('x'), {address}, m.gateway
             from payout.merchants m where m.code = '{MERCHANT}';
             insert into payout.history (merchant_code, order_num, event, from_state, to_state, source, attempt)
             values ('{MERCHANT}', 'INV-1', 'claimed', 'queued', 'submitting', 'worker', 1) returning seq into moved;
             insert into payout.ledger (merchant_code, kind, order_num, attempt, available, held)
             values ('{MERCHANT}', 'hold', 'INV-1', 1, -1000, 1000);
             update payout.payouts set state = 'submitting', last_seq = moved, attempt = 1, sends = 1, held = 1000,
                    send_by = now(), lease_until = now()
             where order_num = 'INV-1'; end $$"
        )
    };
    for address in ["null", "'copy.example:5432'", "'db.example:5433'"] {
        let claim = claim(address);
        Refusal::expected(&claim, database.try_run(&claim).await).is(&claim, "PW050", "");
    }
    database.run(&claim(&format!("'{ADDRESS}'"))).await;
}

#[tokio::test]
async fn nobody_adds_or_removes_an_address_alone_not_even_the_owner() {
    let database = Database::with_merchant().await;
    for (alone, code) in [
        (
            "insert into payout.addresses (address, reason) values ('copy.example:5432', 'staging')",
            "PW050",
        ),
        (
            "update payout.addresses set address = 'copy.example:5432'",
            "PW016",
        ),
        ("delete from payout.addresses", "PW016"),
        ("truncate payout.addresses", "PW016"),
    ] {
        Refusal::expected(alone, database.try_run(alone).await).is(alone, code, "");
    }
}
