//! A worker that reaches a copy changes nothing in it and nothing at the gateway, and leaves the callbacks to the original.

use std::net::SocketAddr;

use payout_sandbox::{Ending, Fault, Script};
use sqlx::AssertSqlSafe;

use super::*;
use crate::support::{database::PAUSE, door::Door, switch::Switch};

/// What a worker says, at debug level, each time it looks in vain.
const LOOKED: &str = "is not registered where it leads";

/// A line for each table of the schema: how many rows, and a digest of them and of who wrote and locked them.
async fn contents(db: &PgPool) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select tablename from pg_tables where schemaname = 'payout' order by 1",
    )
    .fetch_all(db)
    .await
    .unwrap();
    assert!(tables.len() > 20, "{tables:?}");
    let mut lines = Vec::new();
    for table in tables {
        let digest = format!(
            "select concat_ws(' ', '{table}', count(*), md5(string_agg(t.line, '|' order by t.line)))
             from (select concat_ws(' ', r.ctid, r.xmin, r.xmax, r) as line from payout.{table} r) t"
        );
        let line = sqlx::query_scalar(AssertSqlSafe(digest)).fetch_one(db);
        lines.push(line.await.unwrap());
    }
    lines
}

/// The first worker's configuration, with these lines instead of its own, as that file.
fn configure(site: &Site, file: &str, lines: &[(&str, &str)]) {
    let text = fs::read_to_string(site.folder.path().join("one.toml")).unwrap();
    let line = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        let other = lines.iter().find(|(changed, _)| *changed == key);
        other.map_or(line.to_owned(), |(key, value)| {
            format!("{key} = \"{value}\"")
        })
    };
    let text: Vec<String> = text.lines().map(line).collect();
    fs::write(site.folder.path().join(file), text.join("\n")).unwrap();
}

/// Waits until the worker has looked that often, each time in vain.
async fn until_looked(site: &Site, log: &str, times: usize) {
    let file = site.folder.path().join(log);
    let deadline = Instant::now() + DEADLINE;
    while fs::read_to_string(&file).unwrap().matches(LOOKED).count() < times {
        assert!(Instant::now() < deadline, "it does not look again");
        sleep(Duration::from_millis(50)).await;
    }
}

async fn text(db: &PgPool, query: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(format!("select ({query})::text")))
        .fetch_one(db)
        .await
        .unwrap()
}

/// A site with something for every loop of a worker to do, and without a worker: R-1 was answered `UNKNOWN`, R-2 not at
/// all, and three are queued.
async fn with_open_work() -> Site {
    let site = Site::build().await;
    let worker = site.worker("one.toml", "first.log");
    site.enqueue(0..1).await;
    site.until_settled(1).await;
    // It stays open however long the rest takes.
    let unknown = Script {
        fault: Some(Fault::Unknown),
        ..Script::ends(Ending::Stays)
    };
    site.sandbox.script("R-1", unknown);
    site.sandbox
        .script("R-2", Script::fault(Fault::NoAnswerAfter));
    site.enqueue(1..3).await;
    site.sandbox
        .until(|sandbox| sandbox.submits().len() == 3)
        .await;
    let answered =
        "select state in ('unknown', 'pending') from payout.payouts where order_num = 'R-1'";
    site.until(answered, "true").await;
    worker.kill();
    site.enqueue(3..6).await;
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_on_a_copy_writes_sends_and_queries_nothing_and_stores_no_callback() {
    let mut site = with_open_work().await;
    let copy = Copy::of_folder(&mut site).await;
    let copied = copy.pool().await;
    let due = "select count(*) from payout.payouts
               where state <> 'queued' and least(next_query_at, lease_until) < now()";
    while text(&copied, due).await != "2" {
        sleep(PAUSE).await;
    }
    let before = contents(&copied).await;
    let gateway = site.sandbox.url();
    let gateway = Door::before(gateway.trim_start_matches("http://").parse().unwrap()).await;
    let url = copy.cluster.url("postgres", "a_worker");
    configure(
        &site,
        "copy.toml",
        &[("url", &url), ("base_url", &gateway.url())],
    );
    let _strange = site.worker("copy.toml", "copy.log");
    until_log_says(&site, "copy.log", STOPPED).await;

    assert!(
        !site.sandbox.call_back("R-1").await,
        "it acknowledged a callback"
    );
    let ready = reqwest::get(format!("http://{}/readyz", site.admin))
        .await
        .unwrap();
    assert_eq!(ready.status().as_u16(), 503);
    let said = ready.text().await.unwrap();
    assert!(
        said.contains("by machine:") && said.contains("is not registered"),
        "{said}"
    );
    assert_eq!(contents(&copied).await, before);
    until_looked(&site, "copy.log", 3).await;
    assert_eq!(contents(&copied).await, before);
    assert_eq!(gateway.requests(), 0, "requests to the gateway");

    // The original's worker is not concerned.
    site.sandbox.script("R-1", Script::ends(Ending::Paid));
    let _worker = site.worker("two.toml", "original.log");
    site.until_settled(6).await;
    site.assert_zeros(6).await;
    assert_eq!(contents(&copied).await, before);
    assert_eq!(gateway.requests(), 0, "requests to the gateway");
}

/// The name or the proxy by which a worker reaches its database leads to a copy for a while, in which this address was
/// never registered.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_connections_begin_to_reach_a_copy_stops_until_they_lead_back() {
    let mut site = with_five_queued().await;
    let copy = Copy::of_folder(&mut site).await;
    let copied = copy.pool().await;
    let (original, port) = (site.cluster.port(), copy.cluster.port());
    let server = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
    let switch = Switch::before(server(original)).await;
    let registered = format!(
        "alter table payout.addresses disable trigger user;
         insert into payout.addresses (address, reason)
         select replace(address, ':{original}', ':{}'), 'test' from payout.addresses;
         alter table payout.addresses enable trigger user",
        switch.port()
    );
    sqlx::raw_sql(AssertSqlSafe(registered))
        .execute(&site.pool)
        .await
        .unwrap();
    let url = format!("postgres://a_worker@127.0.0.1:{}/postgres", switch.port());
    configure(&site, "switch.toml", &[("url", &url)]);
    let _worker = site.worker("switch.toml", "switch.log");
    site.until_settled(6).await;
    let before = contents(&copied).await;

    // Its answer is missing when the connections are cut; that it is missing is found while they lead to the copy.
    site.sandbox
        .script("R-6", Script::fault(Fault::NoAnswerAfter));
    site.enqueue(6..7).await;
    site.sandbox
        .until(|sandbox| sandbox.submits().len() == 7)
        .await;
    switch.lead_to(server(port));
    until_log_says(&site, "switch.log", STOPPED).await;
    site.enqueue(7..10).await;
    until_looked(&site, "switch.log", 3).await;
    assert!(
        !site.sandbox.call_back("R-1").await,
        "it acknowledged a callback"
    );
    assert_eq!(contents(&copied).await, before);
    assert_eq!(
        site.sandbox.submits().len(),
        7,
        "it sent what the copy has queued"
    );

    switch.lead_to(server(original));
    until_log_says(&site, "switch.log", GOES_ON).await;
    site.until_settled(10).await;
    assert!(site.sandbox.call_back("R-1").await, "it refuses a callback");
    site.assert_zeros(10).await;
    let missing = "select doubt from payout.evidence where order_num = 'R-6' and source = 'submit'";
    assert_eq!(text(&site.pool, missing).await, "timeout");
    assert_eq!(contents(&copied).await, before);
}
