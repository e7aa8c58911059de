//! A real Prometheus scrapes a real worker: dashboards have data, alerts fire and stop, amounts are exact.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use payout_sandbox::{Fault, Script};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use tokio::time::{Instant, sleep};

use crate::support::{site::Site, world::free_port};

/// Stopped when dropped.
struct Prometheus {
    child: Child,
    url: String,
    http: reqwest::Client,
}

impl Prometheus {
    /// Starts it with the shipped rules and alerts, ten times as fast. Unknown payouts count as old after five seconds
    /// instead of half an hour. `None` when it is not installed.
    fn start(folder: &Path, worker: std::net::SocketAddr) -> Option<Self> {
        let installed = Command::new("prometheus")
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !installed.is_ok_and(|status| status.success()) {
            return None;
        }
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
        let read = |file: &str| fs::read_to_string(shipped.join(file)).unwrap();
        let config = read("prometheus.yml")
            .replace("10s", "1s")
            .replace("15s", "1s")
            .replace("127.0.0.1:9090", &worker.to_string());
        let alerts = read("alerts.yml");
        let sooner = alerts.replace("{state=\"unknown\"} > 1800", "{state=\"unknown\"} > 5");
        assert_ne!(
            alerts, sooner,
            "PayoutUnknownAging has another threshold now"
        );
        fs::write(folder.join("prometheus.yml"), config).unwrap();
        fs::write(folder.join("alerts.yml"), sooner).unwrap();
        fs::write(folder.join("rules.yml"), read("rules.yml")).unwrap();
        let listen = free_port();
        let log = fs::File::create(folder.join("prometheus.out")).unwrap();
        let child = Command::new("prometheus")
            .arg(format!(
                "--config.file={}",
                folder.join("prometheus.yml").display()
            ))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("tsdb").display()
            ))
            .arg(format!("--web.listen-address={listen}"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Some(Self {
            child,
            url: format!("http://{listen}"),
            http,
        })
    }

    /// The result of a query: label sets and values. Empty while Prometheus starts.
    async fn query(&self, expression: &str) -> Vec<(Value, String)> {
        let query: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("query", expression)
            .finish();
        let Ok(answer) = self
            .http
            .get(format!("{}/api/v1/query?{query}", self.url))
            .send()
            .await
        else {
            return Vec::new();
        };
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default();
        assert_ne!(answer["status"], "error", "{expression}: {answer}");
        let results = answer["data"]["result"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        results
            .iter()
            .map(|one| {
                (
                    one["metric"].clone(),
                    one["value"][1].as_str().unwrap_or("NaN").to_owned(),
                )
            })
            .collect()
    }

    /// Waits until the query returns a value that satisfies `good`.
    async fn until(&self, expression: &str, good: impl Fn(&[(Value, String)]) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(90);
        loop {
            let found = self.query(expression).await;
            if good(&found) {
                return;
            }
            assert!(Instant::now() < deadline, "{expression}: {found:?}");
            sleep(Duration::from_millis(500)).await;
        }
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Every query of a dashboard, with the title of its panel, for one job and every merchant over five minutes.
fn panels(dashboard: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/grafana/dashboards")
        .join(dashboard);
    let page: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let mut found = Vec::new();
    for panel in page["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let expression = target["expr"].as_str().unwrap();
            let expression = expression
                .replace("$job", "payout")
                .replace("$merchant", ".*");
            let expression = expression
                .replace("$__rate_interval", "1m")
                .replace("$__range", "5m");
            found.push((panel["title"].as_str().unwrap().to_owned(), expression));
        }
    }
    found
}

/// Panels that rightly are empty while all is well, or before an hour has passed.
const MAY_BE_EMPTY: &[&str] = &[
    "Why claims are stopped",
    "Share paid within the last hour",
    "Ended within ten minutes",
    "Ended late",
    "Gross paid within the last hour",
    "Success rate",
    "Oldest that could go out",
    "How late queries are",
];

#[tokio::test(flavor = "multi_thread")]
async fn dashboards_show_the_ledgers_rupiah_and_an_aging_unknown_fires_and_falls_silent() {
    let site = Site::build().await;
    let Some(prometheus) = Prometheus::start(site.folder.path(), site.admin) else {
        println!(
            "SKIPPED: prometheus is not installed (Debian package prometheus; ./dev test installs it)"
        );
        return;
    };
    let _worker = site.worker("one.toml", "worker.log");
    site.enqueue(0..40).await;
    site.until_settled(40).await;

    let paid: i64 = sqlx::query_scalar("select sum(paid_out + fees)::bigint from payout.ledger")
        .fetch_one(&site.pool)
        .await
        .unwrap();
    let shown = r#"sum(payout:ledger_rupiah:max{account=~"paid_out|fees"})"#;
    prometheus
        .until(shown, |found| {
            found.len() == 1 && found[0].1 == paid.to_string()
        })
        .await;
    let principal: i64 =
        sqlx::query_scalar("select sum(amount)::bigint from payout.payouts where state = 'paid'")
            .fetch_one(&site.pool)
            .await
            .unwrap();
    prometheus
        .until(r#"sum(payout:steps_rupiah:total{step="paid"})"#, |found| {
            found.len() == 1 && found[0].1 == principal.to_string()
        })
        .await;

    for sum in ["gross", "fee", "net", "debit"] {
        let booked: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
            "select sum({sum})::bigint from payout.movements"
        )))
        .fetch_one(&site.pool)
        .await
        .unwrap();
        let shown = format!("sum(payout:sums_rupiah:max{{sum=\"{sum}\"}})");
        prometheus
            .until(&shown, |found| {
                found.len() == 1 && found[0].1 == booked.to_string()
            })
            .await;
    }

    let firing = r#"ALERTS{alertname="PayoutUnknownAging", alertstate="firing"}"#;
    assert!(prometheus.query(firing).await.is_empty());
    // Its submit is not answered and arrives late: for twenty-five seconds the gateway answers "not found".
    site.sandbox
        .script("R-40", Script::fault(Fault::LateBooking));
    site.enqueue(40..41).await;
    prometheus.until(firing, |found| !found.is_empty()).await;
    // Now that a payout is open, every panel has data.
    let mut waiting: Vec<_> = ["payouts-money.json", "payouts-on-call.json"]
        .into_iter()
        .flat_map(panels)
        .collect();
    let queried = waiting.len();
    let deadline = Instant::now() + Duration::from_secs(15);
    while !waiting.is_empty() && Instant::now() < deadline {
        let mut empty = Vec::new();
        for (title, expression) in waiting {
            if prometheus.query(&expression).await.is_empty() {
                empty.push((title, expression));
            }
        }
        waiting = empty;
        sleep(Duration::from_millis(500)).await;
    }
    waiting.retain(|(title, _)| !MAY_BE_EMPTY.contains(&title.as_str()));
    assert!(waiting.is_empty(), "panels without data: {waiting:#?}");
    println!("{queried} queries of two dashboards were answered");
    assert!(queried > 50);
    site.until_settled(41).await;
    prometheus.until(firing, <[_]>::is_empty).await;
    site.assert_zeros(41).await;
}
