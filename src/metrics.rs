//! What the worker tells Prometheus. `table` has every metric; nothing else makes one.
//!
//! The functions here never fail and never wait: before [`install`] they do nothing.

mod books;
mod family;
mod labels;
mod page;
mod process;
mod series;
mod table;

use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

pub use books::{books_checked, snapshot};
pub use family::{Family, Kind, Origin};
pub use labels::{Label, Values};
pub use page::page;
pub use table::FAMILIES;

/// Why metrics cannot be installed.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// Something else in this process installed a recorder first.
    #[error("another metrics recorder is installed already")]
    Taken,
    /// A histogram of the table has no usable buckets.
    #[error("the buckets of a histogram: {0}")]
    Buckets(String),
}

static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();

/// Renders what was counted.
#[derive(Clone, Debug)]
pub struct Exporter(PrometheusHandle);

impl Exporter {
    /// The text of `GET /metrics`. Asks nobody: a storm of scrapes costs no database anything.
    pub fn render(&self) -> String {
        process::read();
        self.0.run_upkeep();
        self.0.render()
    }
}

/// Installs the recorder of this process; called again, it returns the same exporter.
pub fn install() -> Result<Exporter, MetricsError> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = INSTALLED.get() {
        return Ok(Exporter(handle.clone()));
    }
    // Names stand whole in the table, so that they can be searched for: the exporter adds nothing to them.
    let mut builder = PrometheusBuilder::new().with_recommended_naming(false);
    for family in FAMILIES {
        if let Kind::Histogram(buckets) = family.kind {
            builder = builder
                .set_buckets_for_metric(Matcher::Full(family.name.to_owned()), buckets)
                .map_err(|error| MetricsError::Buckets(error.to_string()))?;
        }
    }
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|_| MetricsError::Taken)?;
    let handle = INSTALLED.get_or_init(|| handle);
    series::begin();
    table::BUILD_INFO.set(&[env!("CARGO_PKG_VERSION")], 1);
    Ok(Exporter(handle.clone()))
}

/// Makes every series of a merchant, at zero. Others do it by themselves; `run` calls it for the merchants that it
/// is configured for, so that their series are there before anything happens.
pub fn merchant(merchant: &str) {
    series::of_merchant(merchant);
}

/// A submit was answered, or was not: `acknowledged`, `declined`, `not_sent` or `doubt_…`.
pub fn submitted(merchant: &str, result: &str, took: Duration) {
    series::of_merchant(merchant);
    table::SUBMITS.add(&[merchant, result], 1);
    table::SUBMIT_DURATION.record(&[merchant], took);
}

/// A question was answered, or was not: `found`, `not_found` or `doubt_…`.
pub fn queried(merchant: &str, result: &str, took: Duration) {
    series::of_merchant(merchant);
    table::ASKS.add(&[merchant, result], 1);
    table::ASK_DURATION.record(&[merchant], took);
}

/// The gateway, or somebody who says so, called.
///
/// The merchant may come from the caller's URL, so one that nobody here knows is counted as `unknown`.
pub fn callback(merchant: &str, result: &str) {
    let merchant = series::known_merchant(merchant);
    table::CALLBACKS.add(&[merchant, result], 1);
    if result == "stored" {
        table::CALLBACK_LAST.set(&[merchant], now_seconds());
    }
}

/// A payout moved by an event of `domain::state`.
pub fn moved(merchant: &str, event: &str) {
    series::of_merchant(merchant);
    table::TRANSITIONS.add(&[merchant, event], 1);
}

/// One claim took so many payouts.
pub fn claimed(merchant: &str, payouts: u64) {
    series::of_merchant(merchant);
    table::CLAIMED.add(&[merchant], payouts);
}

/// One batch of evidence was written.
pub fn recorded(rows: usize, took: Duration) {
    table::RECORDED.add(&[], u64::try_from(rows).unwrap_or(u64::MAX));
    table::RECORD_DURATION.record(&[], took);
}

/// Submits whose answer is awaited now.
pub fn in_flight(submits: i64) {
    table::IN_FLIGHT.set(&[], submits);
}

/// Claims of a merchant are stopped for this reason, or run (`None`).
pub fn claims_stopped(merchant: &str, reason: Option<&str>) {
    series::of_merchant(merchant);
    series::stop_reason(merchant, reason);
}

/// A loop of this process came round.
pub fn loop_beat(name: &'static str, ago: Duration) {
    let ago = i64::try_from(ago.as_secs()).unwrap_or(i64::MAX);
    table::LOOP_BEAT.set(&[name], now_seconds().saturating_sub(ago));
}

fn now_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}

#[cfg(test)]
mod tests;
