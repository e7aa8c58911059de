//! What the worker tells Prometheus. Every metric is in `table`; nothing else creates one.
//!
//! The functions here never fail and never wait: before [`install`] they do nothing.

mod books;
mod by_bank;
mod family;
mod labels;
mod page;
mod series;
mod table;

use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use payout_domain::stop::StopReason;

pub use books::{books_checked, snapshot};
pub use family::{Family, Kind, Origin};
pub use labels::{Label, Values};
pub use page::page;
pub use table::FAMILIES;

/// Why metrics cannot be installed.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// Something else in this process installed a recorder first.
    #[error("another metrics recorder is already installed")]
    Taken,
    /// A histogram of the table has no usable buckets.
    #[error("a histogram has unusable buckets: {0}")]
    Buckets(String),
}

static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();

/// Renders the metrics.
#[derive(Clone, Debug)]
pub struct Exporter(PrometheusHandle);

impl Exporter {
    /// The text of `GET /metrics`. Reads no database, so that a storm of scrapes costs none.
    pub fn render(&self) -> String {
        metrics_process::Collector::default().collect();
        self.0.run_upkeep();
        self.0.render()
    }
}

/// Sets how many log lines nobody will read.
pub fn log_lines_dropped(lines: u64) {
    table::LOG_DROPPED.absolute(&[], i64::try_from(lines).unwrap_or(i64::MAX));
}

/// Installs this process's recorder; another call returns the same exporter.
pub fn install() -> Result<Exporter, MetricsError> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = INSTALLED.get() {
        return Ok(Exporter(handle.clone()));
    }
    // The table has whole names, so that they can be searched for: the exporter must add nothing to them.
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

/// Creates every series of a merchant, at zero. `run` calls it for each configured merchant, so that the series exist
/// before anything happens; for any other merchant the first event creates them.
pub fn merchant(merchant: &str) {
    series::of_merchant(merchant);
}

/// A submit ended: `acknowledged`, `declined`, `not_sent` or `doubt_…`.
pub fn submitted(merchant: &str, result: &str, took: Duration) {
    series::of_merchant(merchant);
    table::SUBMITS.add(&[merchant, result], 1);
    table::SUBMIT_DURATION.record(&[merchant], took);
}

/// A query ended: `found`, `not_found` or `doubt_…`.
pub fn queried(merchant: &str, result: &str, took: Duration) {
    series::of_merchant(merchant);
    table::QUERIES.add(&[merchant, result], 1);
    table::QUERY_DURATION.record(&[merchant], took);
}

/// A callback arrived, from the gateway or from somebody who pretends to be it.
///
/// The merchant may come from the caller's URL, so an unknown one is counted as `unknown`.
pub fn callback(merchant: &str, result: &str) {
    let merchant = series::known_merchant(merchant);
    table::CALLBACKS.add(&[merchant, result], 1);
    if result == "stored" {
        table::CALLBACK_LAST.set(&[merchant], now_seconds());
    }
}

/// Approvers were told of a request, or could not be.
pub fn approvers_told(is_told: bool) {
    let result = if is_told { "told" } else { "failed" };
    table::APPROVAL_NOTICES.add(&[result], 1);
}

/// A payout changed its state by an event of `domain::state`.
pub fn moved(merchant: &str, event: &str) {
    series::of_merchant(merchant);
    table::TRANSITIONS.add(&[merchant, event], 1);
}

/// One claim took this many payouts.
pub fn claimed(merchant: &str, payouts: u64) {
    series::of_merchant(merchant);
    table::CLAIMED.add(&[merchant], payouts);
}

/// One batch of evidence was written.
pub fn recorded(rows: usize, took: Duration) {
    table::RECORDED.add(&[], u64::try_from(rows).unwrap_or(u64::MAX));
    table::RECORD_DURATION.record(&[], took);
}

/// The database refused a row of this kind.
pub fn refused(merchant: &str, row: &str) {
    series::of_merchant(merchant);
    table::REFUSED.add(&[merchant, row], 1);
}

/// Evidence of a merchant that is not stored yet, and when the oldest of it was received, in seconds since 1970.
pub fn evidence_waiting(merchant: &str, pieces: usize, oldest: Option<i64>) {
    series::of_merchant(merchant);
    table::EVIDENCE_WAITING.set(&[merchant], i64::try_from(pieces).unwrap_or(i64::MAX));
    table::EVIDENCE_OLDEST.set(&[merchant], oldest.unwrap_or(0));
}

/// Submits that await an answer now.
pub fn in_flight(submits: i64) {
    table::IN_FLIGHT.set(&[], submits);
}

/// Claims of a merchant are stopped for this reason, or are running (`None`).
pub fn claims_stopped(merchant: &str, reason: Option<StopReason>) {
    series::of_merchant(merchant);
    series::stop_reason(merchant, reason);
}

/// A loop of this process completed a round.
pub fn loop_beat(name: &'static str, ago: Duration) {
    let ago = i64::try_from(ago.as_secs()).unwrap_or(i64::MAX);
    table::LOOP_BEAT.set(&[name], now_seconds().saturating_sub(ago));
}

/// Seconds since 1970, by this machine's clock.
pub fn now_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0))
}

#[cfg(test)]
mod tests;
